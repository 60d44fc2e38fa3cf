"""Many clients at the same instant: real threads, each with its own connection, let go by one barrier."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from mes.kernel.errors import Busy, Refused

#: How long a client goes on sending what was answered with "busy", as the contract tells it to.
PATIENCE = 60


@dataclass
class Outcomes:
    """What became of each call: results, refusals by reason, and anything that must never happen."""

    done: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)

    def reasons(self) -> dict[str, int]:
        return {reason: self.refused.count(reason) for reason in sorted(set(self.refused))}


def all_at_once(calls: Sequence[Callable[[], Any]]) -> Outcomes:
    """Run CALLS together. Refusals are answers, "busy" is sent again; every other exception is kept as broken."""
    outcomes, barrier, guard = Outcomes(), threading.Barrier(len(calls)), threading.Lock()

    def work(call: Callable[[], Any]) -> None:
        try:
            barrier.wait(30)
            result = patiently(call)
        except Refused as refusal:
            with guard:
                outcomes.refused.append(refusal.reason)
        except BaseException as error:
            with guard:
                outcomes.broken.append(error)
        else:
            with guard:
                outcomes.done.append(result)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[call], daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a client hangs"
    return outcomes


def patiently(call: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except Busy:
            if time.monotonic() > until:
                raise
