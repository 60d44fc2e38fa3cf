"""Master data in: items, units, work centers, BOMs, routings. One list is one command with a result per row."""

from functools import partial
from typing import Any, cast
from uuid import UUID

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders import events, states
from workorders.actions.imports import (
    CREATED,
    UNCHANGED,
    UPDATED,
    Result,
    Results,
    Row,
    choice_of,
    each_row,
    flag_of,
    list_of,
    minutes_of,
    no_others,
    number_of,
    percent_of,
    positive_of,
    text_of,
    whole_of,
)
from workorders.actions.recording import keep, own, require_free
from workorders.models import (
    BillOfMaterials,
    BomLine,
    Item,
    Routing,
    RoutingStep,
    Site,
    UnitOfMeasure,
    WorkCenter,
    WorkOrder,
    WorkUnit,
)

#: Units counted in whole pieces when a sender names them for the first time.
PIECES = {"pc", "pcs", "u", "ea", "each", "stk", "st"}


def unit_of(code: Any, field: str = "unit") -> UnitOfMeasure:
    """The unit CODE; a new one is made on first use, whole pieces for the usual names of pieces."""
    if not isinstance(code, str) or not 1 <= len(code.strip()) <= 20 or not code.isprintable():
        raise Refused("invalid", field=field, why=_("a unit of 1 to 20 characters is needed"))
    code = code.strip()
    unit, _created = UnitOfMeasure.objects.get_or_create(
        code=code, defaults={"name": code, "decimals": 0 if code.lower() in PIECES else 6}
    )
    return unit


def item_of(site_id: int, code: Any, field: str = "item") -> Item:
    """The item CODE of the site. Raises `invalid` when it is not known."""
    item = (
        Item.objects.select_related("unit").filter(site_id=site_id, code=code).first()
        if isinstance(code, str)
        else None
    )
    if item is None:
        raise Refused("invalid", field=field, why=_("item {code} is not known").format(code=str(code)[:64]))
    return item


@command
def import_items(*, actor: Actor, rows: list[Row], command_id: UUID) -> Results:
    """Create or update items by code. An item's unit cannot change once it has lots or orders."""
    site = Site.objects.get(pk=actor.site_id)
    return each_row(rows, partial(_put_item, site))


@command
def save_item(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> Item:
    """A new item, or other values for item PK, whose code stays. Raises `invalid`, `code_taken`, `not_found`."""
    site = Site.objects.get(pk=actor.site_id)
    known = own(Item, actor, pk, _("Item"), "item") if pk else None
    code = known.code if known else number_of(row, "code")
    if known is None:
        require_free(Item.objects.filter(site=site, code=code).exists(), _("Item"), code)
    _put_item(site, {**row, "code": code})
    return Item.objects.get(site=site, code=code)


def _put_item(site: Site, row: Row) -> Result:
    """Create or update one item by its code."""
    no_others(row, "code", "name", "unit", "tracking", "over_percent", "phantom", "active")
    code = number_of(row, "code")
    item = Item.objects.filter(site=site, code=code).first() or Item(site=site, code=code)
    unit = unit_of(row.get("unit") or (item.unit.code if item.pk else None))
    if item.pk and unit.pk != item.unit_id and (item.orders.exists() or item.movements.exists()):
        raise Refused("invalid", field="unit", why=_("the unit cannot change while the item is in use"))
    tracking = choice_of(row, "tracking", Item.TRACKING, item.tracking if item.pk else Item.NONE)
    if item.pk and tracking != item.tracking and item.movements.exists():
        raise Refused("invalid", field="tracking", why=_("the tracking cannot change while the item is in use"))
    over = percent_of(row, "over_percent")
    outcome = keep(
        item,
        "item",
        {
            "name": text_of(row, "name", item.name or code),
            "unit": unit,
            "tracking": tracking,
            "over_percent": item.over_percent if over is None else over,
            "is_phantom": flag_of(row, "phantom", item.is_phantom),
            "is_active": flag_of(row, "active", item.is_active),
        },
        label=code,
        site_id=site.pk,
    )
    return Result(0, outcome, extra={"code": code})


@command
def import_work_centers(*, actor: Actor, rows: list[Row], command_id: UUID) -> Results:
    """Create or update work centers by code."""
    site = Site.objects.get(pk=actor.site_id)

    def apply(row: Row) -> Result:
        no_others(row, "code", "name", "count_source", "active")
        code = number_of(row, "code")
        center = WorkCenter.objects.filter(site=site, code=code).first() or WorkCenter(site=site, code=code)
        outcome = keep(
            center,
            "work_center",
            {
                "name": text_of(row, "name", center.name or code, limit=80),
                "count_source": choice_of(row, "count_source", WorkCenter.COUNT_SOURCES, center.count_source),
                "is_active": flag_of(row, "active", center.is_active),
            },
            label=code,
            site_id=site.pk,
        )
        return Result(0, outcome, extra={"code": code})

    return each_row(rows, apply)


def work_unit_for(center: WorkCenter, code: str) -> WorkUnit:
    """The work unit CODE of CENTER, made where it is not there yet. Runs inside the caller's command."""
    found, _created = WorkUnit.objects.get_or_create(
        work_center=center, code=number_of({"work_unit": code}, "work_unit")[:30], defaults={"name": center.name}
    )
    return found


@command
def import_boms(
    *, actor: Actor, rows: list[Row], only_new: bool = False, replace_used: bool = False, command_id: UUID
) -> Results:
    """Create or replace BOM versions. The version sent last is the active one.

    A version that a released order was made by never changes (`version_used`), save for an ERP that knows no versions
    (REPLACE_USED); with ONLY_NEW none that is known does (`code_taken`). Released orders keep their copy in any case.
    """

    def apply(row: Row) -> Result:
        no_others(row, "item", "version", "lines", "active")
        item = item_of(actor.site_id, row.get("item"))
        version = text_of(row, "version", "1", limit=30)
        lines = []
        for line in list_of(row, "lines"):
            no_others(line, "item", "quantity_per", "unit", "operation")
            component = item_of(actor.site_id, line.get("item"), "lines.item")
            if component.pk == item.pk:
                raise Refused("invalid", field="lines.item", why=_("an item cannot be a component of itself"))
            operation = None if line.get("operation") is None else whole_of(line, "operation")
            unit = unit_of(line.get("unit") or component.unit.code)
            lines.append((component.pk, positive_of(line, "quantity_per"), unit.pk, operation))
        if len({(pk, operation) for pk, _q, _u, operation in lines}) != len(lines):
            raise Refused("invalid", field="lines", why=_("a component stands twice at the same operation"))
        bom = BillOfMaterials.objects.filter(item=item, version=version).first()
        known = None if bom is None else set(bom.lines.values_list("item_id", "quantity_per", "unit_id", "operation"))
        outcome = CREATED if bom is None else UNCHANGED if known == set(lines) else UPDATED
        if bom is not None:
            _require_replaceable(item, version, "bom_version", outcome, only_new, replace_used)
        if outcome != UNCHANGED:
            told = events.MASTERDATA_ADDED if bom is None else events.MASTERDATA_CHANGED
            bom = bom or BillOfMaterials(item=item, version=version, site_id=actor.site_id)
            bom.is_active = True
            bom.save()
            BillOfMaterials.objects.filter(item=item).exclude(pk=bom.pk).update(is_active=False)
            bom.lines.all().delete()
            BomLine.objects.bulk_create(
                BomLine(bom=bom, item_id=pk, quantity_per=per, unit_id=unit, operation=operation)
                for pk, per, unit, operation in lines
            )
            _tell_version(told, "bom", bom, lines=len(lines))
        return Result(0, outcome, extra={"item": item.code, "version": version})

    return each_row(rows, apply)


def _require_replaceable(
    item: Item, version: str, field: str, outcome: str, only_new: bool, replace_used: bool
) -> None:
    """Whether a known VERSION may get other lines. Raises `code_taken`, `version_used`."""
    if only_new:
        raise Refused("code_taken", what=_("The version"), code=version)
    if outcome == UPDATED and not replace_used:
        orders = WorkOrder.objects.filter(item=item, **{field: version})
        if orders.exclude(state__in=(states.RECEIVED, states.PLANNED)).exists():
            raise Refused("version_used", version=version, item=item.code)


def _tell_version(name: str, kind: str, row: "BillOfMaterials | Routing", **payload: int) -> None:
    code = f"{row.item.code} {row.version}"
    events.masterdata_event(name, kind, row.pk, code, row.site_id, values={"version": row.version, **payload})


@command
def activate_version(*, actor: Actor, kind: str, pk: int, command_id: UUID) -> "BillOfMaterials | Routing":
    """Make a known version of a BOM or routing (KIND `bom`, `routing`) the one that orders are planned by.

    Released orders keep their copy. Raises `not_found`, `invalid`.
    """
    models: dict[str, Any] = {"bom": BillOfMaterials, "routing": Routing}
    if kind not in models:
        raise Refused("invalid", field="kind", why=_("choose one of {choices}").format(choices="bom, routing"))
    row = own(models[kind], actor, pk, _("The version"))
    if not row.is_active:
        models[kind].objects.filter(item=row.item).exclude(pk=row.pk).update(is_active=False)
        keep(row, kind, {"is_active": True}, label=f"{row.item.code} {row.version}", site_id=actor.site_id)
    return cast("BillOfMaterials | Routing", row)


def step_of(row: Row) -> Row:
    """One operation of a routing or of an inline order, checked and normalised."""
    no_others(row, "sequence", "name", "work_center", "setup_minutes", "run_minutes_per_unit", "instruction", "overlap")
    sequence = whole_of(row, "sequence")
    return {
        "sequence": sequence,
        "name": text_of(row, "name", _("Operation {number}").format(number=sequence), limit=80),
        "work_center": number_of(row, "work_center"),
        "setup_minutes": minutes_of(row, "setup_minutes"),
        "run_minutes_per_unit": minutes_of(row, "run_minutes_per_unit"),
        "instruction": text_of(row, "instruction", limit=4000, lines=True),
        "overlap": flag_of(row, "overlap", False),
    }


def steps_of(row: Row) -> list[Row]:
    """The operations of a routing or an inline order, in sequence. Raises `invalid` for a repeated sequence or none."""
    steps = sorted((step_of(entry) for entry in list_of(row, "operations")), key=lambda step: int(step["sequence"]))
    if not steps:
        raise Refused("invalid", field="operations", why=_("at least one operation is needed"))
    if len({step["sequence"] for step in steps}) != len(steps):
        raise Refused("invalid", field="operations", why=_("a sequence stands twice"))
    return steps


@command
def import_routings(
    *, actor: Actor, rows: list[Row], only_new: bool = False, replace_used: bool = False, command_id: UUID
) -> Results:
    """Create or replace routing versions. The version sent last is the active one; released orders keep their copy.

    A version that was used never changes, as in `import_boms`.
    """
    centers = {center.code: center for center in WorkCenter.objects.filter(site_id=actor.site_id)}

    def apply(row: Row) -> Result:
        no_others(row, "item", "version", "operations")
        item = item_of(actor.site_id, row.get("item"))
        version = text_of(row, "version", "1", limit=30)
        steps = steps_of(row)
        for step in steps:
            if step["work_center"] not in centers:
                why = _("work center {code} is not known").format(code=step["work_center"])
                raise Refused("invalid", field="operations.work_center", why=why)
        routing = Routing.objects.filter(item=item, version=version).first()
        fields = ("sequence", "name", "setup_minutes", "run_minutes_per_unit", "instruction", "overlap")
        wanted = [(*(step[name] for name in fields), centers[step["work_center"]].pk) for step in steps]
        known = None if routing is None else list(routing.steps.values_list(*fields, "work_center_id"))
        outcome = CREATED if routing is None else UNCHANGED if known == wanted else UPDATED
        if routing is not None:
            _require_replaceable(item, version, "routing_version", outcome, only_new, replace_used)
        if outcome != UNCHANGED:
            told = events.MASTERDATA_ADDED if routing is None else events.MASTERDATA_CHANGED
            routing = routing or Routing(item=item, version=version, site_id=actor.site_id)
            routing.is_active = True
            routing.save()
            Routing.objects.filter(item=item).exclude(pk=routing.pk).update(is_active=False)
            routing.steps.all().delete()
            RoutingStep.objects.bulk_create(
                RoutingStep(routing=routing, work_center_id=values[-1], **dict(zip(fields, values, strict=False)))
                for values in wanted
            )
            _tell_version(told, "routing", routing, steps=len(wanted))
        return Result(0, outcome, extra={"item": item.code, "version": version})

    return each_row(rows, apply)
