"""Turns the ERP's records into rows for our imports. Pure: what it must know of us is handed in."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.errors import Rejected
from erp_sync.messages import Entity
from erp_sync.records import (
    BomRecord,
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
        base = bases.get(record.category)
        if base and base != record.code:
            row |= {"base": base, "numerator": record.factor.numerator, "denominator": record.factor.denominator}
        rows.append(row)
    return rows


def item_row(record: ItemRecord) -> Row:
    return {
        "code": record.code,
        "name": record.name,
        "unit": record.unit,
        "tracking": record.tracking.value,
        "active": record.active,
    }


def work_center_row(record: WorkCenterRecord) -> Row:
    return {"code": record.code, "name": record.name, "active": record.active}


def bom_rows(record: BomRecord) -> list[Row]:
    """One row per item the BOM makes, with quantities per one of it."""
    lines = [
        {"item": line.item, "quantity_per": _per(line.quantity, record.output_quantity, line.item), "unit": line.unit}
        for line in record.lines
    ]
    return [{"item": item, "version": record.version[:30], "lines": lines} for item in record.items]


def routing_rows(record: RoutingRecord, centers: Centers) -> list[Row]:
    """Each step goes to the first work center of the category it names; the order may name another later."""
    operations = []
    for step in record.steps:
        fitting = sorted(code for code, category in centers if category is not None and category == step.category)
        if not fitting:
            why = f"has no work center of the category {step.category}" if step.category else "names no category"
            raise Rejected("no_work_center", f"Step {step.sequence} of the routing {record.name} {why}.")
        operations.append({"sequence": step.sequence, "name": step.name, "work_center": fitting[0]})
    if not operations:
        raise Rejected("no_steps", f"The routing {record.name} has no steps.")
    return [{"item": item, "version": record.version[:30], "operations": operations} for item in record.items]


def lot_row(record: LotRecord) -> Row:
    """The lot with all that is there of it, at the place where most of it lies."""
    place = max(record.stock, key=lambda line: (line.quantity, line.location)).location
    return {
        "item": record.item,
        "number": record.number,
        "quantity": str(record.on_hand),
        "unit": record.unit,
        "location": place[:30],
    }


def order_row(record: OrderRecord, number: str, minutes: Minutes) -> Row:
    """The order with its own copy of operations and materials; times come from our routing, for the ERP has none."""
    row: Row = {
        "number": number,
        "item": record.item,
        "quantity": str(record.quantity),
        "unit": record.unit,
        "need_date": record.need_date.isoformat() if record.need_date else None,
        "customer_order": record.reference[:64],
        "materials": [
            {"item": line.item, "quantity_per": _per(line.quantity, record.quantity, line.item), "unit": line.unit}
            for line in record.components
            if line.quantity
        ],
    }
    operations = []
    for line in record.operations:
        if not line.work_center:
            raise Rejected("no_work_center", f"Operation {line.sequence} of order {record.number} has no work center.")
        setup, run = minutes.get((line.sequence, line.name), (Decimal(0), Decimal(0)))
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
