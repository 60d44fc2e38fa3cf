"""`manage.py collect`: read machines without Celery, for a small computer beside them. Ends with Ctrl-C or TERM."""

import os
import signal
import socket
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from devices.actions.partitions import make_room
from devices.collector.engine import LEASE_SECONDS, Collector


class Command(BaseCommand):
    help = "Claims groups of machines that nobody reads, and reads them until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default=f"{socket.gethostname()}:{os.getpid()}", help="how leases name it")
        parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds a lease lives")

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: ended.set())
        make_room(timezone.now().date())
        collector = Collector(options["name"], ttl=options["lease"], look_around=1.0)
        collector.start()
        self.stdout.write("reading")
        self.stdout.flush()
        ended.wait()
        collector.stop()
