"""How a change request is settled: by a decision, by a newer request, or by the end of its order."""

from datetime import datetime

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.scope import current
from workorders import events, states
from workorders.models import ChangeRequest, WorkOrder


def settle(request: ChangeRequest, command: str, actor: Actor, note: str, at: datetime | None = None) -> None:
    """Apply or reject REQUEST, whose order is locked; what applying means was done before. Tells of it."""
    states.CHANGE.move(request, command)
    request.decided_by_name, request.decided_at, request.decision_note = actor.name, current().now, note[:200]
    request.save(update_fields=["state", "decided_by_name", "decided_at", "decision_note"])
    name = events.ORDER_CHANGED if command == "apply" else events.ORDER_CHANGE_REJECTED
    events.order_event(name, request.order, at, request=request.pk, changes=request.changes, note=request.decision_note)


def reject_open(order: WorkOrder, actor: Actor) -> None:
    """The order ends: a change that still waits for a decision can no longer be carried out."""
    for request in ChangeRequest.objects.filter(order=order, state=states.REQUESTED):
        request.order = order
        settle(request, "reject", actor, _("The order ended before it was decided."))
