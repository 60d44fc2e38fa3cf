"""Compares what we recorded with what the ERP has booked. Pure; decides nothing."""

from collections import defaultdict
from decimal import Decimal

from erp_sync.facts import Disposition, OrderCompletion
from erp_sync.messages import OrderTotals


def differences(
    fact: OrderCompletion, totals: OrderTotals, tolerance: Decimal = Decimal("0.01")
) -> list[dict[str, str]]:
    """One entry per figure that differs: what, what we have, what the ERP has, in which unit.

    Quantities in another unit than ours are left to the adapter's own read-back; `tolerance` is what its decimals
    may round away.
    """
    found = []
    pairs: list[tuple[str, Decimal, Decimal, str]] = []
    unit = next((line.unit for line in fact.outputs), totals.unit)
    if unit == totals.unit:
        pairs.append(("good", fact.total(Disposition.GOOD), totals.good, unit))
        pairs.append(("scrap", fact.total(Disposition.SCRAP), totals.scrap, unit))
    ours: dict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    theirs: dict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    for line in fact.consumed:
        ours[line.item, line.lot, line.unit] += line.quantity
    for booked in totals.consumed:
        theirs[booked.item, booked.lot, booked.unit] += booked.quantity
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        item, lot, symbol = key
        other_unit = any(k[:2] == key[:2] and k != key for k in (*ours, *theirs))
        if not other_unit:
            pairs.append((f"{item} {lot}" if lot else item, ours[key], theirs[key], symbol))
    for what, here, there, symbol in pairs:
        if abs(here - there) > tolerance:
            found.append({"what": what, "here": str(here), "there": str(there), "unit": symbol})
    return found
