"""Collectors as processes, killed, frozen, cut off from their database: every piece counts once, nothing is doubled."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from devices.models import CountEvent, PollLease, TelemetrySample
from mes.embedded import Postgres, roles
from tests.builders import plant
from tests.devices.machines import a_device, a_tag
from tests.devices.servers import ThreadedFaultServer
from tests.run.product import ROOT, clean_environment

pytestmark = pytest.mark.heavy
TTL = 3.0
INTERVAL = 0.4


class Machine(ThreadedFaultServer):
    """Makes 25 pieces a second; register 5 counts them with 16 bits and register 6 shows the same."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: float | None = None
        self._stopped: int | None = None
        self.registers = _Live(self)  # type: ignore[assignment]

    @property
    def made(self) -> int:
        if self._stopped is not None:
            return self._stopped
        if self._begun is None:
            self._begun = time.monotonic()
        return int((time.monotonic() - self._begun) * 25)

    def stop_making(self) -> int:
        self._stopped = self.made
        return self._stopped


class _Live(dict[int, int]):
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def get(self, place: int, default: int = 0) -> int:  # type: ignore[override]
        return 65400 + self.machine.made if place in (5, 6) else default


@contextmanager
def collector(name: str, database_url: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    env = {**os.environ, "DATABASE_URL": database_url, "MES_PROCESS": name}
    words = [sys.executable, "manage.py", "collect", "--name", name, "--lease", str(TTL)]
    with log.open("ab") as out:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        until(lambda: b"reading" in log.read_bytes(), f"{name} began", 60)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def until(condition: Callable[[], Any], what: str, seconds: float = 30) -> float:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"never came: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine() as made:
        yield made


@pytest.fixture
def database(committed_db: None, _committed_url: str) -> str:
    """Where the collectors find what the test commits."""
    return _committed_url


class Watched:
    """A machine's device in the database, as the test looks at it."""

    def __init__(self, machine: Machine) -> None:
        works = plant()
        self.machine = machine
        fields = {"host": "127.0.0.1", "port": str(machine.port), "interval_ms": str(int(INTERVAL * 1000))}
        self.device = a_device(works, center=works.prefix, **fields)
        self.counter = a_tag(works, self.device, address="5")
        self.value = a_tag(works, self.device, "VALUE", address="6")

    @property
    def owner(self) -> str:
        return PollLease.objects.get(group=self.device.group_id).owner

    @property
    def samples(self) -> int:
        return TelemetrySample.objects.filter(tag=self.value).count()

    def gaps(self) -> list[float]:
        times = list(TelemetrySample.objects.filter(tag=self.value).order_by("at").values_list("at", flat=True))
        return [(after - before).total_seconds() for before, after in pairwise(times)]

    def counted(self) -> int:
        return sum(CountEvent.objects.filter(tag=self.counter).values_list("counts", flat=True))

    def first_raw(self) -> int:
        return CountEvent.objects.filter(tag=self.counter).order_by("pk").values_list("raw_from", flat=True)[0]

    def assert_exact(self) -> None:
        """What was counted is what was made since the first reading, through a rollover, and nothing is doubled."""
        made = 65400 + self.machine.stop_making() - self.first_raw()
        until(lambda: self.counted() >= made, "the last piece")
        time.sleep(2)
        assert self.counted() == made
        assert CountEvent.objects.filter(tag=self.counter, kind="ROLLOVER").count() == 1
        assert min(self.gaps()) > INTERVAL / 2, "a sample was stored twice"


def test_a_killed_collector_is_followed_by_another_and_no_piece_is_lost_or_doubled(machine, database, tmp_path):
    watched = Watched(machine)
    with collector("A", database, tmp_path / "a") as first:
        until(lambda: watched.samples > 5, "reading by A")
        with collector("B", database, tmp_path / "b") as second:
            assert watched.owner == "A"
            first.kill()
            took = until(lambda: watched.owner == "B", "the takeover", TTL + 30)
            assert took < TTL + 5
            until(lambda: watched.samples > 12, "reading by B")
            watched.assert_exact()
            second.terminate()
            assert second.wait(20) == 0
            assert watched.owner == "", "a collector that is told to stop gives its lease back"


def test_a_frozen_collector_wakes_up_and_changes_nothing(machine, database, tmp_path):
    watched = Watched(machine)
    with collector("A", database, tmp_path / "a") as first:
        until(lambda: watched.samples > 5, "reading by A")
        with collector("B", database, tmp_path / "b"):
            first.send_signal(signal.SIGSTOP)
            until(lambda: watched.owner == "B", "the takeover", TTL + 30)
            until(lambda: CountEvent.objects.filter(tag=watched.counter, epoch=2).exists(), "counting by B")
            fence = PollLease.objects.get(group=watched.device.group_id).fence
            first.send_signal(signal.SIGCONT)
            until(lambda: b"another collector now" in (tmp_path / "a").read_bytes(), "A learning of it")
            time.sleep(2)
            assert first.poll() is None
            lease = PollLease.objects.get(group=watched.device.group_id)
            assert (lease.owner, lease.fence) == ("B", fence)
            watched.assert_exact()


_SET_UP = """
import django; django.setup()
from tests.builders import plant
from tests.devices.machines import a_device, a_tag
works = plant()
device = a_device(works, host="127.0.0.1", port="{port}", interval_ms="400")
print("IDS", device.group_id, a_tag(works, device, address="5").pk, a_tag(works, device, "VALUE", address="6").pk)
"""


def test_a_database_that_is_away_for_nine_seconds_costs_nothing(machine, tmp_path):
    """Killed at once, as by a power cut of its container: no handover, no gap, no piece lost."""
    server = Postgres(tmp_path)
    process = server.start(tmp_path / "postgres.log")
    roles.ensure_database(server.url())
    url = server.url(roles.DATABASE, roles.APP)
    base = clean_environment() | {name: os.environ[name] for name in os.environ if name.startswith("MES_")}
    env = base | {"DATABASE_URL": url, "DATABASE_OWNER_URL": server.url(roles.DATABASE, roles.OWNER)}
    env |= {"DJANGO_SETTINGS_MODULE": "mes.settings"}
    try:
        subprocess.run([sys.executable, "manage.py", "prepare_database"], cwd=ROOT, env=env, check=True, timeout=120)
        words = [sys.executable, "-c", _SET_UP.format(port=machine.port)]
        said = subprocess.run(words, cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=60).stdout
        group, counter, value = [int(word) for word in said.split("IDS")[1].split()]

        def ask(query: str, *facts: Any) -> Any:
            with psycopg.connect(url) as connection:
                return connection.execute(query, facts).fetchone()[0]  # type: ignore[index]

        samples = "SELECT count(*) FROM devices_telemetrysample WHERE tag_id = %s"
        with collector("A", url, tmp_path / "a"), collector("B", url, tmp_path / "b"):
            until(lambda: ask(samples, value) > 5, "reading")
            owner, fence = (ask(f"SELECT {what} FROM devices_polllease WHERE group_id = %s", group)
                            for what in ("owner", "fence"))  # fmt: skip
            process.send_signal(signal.SIGQUIT)
            process.wait()
            time.sleep(9)
            before = machine.made
            process = server.start(tmp_path / "postgres.log")
            until(lambda: ask(samples, value) > 40, "what was read meanwhile", 40)
            made = machine.stop_making()
            first = ask("SELECT min(raw_from) FROM devices_countevent WHERE tag_id = %s AND sequence = 1", counter)
            counted = "SELECT sum(counts) FROM devices_countevent WHERE tag_id = %s"
            until(lambda: ask(counted, counter) >= 65400 + made - first, "the last piece")
            time.sleep(1.5)
            assert ask(counted, counter) == 65400 + made - first
            assert made >= before > 0
            holder = ask("SELECT owner || fence FROM devices_polllease WHERE group_id = %s", group)
            assert holder == f"{owner}{fence}", "nobody claims what nobody could renew"
            longest = ask(
                "SELECT max(gap) FROM (SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY at)) AS gap"
                " FROM devices_telemetrysample WHERE tag_id = %s) x",
                value,
            )
            assert longest < 3, "reading went on while the database was away"
    finally:
        server.stop(process)
