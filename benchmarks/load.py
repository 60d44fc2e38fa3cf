"""Measuring: processor time of a process tree, keep-alive HTTP clients, percentiles."""

import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of PID and everything below it, the reaped children included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total = sum(int(value) for value in fields[11:15]) / TICK
        return total + sum(cpu_seconds(child) for child in _children(pid))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


@dataclass(frozen=True)
class Slice:
    """One slice of one variant: what it took, per transaction where it is a cost."""

    count: int
    seconds: float
    latencies_ms: list[float]
    cpu_ms: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def post_all(
    address: tuple[str, int], requests: Sequence[tuple[str, dict[str, str], dict[str, object]]], clients: int
) -> tuple[list[float], float]:
    """Send REQUESTS (path, headers, body) over CLIENTS keep-alive connections. Returns latencies in ms and seconds."""
    todo, guard, latencies = list(requests), threading.Lock(), []

    def work() -> None:
        connection = http.client.HTTPConnection(*address, timeout=30)
        while True:
            with guard:
                if not todo:
                    return
                path, headers, body = todo.pop()
            begin = time.perf_counter()
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            text = response.read()
            took = (time.perf_counter() - begin) * 1000
            if response.status != 200:
                raise RuntimeError(f"{response.status} {text[:300]!r}")
            with guard:
                latencies.append(took)

    begin = time.perf_counter()
    together([work] * clients)
    return latencies, time.perf_counter() - begin


def together(works: Sequence[Callable[[], None]]) -> None:
    """Run WORKS in threads and raise the first error any of them met."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
