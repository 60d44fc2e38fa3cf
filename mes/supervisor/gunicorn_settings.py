"""How gunicorn serves pages and API, in the one-command run and in containers alike. Read by gunicorn, not imported."""

import os
import signal

from mes.embedded.linux import die_with_parent

wsgi_app = "mes.wsgi:application"
worker_class = "gthread"
workers = int(os.environ.get("MES_WEB_WORKERS", "2"))
threads = int(os.environ.get("MES_WEB_THREADS", "4"))
keepalive = 15
timeout = 60
graceful_timeout = 8
# Worker processes are replaced now and then, so that a leak in a library stays small; jitter keeps them apart.
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn's heartbeat, no secrets
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
forwarded_allow_ips = os.environ.get("MES_PROXIES", "127.0.0.1,::1")


def post_fork(_server: object, _worker: object) -> None:
    die_with_parent(signal.SIGTERM)
