"""What is told to an ERP: facts that have happened here. Never edited; kept as JSON until posted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from erp_sync.messages import FactKind, digest


class Disposition(StrEnum):
    GOOD = "GOOD"
    SCRAP = "SCRAP"


@dataclass(frozen=True)
class ConsumedLine:
    """Material that went in, net of what was taken back. `lot` is absent only for items that are not tracked."""

    item: str
    quantity: Decimal
    unit: str
    lot: str | None = None
    lot_key: str | None = None
    """The ERP's key of the lot, where the lot came from there."""


@dataclass(frozen=True)
class OperationTime:
    """How long one operation took; the name is that under which the ERP knows it."""

    sequence: int
    name: str
    duration: timedelta


@dataclass(frozen=True)
class OutputLine:
    item: str
    quantity: Decimal
    unit: str
    disposition: Disposition
    lot: str | None = None


@dataclass(frozen=True)
class OrderCompletion:
    """A finished order, whole: what went in, how long it took, what came out.

    `key` is the identity of the message; the same key always carries the same content.
    """

    key: str
    order: str
    order_key: str
    item: str
    finished_at: datetime
    consumed: tuple[ConsumedLine, ...]
    operations: tuple[OperationTime, ...]
    outputs: tuple[OutputLine, ...]

    kind = FactKind.ORDER_COMPLETION

    def total(self, disposition: Disposition) -> Decimal:
        return sum((line.quantity for line in self.outputs if line.disposition is disposition), Decimal(0))

    @property
    def digest(self) -> str:
        return digest(self.as_json())

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "key": self.key,
            "order": self.order,
            "order_key": self.order_key,
            "item": self.item,
            "finished_at": self.finished_at.astimezone(UTC).isoformat(),
            "consumed": [
                {
                    "item": line.item,
                    "quantity": str(line.quantity),
                    "unit": line.unit,
                    "lot": line.lot,
                    "lot_key": line.lot_key,
                }
                for line in self.consumed
            ],
            "operations": [
                {"sequence": line.sequence, "name": line.name, "seconds": str(_seconds(line.duration))}
                for line in self.operations
            ],
            "outputs": [
                {
                    "item": line.item,
                    "quantity": str(line.quantity),
                    "unit": line.unit,
                    "disposition": line.disposition.value,
                    "lot": line.lot,
                }
                for line in self.outputs
            ],
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "OrderCompletion":
        return cls(
            key=body["key"],
            order=body["order"],
            order_key=body["order_key"],
            item=body["item"],
            finished_at=datetime.fromisoformat(body["finished_at"]),
            consumed=tuple(
                ConsumedLine(line["item"], Decimal(line["quantity"]), line["unit"], line["lot"], line["lot_key"])
                for line in body["consumed"]
            ),
            operations=tuple(
                OperationTime(line["sequence"], line["name"], _duration(line["seconds"])) for line in body["operations"]
            ),
            outputs=tuple(
                OutputLine(
                    line["item"],
                    Decimal(line["quantity"]),
                    line["unit"],
                    Disposition(line["disposition"]),
                    line["lot"],
                )
                for line in body["outputs"]
            ),
        )


Fact = OrderCompletion


def _seconds(duration: timedelta) -> Decimal:
    return Decimal(duration // timedelta(microseconds=1)) / 1_000_000


def _duration(seconds: str) -> timedelta:
    return timedelta(microseconds=int(Decimal(seconds) * 1_000_000))
