"""Says in our words what a raw Tryton record says. Pure: a stored record can be translated again at any time."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.tryton import values
from erp_sync.adapters.tryton.state import exact_factor
from erp_sync.messages import Entity, OrderState, RawRecord
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

ORDER_STATES = {
    "request": OrderState.DRAFT,
    "draft": OrderState.DRAFT,
    "waiting": OrderState.RELEASED,
    "assigned": OrderState.RELEASED,
    "running": OrderState.RUNNING,
    "done": OrderState.DONE,
    "cancelled": OrderState.CANCELLED,
}


def translate(raw: RawRecord) -> Record:
    """Raises `Rejected` with a sentence for whoever keeps the ERP's data."""
    body = raw.body
    match raw.entity:
        case Entity.UNIT:
            return UnitRecord(
                key=raw.key,
                code=_required(body["symbol"], "A unit has no symbol."),
                name=body["name"],
                category=body["category."]["name"],
                factor=exact_factor(body["factor"], body["rate"]),
                digits=body["digits"],
                active=bool(body["active"]),
            )
        case Entity.ITEM:
            return ItemRecord(
                key=raw.key,
                code=_required(body["code"], f"The item {body['name']} has no code."),
                name=body["name"],
                unit=body["default_uom."]["symbol"],
                tracking=Tracking.LOT if body["lot_required"] else Tracking.NONE,
                producible=bool(body["producible"]),
                stock=_stock(body),
                active=bool(body["active"]),
            )
        case Entity.WORK_CENTER:
            return WorkCenterRecord(
                key=raw.key,
                code=body["name"],
                name=body["name"],
                category=_of(body, "category", "name"),
                parent=_of(body, "parent", "name"),
                is_group=bool(body["children"]),
                active=bool(body["active"]),
            )
        case Entity.BOM:
            return _bom(raw)
        case Entity.ROUTING:
            return _routing(raw)
        case Entity.LOT:
            return LotRecord(
                key=raw.key,
                number=body["number"],
                item=_required(_of(body, "product", "code"), f"The item of lot {body['number']} has no code."),
                unit=body["product."]["default_uom."]["symbol"],
                stock=_stock(body),
                active=True,
            )
        case Entity.ORDER:
            return _order(raw, raw.modified_at)


def _bom(raw: RawRecord) -> BomRecord:
    body = raw.body
    name = body["name"]
    if body["phantom"]:
        raise Rejected("phantom_bom", f"The bill of materials {name} is a phantom: it only serves within others.")
    outputs = body["outputs."]
    if len(outputs) != 1:
        raise Rejected("bom_outputs", f"The bill of materials {name} makes {len(outputs)} items; we take those of one.")
    lines = []
    for line in sorted(body["inputs."], key=lambda line: line["id"]):
        if line.get("phantom_bom."):
            raise Rejected("phantom_bom", f"The bill of materials {name} contains another one as a phantom.")
        lines.append(_component(line, f"a component of the bill of materials {name}"))
    made = _component(outputs[0], f"the item that the bill of materials {name} makes")
    return BomRecord(
        key=raw.key,
        version=body["code"] or name,
        name=name,
        items=tuple(sorted({made.item, *(item for item in body["items"] if item)})),
        output_quantity=made.quantity,
        output_unit=made.unit,
        lines=tuple(lines),
        active=bool(body["active"]),
    )


def _routing(raw: RawRecord) -> RoutingRecord:
    body = raw.body
    return RoutingRecord(
        key=raw.key,
        version=body["name"],
        name=body["name"],
        items=tuple(item for item in body["items"] if item),
        steps=tuple(
            RoutingStepLine(
                sequence=step["sequence"] or 0,
                name=step["operation."]["name"],
                category=_of(step["operation."], "work_center_category", "name"),
            )
            for step in sorted(body["steps."], key=lambda step: (step["sequence"] or 0, step["id"]))
        ),
        active=bool(body["active"]),
    )


def _order(raw: RawRecord, modified_at: datetime) -> OrderRecord:
    body = raw.body
    number = _required(body["number"], f"The production order with the key {raw.key} has no number yet.")
    state = ORDER_STATES.get(body["state"])
    if state is None:
        raise Rejected("order_state", f"Order {number} is in the state {body['state']}, which we do not know.")
    product = _required(_of(body, "product", "code"), f"Order {number} makes no item, or one without a code.")
    if body["quantity"] is None or not body["unit."]:
        raise Rejected("order_quantity", f"Order {number} has no quantity.")
    lines = [line for line in body["inputs."] if line["state"] != "cancelled"]
    return OrderRecord(
        key=raw.key,
        number=number,
        reference=body["reference"] or "",
        state=state,
        item=product,
        quantity=values.quantity(body["quantity"]),
        unit=body["unit."]["symbol"],
        start_date=values.day(body["planned_start_date"]),
        need_date=values.day(body["planned_date"]),
        bom=_of(body, "bom", "code") or _of(body, "bom", "name"),
        routing=_of(body, "routing", "name"),
        operations=tuple(
            OperationLine(
                sequence=work["sequence"] or 0,
                name=work["operation."]["name"],
                work_center=_of(work, "work_center", "name"),
            )
            for work in sorted(body["works."], key=lambda work: (work["sequence"] or 0, work["id"]))
        ),
        components=_merged(_component(line, f"a component of order {number}") for line in _by_id(lines)),
        modified_at=modified_at,
    )


def _merged(lines: Any) -> tuple[ComponentLine, ...]:
    """A component that the ERP has split over several lines is one demand."""
    total: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = (line.item, line.unit)
        total[key] = total.get(key, Decimal(0)) + line.quantity
    return tuple(ComponentLine(item, quantity, unit) for (item, unit), quantity in total.items())


def _by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["id"]))


def _component(line: dict[str, Any], what: str) -> ComponentLine:
    return ComponentLine(
        item=_required(_of(line, "product", "code"), f"{what[0].upper()}{what[1:]} has no code."),
        quantity=values.quantity(line["quantity"]),
        unit=line["unit."]["symbol"],
    )


def _stock(body: dict[str, Any]) -> tuple[StockLine, ...]:
    return tuple(StockLine(location, values.quantity(quantity)) for location, quantity in body["stock"])


def _of(body: dict[str, Any], name: str, part: str) -> str | None:
    below = body.get(f"{name}.")
    return (below[part] or None) if below else None


def _required(value: str | None, otherwise: str) -> str:
    if not value:
        raise Rejected("incomplete", otherwise)
    return value
