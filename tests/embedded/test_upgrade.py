"""A cluster of an older PostgreSQL becomes one of the newest, or stays as it was, whatever comes between."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from mes.embedded import Postgres, ProgramMissing, postgres, programs, roles, upgrade
from mes.embedded.upgrade import NEW, OLD, PROVED, Interrupted, NotUpgraded, Upgrade, go_on

ROOT = Path(__file__).resolve().parent.parent.parent
OLDER = [each for each in programs._system_postgres() if each.major < programs.newest_major()]
WHY = "no older PostgreSQL is installed here: apt-get install postgresql-15"
pytestmark = pytest.mark.skipif(not OLDER, reason=WHY)
SETTINGS = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose cluster an older PostgreSQL made and filled, and stopped."""
    return made(tmp_path / "home", monkeypatch)


def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home.mkdir(parents=True)
    with monkeypatch.context() as older:
        older.setattr(postgres, "postgres_programs", lambda _major: OLDER[0])
        cluster = Postgres(home, settings=SETTINGS)
        process = cluster.start(home / "log")
    try:
        roles.ensure_database(cluster.url())
        roles.grant_to_app(cluster.url(roles.DATABASE, roles.OWNER))
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'it''s 100%'")
            connection.execute(f"GRANT pg_read_all_data TO reader; GRANT {roles.APP} TO reader")
            connection.execute('CREATE DATABASE "an other"')
        with psycopg.connect(cluster.url(roles.DATABASE, roles.OWNER), autocommit=True) as connection:
            connection.execute("CREATE TABLE kernel_eventhead (subject text PRIMARY KEY, seq bigint, hash bytea)")
            connection.execute(
                "INSERT INTO kernel_eventhead SELECT 'order:' || n, n, sha256(n::text::bytea)"
                " FROM generate_series(1, 5000) n"
            )
            connection.execute("CREATE SEQUENCE counter START 42")
    finally:
        cluster.stop(process)
    assert (home / OLD / "PG_VERSION").read_text().strip() == str(OLDER[0].major)
    return home


def upgrading(home: Path, **more: Callable[[], bool]) -> Upgrade:
    return Upgrade(home, home / "log", settings=SETTINGS, **more)


def rows(home: Path) -> tuple[int, int, str]:
    """(major, rows, newest) as the cluster of the folder says when it is started."""
    cluster = Postgres(home, settings=SETTINGS)
    process = cluster.start(home / "log")
    try:
        with psycopg.connect(cluster.url(roles.DATABASE, roles.APP)) as connection:
            count = connection.execute("SELECT count(*), max(seq)::text FROM kernel_eventhead").fetchone()
            assert count is not None
            return connection.info.server_version // 10000, int(count[0]), str(count[1])
    finally:
        cluster.stop(process)


AFTER = (programs.newest_major(), 5000, "5000")
BEFORE = (OLDER[0].major if OLDER else 0, 5000, "5000")


def test_everything_is_there_afterwards_and_the_old_cluster_is_kept(home: Path) -> None:
    said: list[str] = []
    assert upgrading(home).is_due()
    upgrading(home).run(said.append)
    assert said[0].startswith(f"The database is upgraded from PostgreSQL {BEFORE[0]} to {AFTER[0]}")
    assert "5000 rows in 1 tables are upgraded and compared" in said[-1]
    assert not upgrading(home).is_due()
    assert rows(home) == AFTER
    kept = home / f"{OLD}-{BEFORE[0]}"
    assert (kept / "PG_VERSION").read_text().strip() == str(BEFORE[0])
    assert {path.name for path in home.iterdir()} >= {OLD, kept.name}
    assert not {NEW, PROVED, upgrade.DUMP} & {path.name for path in home.iterdir()}

    cluster = Postgres(home, settings=SETTINGS)
    process = cluster.start(home / "log")
    try:
        with psycopg.connect(cluster.url("an%20other", "reader")) as connection:
            assert connection.execute("SELECT pg_has_role('reader', 'mes_app', 'member')").fetchone() == (True,)
        with psycopg.connect(cluster.url()) as connection:
            asked = "SELECT rolname FROM pg_roles WHERE rolname IN ('reader', 'mes_app', 'mes_owner') ORDER BY 1"
            assert [name for (name,) in connection.execute(asked)] == ["mes_app", "mes_owner", "reader"]
            secret = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'").fetchone()
            assert secret is not None
            assert secret[0].startswith("SCRAM-SHA-256$")
        with psycopg.connect(cluster.url(roles.DATABASE, roles.APP)) as connection:
            assert connection.execute("SELECT nextval('counter')").fetchone() == (42,)
            connection.execute("INSERT INTO kernel_eventhead VALUES ('order:x', 1, '')")
    finally:
        cluster.stop(process)


class Cut(Exception):
    """Stands for the power going off at this place."""


def cut(*_: object, **__: object) -> None:
    raise Cut


@pytest.mark.parametrize("place", ["_roles", "_database", "_same"])
def test_an_upgrade_that_breaks_off_while_it_copies_leaves_the_old_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Upgrade, place, cut)
        with pytest.raises(Cut):
            upgrading(home).run(print)
    go_on(home)
    assert not (home / NEW).exists()
    assert rows(home) == BEFORE
    upgrading(home).run(print)
    assert rows(home) == AFTER


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_proved_upgrade_that_breaks_off_at_a_rename_is_brought_to_its_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    real, done = Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        if path.name in (OLD, NEW):
            if len(done) >= renames:
                raise Cut
            done.append(path)
        return real(path, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", rename)
        if renames == 2:
            broken.setattr(upgrade, "_forget", cut)
        with pytest.raises(Cut):
            upgrading(home).run(print)
    assert (home / PROVED).exists()
    go_on(home)
    assert rows(home) == AFTER
    assert (home / f"{OLD}-{BEFORE[0]}").exists()
    assert not (home / PROVED).exists()
    go_on(home)
    assert rows(home) == AFTER


def test_what_was_copied_is_thrown_away_when_somebody_worked_with_the_old_one_since(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(upgrade, "go_on", cut)
        with pytest.raises(Cut):
            upgrading(home).run(print)
    older = Postgres(home, settings=SETTINGS)
    process = older.start(home / "log")
    with psycopg.connect(older.url(roles.DATABASE, roles.OWNER)) as connection:
        connection.execute("INSERT INTO kernel_eventhead VALUES ('order:late', 9999, '')")
    older.stop(process)
    go_on(home)
    assert rows(home) == (BEFORE[0], 5001, "9999")
    upgrading(home).run(print)
    assert rows(home) == (AFTER[0], 5001, "9999")


def test_a_copy_that_differs_is_never_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = upgrade._facts
    with monkeypatch.context() as lying:
        lying.setattr(upgrade, "_facts", lambda url: {**real(url), "x": (len(url), "")})
        with pytest.raises(NotUpgraded, match=r"the old database is as it was: .* differ between old and new"):
            upgrading(home).run(print)
    assert rows(home) == BEFORE


def test_too_little_room_is_told_before_anything_is_done(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade.shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    with pytest.raises(NotUpgraded, match="make room and start again"):
        upgrading(home).run(print)
    assert not (home / NEW).exists()


def test_a_stop_that_is_asked_for_is_obeyed_and_leaves_the_old_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.Popen.communicate

    def slow(process: "subprocess.Popen[str]", *given: str, **options: float) -> object:
        if options.get("timeout") and "pg_dump" in str(process.args):
            raise subprocess.TimeoutExpired("pg_dump", 1)
        return real(process, *given, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(subprocess.Popen, "communicate", slow)
        with pytest.raises(Interrupted):
            upgrading(home, stopped=lambda: True).run(print)
    assert rows(home) == BEFORE


def test_data_of_a_major_that_is_not_here_is_refused_in_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / OLD / "PG_VERSION").write_text("14\n")
    with pytest.raises(ProgramMissing, match="install postgresql-14 with the system's packages and start again"):
        Postgres(home)


_ALONE = """
import sys
from pathlib import Path
from mes.embedded.upgrade import Upgrade, go_on
home = Path(sys.argv[1])
go_on(home)
one = Upgrade(home, home / "log", settings={"fsync": "off", "full_page_writes": "off"})
if one.is_due():
    one.run(print)
"""


def test_killed_again_and_again_it_is_done_in_the_end_and_nothing_is_lost(home: Path) -> None:
    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", _ALONE, str(home)], cwd=ROOT, stdout=subprocess.DEVNULL)

    began = time.monotonic()
    for number in range(6):
        process = start()
        time.sleep(0.4 + 0.35 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        _until_no_server(home)
        assert (home / OLD).exists() or (home / PROVED).exists()
    process = start()
    assert process.wait(120) == 0, f"after {time.monotonic() - began:.0f} s"
    assert rows(home) == AFTER


def _until_no_server(home: Path) -> None:
    """The servers end by themselves when whoever started them is gone."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"postgres" in command and str(home).encode() in command:
                    found.append(entry.name)
        if not found:
            return
        time.sleep(0.05)
    raise AssertionError(f"still running: {found}")
