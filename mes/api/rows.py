"""The rows of the list POSTs as the schema describes them. The importing actions judge each row themselves."""

from typing import Literal

from mes.api.schemas import Code, Quantity, Strict


class ItemRow(Strict):
    code: Code
    name: Code = ""
    unit: Code
    tracking: Literal["NONE", "LOT", "SERIAL"] = "NONE"
    over_percent: Quantity = None
    phantom: bool = False
    active: bool = True


class WorkCenterRow(Strict):
    code: Code
    name: Code = ""
    count_source: Literal["OPERATOR", "MACHINE", "MACHINE_PROPOSES"] = "OPERATOR"
    active: bool = True


class MaterialRow(Strict):
    """One component per unit of the product; `operation` is the sequence at which it is drawn."""

    item: Code
    quantity_per: Quantity
    unit: Code | None = None
    operation: int | None = None


class BomRow(Strict):
    item: Code
    version: Code = "1"
    lines: list[MaterialRow]


class StepRow(Strict):
    sequence: int
    name: Code = ""
    work_center: Code
    setup_minutes: Quantity = None
    run_minutes_per_unit: Quantity = None
    instruction: str = ""
    overlap: bool = False


class RoutingRow(Strict):
    item: Code
    version: Code = "1"
    operations: list[StepRow]


class CharacteristicRow(Strict):
    code: Code
    name: Code = ""
    unit: Code = ""
    nominal: Quantity = None
    lower: Quantity = None
    upper: Quantity = None
    decimals: int = 3
    mandatory: bool = True
    gauge_required: bool = False


class InspectionPlanRow(Strict):
    item: Code
    operation: int
    version: Code = "1"
    characteristics: list[CharacteristicRow]


class LotRow(Strict):
    item: Code
    number: Code
    quantity: Quantity
    unit: Code | None = None
    location: Code | None = None
    expiry: Code | None = None
    supplier_lot: Code = ""


class OrderRow(Strict):
    """Made by `routing` or inline `operations`, of the item's BOM or inline `materials` (per unit of the order)."""

    number: Code
    item: Code
    quantity: Quantity
    unit: Code | None = None
    need_date: Code | None = None
    customer_order: Code = ""
    priority: int = 0
    over_percent: Quantity = None
    routing: Code | None = None
    bom: Code | None = None
    operations: list[StepRow] | None = None
    materials: list[MaterialRow] | None = None
