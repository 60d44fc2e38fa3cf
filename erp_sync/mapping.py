"""Turns the ERP's records into rows for our imports. Pure: what it must know of us is handed in."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.errors import Rejected
from erp_sync.messages import Entity
from erp_sync.records import (
    BomRecord,
    ComponentLine,
    ItemRecord,
    LotRecord,
    OrderRecord,
    RoutingRecord,
    UnitRecord,
    WorkCenterRecord,
)

Row = dict[str, Any]
#: What a work center's record tells routings: its code, and the category it belongs to.
Centers = Sequence[tuple[str, str | None]]
#: Setup minutes and run minutes per unit of a step of ours, by sequence and name.
Minutes = Mapping[tuple[int, str], tuple[Decimal, Decimal]]

STEP = Decimal("0.000001")


def unit_rows(records: Sequence[UnitRecord], bases: Mapping[str, str]) -> list[Row]:
    """BASES names the reference unit of each category. Pieces stay whole; others keep what we can record."""
    rows = []
    for record in records:
        row: Row = {"code": record.code, "name": record.name, "decimals": 0 if record.digits == 0 else 6}
        base = record.base or bases.get(record.category)
        if base and base != record.code:
            row |= {"base": base, "numerator": record.factor.numerator, "denominator": record.factor.denominator}
        rows.append(row)
    return rows


def item_row(record: ItemRecord) -> Row:
    row: Row = {"code": record.code, "name": record.name, "unit": record.unit, "active": record.active}
    if record.tracking is not None:
        row["tracking"] = record.tracking.value
    return row


def work_center_row(record: WorkCenterRecord) -> Row:
    return {"code": record.code, "name": record.name, "active": record.active}


def bom_rows(record: BomRecord) -> list[Row]:
    """One row per item the BOM makes, with quantities per one of it."""
    lines = _component_rows(record.lines, record.output_quantity)
    return [{"item": item, "version": record.version[:30], "lines": lines} for item in record.items]


def _component_rows(lines: Sequence[ComponentLine], whole: Decimal) -> list[Row]:
    rows = []
    for line in lines:
        row: Row = {"item": line.item, "quantity_per": _per(line.quantity, whole, line.item), "unit": line.unit}
        rows.append(row | ({} if line.operation is None else {"operation": line.operation}))
    return rows


def routing_rows(record: RoutingRecord, centers: Centers) -> list[Row]:
    """Each step goes to the work center it names, else to the first of its category; the order may name another."""
    operations = []
    for step in record.steps:
        fitting = sorted(code for code, category in centers if category is not None and category == step.category)
        if not fitting and not step.work_center:
            why = f"has no work center of the category {step.category}" if step.category else "names no category"
            raise Rejected("no_work_center", f"Step {step.sequence} of the routing {record.name} {why}.")
        row: Row = {"sequence": step.sequence, "name": step.name, "work_center": step.work_center or fitting[0]}
        times = {"setup_minutes": step.setup_minutes, "run_minutes_per_unit": step.run_minutes_per_unit}
        operations.append(row | {name: str(value) for name, value in times.items() if value is not None})
    if not operations:
        raise Rejected("no_steps", f"The routing {record.name} has no steps.")
    return [{"item": item, "version": record.version[:30], "operations": operations} for item in record.items]


def lot_row(record: LotRecord) -> Row:
    """The lot with all that is there of it, at the place where most of it lies."""
    place = max(record.stock, key=lambda line: (line.quantity, line.location)).location
    row: Row = {
        "item": record.item,
        "number": record.number,
        "quantity": str(record.on_hand),
        "unit": record.unit,
        "location": place[:30],
    }
    if record.expiry:
        row["expiry"] = record.expiry.isoformat()
    if record.supplier_lot:
        row["supplier_lot"] = record.supplier_lot
    return row


def order_row(record: OrderRecord, number: str, minutes: Minutes) -> Row:
    """The order with its own copy of operations and materials; times the ERP does not say come from our routing."""
    row: Row = {
        "number": number,
        "item": record.item,
        "quantity": str(record.quantity),
        "unit": record.unit,
        "need_date": record.need_date.isoformat() if record.need_date else None,
        "customer_order": record.reference[:64],
    }
    if record.components is not None:
        row["materials"] = _component_rows([line for line in record.components if line.quantity], record.quantity)
    said = {"priority": record.priority, "routing": record.routing_version, "bom": record.bom_version}
    row |= {name: value for name, value in said.items() if value}
    operations = []
    for line in record.operations:
        if not line.work_center:
            raise Rejected("no_work_center", f"Operation {line.sequence} of order {record.number} has no work center.")
        setup, run = minutes.get((line.sequence, line.name), (Decimal(0), Decimal(0)))
        setup = setup if line.setup_minutes is None else line.setup_minutes
        run = run if line.run_minutes_per_unit is None else line.run_minutes_per_unit
        operations.append(
            {
                "sequence": line.sequence,
                "name": line.name,
                "work_center": line.work_center,
                "setup_minutes": str(setup),
                "run_minutes_per_unit": str(run),
            }
        )
    if operations:
        row["operations"] = operations
    return row


def _per(quantity: Decimal, whole: Decimal, what: str) -> str:
    """The part per one of the whole, to our six places. Raises `Rejected` where nothing would be left of it."""
    if whole <= 0:
        raise Rejected("no_quantity", f"{what} is needed for a quantity of {whole}.")
    exact = Fraction(quantity) / Fraction(whole)
    part = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(STEP)
    if quantity and not part:
        raise Rejected("too_little", f"So little of {what} per piece cannot be recorded.")
    return str(part)


#: What follows from a record: those whose reference may be cured when records of an entity arrive.
DEPENDENTS: dict[Entity, tuple[Entity, ...]] = {
    Entity.UNIT: (Entity.ITEM, Entity.BOM, Entity.LOT, Entity.ORDER),
    Entity.ITEM: (Entity.BOM, Entity.ROUTING, Entity.LOT, Entity.ORDER),
    Entity.WORK_CENTER: (Entity.ROUTING, Entity.ORDER),
    Entity.BOM: (Entity.ORDER,),
    Entity.ROUTING: (Entity.ORDER,),
    Entity.LOT: (),
    Entity.ORDER: (),
}
