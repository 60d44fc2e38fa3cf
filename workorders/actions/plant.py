"""The places of a plant and its reasons, one by one: areas, storage locations, work centers, work units, reasons.

Lists of work centers come in by `masterdata`; calendars are in `calendars`.
"""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders import states
from workorders.actions.imports import Row, choice_of, flag_of, text_of, whole_of
from workorders.actions.recording import code_of, keep, name_of, own, require_free
from workorders.models import (
    Area,
    Operation,
    OperationRun,
    Reason,
    ShiftCalendar,
    StorageLocation,
    WorkCenter,
    WorkUnit,
)

_FINISHED = (states.COMPLETED, states.SKIPPED, states.CANCELLED)


@command
def save_area(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> Area:
    """A new area, or other values for area PK. Raises `invalid`, `code_taken`, `not_found`."""
    area = own(Area, actor, pk, _("Area")) if pk else Area(site_id=actor.site_id)
    code = code_of(row, limit=20)
    require_free(Area.objects.filter(site_id=actor.site_id, code=code).exclude(pk=pk or 0).exists(), _("Area"), code)
    values = {"code": code, "name": text_of(row, "name", code, limit=80), "sequence": _place(row)}
    keep(area, "area", values, label=code, site_id=actor.site_id)
    return area


@command
def save_location(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> StorageLocation:
    """A storage location. The one marked as default takes that mark from the one that had it.

    Raises `invalid`, `code_taken`, `not_found`; `still_in_use` when one with stock, or the default one, is to be
    closed.
    """
    place = own(StorageLocation, actor, pk, _("Storage location")) if pk else StorageLocation(site_id=actor.site_id)
    code = code_of(row, limit=30)
    known = StorageLocation.objects.filter(site_id=actor.site_id)
    require_free(known.filter(code=code).exclude(pk=pk or 0).exists(), _("Storage location"), code)
    is_active = flag_of(row, "active", place.is_active)
    is_default = flag_of(row, "default", place.is_default)
    if not is_active and is_default:
        raise _in_use(_("Storage location"), code, _("it is the default one"))
    if not is_active and place.is_active and place.pk and place.balances.filter(quantity__gt=0).exists():
        raise _in_use(_("Storage location"), code, _("material lies there"))
    if is_default and not place.is_default:
        for before in known.filter(is_default=True).exclude(pk=pk or 0):
            keep(before, "location", {"is_default": False}, label=before.code, site_id=actor.site_id)
    values = {
        "code": code,
        "name": text_of(row, "name", limit=80),
        "is_default": is_default,
        "is_active": is_active,
    }
    keep(place, "location", values, label=code, site_id=actor.site_id)
    return place


@command
def save_work_center(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> WorkCenter:
    """A work center with its area, calendar, location and who counts there.

    Raises `invalid`, `code_taken`, `not_found`; `still_in_use` when one with open operations is to be closed, or when
    who counts is to change while somebody works there.
    """
    center = own(WorkCenter, actor, pk, _("Work center"), "work_center") if pk else WorkCenter(site_id=actor.site_id)
    code = code_of(row, limit=64)
    known = WorkCenter.objects.filter(site_id=actor.site_id, code=code)
    require_free(known.exclude(pk=pk or 0).exists(), _("Work center"), code)
    is_active = flag_of(row, "active", center.is_active)
    counts = choice_of(row, "count_source", WorkCenter.COUNT_SOURCES, center.count_source)
    if center.pk and center.is_active and not is_active:
        still = Operation.objects.filter(work_center=center).exclude(state__in=_FINISHED).count()
        if still:
            raise _in_use(_("Work center"), code, _("{count} operations are still open there").format(count=still))
    if center.pk and counts != center.count_source:
        runs = OperationRun.objects.filter(operation__work_center=center, ended_at__isnull=True)
        if runs.exists():
            raise _in_use(_("Work center"), code, _("somebody is working there, and the counting would change"))
    values = {
        "code": code,
        "name": text_of(row, "name", code, limit=80),
        "area": _one_of(Area, actor, row, "area"),
        "calendar": _one_of(ShiftCalendar, actor, row, "calendar"),
        "location": _one_of(StorageLocation, actor, row, "location"),
        "count_source": counts,
        "sequence": _place(row),
        "is_active": is_active,
    }
    keep(center, "work_center", values, label=code, site_id=actor.site_id)
    return center


@command
def save_work_unit(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> WorkUnit:
    """One of several equal places of a work center; it stays with that work center.

    Raises `invalid`, `code_taken`, `not_found`; `still_in_use` when one at which somebody works is to be closed.
    """
    unit = own(WorkUnit, actor, pk, _("Work unit"), path="work_center__site_id") if pk else WorkUnit()
    code = code_of(row, limit=30)
    center = unit.work_center if pk else _one_of(WorkCenter, actor, row, "work_center")
    if center is None:
        raise Refused("invalid", field="work_center", why=_("choose one of the work centers"))
    known = WorkUnit.objects.filter(work_center=center, code=code)
    require_free(known.exclude(pk=pk or 0).exists(), _("Work unit"), code)
    is_active = flag_of(row, "active", unit.is_active)
    closes = unit.pk is not None and unit.is_active and not is_active
    if closes and OperationRun.objects.filter(work_unit=unit, ended_at__isnull=True).exists():
        raise _in_use(_("Work unit"), code, _("somebody is working there"))
    values = {
        "work_center": center,
        "code": code,
        "name": text_of(row, "name", limit=80),
        "is_active": is_active,
    }
    keep(unit, "work_unit", values, label=f"{center.code} {code}", site_id=actor.site_id)
    return unit


@command
def save_reason(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> Reason:
    """A reason of the plant's list. Kind and code stay as they are: facts speak of them.

    A reason is retired, never deleted. Raises `invalid`, `code_taken`, `not_found`.
    """
    reason = own(Reason, actor, pk, _("Reason")) if pk else Reason(site_id=actor.site_id)
    kind = reason.kind if pk else choice_of(row, "kind", Reason.KINDS, "")
    code = reason.code if pk else code_of(row, limit=30)
    known = Reason.objects.filter(site_id=actor.site_id, kind=kind, code=code)
    require_free(known.exclude(pk=pk or 0).exists(), _("Reason"), code)
    values = {
        "kind": kind,
        "code": code,
        "text": _name(row, 120, "text"),
        "sequence": _place(row),
        "is_active": flag_of(row, "active", reason.is_active),
    }
    keep(reason, "reason", values, label=f"{kind} {code}", site_id=actor.site_id)
    return reason


def _name(row: Row, limit: int, field: str = "name") -> str:
    text = text_of(row, field, limit=limit)
    if not text:
        raise Refused("invalid", field=field, why=_("1 to {limit} characters are needed").format(limit=limit))
    return text


def _place(row: Row) -> int:
    return whole_of({"sequence": row.get("sequence") or 0}, "sequence", 0)


def _one_of(model: Any, actor: Actor, row: Row, field: str) -> Any:
    """The row of the actor's site that FIELD names by its code; nothing where it is empty."""
    code = name_of(row, field)
    if not code:
        return None
    found = model.objects.filter(site_id=actor.site_id, code=code).first()
    if found is None:
        raise Refused("invalid", field=field, why=_("{code} is not known").format(code=code[:64]))
    return found


def _in_use(what: str, code: str, where: str) -> Refused:
    return Refused("still_in_use", what=what, code=code, where=where)
