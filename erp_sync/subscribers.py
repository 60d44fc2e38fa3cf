"""What this app does when an order is finished or a finish is undone: a message for every ERP that must hear of it."""

from uuid import uuid5

from erp_sync.actions.postings import queue_posting
from erp_sync.queries.completion import connections_for, root_of
from mes.kernel.actors import system
from mes.kernel.events import subscribe
from mes.kernel.models import Event
from mes.kernel.nudge import nudge_after_commit
from workorders.events import COMMAND_UNDONE, ORDER_FINISHED
from workorders.models import WorkOrder

NAME = "erp"


def hear(event: Event) -> None:
    """Handle one delivery. It may come twice: the command's id is made of the event and the connection."""
    kind, _, order_id = event.subject.partition(":")
    if kind != "order":
        return
    root = root_of(WorkOrder.objects.select_related("split_from", "item").get(pk=int(order_id)))
    for connection in connections_for(root):
        queue_posting(
            actor=system(event.site_id, connection.name),
            event_id=event.pk,
            connection_id=connection.pk,
            command_id=uuid5(event.uuid, f"erp:{connection.pk}"),
        )
    nudge_after_commit("erp_sync.tasks.tell", queue="erp")


subscribe(NAME, {ORDER_FINISHED, COMMAND_UNDONE}, hear)
