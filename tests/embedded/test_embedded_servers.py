"""The embedded PostgreSQL and Valkey: every way to run them, stale files they survive, and that none outlives us."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mes.embedded import Postgres, ProgramMissing, Valkey, linux
from mes.embedded.folders import short_socket_folder
from mes.embedded.postgres import MODES, suitable_mode

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    stray = Path("/var/lib/mes-embedded")
    for folder in stray.glob(f"*{tmp_path.name}*") if os.geteuid() == 0 and stray.exists() else ():
        shutil.rmtree(folder)


def running(home: Path, **options: str) -> tuple[Postgres, "subprocess.Popen[bytes]"]:
    home.mkdir(parents=True, exist_ok=True)
    postgres = Postgres(home, **options)  # type: ignore[arg-type]
    return postgres, postgres.start(home / "log")


def possible(mode: str) -> str:
    """Why `mode` cannot be tried here, or nothing."""
    if mode == "setuid" and os.geteuid() != 0:
        return "only root can become nobody"
    if mode == "userns" and not linux.user_namespaces_work():
        return "user namespaces are forbidden here"
    if mode == "plain" and suitable_mode() != "plain":
        return "PostgreSQL refuses this user as is"
    return ""


@pytest.mark.parametrize("mode", MODES)
def test_postgres_starts_keeps_its_rows_and_stops_in_every_mode(home: Path, mode: str) -> None:
    if possible(mode):
        pytest.skip(possible(mode))
    postgres, process = running(home, mode=mode)
    try:
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            assert connection.info.server_version >= 150000
        assert postgres.sockets.stat().st_mode & 0o777 == 0o700
    finally:
        postgres.stop(process)
    assert process.returncode == 0
    postgres, process = running(home, mode=mode)
    try:
        with psycopg.connect(postgres.url()) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        postgres.stop(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the way")
def test_a_cluster_survives_a_change_of_the_way_to_run_it() -> None:
    modes = [mode for mode in ("setuid", "userns", "setuid") if not possible(mode)]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # nobody may enter, so the data stays here whoever runs the server
        for mode in modes:
            postgres, process = running(Path(folder), mode=mode)
            postgres.stop(process)
            assert process.returncode == 0, mode
            assert postgres.data == Path(folder) / "postgres"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")
def test_programs_out_of_the_reach_of_nobody_are_copied_with_their_libraries(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Path(tempfile.mkdtemp(dir="/var/tmp"))
    store.chmod(0o755)
    monkeypatch.setattr("mes.embedded.postgres._ROOT_STORE", store)
    monkeypatch.setattr("mes.embedded.postgres.nobody_may_enter", lambda folder: store in folder.parents)
    try:
        postgres, process = running(home, mode="setuid")
        assert str(store).encode() in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        postgres.stop(process)
        assert process.returncode == 0
    finally:
        shutil.rmtree(store)


def test_a_socket_path_too_long_for_the_kernel_is_replaced_by_a_short_private_one(home: Path) -> None:
    deep = home / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    postgres, process = running(deep)
    try:
        assert len(str(postgres.sockets)) < 90
        assert postgres.sockets.stat().st_mode & 0o777 == 0o700
        assert postgres.ready()
    finally:
        postgres.stop(process)
    assert not postgres.sockets.exists()
    assert short_socket_folder(deep / "x", uid=1) != short_socket_folder(deep / "y", uid=1)


def test_a_killed_postgres_recovers_and_a_zombie_holds_no_lock(home: Path) -> None:
    postgres, process = running(home)
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS answer")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead but not buried
    assert not linux.alive(process.pid)
    second, again = running(home)
    try:
        with psycopg.connect(second.url()) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (7,)
    finally:
        second.stop(again)
        process.wait()


@pytest.mark.parametrize("left", ["{pid}\n", "", "nonsense\n"])
def test_a_lock_file_left_by_another_program_or_cut_short_is_no_obstacle(home: Path, left: str) -> None:
    postgres, process = running(home)
    postgres.stop(process)
    for lock in (postgres.data / "postmaster.pid", postgres.sockets / ".s.PGSQL.5432.lock"):
        lock.write_text(left.format(pid=os.getpid()))
    postgres, process = running(home)
    postgres.stop(process)
    assert process.returncode == 0


def test_a_postgres_that_really_runs_keeps_its_lock(home: Path) -> None:
    postgres, process = running(home)
    try:
        with pytest.raises(RuntimeError, match="lock file"):
            Postgres(home).start(home / "second-log", seconds=20)
        assert postgres.ready()
    finally:
        postgres.stop(process)


def test_data_of_a_version_that_is_not_here_is_refused_in_a_sentence(home: Path) -> None:
    folder = home / "postgres"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("11\n")
    with pytest.raises(ProgramMissing, match="made by PostgreSQL 11"):
        Postgres(home, mode="userns" if os.geteuid() == 0 else "plain")


def test_a_cluster_whose_making_was_cut_short_is_made_again(home: Path) -> None:
    half = home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres, process = running(home)
    postgres.stop(process)
    assert process.returncode == 0


_PARENT = """
import sys, time
from pathlib import Path
from mes.embedded import Postgres, Valkey
home = Path(sys.argv[1]); home.mkdir()
postgres = Postgres(home); process = postgres.start(home / "log")
valkey = Valkey(home); other = valkey.spawn(home / "valkey.log")
while not valkey.ready(): time.sleep(0.02)
print(process.pid, other.pid, flush=True)
time.sleep(600)
"""


def test_servers_end_when_their_parent_is_killed(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT, str(home)], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(linux.alive(pid) for pid in pids)
        parent.kill()
    end = time.monotonic() + 10
    while any(linux.alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(linux.alive(pid) for pid in pids)


def test_valkey_answers_on_its_socket_keeps_entries_over_a_kill_and_has_no_port(tmp_path: Path) -> None:
    import redis

    valkey = Valkey(tmp_path)
    process = valkey.spawn(tmp_path / "log")
    try:
        wait(valkey)
        with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
            client.lpush("queue", "task")
            assert client.config_get("port") == {b"port": b"0"} or client.config_get("port") == {"port": "0"}
        time.sleep(1.1)  # the file is synced each second; the process's death alone loses nothing
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = valkey.spawn(tmp_path / "log")
        wait(valkey)
        with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
            assert client.lrange("queue", 0, -1) in ([b"task"], ["task"])
    finally:
        process.terminate()
        process.wait()


def wait(valkey: Valkey) -> None:
    end = time.monotonic() + 10
    while not valkey.ready():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_this_user_is_judged_rightly() -> None:
    try:
        listed = pwd.getpwuid(os.geteuid()) is not None
    except KeyError:
        listed = False
    assert (suitable_mode() == "plain") == (listed and os.geteuid() != 0)
