"""Builds completed orders for the tests: ten pumps, eight good and two scrapped, from three lots."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from erp_sync.facts import ConsumedLine, Disposition, OperationTime, OrderCompletion, OutputLine
from tests.erp.peer.api import PeerOrder

ASSEMBLE, TEST = timedelta(seconds=1234), timedelta(minutes=30)


def consumed(item: str, quantity: str, unit: str, lot: str | None = None) -> ConsumedLine:
    return ConsumedLine(item, Decimal(quantity), unit, lot)


def made(quantity: str, lot: str | None, disposition: Disposition = Disposition.GOOD, unit: str = "u") -> OutputLine:
    return OutputLine("FG-100", Decimal(quantity), unit, disposition, lot)


def completion(order: PeerOrder, **changes: Any) -> OrderCompletion:
    named = {"order": order.number, "order_key": order.key}
    return replace(pumps(str(order.id)), **{**named, **changes})


def pumps(order: str, **changes: Any) -> OrderCompletion:
    """The same ten pumps for an ERP that knows an order by its number alone."""
    lot = f"FG-MES-{order}"
    whole = OrderCompletion(
        key=str(uuid.uuid4()),
        order=order,
        order_key=order,
        item="FG-100",
        finished_at=datetime.now(UTC),
        consumed=(
            consumed("RM-HOUS", "6", "u", "H-2026-01"),
            consumed("RM-HOUS", "4", "u", "H-2026-02"),
            consumed("RM-SEAL", "20", "u"),
            consumed("RM-RESIN", "2.5", "kg", "R-77"),
        ),
        operations=(OperationTime(10, "10 Assemble", ASSEMBLE), OperationTime(20, "20 Pressure test", TEST)),
        outputs=(made("8", lot), made("2", lot, Disposition.SCRAP)),
    )
    return replace(whole, **changes)


def assert_posted_once(order: PeerOrder) -> None:
    """What Tryton's own API must show of `completion(order)`, whatever happened on the way."""
    lot = f"FG-MES-{order.id}"
    assert order.state == "done"
    assert order.consumed() == {
        ("RM-HOUS", "H-2026-01"): 6.0,
        ("RM-HOUS", "H-2026-02"): 4.0,
        ("RM-SEAL", None): 20.0,
        ("RM-RESIN", "R-77"): 2.5,
    }
    assert order.good() == {("FG-100", lot): 8.0}
    assert order.scrapped() == {("FG-100", lot): 2.0}
    assert order.cycles() == {"10 Assemble": [("done", ASSEMBLE)], "20 Pressure test": [("done", TEST)]}
    assert len(order.api.lots(lot)) == 1
    assert order.traced_lots(lot) == {"H-2026-01", "H-2026-02", "R-77"}
