"""The entry point of the stream process. It serves /events/ and nothing else; pages and API go through `mes.wsgi`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
django.setup()

from mes.kernel.logs import take_over  # noqa: E402 - the apps must be ready first
from mes.screens.live import make_application  # noqa: E402 - the apps must be ready first

take_over("uvicorn", "uvicorn.error")
application = make_application()
