"""What this app answers when a lower one asks. Reads only."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from erp_sync import states
from erp_sync.queries.completion import connections_for, root_of
from mes.kernel.errors import Blocker
from workorders.models import WorkOrder


def erp_has_confirmed(*, order_id: int, **_question: object) -> Iterator[Blocker]:
    """An order that an ERP waits for is closed by its confirmation, not by hand, unless the message was skipped."""
    root = root_of(WorkOrder.objects.get(pk=order_id))
    for connection in connections_for(root):
        settled = connection.messages.filter(
            partition=f"order:{root.pk}", state__in=[states.POSTED, states.SKIPPED]
        ).exists()
        if not settled:
            text = _("{connection} has not confirmed the completion yet.").format(connection=connection.name)
            yield Blocker("erp_unconfirmed", text)
