"""What Tryton has booked for orders, added up for comparison with what was recorded here. Reads only."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.tryton import values
from erp_sync.adapters.tryton.client import TrytonClient
from erp_sync.adapters.tryton.state import WASTE, Units, read_units
from erp_sync.adapters.tryton.translating import ORDER_STATES
from erp_sync.messages import ConsumedTotal, OrderTotals

FIELDS = [
    "state",
    "product",
    "unit",
    *(
        f"{side}.{name}"
        for side in ("inputs", "outputs")
        for name in ("product.code", "lot.number", "quantity", "unit", "state", "to_location.type")
    ),
    "works.cycles.state",
    "works.cycles.duration",
]


def read_totals(client: TrytonClient, order_keys: list[str]) -> list[OrderTotals]:
    """Only what is booked counts: done moves and done cycles. Outputs are those of the item that was ordered."""
    ids = [int(key) for key in order_keys if key.isdigit()]
    units = read_units(client)
    rows = {row["id"]: row for row in client.search_read("production", [["id", "in", ids]], FIELDS)}
    return [_totals(key, rows[int(key)], units) for key in order_keys if key.isdigit() and int(key) in rows]


def _totals(key: str, row: dict[str, Any], units: Units) -> OrderTotals:
    unit = units.by_id(row["unit"])
    good, scrap = Fraction(0), Fraction(0)
    for move in _done(row["outputs."]):
        if move["product."]["id"] != row["product"]:
            continue
        amount = units.amount(values.quantity(move["quantity"]), move["unit"]) / unit.factor
        if move["to_location."]["type"] == WASTE:
            scrap += amount
        else:
            good += amount
    consumed: dict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    for move in _done(row["inputs."]):
        lot = move["lot."]["number"] if move["lot."] else None
        line = (move["product."]["code"] or "", lot, units.by_id(move["unit"]).symbol)
        consumed[line] += values.quantity(move["quantity"])
    cycles = [cycle for work in row["works."] for cycle in work["cycles."] if cycle["state"] == "done"]
    return OrderTotals(
        order=key,
        state=ORDER_STATES[row["state"]],
        good=_decimal(good),
        scrap=_decimal(scrap),
        unit=unit.symbol,
        consumed=tuple(
            ConsumedTotal(item, lot, quantity, symbol)
            for (item, lot, symbol), quantity in sorted(consumed.items(), key=str)
        ),
        time=sum((values.duration(cycle["duration"]) or timedelta() for cycle in cycles), timedelta()),
    )


def _done(moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [move for move in moves if move["state"] == "done"]


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
