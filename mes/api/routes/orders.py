"""Orders: the list, one of them, and the verbs that move it. Each answers the order as it then is."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mes.api.answers import read
from mes.api.calls import call_of, perform
from mes.api.doors import acts, reads
from mes.api.numbers import order_id
from mes.api.paging import only, page
from mes.api.routes.operations import states_of
from mes.api.schemas import Act, Cancel, Close, PlaceHold, ReleaseHold, Split
from mes.api.shown.orders import counted, order_bodies, order_body, order_rows
from mes.api.versions import require_order_unchanged
from mes.execution import release
from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker, Refused
from mes.kernel.numbers import require_number
from workorders import states
from workorders.actions import holds, orders
from workorders.actions.floor import hold_text
from workorders.models import Hold

TAG = "orders"
Body = dict[str, Any]
_ACT, _HOLD, _RELEASE_HOLD, _SPLIT, _CLOSE, _CANCEL = Act(), PlaceHold(), ReleaseHold(), Split(), Close(), Cancel()


@reads("/orders", "view_orders", tag=TAG)
def list_orders(request: HttpRequest) -> HttpResponse:
    """Orders, by `state` (several with commas), in the order they were received."""
    query = only(request, "state", "limit", "cursor")
    site_id = call_of(request).token.site_id
    rows = order_rows().filter(site_id=site_id)
    wanted = states_of(query, states.ORDER.states)
    if wanted:
        rows = rows.filter(state__in=wanted)
    body = page(query, rows, lambda found: order_bodies(site_id, found))
    return read(request, body, counted=body | {"items": [counted(row) for row in body["items"]]})


@reads("/orders/{number}", "view_orders", tag=TAG)
def get_order(request: HttpRequest, number: str) -> HttpResponse:
    """One order with its operations."""
    only(request)
    site_id = call_of(request).token.site_id
    body = order_body(site_id, order_id(site_id, number))
    return read(request, body, counted=counted(body))


def act_on_order(
    request: HttpRequest, number: str, sent: Act, act: Callable[[Actor, int, UUID], Body | None]
) -> HttpResponse:
    """One verb; what ACT returns is the answer, or the order after it."""

    def body(actor: Actor, command_id: UUID) -> Body:
        pk = order_id(actor.site_id, number)
        require_order_unchanged(request, actor, pk)
        made = act(actor, pk, command_id)
        return order_body(actor.site_id, pk) | {"command_id": command_id} if made is None else made

    return perform(request, sent, body)


@acts("/orders/{number}/release", "release_order", tag=TAG, versioned=True)
def post_release(request: HttpRequest, number: str, data: Act = _ACT) -> HttpResponse:
    """Freeze routing and BOM, and let work begin. Validates again."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        release.release_order(actor=actor, order_id=pk, at=data.at, command_id=command_id)

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/recall", "recall_order", tag=TAG, versioned=True)
def post_recall(request: HttpRequest, number: str, data: Act = _ACT) -> HttpResponse:
    """Take a release back while nothing was recorded."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        orders.recall_order(actor=actor, order_id=pk, at=data.at, command_id=command_id)

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/hold", "place_hold", tag=TAG, versioned=True)
def post_hold(request: HttpRequest, number: str, data: PlaceHold = _HOLD) -> HttpResponse:
    """Stop all work on the order until the hold is lifted."""

    def act(actor: Actor, pk: int, command_id: UUID) -> Body:
        hold = holds.place_hold(
            actor=actor,
            target="order",
            target_id=pk,
            reason=data.reason,
            note=data.note or "",
            command_id=command_id,
        )
        return {"hold": hold.pk, "command_id": command_id}

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/release-hold", "release_hold", tag=TAG, versioned=True)
def post_release_hold(request: HttpRequest, number: str, data: ReleaseHold = _RELEASE_HOLD) -> HttpResponse:
    """Lift a hold of the order; without its id the only one."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        hold_id = _hold_of(pk, number, data.hold)
        holds.release_hold(actor=actor, hold_id=hold_id, note=data.note or "", command_id=command_id)

    return act_on_order(request, number, data, act)


def _hold_of(order_pk: int, number: str, wanted: int | None) -> int:
    open_holds = Hold.objects.filter(order_id=order_pk, released_at__isnull=True).select_related("reason", "order")
    found = list(open_holds.filter(pk=wanted) if wanted is not None else open_holds.order_by("pk"))
    if not found:
        raise Refused("not_found", what=_("Open hold"), number=wanted if wanted is not None else number)
    if len(found) > 1:
        choices = [Blocker("choice", f"{hold.pk}: {hold_text(hold)}") for hold in found]
        raise Refused("hold_unclear", blockers=choices, what=_("Order {order}").format(order=found[0].order))
    return found[0].pk


@acts("/orders/{number}/split", "split_order", tag=TAG, versioned=True)
def post_split(request: HttpRequest, number: str, data: Split = _SPLIT) -> HttpResponse:
    """Take a quantity that was not worked on into a new order; both numbers are answered."""

    def act(actor: Actor, pk: int, command_id: UUID) -> Body:
        wanted = require_number(data.number, "number") if data.number is not None else None
        old, new = orders.split_order(
            actor=actor, order_id=pk, quantity=data.quantity, number=wanted, at=data.at, command_id=command_id
        )
        return {"order": old.number, "new_order": new.number, "command_id": command_id}

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/close", "close_order", tag=TAG, versioned=True)
def post_close(request: HttpRequest, number: str, data: Close = _CLOSE) -> HttpResponse:
    """Settle a finished order where no ERP waits for it."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        orders.close_order(actor=actor, order_id=pk, note=data.note or "", at=data.at, command_id=command_id)

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/cancel", "cancel_order", tag=TAG, versioned=True)
def post_cancel(request: HttpRequest, number: str, data: Cancel = _CANCEL) -> HttpResponse:
    """End an order without finishing it; a RUNNING one says with `wip` what becomes of its pieces."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        release.cancel_order(
            actor=actor, order_id=pk, reason=data.reason, wip=data.wip, at=data.at, command_id=command_id
        )

    return act_on_order(request, number, data, act)
