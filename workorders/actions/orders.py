"""The life of an order between its arrival and its end, apart from the floor acts: release, recall, close, split."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.locking import lock_one
from mes.kernel.quantities import STEP, parse_positive, require_scale
from mes.kernel.scope import occurred
from workorders import events, states
from workorders.actions.definition import freeze, plan_of
from workorders.actions.floor import lock_order
from workorders.actions.flow import Edge, Flow
from workorders.actions.requests import reject_open
from workorders.gates import BEFORE_CLOSE, BEFORE_RECALL, BEFORE_RELEASE
from workorders.models import Item, Operation, OperationRun, WorkOrder


def locked_order(actor: Actor, order_id: int) -> WorkOrder:
    """The order, locked. Raises `not_found` for a foreign or unknown one."""
    rows = WorkOrder.objects.filter(site_id=actor.site_id).select_related("item__unit", "unit", "site")
    order = lock_one(rows, "order", order_id)
    if order is None:
        raise Refused("not_found", what="Order", number=order_id)
    return order


def revalidate(order: WorkOrder) -> None:
    """Set RECEIVED or PLANNED by what the plan of a not yet released order lacks, and keep the blockers on it."""
    plan = plan_of(order)
    order.blockers = [blocker.as_json() for blocker in plan.blockers]
    if order.state == states.RECEIVED and not plan.blockers:
        states.ORDER.move(order, "validate")
    elif order.state == states.PLANNED and plan.blockers:
        states.ORDER.move(order, "invalidate")


def release(actor: Actor, order_id: int, at: datetime | None) -> tuple[WorkOrder, list[Operation]]:
    """PLANNED → RELEASED: freeze routing and BOM, put the ordered quantity before the first operations.

    Called by `mes.execution.release_order`, which opens the checks. Raises `not_ready_for_release`, `state_forbids`.
    """
    item_id = WorkOrder.objects.filter(pk=order_id, site_id=actor.site_id).values_list("item_id", flat=True).first()
    if item_id is not None:
        lock_one(Item.objects.only("id"), "item", item_id, share=True)
    order = locked_order(actor, order_id)
    if order.state not in (states.RECEIVED, states.PLANNED):
        states.ORDER.require(order, "release")
    plan = plan_of(order)
    blockers = plan.blockers + BEFORE_RELEASE.blockers(order_id=order.pk, item_id=order.item_id)
    if blockers:
        raise Refused("not_ready_for_release", blockers=blockers, order=order.number, first=blockers[0].message)
    if order.state == states.RECEIVED:
        states.ORDER.move(order, "validate")
        order.save(update_fields=["state"])
    operations, edges = freeze(order, plan)
    flow = Flow(order, operations, [Edge(e.pred_id, e.succ_id, e.overlap) for e in edges], occurred(at))
    flow.move_order("release")
    order.routing_version, order.bom_version, order.blockers = plan.routing_version, plan.bom_version, []
    flow.order_fields |= {"routing_version", "bom_version", "blockers"}
    for operation in operations:
        if not flow.fed_by[operation.pk]:
            flow.arrive(operation, order.quantity)
    flow.write()
    events.order_event(
        events.ORDER_RELEASED,
        order,
        flow.at,
        item=order.item.code,
        quantity=order.quantity,
        unit=order.unit.code,
        routing=plan.routing_version,
        bom=plan.bom_version,
    )
    return order, operations


@command
def recall_order(*, actor: Actor, order_id: int, at: datetime | None = None, command_id: UUID) -> WorkOrder:
    """RELEASED → PLANNED while nothing was recorded. The frozen operations are cancelled, a new release makes new ones.

    Raises `order_has_facts`, `state_forbids`.
    """
    flow = lock_order(locked_order(actor, order_id).pk, occurred(at))
    order = flow.order
    states.ORDER.require(order, "recall")
    if OperationRun.objects.filter(operation__order=order).exists() or order.movements.exists():
        raise Refused("order_has_facts", order=order.number)
    BEFORE_RECALL.pass_or_refuse("order_has_facts", {"order": order.number}, order_id=order.pk)
    for operation in flow.operations.values():
        if operation.state != states.CANCELLED:
            flow.move(operation, "cancel")
    flow.move_order("recall")
    flow.write()
    events.order_event(events.ORDER_PLANNED, order, flow.at, blockers=[])
    return order


@command
def close_order(
    *, actor: Actor, order_id: int, note: str = "", at: datetime | None = None, command_id: UUID
) -> WorkOrder:
    """DONE → CLOSED: by the ERP's confirmation, or by a supervisor where no ERP waits. Raises `close_unconfirmed`."""
    flow = lock_order(locked_order(actor, order_id).pk, occurred(at))
    states.ORDER.require(flow.order, "close")
    if actor.kind != "system":
        BEFORE_CLOSE.pass_or_refuse("close_unconfirmed", {"order": flow.order.number}, order_id=flow.order.pk)
    flow.move_order("close")
    flow.write()
    reject_open(flow.order, actor)
    events.order_event(events.ORDER_CLOSED, flow.order, flow.at, note=note)
    return flow.order


@command
def split_order(
    *,
    actor: Actor,
    order_id: int,
    quantity: Decimal | str,
    number: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> tuple[WorkOrder, WorkOrder]:
    """Take QUANTITY, not yet worked on, out of an order into a new, not yet released one with the same definition.

    Of a released order the pieces must still stand before its first operations. Raises `split_too_large`,
    `state_forbids`.
    """
    flow = lock_order(locked_order(actor, order_id).pk, occurred(at))
    order = flow.order
    amount = parse_positive(quantity)
    require_scale(amount, order.unit.decimals, order.unit.code)
    if order.state not in states.OPEN_ORDERS:
        raise Refused("state_forbids", what=order.number, state=order.state, command="split", allowed="–")
    first = first_operations(flow)
    available = min((operation.queue for operation in first), default=order.quantity)
    available = min(available, order.quantity)
    if amount >= order.quantity or amount > available:
        raise Refused("split_too_large", open=available, unit=order.unit.code, order=order.number)
    new = _new_order(order, amount, number)
    if order.state in (states.RELEASED, states.RUNNING):
        for operation in first:
            flow.shift(operation, arrived=-amount, queue=-amount)
    order.quantity -= amount
    flow.order_fields.add("quantity")
    flow.write()
    scale_materials(order, -amount)
    events.order_event(
        events.ORDER_RECEIVED,
        new,
        flow.at,
        item=new.item.code,
        quantity=amount,
        unit=new.unit.code,
        split_from=order.number,
    )
    events.order_event(events.ORDER_PLANNED, order, flow.at, quantity=order.quantity, split_off=new.number, blockers=[])
    return order, new


def first_operations(flow: Flow) -> list[Operation]:
    """The operations that nothing feeds, cancelled ones apart."""
    return [
        operation
        for operation in flow.operations.values()
        if not flow.fed_by[operation.pk] and operation.state != states.CANCELLED
    ]


def scale_materials(order: WorkOrder, delta: Decimal) -> None:
    """What ORDER needs of each component follows its quantity by DELTA, so that the parts of a split sum up exactly."""
    for need in order.materials.all():
        need.required += (need.quantity_per * delta).quantize(STEP)
        need.save(update_fields=["required"])


def _new_order(order: WorkOrder, amount: Decimal, number: str | None) -> WorkOrder:
    taken = set(
        WorkOrder.objects.filter(site_id=order.site_id, number__startswith=order.number).values_list(
            "number", flat=True
        )
    )
    suffix = 1
    while not number and f"{order.number}-S{suffix}" in taken:
        suffix += 1
    if number and WorkOrder.objects.filter(site_id=order.site_id, number=number).exists():
        raise Refused("invalid", field="number", why=f"{number} exists already")
    return WorkOrder.objects.create(
        site=order.site,
        number=number or f"{order.number}-S{suffix}",
        item=order.item,
        quantity=amount,
        unit=order.unit,
        need_date=order.need_date,
        customer_order=order.customer_order,
        priority=order.priority,
        over_percent=order.over_percent,
        definition=order.definition,
        state=order.state if order.state in (states.RECEIVED, states.PLANNED) else states.PLANNED,
        source=order.source,
        split_from=order,
    )
