"""What an order is made by: its own definition or the item's routing and BOM, checked, and frozen into operations at
release.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker, Refused
from mes.kernel.quantities import LIMIT, STEP, ZERO
from workorders import states
from workorders.actions.explosion import Line, exploded, lines_of
from workorders.conversion import convert
from workorders.models import (
    BillOfMaterials,
    Hold,
    Item,
    Operation,
    OperationEdge,
    OrderMaterial,
    Routing,
    UnitOfMeasure,
    WorkCenter,
    WorkOrder,
)


@dataclass(frozen=True)
class PlannedStep:
    sequence: int
    name: str
    work_center: WorkCenter
    setup_minutes: Decimal
    run_minutes_per_unit: Decimal
    instruction: str = ""
    overlap: bool = False


@dataclass(frozen=True)
class PlannedMaterial:
    item: Item
    quantity_per: Decimal
    unit: UnitOfMeasure
    operation: int
    path: str = ""


@dataclass
class Plan:
    """How an order will be made, with everything that still stands in the way."""

    steps: list[PlannedStep]
    materials: list[PlannedMaterial]
    routing_version: str
    bom_version: str
    blockers: list[Blocker]


def plan_of(order: WorkOrder) -> Plan:
    """The plan of ORDER from its definition, else from the item's active routing and BOM. Reads only."""
    plan = Plan([], [], "", "", [])
    definition = order.definition or {}
    if definition.get("operations"):
        _inline_steps(order, definition["operations"], plan)
    else:
        _routing_steps(order, str(definition.get("routing") or ""), plan)
    if "materials" in definition:
        _inline_materials(order, definition["materials"], plan)
    else:
        _bom_materials(order, str(definition.get("bom") or ""), plan)
    if not plan.steps and not plan.blockers:
        plan.blockers.append(Blocker("no_operations", _("The order has no operations.")))
    _held(order, plan)
    return plan


def _inline_steps(order: WorkOrder, rows: list[dict[str, Any]], plan: Plan) -> None:
    centers = {
        center.code: center
        for center in WorkCenter.objects.filter(site_id=order.site_id, code__in=[row["work_center"] for row in rows])
    }
    for row in sorted(rows, key=lambda one: int(one["sequence"])):
        center = centers.get(row["work_center"])
        if center is None or not center.is_active:
            text = _("Work center {code} is not known.").format(code=row["work_center"])
            plan.blockers.append(Blocker("unknown_work_center", text))
            continue
        plan.steps.append(
            PlannedStep(
                sequence=int(row["sequence"]),
                name=str(row.get("name") or _("Operation {number}").format(number=row["sequence"])),
                work_center=center,
                setup_minutes=Decimal(str(row.get("setup_minutes") or 0)),
                run_minutes_per_unit=Decimal(str(row.get("run_minutes_per_unit") or 0)),
                instruction=str(row.get("instruction") or ""),
                overlap=bool(row.get("overlap", False)),
            )
        )


def _routing_steps(order: WorkOrder, version: str, plan: Plan) -> None:
    routings = Routing.objects.filter(item_id=order.item_id)
    routing = (
        routings.filter(version=version).first() if version else routings.filter(is_active=True).order_by("-id").first()
    )
    if routing is None:
        text = (
            _("Routing {version} of item {item} is not known.").format(version=version, item=order.item.code)
            if version
            else _("Item {item} has no routing.").format(item=order.item.code)
        )
        plan.blockers.append(Blocker("no_routing", text))
        return
    plan.routing_version = routing.version
    for step in routing.steps.select_related("work_center"):
        if not step.work_center.is_active:
            text = _("Work center {code} is closed.").format(code=step.work_center.code)
            plan.blockers.append(Blocker("unknown_work_center", text))
            continue
        plan.steps.append(
            PlannedStep(
                step.sequence,
                step.name,
                step.work_center,
                step.setup_minutes,
                step.run_minutes_per_unit,
                step.instruction,
                step.overlap,
            )
        )


def _inline_materials(order: WorkOrder, rows: list[dict[str, Any]], plan: Plan) -> None:
    items = {
        item.code: item
        for item in Item.objects.filter(site_id=order.site_id, code__in=[row["item"] for row in rows]).select_related(
            "unit"
        )
    }
    units = {
        unit.code: unit for unit in UnitOfMeasure.objects.filter(code__in=[str(row.get("unit") or "") for row in rows])
    }
    for row in rows:
        item = items.get(row["item"])
        if item is None:
            text = _("Component {item} is not known.").format(item=row["item"])
            plan.blockers.append(Blocker("unknown_component", text))
            continue
        unit = units.get(str(row.get("unit") or "")) if row.get("unit") else item.unit
        per = Decimal(str(row["quantity_per"]))
        _explode(order, plan, Line(item, per, unit, str(row.get("unit") or ""), row.get("operation")))


def _bom_materials(order: WorkOrder, version: str, plan: Plan) -> None:
    boms = BillOfMaterials.objects.filter(item_id=order.item_id)
    bom = boms.filter(version=version).first() if version else boms.filter(is_active=True).order_by("-id").first()
    if bom is None:
        if version:
            text = _("BOM {version} of item {item} is not known.").format(version=version, item=order.item.code)
            plan.blockers.append(Blocker("no_bom", text))
        return
    plan.bom_version = bom.version
    for line in lines_of(bom):
        _explode(order, plan, line)


def _explode(order: WorkOrder, plan: Plan, line: Line) -> None:
    try:
        for each in exploded(line, plan.blockers):
            _material(order, plan, each)
    except Refused as refusal:
        plan.blockers.append(Blocker(refusal.reason, refusal.message))


def _material(order: WorkOrder, plan: Plan, line: Line) -> None:
    sequences = [step.sequence for step in plan.steps]
    item, per, unit, operation = line.item, line.quantity_per, line.unit, line.operation
    if unit is None:
        plan.blockers.append(Blocker("unknown_unit", _("Unit {unit} is not known.").format(unit=line.unit_code)))
        return
    try:
        if convert(per, item, unit, item.unit) * order.quantity >= LIMIT:
            raise Refused("invalid", field=item.code, why=_("the quantity needed of it is too large"))
    except Refused as refusal:
        plan.blockers.append(Blocker(refusal.reason, refusal.message))
        return
    if operation is not None and sequences and int(operation) not in sequences:
        text = _("Component {item} is drawn at operation {operation}, which the routing does not have.")
        plan.blockers.append(Blocker("unknown_operation", text.format(item=item.code, operation=operation)))
        return
    if sequences:
        at = int(operation) if operation is not None else sequences[0]
        plan.materials.append(PlannedMaterial(item, per, unit, at, " › ".join(line.path)))


def _held(order: WorkOrder, plan: Plan) -> None:
    for hold in Hold.objects.filter(item_id=order.item_id, released_at__isnull=True).select_related("reason"):
        why = hold.reason.text if hold.reason else hold.note
        plan.blockers.append(
            Blocker("on_hold", _("Item {item} is on hold: {why}").format(item=order.item.code, why=why))
        )


def freeze(order: WorkOrder, plan: Plan) -> tuple[list[Operation], list[OperationEdge]]:
    """Write the operations, edges and requirements of a released order. Steps follow one another by sequence."""
    operations = Operation.objects.bulk_create(
        Operation(
            order=order,
            sequence=step.sequence,
            name=step.name,
            work_center=step.work_center,
            state=states.WAITING,
            setup_minutes=step.setup_minutes,
            run_minutes_per_unit=step.run_minutes_per_unit,
            instruction=step.instruction,
        )
        for step in plan.steps
    )
    edges = OperationEdge.objects.bulk_create(
        OperationEdge(pred=before, succ=after, overlap=step.overlap)
        for before, after, step in zip(operations, operations[1:], plan.steps, strict=False)
    )
    by_sequence = {operation.sequence: operation for operation in operations}
    needs: dict[tuple[int, int], OrderMaterial] = {}
    for line in plan.materials:
        operation = by_sequence[line.operation]
        per = convert(line.quantity_per, line.item, line.unit, line.item.unit)
        key = (operation.pk, line.item.pk)
        if key in needs:
            needs[key].quantity_per += per
            needs[key].path = " · ".join(path for path in (needs[key].path, line.path) if path)[:400]
        else:
            needs[key] = OrderMaterial(
                order=order,
                operation=operation,
                item=line.item,
                quantity_per=per,
                unit=line.item.unit,
                required=ZERO,
                path=line.path[:400],
            )
    for need in needs.values():
        if need.quantity_per * order.quantity >= LIMIT:
            raise Refused("invalid", field=need.item.code, why=_("the quantity needed of it is too large"))
        need.required = (need.quantity_per * order.quantity).quantize(STEP)
    OrderMaterial.objects.bulk_create(needs.values())
    return operations, edges
