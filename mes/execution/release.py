"""Order verbs that touch checks and labor too: release opens the plan's checks, cancel ends what runs, skip asks
quality.
"""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from mes.execution.runs import close_runs
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO
from mes.kernel.scope import occurred
from quality.actions.inspections import open_inspections
from workorders import events, states
from workorders.actions import orders
from workorders.actions.floor import FloorAct, begin, lock_order, reason_of
from workorders.actions.requests import reject_open
from workorders.gates import BEFORE_SKIP
from workorders.models import Operation, WorkOrder


@command
def release_order(*, actor: Actor, order_id: int, at: datetime | None = None, command_id: UUID) -> WorkOrder:
    """PLANNED → RELEASED with operations, requirements and checks. Raises `not_ready_for_release` with its blockers."""
    order, operations = orders.release(actor, order_id, at)
    open_inspections(order, operations)
    return order


@command
def cancel_order(
    *,
    actor: Actor,
    order_id: int,
    reason: str | None,
    wip: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> WorkOrder:
    """End an order without finishing it. A RUNNING one needs a decision on its pieces: SCRAP them or put them to STOCK.

    Open runs and their labor end; recorded facts stay. Raises `reason_needed`, `wip_undecided`, `state_forbids`.
    """
    flow = lock_order(orders.locked_order(actor, order_id).pk, occurred(at))
    order = flow.order
    states.ORDER.require(order, "cancel")
    why = reason_of(actor.site_id, "HOLD", reason, _("cancelling order {order}").format(order=order.number))
    if order.state == states.RUNNING and wip not in ("SCRAP", "STOCK"):
        raise Refused("wip_undecided", order=order.number)
    left = ZERO
    for operation in flow.operations.values():
        close_runs(FloorAct(actor, operation, order, flow, flow.at))
        if order.state == states.RUNNING and operation.open_quantity:
            left += operation.open_quantity
            bucket = "scrap" if wip == "SCRAP" else "short"
            amounts = {bucket: operation.open_quantity}
            flow.shift(operation, in_process=-operation.in_process, queue=-operation.queue, **amounts)
        if operation.state not in (states.COMPLETED, states.CANCELLED):
            flow.move(operation, "cancel")
    flow.move_order("cancel")
    flow.write()
    reject_open(order, actor)
    facts = {"reason": why.code, "wip": wip or "", "quantity": left, "unit": order.unit.code}
    events.order_event(events.ORDER_CANCELLED, order, flow.at, **facts)
    return order


@command
def skip_operation(
    *,
    actor: Actor,
    operation_id: int,
    reason: str | None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """WAITING or READY → SKIPPED: its pieces pass through to the next operation. Never one with a mandatory check.

    Raises `operation_not_skippable`, `reason_needed`, `state_forbids`.
    """
    act = begin(actor=actor, operation_id=operation_id, at=at)
    operation = act.operation
    states.OPERATION.require(operation, "skip")
    BEFORE_SKIP.pass_or_refuse("operation_not_skippable", {"operation": operation}, operation_id=operation.pk)
    why = reason_of(actor.site_id, "SKIP", reason, _("skipping an operation"))
    act.flow.skip(operation)
    act.flow.write()
    events.operation_event(events.OPERATION_SKIPPED, operation, act.at, reason=why.code)
    return operation
