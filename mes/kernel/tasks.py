"""What runs later for the kernel: one call each. Deliveries live in `delivery.py`."""

from typing import Any

from celery import shared_task

from mes.kernel import chores
from mes.kernel.delivery import drain


@shared_task(name="mes.kernel.tasks.deliver")
def deliver(**_: Any) -> int:
    """Drain what is owed. Rung after a commit, and by the sweep every few seconds."""
    count = drain()
    chores.note("deliveries", good=True)
    return count
