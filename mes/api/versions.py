"""If-Match: an act that was decided on a representation is refused when the record has changed since.

The record is locked first, as the act itself will lock it, so that nothing can slip in between.
"""

from datetime import datetime

from django.http import HttpRequest

from mes.api.answers import matches, tag_of
from mes.api.shown.lots import lot_body
from mes.api.shown.orders import counted, operation_body, operation_rows, order_body
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.kernel.locking import lock_one
from traceability.actions.lots import locked_lot
from workorders.actions.floor import begin
from workorders.actions.orders import locked_order
from workorders.models import Item, WorkOrder


def _sent(request: HttpRequest) -> str:
    return request.headers.get("If-Match", "")


def require_operation_unchanged(request: HttpRequest, actor: Actor, operation_id: int, at: datetime | None) -> None:
    """Raises `stale` when the caller's tag is not the operation's. Without a tag nothing is asked."""
    header = _sent(request)
    if header:
        begin(actor=actor, operation_id=operation_id, at=at)
        if not matches(header, tag_of(operation_body(operation_rows().get(pk=operation_id)))):
            raise Refused("stale")


def require_order_unchanged(request: HttpRequest, actor: Actor, order_id: int) -> None:
    header = _sent(request)
    if header:
        item_id = WorkOrder.objects.filter(pk=order_id).values_list("item_id", flat=True).get()
        lock_one(Item.objects.only("id"), "item", item_id, share=True)
        locked_order(actor, order_id)
        if not matches(header, tag_of(counted(order_body(actor.site_id, order_id)))):
            raise Refused("stale")


def require_lot_unchanged(request: HttpRequest, actor: Actor, lot_id: int) -> None:
    header = _sent(request)
    if header and not matches(header, tag_of(lot_body(locked_lot(actor, lot_id)))):
        raise Refused("stale")
