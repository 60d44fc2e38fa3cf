"""The one collector of a process: begun by its first claim, ended with the worker."""

import os
import socket
import threading
from contextlib import suppress

from django.db import DatabaseError
from django.utils import timezone

from devices.actions.partitions import make_room
from devices.collector.engine import Collector

_lock = threading.Lock()
_running: list[Collector] = []


def collector() -> Collector:
    """The collector of this process, started."""
    with _lock:
        if not _running:
            with suppress(DatabaseError):  # the tick makes room as well, and the default partition catches meanwhile
                make_room(timezone.now().date())
            made = Collector(f"{socket.gethostname()}:{os.getpid()}")
            made.start()
            _running.append(made)
        return _running[0]


def stop() -> None:
    """Store what was read and give the leases back."""
    with _lock:
        for each in _running:
            each.stop()
        _running.clear()
