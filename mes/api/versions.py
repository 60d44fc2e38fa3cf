"""If-Match: an act that was decided on a representation is refused when the record has changed since.

Orders and lots are locked first, as their acts will lock them; so nothing can slip in between.
"""

from collections.abc import Callable
from uuid import UUID

from django.db.models import Max
from django.http import HttpRequest

from mes.api.answers import matches, tag_of
from mes.api.shown.lots import lot_body
from mes.api.shown.orders import counted, operation_body, operation_rows, order_body
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused, StartOver
from mes.kernel.locking import lock_one
from quality.models import Measurement
from traceability.actions.lots import locked_lot
from workorders.actions.orders import locked_order
from workorders.models import Item, OperationChange, WorkOrder


def _sent(request: HttpRequest) -> str:
    return request.headers.get("If-Match", "")


def require_operation_unchanged(request: HttpRequest, operation_id: int) -> Callable[[UUID], None]:
    """Raises `stale` when the caller's tag is not the operation's. Without a tag nothing is asked.

    The floor acts take their own locks at once, so the look comes before them. What is returned must be called after
    the act, when the operation is locked: it starts the command over if something slipped in between.
    """
    header = _sent(request)
    if not header:
        return lambda _command_id: None
    seen = _newest(operation_id, UUID(int=0))
    row = operation_rows().filter(pk=operation_id).first()
    if row is not None and not matches(header, tag_of(operation_body(row))):
        raise Refused("stale")

    def confirm(command_id: UUID) -> None:
        if _newest(operation_id, command_id) != seen:
            raise StartOver

    return confirm


def _newest(operation_id: int, but: UUID) -> tuple[int, int]:
    """The last change of the operation and the last value measured at it, those of one command left out."""
    changes = OperationChange.objects.filter(operation_id=operation_id).exclude(command_id=but)
    values = Measurement.objects.filter(inspection__operation_id=operation_id).exclude(command_id=but)
    newest = (rows.aggregate(newest=Max("pk"))["newest"] or 0 for rows in (changes, values))
    return next(newest), next(newest)


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
