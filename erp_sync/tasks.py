"""What runs later for ERPs: one call each. Both are also ticked, so a lost wake-up costs seconds and nothing else."""

from typing import Any

from celery import shared_task

from erp_sync import inbound, outbound
from mes.kernel import chores


@shared_task(name="erp_sync.tasks.tell")
def tell(**_: Any) -> int:
    """Tell ERPs what is owed to them."""
    count = outbound.drain()
    chores.note("telling", good=True)
    return count


@shared_task(name="erp_sync.tasks.fetch")
def fetch(**_: Any) -> int:
    """Run the pulls that are due."""
    return inbound.run_due()
