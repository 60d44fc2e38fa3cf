"""The Celery application, its queues and the only beat schedule. Tasks live in each app's `tasks.py`.

Celery is a doorbell: it carries wake-ups and ticks. Whatever must not be lost is a row in PostgreSQL.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")

app = Celery("mes")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["mes.kernel", "mes.screens"])
