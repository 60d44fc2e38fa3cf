"""What is read from an ERP, in our words: units, items, work centers, BOMs, routings, lots and orders."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from erp_sync.messages import OrderState, digest


class Tracking(StrEnum):
    NONE = "NONE"
    LOT = "LOT"
    SERIAL = "SERIAL"


@dataclass(frozen=True)
class UnitRecord:
    """A unit; one of it is `factor` of the reference unit of its category, or of `base` where the ERP names one."""

    key: str
    code: str
    name: str
    category: str
    factor: Fraction
    digits: int
    active: bool
    base: str | None = None


@dataclass(frozen=True)
class ItemRecord:
    """An item; what the ERP leaves open (unit empty, tracking None) stays as it is here."""

    key: str
    code: str
    name: str
    unit: str
    tracking: Tracking | None
    producible: bool
    stock: tuple["StockLine", ...]
    """What lies where, all lots together; the only figure for items that are not tracked."""
    active: bool


@dataclass(frozen=True)
class WorkCenterRecord:
    """A place where work is done; a group only holds others and gets no work itself."""

    key: str
    code: str
    name: str
    category: str | None
    parent: str | None
    is_group: bool
    active: bool


@dataclass(frozen=True)
class ComponentLine:
    item: str
    quantity: Decimal
    unit: str
    lot: str | None = None
    operation: int | None = None
    """The sequence of the operation that uses it, where the ERP says."""


@dataclass(frozen=True)
class BomRecord:
    """A bill of materials for `output_quantity` of each item it makes."""

    key: str
    version: str
    name: str
    items: tuple[str, ...]
    output_quantity: Decimal
    output_unit: str
    lines: tuple[ComponentLine, ...]
    active: bool


@dataclass(frozen=True)
class RoutingStepLine:
    """A step at a work center; or the ERP names a category of them, or none, and leaves the choice to the order."""

    sequence: int
    name: str
    category: str | None
    work_center: str | None = None
    setup_minutes: Decimal | None = None
    run_minutes_per_unit: Decimal | None = None


@dataclass(frozen=True)
class RoutingRecord:
    key: str
    version: str
    name: str
    items: tuple[str, ...]
    steps: tuple[RoutingStepLine, ...]
    active: bool


@dataclass(frozen=True)
class StockLine:
    location: str
    quantity: Decimal


@dataclass(frozen=True)
class LotRecord:
    """A lot and where how much of it lies, in the item's own unit."""

    key: str
    number: str
    item: str
    unit: str
    stock: tuple[StockLine, ...]
    active: bool
    expiry: date | None = None
    supplier_lot: str = ""

    @property
    def on_hand(self) -> Decimal:
        return sum((line.quantity for line in self.stock), Decimal(0))


@dataclass(frozen=True)
class OperationLine:
    sequence: int
    name: str
    work_center: str | None
    setup_minutes: Decimal | None = None
    run_minutes_per_unit: Decimal | None = None


@dataclass(frozen=True)
class OrderRecord:
    """A production order as the ERP sees it now. Without operations, or with components None, the item's own say."""

    key: str
    number: str
    reference: str
    state: OrderState
    item: str
    quantity: Decimal
    unit: str
    start_date: date | None
    need_date: date | None
    bom: str | None
    routing: str | None
    operations: tuple[OperationLine, ...]
    components: tuple[ComponentLine, ...] | None
    modified_at: datetime
    priority: int = 0
    routing_version: str = ""
    bom_version: str = ""

    @property
    def revision(self) -> str:
        """Changes when, and only when, what is to be made, from what, by which steps or until when changes."""
        said = [
            self.item,
            self.quantity,
            self.unit,
            self.start_date,
            self.need_date,
            self.reference,
            [[line.sequence, line.name, line.work_center] for line in self.operations],
            [[line.item, line.quantity, line.unit] for line in self.components or ()],
        ]
        # What only some ERPs say is added only where it is said: a revision known already must stay the same.
        more = [self.priority, self.routing_version, self.bom_version]
        at = [line.operation for line in self.components or ()]
        times = [[line.setup_minutes, line.run_minutes_per_unit] for line in self.operations]
        for part, silent in ((more, [0, "", ""]), (at, [None] * len(at)), (times, [[None, None]] * len(times))):
            if part != silent:
                said.append(part)
        return digest(said)


Record = UnitRecord | ItemRecord | WorkCenterRecord | BomRecord | RoutingRecord | LotRecord | OrderRecord
