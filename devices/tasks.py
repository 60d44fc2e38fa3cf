"""What runs later for machines: one call each. All are ticked too, so a lost wake-up costs seconds and nothing else."""

from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from devices import posting
from devices.actions.leases import free_groups
from devices.actions.partitions import make_room as make_room_for
from devices.collector import worker
from devices.collector.engine import LEASE_SECONDS

TICK = 2


@shared_task(name="devices.tasks.reconcile")
def reconcile(**_: Any) -> int:
    """Call for whoever can read the groups that nobody reads."""
    groups = free_groups(LEASE_SECONDS)
    for group_id in groups:
        current_app.send_task("devices.tasks.claim", args=[group_id], queue="collect", expires=TICK, retry=False)
    return len(groups)


@shared_task(name="devices.tasks.claim")
def claim(group_id: int, **_: Any) -> bool:
    """Take a group over in this very process, unless it is full; the reading goes on when the task is over."""
    return worker.collector().take(group_id)


@shared_task(name="devices.tasks.settle")
def settle(**_: Any) -> int:
    """Post counts and tell of states."""
    return posting.settle()


@shared_task(name="devices.tasks.make_room")
def make_room(**_: Any) -> list[str]:
    """Make the days to come and drop the old ones."""
    return make_room_for(timezone.now().date())


@worker_shutting_down.connect
def _end_with_the_worker(**_: Any) -> None:
    """A worker that is told to stop stores what it read and gives its leases back, so that others go on at once."""
    worker.stop()
