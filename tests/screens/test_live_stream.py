"""The stream as it runs: a real uvicorn, a real NOTIFY, refusals, the death of its database connection."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction

from mes.accounts import terminals
from mes.accounts.models import Terminal, User, digest_of
from mes.kernel.events import tell

WEB = "8365"


@dataclass
class Running:
    url: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url() -> str:
    default = settings.DATABASES["default"]
    return f"postgresql://{default['USER']}@/{default['NAME']}?host={default['HOST']}&port={default['PORT']}"


@pytest.fixture
def stream(committed_db: None) -> Iterator[Running]:
    port = free_port()
    environment = os.environ | {"DATABASE_URL": database_url(), "MES_WEB_PORT": WEB, "MES_EVENTS_PORT": str(port)}
    options = ["--lifespan", "off", "--log-level", "warning", "--timeout-graceful-shutdown", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "mes.asgi:application", "--port", str(port), *options], env=environment
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(f"{url}/", timeout=1)
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield Running(url, process)
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def person(committed_db: None) -> User:
    return User.objects.create_user(f"listener-{time.monotonic_ns()}", "secret", name="L", role="auditor", site_id=1)


def cookie(person: User) -> dict[str, str]:
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {settings.SESSION_COOKIE_NAME: session.session_key or ""}


class Listener:
    """Reads server-sent events of one page."""

    def __init__(self, stream: Running, cookies: dict[str, str], topics: str, **headers: str) -> None:
        self.client = httpx.Client(timeout=httpx.Timeout(5, read=20), cookies=cookies)
        self.context = self.client.stream("GET", f"{stream.url}/events/", params={"topics": topics}, headers=headers)
        self.response = self.context.__enter__()
        self.lines = self.response.iter_lines() if self.response.status_code == 200 else iter(())

    def next(self, name: str = "change") -> list[str]:
        """The topics of the next event called NAME."""
        for line in self.lines:
            if line == f"event: {name}":
                return list(json.loads(next(self.lines).removeprefix("data: ")).get("t", []))
        raise AssertionError("the stream ended")

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.__exit__(None, None, None)
        self.client.close()


def notify(*topics: str) -> None:
    with transaction.atomic():
        tell(topics)


def test_without_a_session_nobody_listens(stream: Running) -> None:
    assert httpx.get(f"{stream.url}/events/?topics=floor").status_code == 403
    forged = httpx.get(f"{stream.url}/events/?topics=floor", cookies={settings.SESSION_COOKIE_NAME: "forged"})
    assert forged.status_code == 403
    assert httpx.get(f"{stream.url}/events/?topics=floor", cookies={terminals.COOKIE: "forged"}).status_code == 403


def test_nothing_else_is_served(stream: Running, person: User) -> None:
    cookies = cookie(person)
    assert httpx.get(f"{stream.url}/floor/", cookies=cookies).status_code == 404
    assert httpx.post(f"{stream.url}/events/?topics=floor", cookies=cookies).status_code == 405
    assert httpx.get(f"{stream.url}/events/", cookies=cookies).status_code == 400
    many = ",".join(f"order:{number}" for number in range(101))
    assert httpx.get(f"{stream.url}/events/?topics={many}", cookies=cookies).status_code == 400
    foreign_host = httpx.get(f"{stream.url}/events/?topics=floor", cookies=cookies, headers={"Host": "evil.example"})
    assert foreign_host.status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1:9999", f"https://127.0.0.1:{WEB}", f"http://localhost:{WEB}", "null"],
)
def test_a_page_of_another_origin_is_refused(stream: Running, person: User, origin: str) -> None:
    answer = httpx.get(f"{stream.url}/events/?topics=floor", cookies=cookie(person), headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_on_the_other_port_may_listen_with_its_cookies(stream: Running, person: User) -> None:
    origin = f"http://127.0.0.1:{WEB}"
    with Listener(stream, cookie(person), "floor", Origin=origin) as page:
        assert page.response.status_code == 200
        assert page.response.headers["access-control-allow-origin"] == origin
        assert page.response.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in page.response.headers["vary"]
        assert page.response.headers["x-accel-buffering"] == "no"
        assert page.response.headers["content-type"].startswith("text/event-stream")


def test_an_enrolled_terminal_may_listen_and_a_revoked_one_may_not(stream: Running) -> None:
    secret = f"terminal-{time.monotonic_ns()}"
    terminal = Terminal.objects.create(site_id=1, work_center_id=1, name="T", token=digest_of(secret))
    with Listener(stream, {terminals.COOKIE: secret}, "floor") as page:
        assert page.response.status_code == 200
    Terminal.objects.filter(pk=terminal.pk).update(revoked_at=terminals.timezone.now())
    with Listener(stream, {terminals.COOKIE: secret}, "floor") as page:
        assert page.response.status_code == 403


def test_a_commit_is_heard_by_the_pages_that_follow_it_and_only_by_them(stream: Running, person: User) -> None:
    cookies = cookie(person)
    with Listener(stream, cookies, "order:12,floor") as one, Listener(stream, cookies, "order:13") as other:
        # The first event tells each page to look for itself, now that the process listens.
        assert one.next() == ["floor", "order:12"]
        notify("order:12", "lot:7")
        started = time.monotonic()
        assert one.next() == ["order:12"]
        assert time.monotonic() - started < 5
        notify("order:13")
        heard = other.next()
        assert heard == ["order:13"]


def test_what_is_rolled_back_is_not_heard(stream: Running, person: User) -> None:
    with Listener(stream, cookie(person), "order:1,order:2") as page:
        page.next()
        with transaction.atomic():
            tell(["order:1"])
            transaction.set_rollback(True)
        notify("order:2")
        assert page.next() == ["order:2"]


def test_a_burst_is_told_in_few_words(stream: Running, person: User) -> None:
    with Listener(stream, cookie(person), "order:1,order:2,done") as page:
        page.next()
        for _ in range(50):
            notify("order:1")
            notify("order:2")
        notify("done")
        heard = []
        while "done" not in (news := page.next()):
            heard.append(news)
        assert len(heard) <= 20


def test_when_its_connection_is_killed_the_pages_are_told_to_look_for_themselves(stream: Running, person: User) -> None:
    with Listener(stream, cookie(person), "floor") as page:
        page.next()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'mes-stream' AND datname = current_database()"
            )
            assert cursor.fetchone()[0] >= 1
        assert page.next() == ["floor"]
        notify("floor")
        assert page.next() == ["floor"]


def test_an_unreadable_notification_does_no_harm(stream: Running, person: User) -> None:
    with Listener(stream, cookie(person), "floor") as page:
        page.next()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('mes_topics', 'not json')")
            cursor.execute("SELECT pg_notify('mes_topics', '[1]')")
        notify("floor")
        assert page.next() == ["floor"]


def test_one_connection_serves_all_pages(stream: Running, person: User) -> None:
    cookies = cookie(person)
    with (
        Listener(stream, cookies, "a") as one,
        Listener(stream, cookies, "b") as two,
        Listener(stream, cookies, "c") as three,
    ):
        one.next()
        notify("b", "c")
        two.next()
        three.next()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'mes-stream' AND datname = current_database()"
            )
            assert cursor.fetchone()[0] == 1


def test_it_ends_promptly_though_pages_listen(stream: Running, person: User) -> None:
    with Listener(stream, cookie(person), "floor") as page:
        page.next()
        stream.process.terminate()
        assert stream.process.wait(timeout=5) is not None
