"""The live stream: tells open pages which topics changed, so that they fetch their own parts again.

One LISTEN connection for the whole process, fanned out in memory. It carries names of topics and nothing else; what a
page may see is decided where the page fetches it. Served by its own small process through `mes.asgi`.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connections
from django.http.request import split_domain_port, validate_host

from mes.accounts import terminals
from mes.kernel.events import CHANNEL

logger = logging.getLogger(__name__)

PATH = "/events/"
HEARTBEAT = 15.0
COALESCE = 0.25
RECHECK = 60.0
RECONNECT_AT_MOST = 5.0
MOST_TOPICS = 100
LONGEST_TOPIC = 100
MOST_STREAMS = 2000

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = [
    (b"cache-control", b"no-cache, no-store"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Origin, Cookie"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Stream:
    """One open page. What it has not been told yet is a set, so a slow page costs no memory and misses nothing."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.changed: set[str] = set()
        self.woken = asyncio.Event()

    def tell(self, topics: Iterable[str]) -> None:
        news = self.topics.intersection(topics)
        if news:
            self.changed |= news
            self.woken.set()

    def take(self) -> list[str]:
        news, self.changed = sorted(self.changed), set()
        self.woken.clear()
        return news


class Hub:
    """The process's one ear at the database, and the streams it tells."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.hearing = False
        self._task: asyncio.Task[None] | None = None

    def add(self, stream: Stream) -> None:
        self.streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    def remove(self, stream: Stream) -> None:
        self.streams.discard(stream)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        """Listen for ever; when the connection dies, connect again and let every page look for itself."""
        wait = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_connection(), autocommit=True) as ear:
                    await ear.execute(f"LISTEN {CHANNEL}")
                    self.hearing, wait = True, 0.1
                    # Nothing keeps the notifications of the time we were deaf.
                    for stream in self.streams:
                        stream.tell(stream.topics)
                    async for notification in ear.notifies():
                        self._take(notification.payload)
            except (psycopg.Error, OSError) as error:
                logger.warning("The live stream lost its database connection and tries again: %s", error)
            self.hearing = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, RECONNECT_AT_MOST)

    def _take(self, payload: str) -> None:
        try:
            topics = [str(topic) for topic in json.loads(payload)["t"]]
        except (ValueError, TypeError, KeyError):
            logger.warning("A notification was not readable: %.200r", payload)
            return
        for stream in self.streams:
            stream.tell(topics)


def _connection() -> dict[str, Any]:
    """The database's address as psycopg wants it; a listener must not go through a transaction pooler."""
    default = settings.DATABASES["default"]
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    given = {name: default[key] for name, key in names.items() if default.get(key)}
    return given | {
        "application_name": "mes-stream",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def may_listen(cookies: str) -> bool:
    """Whether these cookies belong to a signed-in, active person or to an enrolled terminal. Asks the database."""
    try:
        jar = SimpleCookie(cookies)
    except CookieError:
        return False
    close_old_connections()
    try:
        session = jar.get(settings.SESSION_COOKIE_NAME)
        if session and session.value:
            request: Any = SimpleNamespace(session=SessionStore(session.value))
            if get_user(request).is_authenticated:
                return True
        terminal = jar.get(terminals.COOKIE)
        return bool(terminal and terminals.terminal_of(terminal.value))
    finally:
        close_old_connections()


class Refusal(Exception):
    """An answer without a stream."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _allowed_origin(scope: Scope, headers: dict[str, str]) -> str:
    """The page's origin if the browser named one: the same host and our own or the web's port. Raises Refusal."""
    host = headers.get("host", "")
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        raise Refusal(400, "This host is not served here.")
    origin = headers.get("origin", "")
    scheme = scope.get("scheme", "http")
    own = {_origin(scheme, host), _origin(scheme, f"{name}:{settings.WEB_PORT}" if settings.WEB_PORT else name)}
    if origin and origin not in own:
        raise Refusal(403, "Pages of another origin may not listen here.")
    return origin


def _origin(scheme: str, host: str) -> str:
    """As browsers write it: lower case, the port of the scheme left out."""
    parts = urlsplit(f"{scheme}://{host}")
    usual = {"http": 80, "https": 443}.get(scheme)
    name = (parts.hostname or "").lower()
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}" if parts.port in {None, usual} else f"{scheme}://{name}:{parts.port}"


def _topics(scope: Scope) -> frozenset[str]:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    topics = frozenset(topic for value in query.get("topics", []) for topic in value.split(",") if topic)
    if not topics or len(topics) > MOST_TOPICS or any(len(topic) > LONGEST_TOPIC for topic in topics):
        raise Refusal(400, f"Name one to {MOST_TOPICS} topics, separated by commas.")
    return topics


def make_application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application of the stream process: /events/ and nothing else."""
    hub = Hub()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(hub, receive, send)
        elif scope["type"] == "http":
            await _http(hub, scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    return application


async def _lifespan(hub: Hub, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await hub.close()
            connections.close_all()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _http(hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
    headers = _headers(scope)
    origin = ""
    try:
        if scope["path"] != PATH:
            raise Refusal(404, "Only the live stream is served here.")
        if scope["method"] != "GET":
            raise Refusal(405, "The live stream is only read.")
        origin = _allowed_origin(scope, headers)
        topics = _topics(scope)
        if len(hub.streams) >= MOST_STREAMS:
            raise Refusal(503, "Too many pages listen to this process.")
        if not await _listener(headers):
            raise Refusal(403, "Sign in first.")
    except Refusal as refusal:
        await _answer(send, refusal, origin)
        return
    stream = Stream(topics)
    hub.add(stream)
    try:
        await _open(send, origin)
        await _until_gone(receive, _write(hub, stream, headers, send))
    finally:
        hub.remove(stream)


async def _listener(headers: dict[str, str]) -> bool:
    """As may_listen, without holding up the other pages; a database that does not answer is no permission."""
    try:
        return await asyncio.to_thread(may_listen, headers.get("cookie", ""))
    except Exception as error:
        logger.warning("A listener could not be checked: %s", error)
        raise Refusal(503, "The database does not answer.") from error


def _cross_origin(origin: str) -> list[tuple[bytes, bytes]]:
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
    ]


async def _answer(send: Send, refusal: Refusal, origin: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS, *_cross_origin(origin)]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.text.encode()})


async def _open(send: Send, origin: str) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *_HEADERS, *_cross_origin(origin)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await _put(send, "retry: 3000\n\n")


async def _put(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _write(hub: Hub, stream: Stream, headers: dict[str, str], send: Send) -> None:
    """Changes at once and then at most four times a second; a beat in between; the session looked at every minute."""
    checked = time.monotonic()
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stream.woken.wait(), HEARTBEAT)
        if time.monotonic() - checked > RECHECK:
            checked = time.monotonic()
            with suppress(Refusal):
                if not await _listener(headers):
                    return
        news = stream.take()
        if news:
            await _put(send, f"event: change\ndata: {json.dumps({'t': news}, separators=(',', ':'))}\n\n")
            await asyncio.sleep(COALESCE)
        elif hub.hearing:
            await _put(send, "event: beat\ndata: {}\n\n")
        else:
            # The line is kept open, but nobody is told that what they see is fresh.
            await _put(send, ": deaf\n\n")


async def _until_gone(receive: Receive, writing: Awaitable[None]) -> None:
    """Write until the page closes the line or the writer ends."""
    writer = asyncio.ensure_future(writing)
    reader = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (writer, reader):
            task.cancel()
        for outcome in await asyncio.gather(writer, reader, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                logger.warning("A stream ended by %r", outcome)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
