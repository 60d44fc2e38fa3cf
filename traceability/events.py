"""The events this app emits: names, subjects and payloads. `docs/events.md` describes each."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from mes.kernel.events import emit
from traceability.models import MaterialLot
from workorders.models import Operation

LOT_RECEIVED = "lot.received"
LOT_PRODUCED = "lot.produced"
MATERIAL_CONSUMED = "material.consumed"
MATERIAL_ADJUSTED = "material.adjusted"
LOT_CLOSED = "lot.closed"
LOT_REOPENED = "lot.reopened"


def lot_event(
    name: str,
    lot: MaterialLot,
    quantity: Decimal,
    at: datetime | None = None,
    operation: Operation | None = None,
    **payload: Any,
) -> None:
    """An event on the chain of LOT; with OPERATION it also names where in which order."""
    topics = [f"lot:{lot.pk}"]
    if operation is not None:
        payload |= {"operation": operation.pk, "order": operation.order.number}
        topics += [f"order:{operation.order_id}", f"wc:{operation.work_center_id}", f"floor:{lot.site_id}"]
    emit(
        name,
        subject=f"lot:{lot.pk}",
        label=f"lot:{lot.number}",
        payload={"lot": lot.number, "item": lot.item.code, "quantity": quantity, "unit": lot.item.unit.code, **payload},
        occurred_at=at,
        topics=topics,
    )


def untracked_event(operation: Operation, item_code: str, quantity: Decimal, unit: str, at: datetime) -> None:
    """Consumption of an item without lots: it belongs to the order's chain."""
    order = operation.order
    emit(
        MATERIAL_CONSUMED,
        subject=f"order:{order.pk}",
        label=f"order:{order.number}",
        payload={
            "lot": None,
            "item": item_code,
            "quantity": quantity,
            "unit": unit,
            "operation": operation.pk,
            "order": order.number,
        },
        occurred_at=at,
        topics=[f"order:{order.pk}", f"wc:{operation.work_center_id}", f"floor:{order.site_id}"],
    )
