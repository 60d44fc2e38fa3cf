"""The doorbell: wakes the worker that drains deliveries. It may be lost at no cost; a sweep finds what it would have
told.
"""

import logging
import time

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)

#: Seconds between two rings of one process, and the pause after the broker could not be reached.
QUIET, BROKEN = 0.2, 20.0
_silent_until = [0.0]


def nudge_after_commit() -> None:
    """Ring once after the running transaction commits."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    now = time.monotonic()
    if now < _silent_until[0]:
        return
    _silent_until[0] = now + QUIET
    try:
        current_app.send_task("mes.kernel.tasks.deliver", queue="events", retry=False, ignore_result=True)
    except Exception as error:  # any broker failure: the sweep delivers instead
        _silent_until[0] = time.monotonic() + BROKEN
        log.warning("The broker does not answer (%s); the sweep delivers instead.", type(error).__name__)
