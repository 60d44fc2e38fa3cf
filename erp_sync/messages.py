"""The words in which the engine and an adapter talk: what is asked for, in what pages, and what came of it.

What is read from an ERP is in `records`, what is told to it in `facts`. Nothing here knows a database, a protocol or
a particular ERP. Quantities are `Decimal` with a unit code beside them, instants are aware and in UTC, keys are the
ERP's own and opaque to us.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Entity(StrEnum):
    """A kind of record that can be pulled, in the order in which references between them resolve."""

    UNIT = "unit"
    ITEM = "item"
    WORK_CENTER = "work_center"
    BOM = "bom"
    ROUTING = "routing"
    LOT = "lot"
    ORDER = "order"


class FactKind(StrEnum):
    ORDER_COMPLETION = "order_completion"


class OrderState(StrEnum):
    """How far the ERP says an order is, reduced to what we act upon."""

    DRAFT = "DRAFT"
    RELEASED = "RELEASED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class ReceiptStatus(StrEnum):
    POSTED = "POSTED"
    ALREADY_POSTED = "ALREADY_POSTED"


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


REFUSED = "refused"
"""Where an ERP speaks in files: the body of a record that stands for a file refused whole has its reason under this,
and the file's name under `file`."""


def canonical(body: Any) -> str:
    """One spelling for one content: keys sorted, no spaces, decimals without trailing zeros."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_spell)


def digest(body: Any) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def _spell(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format(Decimal(value // timedelta(microseconds=1)) / 1_000_000, "f")
    raise TypeError(f"{type(value).__name__} has no canonical spelling")


@dataclass(frozen=True)
class RawRecord:
    """One record exactly as the ERP told it: stored before anybody interprets it.

    `modified_at` is the ERP's own time of the last change to the record or to a part of it.
    """

    entity: Entity
    key: str
    modified_at: datetime
    body: dict[str, Any]

    @property
    def digest(self) -> str:
        return digest(self.body)


@dataclass(frozen=True)
class Cursor:
    """Where the next pull of one entity begins. `high_water` is the ERP's clock, never ours.

    `after_key` is set while a pass is under way: its pages follow each other by key, so that a row changed
    meanwhile is neither skipped nor read twice in one pass. `pass_high_water` is the mark of the pass in progress,
    taken before its first page.
    """

    high_water: datetime | None = None
    after_key: int = 0
    pass_high_water: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "high_water": self.high_water.isoformat() if self.high_water else None,
            "after_key": self.after_key,
            "pass_high_water": self.pass_high_water.isoformat() if self.pass_high_water else None,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Cursor":
        high, passing = body.get("high_water"), body.get("pass_high_water")
        return cls(
            high_water=datetime.fromisoformat(high) if high else None,
            after_key=int(body.get("after_key", 0)),
            pass_high_water=datetime.fromisoformat(passing) if passing else None,
        )


@dataclass(frozen=True)
class Page:
    """Some records and the cursor to store once they are stored. `more` says the pass is not at its end."""

    records: tuple[RawRecord, ...]
    cursor: Cursor
    more: bool


@dataclass(frozen=True)
class RecordOutcome:
    """What became of one record here: which content of it, how it ended, and why."""

    key: str
    digest: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Capabilities:
    """What an adapter can do. The engine asks here before it asks the adapter."""

    pull: frozenset[Entity]
    push: frozenset[FactKind]
    native_idempotency: bool
    """The ERP itself refuses a second fact with the same key."""
    late_consumption: bool
    """Consumption can still be booked after the order was started there."""
    reversal: bool
    """A posted fact can be taken back through the adapter."""
    quantity_scale: int


@dataclass(frozen=True)
class Issue:
    """Something a person should know before, or instead of, sending: from a probe or a dry run."""

    severity: Severity
    code: str
    text: str


@dataclass(frozen=True)
class Probe:
    """What one look at the ERP found: who answers, whether its clock and our rights suffice."""

    product: str
    version: str
    account: str
    clock_offset: timedelta | None
    """Their clock minus ours."""
    issues: tuple[Issue, ...]

    @property
    def usable(self) -> bool:
        return not any(issue.severity is Severity.ERROR for issue in self.issues)


@dataclass(frozen=True)
class Receipt:
    """The ERP holds the fact: under which key, since when we know, and what rounding left over per item."""

    status: ReceiptStatus
    erp_key: str
    erp_number: str
    confirmed_at: datetime
    digest: str
    residues: tuple[tuple[str, Decimal, str], ...] = ()


@dataclass(frozen=True)
class ConsumedTotal:
    item: str
    lot: str | None
    quantity: Decimal
    unit: str


@dataclass(frozen=True)
class OrderTotals:
    """What the ERP has booked for one order, for comparison with what we recorded."""

    order: str
    state: OrderState
    good: Decimal
    scrap: Decimal
    unit: str
    consumed: tuple[ConsumedTotal, ...]
    time: timedelta
