"""The registers of places and reasons: areas, storage locations, work centers, work units, reasons."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from mes.screens.desk.acts import Field
from mes.screens.settings.frame import YES_NO, Cell, choices, in_use
from mes.screens.settings.registers import Register
from workorders.actions import plant
from workorders.models import Area, Reason, ShiftCalendar, Site, StorageLocation, WorkCenter, WorkUnit

COUNT_SOURCES = (
    (WorkCenter.OPERATOR, _("The operator")),
    (WorkCenter.MACHINE, _("The machine")),
    (WorkCenter.MACHINE_PROPOSES, _("The machine proposes, the operator confirms")),
)
REASON_KINDS = (
    ("SCRAP", _("Scrap")),
    ("HOLD", _("Hold")),
    ("DOWNTIME", _("Downtime")),
    ("SKIP", _("Skip")),
    ("OVERRIDE", _("Override")),
    ("INDIRECT", _("Indirect time")),
    ("ADJUST", _("Adjustment of stock")),
)
_CODE_HINT = _("Short and unique; it is printed and scanned.")
_PLACE_HINT = _("Smaller numbers stand first.")


def _found(rows: "QuerySet[Any]", search: str, *fields: str) -> "QuerySet[Any]":
    where = Q()
    for name in fields:
        where |= Q(**{f"{name}__icontains": search})
    return rows.filter(where) if search else rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _active(what: Any) -> Field:
    hint = _("Closed ones stay in the records and are offered no more.")
    return Field("active", _("In use"), "choice", choices=YES_NO, value="yes", hint=hint if what else "", required=True)


AREAS = Register(
    path="/settings/areas/",
    title=_("Areas"),
    lede=_("Parts of the plant, in the order in which people walk through it. The floor page follows it."),
    add=_("Add an area"),
    saved=_("The area is saved."),
    empty=_("Areas group the work centers on the floor page. A small plant needs none."),
    icon="layers",
    right="save_area",
    columns=(_("Code"), _("Name"), _("Place")),
    number_columns=frozenset({2}),
    rows=lambda site, search: _found(Area.objects.filter(site=site), search, "code", "name").order_by(
        "sequence", "code"
    ),
    cells=lambda row: [Cell(row.code, "id"), Cell(row.name), Cell(str(row.sequence), "number")],
    fields=lambda _site, _row: (
        Field("code", _("Code"), required=True, hint=_CODE_HINT),
        Field("name", _("Name")),
        Field("sequence", _("Place"), "number", hint=_PLACE_HINT),
    ),
    values=lambda row: {"code": row.code, "name": row.name, "sequence": str(row.sequence)},
    keep=plant.save_area,
)

LOCATIONS = Register(
    path="/settings/locations/",
    title=_("Storage locations"),
    lede=_("Where material lies. What names no location goes to the default one."),
    add=_("Add a storage location"),
    saved=_("The storage location is saved."),
    empty=_("A location is also made by the first receipt that names it."),
    icon="warehouse",
    right="save_location",
    columns=(_("Code"), _("Name"), _("Default"), _("State")),
    rows=lambda site, search: _found(StorageLocation.objects.filter(site=site), search, "code", "name").order_by(
        "code"
    ),
    cells=lambda row: [
        Cell(row.code, "id"),
        Cell(row.name),
        Cell(_("default"), "chip", "info") if row.is_default else Cell(""),
        in_use(row.is_active),
    ],
    fields=lambda _site, row: (
        Field("code", _("Code"), required=True, hint=_CODE_HINT),
        Field("name", _("Name")),
        Field("default", _("The default one"), "choice", choices=YES_NO, value="no", required=True),
        _active(row),
    ),
    values=lambda row: {
        "code": row.code,
        "name": row.name,
        "default": _yes(row.is_default),
        "active": _yes(row.is_active),
    },
    keep=plant.save_location,
)


def _center_fields(site: Site, row: WorkCenter | None) -> tuple[Field, ...]:
    areas = choices(Area.objects.filter(site=site).order_by("sequence", "code").values_list("code", "name"))
    calendars = choices((code, "") for code in ShiftCalendar.objects.filter(site=site).values_list("code", flat=True))
    places = StorageLocation.objects.filter(site=site, is_active=True).order_by("code").values_list("code", "name")
    default = _("Left open, the plant's first one counts.")
    return (
        Field("code", _("Code"), required=True, hint=_CODE_HINT),
        Field("name", _("Name")),
        Field("area", _("Area"), "choice", choices=areas),
        Field("calendar", _("Calendar"), "choice", choices=calendars, hint=default),
        Field("location", _("Location"), "choice", choices=choices(places), hint=_("Where its output is put.")),
        Field(
            "count_source", _("Who counts"), "choice", choices=COUNT_SOURCES, value=WorkCenter.OPERATOR, required=True
        ),
        Field("sequence", _("Place"), "number", hint=_PLACE_HINT),
        _active(row),
    )


WORK_CENTERS = Register(
    path="/settings/work-centers/",
    title=_("Work centers"),
    lede=_("Machines, lines and benches that orders are dispatched to."),
    add=_("Add a work center"),
    saved=_("The work center is saved."),
    empty=_("A work center is a machine, a line or a bench. Routings name it, terminals stand at it."),
    icon="factory",
    right="save_work_center",
    columns=(_("Code"), _("Name"), _("Area"), _("Calendar"), _("Location"), _("Who counts"), _("State")),
    rows=lambda site, search: (
        _found(WorkCenter.objects.filter(site=site), search, "code", "name")
        .select_related("area", "calendar", "location")
        .order_by("area__sequence", "sequence", "code")
    ),
    cells=lambda row: [
        Cell(row.code, "id"),
        Cell(row.name),
        Cell(row.area.name if row.area else "–"),
        Cell(row.calendar.code if row.calendar else "–"),
        Cell(row.location.code if row.location else "–"),
        Cell(dict(COUNT_SOURCES)[row.count_source]),
        in_use(row.is_active),
    ],
    fields=_center_fields,
    values=lambda row: {
        "code": row.code,
        "name": row.name,
        "area": row.area.code if row.area else "",
        "calendar": row.calendar.code if row.calendar else "",
        "location": row.location.code if row.location else "",
        "count_source": row.count_source,
        "sequence": str(row.sequence),
        "active": _yes(row.is_active),
    },
    keep=plant.save_work_center,
)


def _unit_fields(site: Site, row: WorkUnit | None) -> tuple[Field, ...]:
    centers = WorkCenter.objects.filter(site=site, is_active=True).order_by("code").values_list("code", "name")
    first = (Field("work_center", _("Work center"), "choice", choices=choices(centers), required=True),)
    return (
        *(first if row is None else ()),
        Field("code", _("Code"), required=True, hint=_CODE_HINT),
        Field("name", _("Name")),
        _active(row),
    )


WORK_UNITS = Register(
    path="/settings/work-units/",
    title=_("Work units"),
    lede=_("Equal places within a work center, where the plant tells them apart."),
    add=_("Add a work unit"),
    saved=_("The work unit is saved."),
    empty=_("Work units are needed only where one work center has several equal places, such as three welding booths."),
    icon="cog",
    right="save_work_unit",
    columns=(_("Work center"), _("Code"), _("Name"), _("State")),
    rows=lambda site, search: (
        _found(WorkUnit.objects.filter(work_center__site=site), search, "code", "name", "work_center__code")
        .select_related("work_center")
        .order_by("work_center__code", "code")
    ),
    cells=lambda row: [
        Cell(row.work_center.code, "id"),
        Cell(row.code, "id"),
        Cell(row.name),
        in_use(row.is_active),
    ],
    fields=_unit_fields,
    values=lambda row: {"code": row.code, "name": row.name, "active": _yes(row.is_active)},
    keep=plant.save_work_unit,
)


def _reason_fields(_site: Site, row: Reason | None) -> tuple[Field, ...]:
    first = (
        Field("kind", _("Kind"), "choice", choices=REASON_KINDS, required=True),
        Field("code", _("Code"), required=True, hint=_CODE_HINT),
    )
    return (
        *(first if row is None else ()),
        Field("text", _("Text"), required=True, hint=_("What people choose from.")),
        Field("sequence", _("Place"), "number", hint=_PLACE_HINT),
        _active(row),
    )


REASONS = Register(
    path="/settings/reasons/",
    title=_("Reasons"),
    lede=_("Why something was scrapped, held, stopped or skipped. A reason is closed, never deleted: records name it."),
    add=_("Add a reason"),
    saved=_("The reason is saved."),
    empty=_("Scrap cannot be reported without a reason to choose."),
    icon="list",
    right="save_reason",
    columns=(_("Kind"), _("Text"), _("Code"), _("Place"), _("State")),
    number_columns=frozenset({3}),
    rows=lambda site, search: _found(Reason.objects.filter(site=site), search, "code", "text").order_by(
        "kind", "sequence", "code"
    ),
    cells=lambda row: [
        Cell(dict(REASON_KINDS)[row.kind]),
        Cell(row.text),
        Cell(row.code, "id"),
        Cell(str(row.sequence), "number"),
        in_use(row.is_active),
    ],
    fields=_reason_fields,
    values=lambda row: {"text": row.text, "sequence": str(row.sequence), "active": _yes(row.is_active)},
    keep=plant.save_reason,
)
