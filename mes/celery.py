"""The Celery application, its queues and the only beat schedule. Tasks live in each app's `tasks.py`.

Celery is a doorbell: it carries wake-ups and ticks. Whatever must not be lost is a row in PostgreSQL.
"""

import logging.config
import os
import signal

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django.conf import settings

from mes.embedded.linux import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")

app = Celery("mes")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["mes.kernel", "mes.screens"])

#: Ticks that find what a lost wake-up would have told. Each expires with the next one, so that none pile up.
app.conf.beat_schedule = {
    "deliver what is owed": {
        "task": "mes.kernel.tasks.deliver",
        "schedule": 5.0,
        "options": {"queue": "events", "expires": 5},
    },
    "tell ERPs": {"task": "erp_sync.tasks.tell", "schedule": 5.0, "options": {"queue": "erp", "expires": 5}},
    "call for collectors": {
        "task": "devices.tasks.reconcile",
        "schedule": 2.0,
        "options": {"queue": "devices", "expires": 2},
    },
    "settle machine counts": {
        "task": "devices.tasks.settle",
        "schedule": 2.0,
        "options": {"queue": "devices", "expires": 2},
    },
    "make room for samples": {
        "task": "devices.tasks.make_room",
        "schedule": 3600.0,
        "options": {"queue": "devices", "expires": 3600},
    },
    "fetch from ERPs": {"task": "erp_sync.tasks.fetch", "schedule": 10.0, "options": {"queue": "erp", "expires": 10}},
}


@setup_logging.connect
def _log_as_everybody_here(**_kwargs: object) -> None:
    """Celery would set up lines of its own."""
    logging.config.dictConfig(settings.LOGGING)


@worker_process_init.connect
def _end_with_the_worker(**_kwargs: object) -> None:
    """A pool process whose worker was killed would otherwise wait for tasks for ever."""
    die_with_parent(signal.SIGKILL)
