"""The doorbell: wakes the worker that drains deliveries, or another one. It may be lost at no cost; a sweep finds what
it would have told.
"""

import logging
import time

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)

#: Seconds between two rings of one process for one task, and the pause after the broker could not be reached.
QUIET, BROKEN = 0.2, 20.0
_silent_until: dict[str, float] = {}
_broken_until = [0.0]


def nudge_after_commit(task: str = "mes.kernel.tasks.deliver", queue: str = "events") -> None:
    """Ring once for TASK after the running transaction commits."""

    def ring_it() -> None:  # with a name: a robust hook that fails is logged by it
        ring(task, queue)

    transaction.on_commit(ring_it, robust=True)


def ring(task: str, queue: str) -> None:
    """Ring for TASK at once, outside any transaction."""
    now = time.monotonic()
    if now < max(_silent_until.get(task, 0.0), _broken_until[0]):
        return
    _silent_until[task] = now + QUIET
    try:
        current_app.send_task(task, queue=queue, retry=False, ignore_result=True)
    except Exception as error:  # any broker failure: the sweep delivers instead
        _broken_until[0] = time.monotonic() + BROKEN
        log.warning("The broker does not answer (%s); the sweep delivers instead.", type(error).__name__)
