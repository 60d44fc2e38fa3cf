"""Turns a completed order into what Tryton's order should hold: its ids, units and decimals. Never writes."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.errors import Rejected, UnknownReference
from erp_sync.adapters.tryton.client import TrytonClient
from erp_sync.adapters.tryton.state import Move, Snapshot, Unit, Units
from erp_sync.facts import ConsumedLine, Disposition, OrderCompletion, OutputLine


@dataclass(frozen=True)
class InputTarget:
    product: int
    code: str
    lot: int | None
    lot_number: str | None
    quantity: Decimal
    unit: int


@dataclass(frozen=True)
class OutputTarget:
    """`lot` is absent while the ERP has no lot of that number yet."""

    product: int
    code: str
    lot: int | None
    lot_number: str | None
    quantity: Decimal
    unit: int
    waste: bool


@dataclass(frozen=True)
class TimeTarget:
    sequence: int
    operation: str
    duration: timedelta


@dataclass(frozen=True)
class Target:
    """What the order in the ERP should hold when all is posted. `residues` is what the ERP's decimals leave over."""

    inputs: tuple[InputTarget, ...]
    times: tuple[TimeTarget, ...]
    outputs: tuple[OutputTarget, ...]
    residues: tuple[tuple[str, Decimal, str], ...]


@dataclass(frozen=True)
class _Product:
    id: int
    unit: int


class Resolver:
    """Resolves one fact. Items are looked up once; lots anew each time, for another worker may be making them."""

    def __init__(self, client: TrytonClient, fact: OrderCompletion, units: Units) -> None:
        self._client = client
        self._fact = fact
        self._units = units
        self._products = self._read_products()

    def resolve(self, order: Snapshot) -> Target:
        """Raises `UnknownReference`, `UnitMismatch` or `Rejected` where the fact cannot be said in the ERP's terms."""
        inputs, left_in = self._inputs(order)
        outputs, left_out = self._outputs(order)
        times = tuple(TimeTarget(line.sequence, line.name, line.duration) for line in self._fact.operations)
        return Target(inputs, times, outputs, (*left_in, *left_out))

    def _read_products(self) -> dict[str, _Product]:
        codes = sorted({line.item for line in self._fact.consumed} | {line.item for line in self._fact.outputs})
        rows = self._client.search_read(
            "product.product", [["code", "in", codes], ["active", "in", [True, False]]], ["code", "default_uom"]
        )
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            found[row["code"]].append(row)
        for code in codes:
            if not found[code]:
                raise UnknownReference("item", code, f"The ERP knows no item {code}.")
            if len(found[code]) > 1:
                raise Rejected("item_ambiguous", f"The ERP has {len(found[code])} items with the code {code}.")
        return {code: _Product(rows[0]["id"], rows[0]["default_uom"]) for code, rows in found.items()}

    def _posting_unit(self, code: str, moves: tuple[Move, ...]) -> Unit:
        """The unit the ERP's own line uses, else the item's."""
        product = self._products[code]
        used = next((move.unit for move in moves if move.product == product.id and move.counts), product.unit)
        return self._units.by_id(used)

    def _inputs(self, order: Snapshot) -> tuple[tuple[InputTarget, ...], list[tuple[str, Decimal, str]]]:
        lines = self._fact.consumed
        lots = self._input_lots()
        rounded = _Rounding(self._units)
        targets = []
        for line in lines:
            unit = self._posting_unit(line.item, order.inputs)
            quantity = rounded.next(line.item, line.quantity, self._units.by_symbol(line.unit), unit)
            if quantity:
                product = self._products[line.item].id
                targets.append(InputTarget(product, line.item, lots.get(line), line.lot, quantity, unit.id))
        return tuple(targets), rounded.residues()

    def _input_lots(self) -> dict[ConsumedLine, int]:
        tracked = [line for line in self._fact.consumed if line.lot is not None]
        if not tracked:
            return {}
        rows = self._client.search_read(
            "stock.lot", [["number", "in", sorted({str(line.lot) for line in tracked})]], ["number", "product"]
        )
        found: dict[ConsumedLine, int] = {}
        for line in tracked:
            same_number = [row for row in rows if row["number"] == line.lot]
            own = [row for row in same_number if row["product"] == self._products[line.item].id]
            by_key = [row for row in own if str(row["id"]) == line.lot_key]
            if by_key or len(own) == 1:
                found[line] = (by_key or own)[0]["id"]
            elif own:
                raise Rejected("lot_ambiguous", f"The ERP has {len(own)} lots {line.lot} of {line.item}.")
            elif same_number:
                raise Rejected("lot_of_other_item", f"In the ERP lot {line.lot} is not a lot of {line.item}.")
            else:
                raise UnknownReference("lot", str(line.lot), f"The ERP knows no lot {line.lot} of {line.item}.")
        return found

    def _outputs(self, order: Snapshot) -> tuple[tuple[OutputTarget, ...], list[tuple[str, Decimal, str]]]:
        lots = self._output_lots(order)
        rounded = _Rounding(self._units)
        targets = []
        for line in self._fact.outputs:
            unit = self._posting_unit(line.item, order.outputs)
            quantity = rounded.next(line.item, line.quantity, self._units.by_symbol(line.unit), unit)
            if quantity:
                product = self._products[line.item].id
                waste = line.disposition is Disposition.SCRAP
                targets.append(OutputTarget(product, line.item, lots.get(line), line.lot, quantity, unit.id, waste))
        return tuple(targets), rounded.residues()

    def _output_lots(self, order: Snapshot) -> dict[OutputLine, int]:
        tracked = [line for line in self._fact.outputs if line.lot is not None]
        if not tracked:
            return {}
        rows = self._client.search_read(
            "stock.lot", [["number", "in", sorted({str(line.lot) for line in tracked})]], ["number", "product"]
        )
        used = {move.lot for move in order.outputs if move.counts}
        found: dict[OutputLine, int] = {}
        for line in tracked:
            product = self._products[line.item].id
            own = [row["id"] for row in rows if row["number"] == line.lot and row["product"] == product]
            if own:
                # The ERP allows a number twice: what this order already uses wins, then the older one.
                found[line] = min(own, key=lambda lot: (lot not in used, lot))
        return found


class _Rounding:
    """Rounds the lines of an item so that their sum is the rounded sum: the error of a line goes into the next."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._exact: dict[str, Fraction] = defaultdict(Fraction)
        self._posted: dict[str, Fraction] = defaultdict(Fraction)
        self._unit: dict[str, Unit] = {}

    def next(self, item: str, quantity: Decimal, source: Unit, target: Unit) -> Decimal:
        self._unit[item] = target
        self._exact[item] += self._units.convert(quantity, source, target)
        scale = 10**target.digits
        line = Fraction(round(self._exact[item] * scale), scale) - self._posted[item]
        self._posted[item] += line
        return Decimal(line.numerator) / Decimal(line.denominator)

    def residues(self) -> list[tuple[str, Decimal, str]]:
        left = []
        for item, exact in self._exact.items():
            rest = exact - self._posted[item]
            if rest:
                left.append((item, Decimal(rest.numerator) / Decimal(rest.denominator), self._unit[item].symbol))
        return left
