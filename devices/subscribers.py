"""What this app does when a report is undone: the counts it came from wait for a person again."""

from uuid import UUID, uuid5

from devices import states
from devices.actions.counts import take_back_counts
from devices.models import CountEvent
from mes.kernel.actors import system
from mes.kernel.events import subscribe
from mes.kernel.models import Event
from workorders.events import COMMAND_UNDONE

NAME = "devices"


def hear(event: Event) -> None:
    """Handle one delivery. It may come twice: the command's id is made of the event."""
    undone = UUID(str(event.payload["undone"]))
    if CountEvent.objects.filter(posted_command=undone, posting=states.POSTED).exists():
        take_back_counts(
            actor=system(event.site_id, "devices"), undone=undone, command_id=uuid5(event.uuid, "machine counts")
        )


subscribe(NAME, {COMMAND_UNDONE}, hear)
