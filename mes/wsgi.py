"""The entry point of the servers for pages and API. The live stream has its own, `mes/asgi.py`."""

import os

from django.core.wsgi import get_wsgi_application

from mes.kernel.logs import take_over

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")

application = get_wsgi_application()
take_over("gunicorn.error")
