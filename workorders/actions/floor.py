"""What every floor act on an operation needs first: the locks in rank order, and the answer to "may this be worked
on?".
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker, Refused
from mes.kernel.locking import lock, lock_one
from mes.kernel.scope import occurred
from workorders import states
from workorders.actions.flow import Flow
from workorders.models import Hold, Item, Operation, OperationEdge, Reason, WorkCenter, WorkOrder


@dataclass
class FloorAct:
    """One act on one operation: the operation, its order and their flow, all locked, and the act's business time."""

    actor: Actor
    operation: Operation
    order: WorkOrder
    flow: Flow
    at: datetime


def begin(*, actor: Actor, operation_id: int, at: datetime | None) -> FloorAct:
    """Lock item and work center (shared), order and operations, in this order.

    Raises `not_found` for an unknown or foreign operation, `order_not_released`, and what `occurred` raises.
    """
    found = (
        Operation.objects.filter(pk=operation_id, order__site_id=actor.site_id)
        .values_list("order_id", "work_center_id", "order__item_id")
        .first()
    )
    if found is None:
        raise Refused("not_found", what="Operation", number=operation_id)
    order_id, work_center_id, item_id = found
    lock_one(Item.objects.only("id"), "item", item_id, share=True)
    lock_one(WorkCenter.objects.only("id"), "work_center", work_center_id, share=True)
    flow = lock_order(order_id, occurred(at))
    operation = flow.operations[operation_id]
    return FloorAct(actor, operation, flow.order, flow, flow.at)


def lock_order(order_id: int, at: datetime) -> Flow:
    """The order and all its operations, locked, as a flow."""
    order = lock_one(WorkOrder.objects.select_related("item__unit", "unit", "site"), "order", order_id)
    if order is None:
        raise Refused("not_found", what="Order", number=order_id)
    operations = lock(
        Operation.objects.filter(order_id=order_id).select_related("work_center__location"),
        "operation",
        order_by=("order_id", "sequence", "pk"),
    )
    edges = OperationEdge.objects.filter(pred__order_id=order_id)
    return Flow(order, operations, edges, at)


def require_workable(act: FloorAct) -> None:
    """The order is released and nothing that covers the operation is on hold. Raises `order_not_released`,
    `on_hold`.
    """
    if act.order.state not in (states.RELEASED, states.RUNNING):
        raise Refused("order_not_released", order=act.order.number, state=act.order.state)
    held = holds_on(act.operation)
    if held:
        raise Refused("on_hold", blockers=held, what=f"Operation {act.operation}", why=held[0].message)


def holds_on(operation: Operation) -> list[Blocker]:
    """Every open hold that covers OPERATION: its own, its order's, its item's, its work center's."""
    order = operation.order
    rows = (
        Hold.objects.filter(released_at__isnull=True, site_id=order.site_id)
        .filter(
            Q(operation_id=operation.pk)
            | Q(order_id=order.pk)
            | Q(item_id=order.item_id)
            | Q(work_center_id=operation.work_center_id)
        )
        .select_related("reason", "order", "item", "work_center", "operation__order")
    )
    return [Blocker("on_hold", hold_text(hold)) for hold in rows]


def hold_text(hold: Hold) -> str:
    """What is held and why, in one line."""
    what = hold.order or hold.operation or hold.item or hold.work_center
    why = " · ".join(part for part in (hold.reason.text if hold.reason else "", hold.note) if part)
    return f"{what}: {why or '–'} ({hold.placed_by_name})"


def reason_of(site_id: int, kind: str, code: str | None, what: str) -> Reason:
    """The plant's reason CODE of KIND. Raises `reason_needed` or `reason_unknown`, each with the choices."""
    known = {reason.code: reason for reason in Reason.objects.filter(site_id=site_id, kind=kind, is_active=True)}
    choices = ", ".join(sorted(known)) or "–"
    if not code:
        raise Refused("reason_needed", what=what, choices=choices)
    if code not in known:
        raise Refused("reason_unknown", code=code[:40], choices=choices)
    return known[code]
