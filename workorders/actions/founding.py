"""The founding of a plant in an empty installation: its site, its first administrator, and what it starts with."""

from uuid import UUID
from zoneinfo import available_timezones

from django.db import connection
from django.utils.translation import gettext as _

from mes.accounts.actions.first_admin import use_code
from mes.accounts.actions.people import add_person, set_password
from mes.accounts.models import User
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders.actions.imports import Row, text_of
from workorders.actions.recording import code_of, keep, require_free
from workorders.models import Reason, Site, StorageLocation, UnitOfMeasure


def next_site_id() -> int:
    """The id the plant will have: the command that founds it is charged to it already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('workorders_site', 'id'))")
        return int(cursor.fetchone()[0])


@command
def found_plant(*, actor: Actor, code_digest: str, site: Row, admin: Row, command_id: UUID) -> User:
    """The plant (`code`, `name`, `time_zone`), its first administrator (`name`, `username`, `language`, `pin_hash`,
    `password_hash`), a default storage location, the unit of pieces, and a short list of reasons.

    For whoever holds the code that the run printed; every code is void afterwards. Raises `first_code_wrong`,
    `first_run_over`, `invalid`, `code_taken`.
    """
    use_code(code_digest)
    code, zone = code_of(site, limit=20), str(site.get("time_zone") or "")
    require_free(Site.objects.filter(code=code).exists(), _("Plant"), code)
    if zone not in available_timezones():
        raise Refused("invalid", field=_("Time zone"), why=_("choose one of the list, such as Europe/Berlin"))
    plant = Site(id=actor.site_id)
    values: Row = {"code": code, "name": text_of(site, "name", code, limit=80), "time_zone": zone}
    keep(plant, "site", values, label=code, site_id=plant.pk)
    _start_with(plant)
    person = add_person(
        actor=actor,
        command_id=command_id,
        name=str(admin.get("name") or ""),
        username=str(admin.get("username") or ""),
        role="admin",
        language=str(admin.get("language") or "en"),
        pin_hash=str(admin["pin_hash"]),
    )
    set_password(actor=actor, person_id=person.pk, password_hash=str(admin["password_hash"]), command_id=command_id)
    return person


def _start_with(site: Site) -> None:
    """What every plant needs on its first day; all of it can be changed in the settings."""
    store = StorageLocation(site=site)
    values: Row = {"code": "STORE", "name": _("Store"), "is_default": True}
    keep(store, "location", values, label="STORE", site_id=site.pk)
    if not UnitOfMeasure.objects.filter(code="pc").exists():
        keep(UnitOfMeasure(), "unit_of_measure", {"code": "pc", "name": _("pieces"), "decimals": 0}, site_id=site.pk)
    for place, (kind, code, text) in enumerate(_reasons(), 1):
        reason = Reason(site=site)
        values = {"kind": kind, "code": code, "text": text, "sequence": place}
        keep(reason, "reason", values, label=f"{kind} {code}", site_id=site.pk)


def _reasons() -> list[tuple[str, str, str]]:
    return [
        ("SCRAP", "DAMAGED", _("Damaged")),
        ("SCRAP", "SIZE", _("Out of size")),
        ("SCRAP", "SETUP", _("Piece made while setting up")),
        ("HOLD", "CHECK", _("To be checked")),
        ("DOWNTIME", "BREAK", _("Break")),
        ("DOWNTIME", "FAULT", _("Fault of the machine")),
        ("DOWNTIME", "MATERIAL", _("Material is missing")),
        ("SKIP", "NOT_NEEDED", _("Not needed")),
        ("OVERRIDE", "DECIDED", _("Decided by the supervisor")),
        ("INDIRECT", "CLEANING", _("Cleaning")),
        ("ADJUST", "COUNT", _("Counted")),
    ]
