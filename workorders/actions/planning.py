"""What planning does to an order after its release: another place in the queue, changes asked for and decided,
corrections of a closed one.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO, parse, require_scale
from mes.kernel.scope import current, occurred
from workorders import events, states
from workorders.actions.changes import apply_changes, difference
from workorders.actions.floor import lock_order, reason_of
from workorders.actions.orders import locked_order
from workorders.actions.requests import settle
from workorders.models import ChangeRequest, OrderCorrection, Resequencing, WorkOrder

#: Ranks beyond these are a slip of the key.
RANKS = 1_000_000
FIRST, LAST, NORMAL = "FIRST", "LAST", "NORMAL"


@command
def resequence_order(
    *,
    actor: Actor,
    order_id: int,
    to: str | None = None,
    rank: int | None = None,
    note: str = "",
    at: datetime | None = None,
    command_id: UUID,
) -> WorkOrder:
    """Give an open order another place in every queue: TO the FIRST, the LAST, back to NORMAL, or an explicit RANK.

    Lower ranks stand before higher ones, 0 is where need dates decide. Leaves a fact that undo takes back. Raises
    `same_place`, `state_forbids`, `invalid`.
    """
    order = locked_order(actor, order_id)
    if order.state not in states.OPEN_ORDERS:
        raise Refused("state_forbids", what=order.number, state=order.state, command="resequence", allowed="–")
    wanted = _rank(order, to, rank)
    if wanted == order.manual_rank:
        raise Refused("same_place", order=order.number)
    _move(order, wanted, actor, note, occurred(at))
    return order


def _rank(order: WorkOrder, to: str | None, rank: int | None) -> int:
    if (to is None) == (rank is None):
        raise Refused("invalid", field="to", why=_("choose FIRST, LAST or NORMAL, or give a rank"))
    if rank is not None:
        if not -RANKS <= rank <= RANKS:
            raise Refused("invalid", field="rank", why=_("a whole number up to a million is needed"))
        return rank
    if to == NORMAL:
        return 0
    others = WorkOrder.objects.filter(site_id=order.site_id, state__in=states.OPEN_ORDERS).exclude(pk=order.pk)
    ranks = [0, *others.exclude(manual_rank=0).values_list("manual_rank", flat=True)]
    if to == FIRST:
        return min(ranks) - 1
    if to == LAST:
        return max(ranks) + 1
    raise Refused("invalid", field="to", why=_("choose FIRST, LAST or NORMAL, or give a rank"))


def _move(
    order: WorkOrder, rank: int, actor: Actor, note: str, at: datetime, reverses: Resequencing | None = None
) -> None:
    Resequencing.objects.create(
        order=order,
        rank_from=order.manual_rank,
        rank_to=rank,
        actor_name=actor.name,
        note=note[:200],
        occurred_at=at,
        command_id=current().command_id,
        reverses=reverses,
    )
    before, order.manual_rank = order.manual_rank, rank
    order.save(update_fields=["manual_rank"])
    events.order_event(events.ORDER_RESEQUENCED, order, at, rank_from=before, rank_to=rank, note=note[:200])


def take_back_resequencing(actor: Actor, target: UUID, at: datetime) -> WorkOrder:
    """Undo the move that the command TARGET made. Called by undo. Raises `undo_depends` when it was moved again."""
    moved = Resequencing.objects.get(command_id=target)
    order = locked_order(actor, moved.order_id)
    if order.state not in states.OPEN_ORDERS:
        raise Refused("undo_after_close", order=order.number, state=order.state)
    if order.manual_rank != moved.rank_to:
        raise Refused("undo_depends", fact=_("order {order} was moved again since.").format(order=order.number))
    _move(order, moved.rank_from, actor, "", at, reverses=moved)
    return order


@command
def request_change(
    *,
    actor: Actor,
    order_id: int,
    wanted: dict[str, Any],
    note: str = "",
    source: str = "manual",
    command_id: UUID,
) -> ChangeRequest:
    """Ask for another quantity, need date, priority, tolerance or customer order of a RELEASED or RUNNING order.

    Nothing of the order changes until somebody with the right decides. A new request of the same order takes the place
    of the open one, which is rejected. Raises `nothing_to_change`, `state_forbids`, `invalid`.
    """
    order = locked_order(actor, order_id)
    _require_changeable(order)
    changes = difference(order, wanted)
    if not changes:
        raise Refused("nothing_to_change", order=order.number)
    open_one = ChangeRequest.objects.filter(order=order, state=states.REQUESTED).first()
    if open_one is not None:
        settle(open_one, "reject", actor, _("A newer request took its place."))
    made = ChangeRequest.objects.create(
        order=order,
        changes=changes,
        note=note[:200],
        source=source[:20],
        requested_by_id=actor.person_id,
        requested_by_name=actor.name,
    )
    events.order_event(events.ORDER_CHANGE_REQUESTED, order, request=made.pk, changes=changes, note=made.note)
    return made


def _require_changeable(order: WorkOrder) -> None:
    if order.state not in (states.RELEASED, states.RUNNING):
        raise Refused("state_forbids", what=order.number, state=order.state, command="change", allowed="–")


@command
def decide_change(
    *, actor: Actor, request_id: int, apply: bool, note: str = "", at: datetime | None = None, command_id: UUID
) -> ChangeRequest:
    """Carry a requested change out, or reject it. Carried out, the pieces, the material and the queue follow at once.

    Fewer pieces come out of those that stand before the first operations and were not worked on. Raises `not_found`,
    `change_decided`, `change_outdated` when the order was changed otherwise since, `change_too_small`.
    """
    found = ChangeRequest.objects.filter(pk=request_id, order__site_id=actor.site_id).first()
    if found is None:
        raise Refused("not_found", what=_("Change request"), number=request_id)
    flow = lock_order(found.order_id, occurred(at))
    found.refresh_from_db()
    if found.state != states.REQUESTED:
        raise Refused("change_decided", state=found.state, who=found.decided_by_name)
    if apply:
        _require_changeable(flow.order)
        apply_changes(flow, found.changes)
    found.order = flow.order
    settle(found, "apply" if apply else "reject", actor, note, flow.at)
    return found


@command
def correct_order(
    *,
    actor: Actor,
    order_id: int,
    operation_id: int,
    good: Any = 0,
    scrap: Any = 0,
    reason: str | None = None,
    note: str = "",
    at: datetime | None = None,
    command_id: UUID,
) -> OrderCorrection:
    """Say after the end what an operation of a CLOSED order really made: GOOD and SCRAP are differences, up or down.

    The records of the order stay; the correction refers to them. Raises `order_not_closed`, `nothing_reported`,
    `correction_below_zero`, `reason_needed`, `invalid`.
    """
    order = locked_order(actor, order_id)
    if order.state != states.CLOSED:
        raise Refused("order_not_closed", order=order.number, state=order.state)
    operation = order.operations.filter(pk=operation_id).first()
    if operation is None:
        raise Refused("not_found", what=_("Operation"), number=operation_id)
    amounts = {name: _difference(order, name, value) for name, value in (("good", good), ("scrap", scrap))}
    if not any(amounts.values()):
        raise Refused("nothing_reported")
    if not note.strip():
        raise Refused("invalid", field="note", why=_("a correction says how it was found out"))
    why = reason_of(actor.site_id, "SCRAP", reason, _("a correction"))
    earlier = OrderCorrection.objects.filter(operation=operation)
    for name, made in (("good", operation.good + operation.passed), ("scrap", operation.scrap)):
        if made + sum((getattr(row, name) for row in earlier), ZERO) + amounts[name] < 0:
            raise Refused("correction_below_zero", operation=str(operation), made=made, unit=order.unit.code)
    correction = OrderCorrection.objects.create(
        order=order,
        operation=operation,
        reason=why,
        note=note.strip()[:200],
        actor_name=actor.name,
        occurred_at=occurred(at),
        command_id=current().command_id,
        **amounts,
    )
    events.operation_event(
        events.ORDER_CORRECTED, operation, correction.occurred_at, reason=why.code, note=correction.note, **amounts
    )
    return correction


def _difference(order: WorkOrder, name: str, value: Any) -> Decimal:
    number = parse(0 if value in (None, "") else value, name)
    require_scale(number, order.unit.decimals, order.unit.code, name)
    return number
