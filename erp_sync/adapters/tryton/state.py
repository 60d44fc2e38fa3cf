"""What Tryton holds of one production order at one moment, read in one call. Interprets nothing, changes nothing."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.errors import UnitMismatch, UnknownReference
from erp_sync.adapters.tryton import values
from erp_sync.adapters.tryton.client import TrytonClient

FIELDS = [
    "number",
    "state",
    "_timestamp",
    "company",
    "location",
    "warehouse",
    *(
        f"{side}.{name}"
        for side in ("inputs", "outputs")
        for name in (
            "product.code",
            "lot.number",
            "quantity",
            "unit",
            "state",
            "from_location",
            "to_location.type",
            "currency",
            "unit_price",
        )
    ),
    "works.sequence",
    "works.operation.name",
    "works.cycles.state",
    "works.cycles.duration",
    "works.cycles.create_uid",
]

WASTE = "lost_found"


@dataclass(frozen=True)
class Move:
    """A stock move of the order; `waste` says that it ends in a waste location."""

    id: int
    product: int
    code: str
    lot: int | None
    lot_number: str | None
    quantity: Decimal
    unit: int
    state: str
    from_location: int
    to_location: int
    waste: bool
    currency: int | None

    @property
    def counts(self) -> bool:
        return self.state != "cancelled"

    @property
    def is_open(self) -> bool:
        return self.state in ("draft", "assigned", "staging")


@dataclass(frozen=True)
class Cycle:
    id: int
    state: str
    duration: timedelta | None
    creator: int | None

    @property
    def is_open(self) -> bool:
        return self.state in ("draft", "running")


@dataclass(frozen=True)
class Work:
    id: int
    sequence: int
    operation: str
    cycles: tuple[Cycle, ...]


@dataclass(frozen=True)
class Snapshot:
    id: int
    number: str
    state: str
    timestamp: str
    company: int
    location: int
    warehouse: int
    inputs: tuple[Move, ...]
    outputs: tuple[Move, ...]
    works: tuple[Work, ...]

    @property
    def guard(self) -> dict[str, str]:
        """Lets a write happen only if the order is still as read here."""
        return {f"production,{self.id}": self.timestamp}


@dataclass(frozen=True)
class Unit:
    id: int
    symbol: str
    category: int
    factor: Fraction
    digits: int


class Units:
    """The ERP's units, for exact conversion between those of one category."""

    def __init__(self, units: list[Unit]) -> None:
        self._by_id = {unit.id: unit for unit in units}
        self._by_symbol = {unit.symbol: unit for unit in units}

    def by_id(self, key: int) -> Unit:
        return self._by_id[key]

    def by_symbol(self, symbol: str) -> Unit:
        try:
            return self._by_symbol[symbol]
        except KeyError:
            raise UnknownReference("unit", symbol, f"The ERP knows no unit {symbol}.") from None

    def convert(self, quantity: Decimal, source: Unit, target: Unit) -> Fraction:
        if source.category != target.category:
            raise UnitMismatch(f"A quantity in {source.symbol} cannot be converted into {target.symbol}.")
        return Fraction(quantity) * source.factor / target.factor

    def amount(self, quantity: Decimal, unit: int) -> Fraction:
        """The quantity in the reference unit of its category, for comparing."""
        return Fraction(quantity) * self._by_id[unit].factor


def exact_factor(factor: Any, rate: Any) -> Fraction:
    """A unit's worth. Tryton keeps the factor and its reciprocal as floats; the larger of the two is the exact one."""
    upward, downward = values.quantity(factor), values.quantity(rate)
    return Fraction(upward) if upward >= downward else 1 / Fraction(downward)


def read_units(client: TrytonClient) -> Units:
    rows = client.search_read(
        "product.uom", [["active", "in", [True, False]]], ["symbol", "category", "factor", "rate", "digits"]
    )
    return Units(
        [
            Unit(row["id"], row["symbol"], row["category"], exact_factor(row["factor"], row["rate"]), row["digits"])
            for row in rows
        ]
    )


def read_snapshot(client: TrytonClient, key: int) -> Snapshot:
    """The order as it is now; `UnknownReference` when the ERP has it no more."""
    rows = client.search_read("production", [["id", "=", key]], FIELDS)
    if not rows:
        raise UnknownReference("order", str(key), "The ERP has no such production order any more.")
    return parse_snapshot(rows[0])


def parse_snapshot(row: dict[str, Any]) -> Snapshot:
    return Snapshot(
        id=row["id"],
        number=row["number"] or "",
        state=row["state"],
        timestamp=row["_timestamp"],
        company=row["company"],
        location=row["location"],
        warehouse=row["warehouse"],
        inputs=_moves(row["inputs."]),
        outputs=_moves(row["outputs."]),
        works=tuple(
            sorted(
                (
                    Work(
                        id=work["id"],
                        sequence=work["sequence"] or 0,
                        operation=work["operation."]["name"],
                        cycles=tuple(
                            Cycle(cycle["id"], cycle["state"], values.duration(cycle["duration"]), cycle["create_uid"])
                            for cycle in work["cycles."]
                        ),
                    )
                    for work in row["works."]
                ),
                key=lambda work: (work.sequence, work.id),
            )
        ),
    )


def _moves(rows: list[dict[str, Any]]) -> tuple[Move, ...]:
    return tuple(
        sorted(
            (
                Move(
                    id=row["id"],
                    product=row["product."]["id"],
                    code=row["product."]["code"] or "",
                    lot=row["lot."]["id"] if row["lot."] else None,
                    lot_number=row["lot."]["number"] if row["lot."] else None,
                    quantity=values.quantity(row["quantity"]),
                    unit=row["unit"],
                    state=row["state"],
                    from_location=row["from_location"],
                    to_location=row["to_location."]["id"],
                    waste=row["to_location."]["type"] == WASTE,
                    currency=row["currency"],
                )
                for row in rows
            ),
            key=lambda move: move.id,
        )
    )
