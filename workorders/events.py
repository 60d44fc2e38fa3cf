"""The events this app emits: names, subjects and payloads. `docs/events.md` describes each; a test checks both
agree.
"""

from datetime import datetime
from typing import Any

from mes.kernel.events import emit
from workorders.models import Operation, WorkOrder

ORDER_RECEIVED = "order.received"
ORDER_PLANNED = "order.planned"
ORDER_RELEASED = "order.released"
ORDER_FINISHED = "order.finished"
ORDER_CLOSED = "order.closed"
ORDER_CANCELLED = "order.cancelled"
ORDER_RESEQUENCED = "order.resequenced"
ORDER_CHANGE_REQUESTED = "order.change_requested"
ORDER_CHANGED = "order.changed"
ORDER_CHANGE_REJECTED = "order.change_rejected"
ORDER_CORRECTED = "order.corrected"
OPERATION_STARTED = "operation.started"
OPERATION_ENTERED = "operation.entered"
OPERATION_SUSPENDED = "operation.suspended"
OPERATION_REPORTED = "operation.reported"
OPERATION_COMPLETED = "operation.completed"
OPERATION_REOPENED = "operation.reopened"
OPERATION_SKIPPED = "operation.skipped"
COMMAND_UNDONE = "command.undone"
HOLD_PLACED = "hold.placed"
HOLD_RELEASED = "hold.released"
MASTERDATA_ADDED = "masterdata.added"
MASTERDATA_CHANGED = "masterdata.changed"
MASTERDATA_REMOVED = "masterdata.removed"


def masterdata_event(name: str, kind: str, pk: int, code: str, site_id: int, **payload: Any) -> None:
    """An event on the chain of one master record: KIND is its table in one word, CODE what people call it."""
    emit(
        name,
        subject=f"{kind}:{pk}",
        label=f"{kind}:{code}"[:120],
        payload={"kind": kind, "code": code, **payload},
        topics=[f"settings:{site_id}"],
    )


def order_event(name: str, order: WorkOrder, at: datetime | None = None, **payload: Any) -> None:
    """An event on the chain of ORDER; the floor, the order's page and its work centers hear of it."""
    emit(
        name,
        subject=f"order:{order.pk}",
        label=f"order:{order.number}",
        payload={"order": order.number, **payload},
        occurred_at=at,
        topics=[f"order:{order.pk}", f"orders:{order.site_id}", f"floor:{order.site_id}"],
    )


def operation_event(name: str, operation: Operation, at: datetime | None = None, **payload: Any) -> None:
    """An event of an operation, on the chain of its order."""
    order = operation.order
    emit(
        name,
        subject=f"order:{order.pk}",
        label=f"order:{order.number}",
        payload={"operation": operation.pk, "order": order.number, "sequence": operation.sequence, **payload},
        occurred_at=at,
        topics=[
            f"order:{order.pk}",
            f"orders:{order.site_id}",
            f"floor:{order.site_id}",
            f"wc:{operation.work_center_id}",
        ],
    )
