"""The whole product as one command: it comes up, comes back, refuses what it must, and leaves nothing behind."""

import functools
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis
from celery import Celery

from mes.embedded import Postgres, Valkey
from mes.embedded.folders import short_socket_folder
from mes.supervisor.processes import WORKERS
from tests.run.product import ROOT, Product, clean_environment, wait_until

pytestmark = pytest.mark.heavy
# On an idle machine everything is back within 10 s; tests share theirs and prove that it comes back at all.
BACK_WITHIN = 60


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    it = Product(tmp_path_factory.mktemp("product") / "data")
    it.start("--empty")
    it.ready = it.wait_ready()  # type: ignore[attr-defined]
    yield it
    it.end()


def up(folder: Path, port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "up", "--empty", "--port", str(port), "--data", str(folder)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def manage(folder: Path, *command: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    env = clean_environment() | {"PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-m", "mes.supervisor", str(folder), str(cwd), *command]
    return subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False)


def database_answers(product: Product) -> bool:
    sockets = short_socket_folder(product.folder / "run", uid=os.geteuid())
    try:
        with psycopg.connect(host=str(sockets), user="mes_app", dbname="mes", connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def page_answers(product: Product) -> bool:
    return product.page() == 200


def workers_answer(product: Product) -> bool:
    app = Celery(broker=Valkey(product.folder).url())
    try:
        return len(app.control.ping(timeout=1.0) or []) == len(WORKERS)
    except (OSError, redis.ConnectionError):
        return False
    finally:
        app.close()


def test_it_says_ready_once_and_the_page_answers(product: Product) -> None:
    assert product.ready == f"READY http://127.0.0.1:{product.port}/ data={product.folder}"  # type: ignore[attr-defined]
    assert product.said.count("READY") == 1
    assert product.page() == 200


def test_secrets_are_for_the_owner_alone_and_no_process_shows_them(product: Product) -> None:
    for name in ("secret_key", "field_key"):
        path = product.folder / "secrets" / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.read_text()) >= 40
    secret = (product.folder / "secrets" / "secret_key").read_bytes()
    for pid in product.processes():
        assert secret not in Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()


def test_only_the_owner_role_may_change_the_schema(product: Product) -> None:
    sockets = str(short_socket_folder(product.folder / "run", uid=os.geteuid()))
    with psycopg.connect(host=sockets, user="mes_app", dbname="mes") as connection:
        assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() != (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE stray (x int)")
    with psycopg.connect(host=sockets, user="mes_owner", dbname="mes") as connection:
        connection.execute("CREATE TABLE later (x int)")
        connection.execute("SET ROLE NONE")
        granted = connection.execute("SELECT has_table_privilege('mes_app', 'later', 'INSERT')").fetchone()
        assert granted == (True,)
        connection.rollback()


def test_a_second_start_on_the_same_data_is_refused_in_a_sentence(product: Product) -> None:
    refused = up(product.folder, product.port + 1)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert re.fullmatch(r"\S+ is already running: stop that one first, .+\.\n", refused.stderr)


def test_a_taken_port_is_refused_in_a_sentence(product: Product, tmp_path: Path) -> None:
    refused = up(tmp_path / "other", product.port)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert re.fullmatch(rf"Port {product.port} on 127.0.0.1 is taken by another program: .+\.\n", refused.stderr)


def test_a_foreign_address_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--host", "192.0.2.7", "--data", str(tmp_path / "data")],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--host" in done.stderr or "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_manage_works_on_a_running_instance_and_passes_the_status_on(product: Product, tmp_path: Path) -> None:
    shown = manage(product.folder, "showmigrations", "contenttypes", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "[X] 0001_initial" in shown.stdout
    assert manage(product.folder, "no_such_command").returncode == 1
    assert database_answers(product)


@pytest.mark.parametrize(
    ("words", "child"),
    [
        (("bin/postgres",), False),
        (("valkey-server",), False),
        (("gunicorn",), False),
        (("gunicorn",), True),
        (("uvicorn",), False),
        (("celery", "worker@"), False),
        (("celery", "worker@"), True),
        (("celery", " beat "), False),
    ],
    ids=["postgres", "valkey", "web", "web-child", "stream", "worker", "worker-child", "beat"],
)
def test_what_is_killed_comes_back(product: Product, words: tuple[str, ...], child: bool) -> None:
    victims = product.pids(*words, child=child)
    assert victims, product.processes()
    os.kill(victims[0], signal.SIGKILL)
    killed = time.monotonic()

    def back() -> bool:
        now = product.pids(*words, child=child)
        return len(now) == len(victims) and victims[0] not in now

    for returned in (back, database_answers, page_answers, workers_answer):
        left = BACK_WITHIN - (time.monotonic() - killed)
        assert wait_until(back if returned is back else functools.partial(returned, product), left), product.logs()


def test_ctrl_c_stops_everything_cleanly(product: Product) -> None:
    assert len(product.processes()) > 10
    assert product.stop(signal.SIGINT) == 0
    assert product.processes() == {}
    assert product.process is not None
    assert product.process.stdout is not None
    assert "was killed" not in product.process.stdout.read()


def test_manage_wakes_a_stopped_database_for_the_time_of_the_command(product: Product) -> None:
    with ThreadPoolExecutor() as pool:  # the second waits for its turn; neither takes the database from the other
        both = [pool.submit(manage, product.folder, "migrate", "--check") for _time in range(2)]
    for shown in both:
        assert shown.result().returncode == 0, shown.result().stderr
    assert product.processes() == {}


def test_manage_on_a_folder_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    refused = manage(tmp_path, "check")
    assert refused.returncode == 2
    assert "no data folder of this product" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_works(product: Product) -> None:
    product.start("--empty", "--debug")
    product.wait_ready()
    before = product.pids("gunicorn")
    (ROOT / "mes" / "wsgi.py").touch()
    assert wait_until(lambda: len(now := product.pids("gunicorn")) == 1 and now != before, 60), "an edit goes unnoticed"
    assert wait_until(lambda: product.page() == 200, 120)
    assert len(product.processes()) > 10
    assert product.process is not None
    product.process.kill()
    product.process.wait()
    assert wait_until(lambda: not product.processes(), 8), product.processes()
    product.start("--empty", "--tls")
    assert product.wait_ready() == f"READY https://127.0.0.1:{product.port}/ data={product.folder}"
    trusting = ssl.create_default_context(cafile=str(product.folder / "tls" / "root.pem"))
    for port in (product.port, int(product.variable("MES_EVENTS_PORT"))):
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            trusting.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert connection.recv(64).startswith(b"HTTP/1.1 ")
    assert product.stop() == 0
    assert product.processes() == {}


@pytest.mark.parametrize("stage", ["bin/postgres", "prepare_database", "gunicorn"])
def test_a_stop_while_starting_leaves_nothing(product: Product, stage: str) -> None:
    process = product.start("--empty")
    assert wait_until(lambda: bool(product.pids(stage)), 60)
    process.terminate()
    assert process.wait(40) == 0
    assert wait_until(lambda: not product.processes(), 2), product.processes()


def unprivileged(uid: int) -> list[str]:
    # setpriv itself still has root's reach when it executes what it is given; `env` no longer has.
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "env"]


@pytest.mark.parametrize("uid", [1500, pwd.getpwnam("nobody").pw_uid], ids=["unlisted", "listed"])
def test_an_ordinary_user_runs_it_too(uid: int) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root, with setpriv, can become somebody else; the other tests have run as this ordinary user")
    able = [*unprivileged(uid), sys.executable, "-c", "import os, django, celery; os.listdir('.')"]
    if subprocess.run(able, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"another user cannot reach {sys.executable} or {ROOT}")
    folder = Path(tempfile.mkdtemp(prefix="mes-other-"))
    os.chown(folder, uid, uid)
    other = Product(folder / "data", unprivileged(uid))
    try:
        other.start("--empty")
        other.wait_ready()
        assert other.page() == 200
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in other.processes()} == {uid}
        mode = Postgres(folder / "elsewhere").mode
        assert mode in {"userns", "setuid"}
        assert other.stop() == 0
        assert other.processes() == {}
    finally:
        other.end()
        shutil.rmtree(folder)


def test_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that belongs to another user")
    os.chown(tmp_path, 1500, 1500)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    refused = up(tmp_path, port)
    assert refused.returncode == 2
    assert "belongs to another user" in refused.stderr
