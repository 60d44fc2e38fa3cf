"""What can be done with an order from its page: the acts its state allows, and how each is carried out."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mes.execution.release import cancel_order, release_order, skip_operation
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.screens.desk import planning_acts
from mes.screens.desk.acts import Act, Field
from workorders import states
from workorders.actions.holds import place_hold, release_hold
from workorders.actions.orders import close_order, recall_order, split_order
from workorders.models import ChangeRequest, Hold, WorkOrder
from workorders.queries.holds import why_held
from workorders.queries.order import OrderDetail, skippable

NOTE = Field("note", gettext_lazy("Note"))


def acts_of(detail: OrderDetail, request: ChangeRequest | None = None) -> list[Act]:
    """The acts that the state of the order allows; REQUEST is a change that waits for a decision."""
    order = detail.order
    state = order.state
    found: list[Act] = []
    if state == states.PLANNED:
        found.append(Act("release", gettext_lazy("Release"), "play", "release_order", direct=True, weight=0))
    if detail.holds:
        found.append(_lift(detail.holds))
    if state == states.DONE:
        text = gettext_lazy("The order leaves the open ones. Nothing of it can be undone afterwards.")
        found.append(
            Act(
                "close",
                gettext_lazy("Close"),
                "lock",
                "close_order",
                gettext_lazy("Close the order"),
                text,
                (NOTE,),
                weight=0,
            )
        )
    if state in states.OPEN_ORDERS:
        found += [_hold(again=bool(detail.holds)), _split(order)]
    if state in (states.RELEASED, states.RUNNING) and skippable(detail):
        found.append(_skip(detail))
    if state == states.RELEASED:
        text = gettext_lazy(
            "The order goes back to planning. Its operations are cancelled; a new release makes new ones."
        )
        found.append(
            Act(
                "recall",
                gettext_lazy("Recall"),
                "undo-2",
                "recall_order",
                gettext_lazy("Recall the order"),
                text,
                weight=3,
            )
        )
    if states.ORDER.may(state, "cancel"):
        found.append(_cancel(state))
    return found + planning_acts.acts_of(detail, request)


def _reason(kind: str) -> Field:
    return Field("reason", gettext_lazy("Reason"), "choice", True, reasons=kind)


def _hold(*, again: bool) -> Act:
    text = gettext_lazy("Nobody can start, report or complete on a held order until the hold is lifted.")
    title = gettext_lazy("Put the order on hold")
    fields = (_reason("HOLD"), NOTE)
    label = gettext_lazy("Hold again") if again else gettext_lazy("Hold")
    return Act("hold", label, "pause", "place_hold", title, text, fields, weight=4 if again else 2)


def _lift(holds: list[Hold]) -> Act:
    choices = tuple((str(hold.pk), _hold_line(hold)) for hold in holds)
    field = Field("hold", gettext_lazy("Which hold"), "choice", True, choices)
    title = gettext_lazy("Lift a hold")
    return Act(
        "release-hold", gettext_lazy("Lift hold"), "circle-play", "release_hold", title, "", (field, NOTE), weight=0
    )


def _hold_line(hold: Hold) -> str:
    what = hold.operation or hold.order or hold.item or hold.work_center
    return _("{what}: {why}, by {who}").format(what=what, why=why_held(hold), who=hold.placed_by_name)


def _split(order: WorkOrder) -> Act:
    text = gettext_lazy("The quantity leaves this order for a new one with the same definition, not yet released.")
    fields = (
        Field("quantity", gettext_lazy("Quantity of the new order"), "number", True, unit=order.unit.code),
        Field("number", gettext_lazy("Its number"), hint=gettext_lazy("Left empty, a number is made from this one.")),
    )
    return Act(
        "split", gettext_lazy("Split"), "split", "split_order", gettext_lazy("Split the order"), text, fields, weight=3
    )


def _skip(detail: OrderDetail) -> Act:
    choices = tuple((str(row.pk), f"{row.sequence} {row.name} · {row.work_center.code}") for row in skippable(detail))
    text = gettext_lazy("Its pieces pass through to the next operation. One with a mandatory check cannot be skipped.")
    fields = (
        Field("operation", gettext_lazy("Operation"), "choice", True, choices),
        _reason("SKIP"),
    )
    title = gettext_lazy("Skip an operation")
    label = gettext_lazy("Skip operation")
    return Act("skip", label, "arrow-right", "skip_operation", title, text, fields, weight=3)


def _cancel(state: str) -> Act:
    fields: tuple[Field, ...] = (_reason("HOLD"),)
    if state == states.RUNNING:
        choices = (("SCRAP", _("Scrap them")), ("STOCK", _("Put them to stock")))
        fields += (Field("wip", gettext_lazy("Pieces in process"), "choice", True, choices),)
    text = gettext_lazy("The order ends without being finished. What was recorded stays. This cannot be undone.")
    title = gettext_lazy("Cancel the order")
    return Act("cancel", gettext_lazy("Cancel order"), "ban", "cancel_order", title, text, fields, weight=4)


def carry_out(actor: Actor, order: WorkOrder, key: str, typed: QueryDict, command_id: UUID) -> str:
    """Do it; the sentence that says so. Raises what the action raises, and `invalid` for an unknown act."""
    run = _RUNS.get(key)
    if run is None:
        raise Refused("invalid", field=_("Action"), why=_("this page does not know it"))
    return run(typed, order, partial(_call, actor=actor, command_id=command_id))


def _call(action: Callable[..., Any], *, actor: Actor, command_id: UUID, **arguments: Any) -> Any:
    return action(actor=actor, command_id=command_id, **arguments)


Call = Callable[..., Any]


def _whole(typed: QueryDict, name: str, label: str) -> int:
    text = typed.get(name, "")
    if not text.isdecimal():
        raise Refused("invalid", field=label, why=_("choose one"))
    return int(text)


def _do_release(_typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(release_order, order_id=order.pk)
    return _("Order {number} is released.").format(number=order.number)


def _do_recall(_typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(recall_order, order_id=order.pk)
    return _("Order {number} went back to planning.").format(number=order.number)


def _do_close(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(close_order, order_id=order.pk, note=typed.get("note", "")[:200])
    return _("Order {number} is closed.").format(number=order.number)


def _do_hold(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(place_hold, target="order", target_id=order.pk, reason=typed.get("reason"), note=typed.get("note", "")[:200])
    return _("Order {number} is on hold.").format(number=order.number)


def _do_lift(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(release_hold, hold_id=_whole(typed, "hold", _("Which hold")), note=typed.get("note", "")[:200])
    return _("The hold on order {number} is lifted.").format(number=order.number)


def _do_split(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    number = typed.get("number", "").strip() or None
    result = call(split_order, order_id=order.pk, quantity=typed.get("quantity", "").replace(",", "."), number=number)
    made = result[1].number if isinstance(result, tuple) and isinstance(result[1], WorkOrder) else number or "–"
    return _("Order {number} was split; the new order is {made}.").format(number=order.number, made=made)


def _do_skip(typed: QueryDict, _order: WorkOrder, call: Call) -> str:
    call(skip_operation, operation_id=_whole(typed, "operation", _("Operation")), reason=typed.get("reason"))
    return _("The operation is skipped.")


def _do_cancel(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(cancel_order, order_id=order.pk, reason=typed.get("reason"), wip=typed.get("wip") or None)
    return _("Order {number} is cancelled.").format(number=order.number)


_RUNS: dict[str, Callable[[QueryDict, WorkOrder, Call], str]] = {
    "release": _do_release,
    "recall": _do_recall,
    "close": _do_close,
    "hold": _do_hold,
    "release-hold": _do_lift,
    "split": _do_split,
    "skip": _do_skip,
    "cancel": _do_cancel,
    **planning_acts.RUNS,
}
