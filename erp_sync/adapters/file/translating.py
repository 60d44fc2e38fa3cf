"""What a kept entry means in our words: one function per kind, pure, with a sentence for whatever cannot be said."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.file.b2mml.durations import duration_of
from erp_sync.adapters.file.cells import Cells, unlike_a_formula
from erp_sync.messages import REFUSED, Entity, OrderState, RawRecord
from erp_sync.records import (
    BomRecord,
    ComponentLine,
    ItemRecord,
    LotRecord,
    OperationLine,
    OrderRecord,
    Record,
    RoutingRecord,
    RoutingStepLine,
    StockLine,
    Tracking,
    UnitRecord,
    WorkCenterRecord,
)

STATES = {
    "": OrderState.RELEASED,
    "forecast": OrderState.DRAFT,
    "draft": OrderState.DRAFT,
    "released": OrderState.RELEASED,
    "waiting": OrderState.RELEASED,
    "ready": OrderState.RELEASED,
    "running": OrderState.RUNNING,
    "completed": OrderState.DONE,
    "closed": OrderState.DONE,
    "done": OrderState.DONE,
    "cancelled": OrderState.CANCELLED,
    "aborted": OrderState.CANCELLED,
}
_USABLE = {"valid", "approved", "available", "released", "ok"}


def translate(raw: RawRecord) -> Record:
    """Raises `Rejected` with the sentence that whoever keeps the ERP's data needs."""
    if REFUSED in raw.body:
        raise Rejected("file_refused", f"The file {raw.body['file']} was rejected whole. {raw.body[REFUSED]}")
    return _TRANSLATE[raw.entity](raw)


def _unit(raw: RawRecord) -> UnitRecord:
    cells = Cells(f"Unit {raw.key}", raw.body)
    code, base = cells.text("code"), cells.text("base") or None
    numerator, denominator = cells.whole("numerator"), cells.whole("denominator")
    if base and not (numerator and denominator):
        raise Rejected("no_factor", f"Unit {code} names the base {base} but not numerator and denominator over zero.")
    if not base and (numerator or denominator):
        raise Rejected("no_base", f"Unit {code} has a numerator or denominator but names no base.")
    return UnitRecord(
        key=raw.key,
        code=code,
        name=cells.text("name") or code,
        category=code,
        factor=Fraction(numerator or 1, denominator or 1),
        digits=6 if (digits := cells.whole("decimals")) is None else digits,
        active=True,
        base=base,
    )


def _item(raw: RawRecord) -> ItemRecord:
    cells = Cells(f"Item {raw.key}", raw.body)
    tracking = cells.choice("tracking", {kind.value.lower(): kind for kind in Tracking})
    return ItemRecord(
        key=raw.key,
        code=cells.text("code"),
        name=cells.text("name"),
        unit=cells.text("unit"),
        tracking=tracking,
        producible=True,
        stock=(),
        active=cells.yes("active"),
    )


def _work_center(raw: RawRecord) -> WorkCenterRecord:
    cells = Cells(f"Work center {raw.key}", raw.body)
    code = cells.text("code")
    return WorkCenterRecord(
        key=raw.key,
        code=code,
        name=cells.text("name") or code,
        category=cells.text("category") or None,
        parent=None,
        is_group=False,
        active=cells.yes("active"),
    )


def _bom(raw: RawRecord) -> BomRecord:
    what = f"BOM {raw.key}"
    lines = []
    for line in raw.body["lines"]:
        cells = Cells(what, line)
        quantity = cells.positive("quantity_per")
        lines.append(
            ComponentLine(cells.text("component"), quantity, cells.text("unit"), operation=cells.whole("operation"))
        )
    item = unlike_a_formula(what, "item", raw.body["item"])
    version = unlike_a_formula(what, "version", raw.body["version"])
    return BomRecord(raw.key, version, what, (item,), Decimal(1), "", tuple(lines), active=True)


def _routing(raw: RawRecord) -> RoutingRecord:
    what = f"Routing {raw.key}"
    steps = []
    for line in raw.body["lines"]:
        cells = Cells(what, line)
        sequence = cells.needed_whole("sequence")
        steps.append(
            RoutingStepLine(
                sequence=sequence,
                name=cells.text("name") or f"Operation {sequence}",
                category=None,
                work_center=cells.text("work_center"),
                setup_minutes=cells.number("setup_minutes"),
                run_minutes_per_unit=cells.number("run_minutes_per_unit"),
            )
        )
    item = unlike_a_formula(what, "item", raw.body["item"])
    version = unlike_a_formula(what, "version", raw.body["version"])
    return RoutingRecord(raw.key, version, what, (item,), tuple(steps), active=True)


def _lot(raw: RawRecord) -> LotRecord:
    cells = Cells(f"Lot {raw.key}", raw.body)
    unusable = [status for status in raw.body.get("status", ()) if status.lower() not in _USABLE]
    if unusable:
        raise Rejected(
            "status", f"Lot {raw.key} has the status {unusable[0]} in the ERP; receive and hold it here by hand."
        )
    parts = raw.body.get("stock")
    lines = [Cells(f"Lot {raw.key}", part) for part in ([raw.body] if parts is None else parts)]
    units = {line.text("unit") for line in lines}
    if len(units) > 1:
        raise Rejected("units", f"Lot {raw.key} is counted in several units: {', '.join(sorted(units))}.")
    return LotRecord(
        key=raw.key,
        number=cells.text("number"),
        item=cells.text("item"),
        unit=units.pop() if units else "",
        stock=tuple(StockLine(line.text("location"), line.positive("quantity")) for line in lines),
        active=True,
        expiry=cells.day("expiry"),
        supplier_lot=cells.text("supplier_lot"),
    )


# -------------------------------------------------------------------------------------------------------------- orders


def _order(raw: RawRecord) -> OrderRecord:
    cells = Cells(f"Order {raw.key}", raw.body)
    state = cells.choice("state", STATES)
    made = _produced(raw, cells)
    documented = "produced" in raw.body
    operations = _operations(raw, made.quantity)
    return OrderRecord(
        key=raw.key,
        number=cells.text("number"),
        reference=cells.text("customer_order"),
        state=state or OrderState.RELEASED,
        item=made.item,
        quantity=made.quantity,
        unit=made.unit,
        start_date=cells.moment("start_date"),
        need_date=cells.moment("need_date"),
        bom=None,
        routing=None,
        operations=operations,
        components=_components(raw, operations) if documented and raw.body["materials"] else None,
        modified_at=raw.modified_at,
        priority=cells.whole("priority") or 0,
        routing_version=cells.text("routing"),
        bom_version=cells.text("bom"),
    )


def _produced(raw: RawRecord, cells: Cells) -> ComponentLine:
    if "produced" not in raw.body:
        return ComponentLine(cells.text("item"), cells.positive("quantity"), cells.text("unit"))
    lines = [Cells(f"Order {raw.key}", line) for line in raw.body["produced"]]
    made = {(line.text("item"), line.positive("quantity"), line.text("unit")) for line in lines}
    if not made:
        raise Rejected(
            "no_product",
            f"Order {raw.key} names nothing to make: a MaterialRequirement with the use Produced is needed.",
        )
    if len(made) > 1:
        raise Rejected("products", f"Order {raw.key} names several products or quantities; an order here makes one.")
    ((item, quantity, unit),) = made
    if not item:
        raise Rejected("no_product", f"Order {raw.key} names no MaterialDefinitionID for what is to be made.")
    return ComponentLine(item, quantity, unit)


def _operations(raw: RawRecord, quantity: Decimal) -> tuple[OperationLine, ...]:
    """Where no operation names a work center, the item's routing says them all."""
    said: list[Mapping[str, Any]] = raw.body.get("operations", [])
    if not any(line.get("work_center") for line in said):
        return ()
    sequences = _sequences(said)
    operations = []
    for line, sequence in zip(said, sequences, strict=True):
        run = None
        if line.get("duration"):
            duration = duration_of(line["duration"])
            if duration is None:
                raise Rejected(
                    "duration", f"Operation {sequence} of order {raw.key} lasts {line['duration']}, which is no time."
                )
            minutes = Decimal(duration.days * 1440) + Decimal(duration.seconds) / 60
            run = (minutes / quantity).quantize(Decimal("0.000001"))
        operations.append(OperationLine(sequence, line["name"][:80], line.get("work_center"), None, run))
    return tuple(operations)


def _sequences(said: list[Mapping[str, Any]]) -> list[int]:
    """Their IDs where all are different whole numbers, else tens in their order."""
    ids = [line.get("id", "") for line in said]
    if all(re.fullmatch(r"\d{1,9}", each) for each in ids) and len({int(each) for each in ids}) == len(ids):
        return [int(each) for each in ids]
    return [10 * place for place in range(1, len(said) + 1)]


def _components(raw: RawRecord, operations: tuple[OperationLine, ...]) -> tuple[ComponentLine, ...]:
    lines = []
    for line in raw.body["materials"]:
        cells = Cells(f"Order {raw.key}", line)
        item = cells.text("item")
        if line["use"] not in ("Consumed", "Material Consumed", "Consumable"):
            raise Rejected("use", f"Order {raw.key} names {item or 'material'} with the use {line['use']}.")
        if not item:
            raise Rejected("no_component", f"Order {raw.key} needs a material without a MaterialDefinitionID.")
        place = line.get("place")
        at = operations[place].sequence if operations and place is not None else None
        lines.append(ComponentLine(item, cells.positive("quantity"), cells.text("unit"), operation=at))
    return tuple(lines)


_TRANSLATE: dict[Entity, Callable[[RawRecord], Record]] = {
    Entity.UNIT: _unit,
    Entity.ITEM: _item,
    Entity.WORK_CENTER: _work_center,
    Entity.BOM: _bom,
    Entity.ROUTING: _routing,
    Entity.LOT: _lot,
    Entity.ORDER: _order,
}
