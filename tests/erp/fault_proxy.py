"""A misbehaving network between an ERP adapter and a real ERP: passes requests on, and spoils chosen ones.

Which one is chosen by its JSON-RPC method; what happens before or after the real server has done the work is the
whole point, so every fault says on which side of the commit it strikes.
"""

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Fault(Enum):
    REFUSE = auto()
    """The connection is reset before the request is passed on."""
    DROP_REPLY = auto()
    """The work is done, then the connection closes without an answer."""
    RESET_REPLY = auto()
    """The work is done, then the connection is reset."""
    ERROR_BEFORE = auto()
    """HTTP 500, nothing done."""
    ERROR_AFTER = auto()
    """The work is done, then HTTP 500."""
    GARBAGE_AFTER = auto()
    HTML_AFTER = auto()
    """The work is done, then a cheerful page with status 200."""
    HUGE_AFTER = auto()
    """The work is done, then 10 MB."""
    BOMB_AFTER = auto()
    """The work is done, then a small answer that unpacks to 200 MB."""
    DRIP_AFTER = auto()
    """The work is done, then the answer at one byte a second."""
    DRIP_HEADERS_AFTER = auto()
    DELAY_AFTER = auto()
    """The work is done, then the answer comes late."""
    UNAUTHORIZED = auto()
    THROTTLED = auto()
    FORGOTTEN_ID = auto()
    """The work is done, then the answer to another question."""


@dataclass
class _Plan:
    fault: Fault
    chosen: Callable[[str], bool]
    left: int
    seconds: float


@dataclass
class FaultProxy:
    """Listens on its own port; `url` stands in for the ERP's. `methods` lists the calls that reached the ERP."""

    upstream: str
    methods: list[str] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _hooks: list[tuple[Callable[[str], bool], Callable[[], None]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    struck: threading.Event = field(default_factory=threading.Event)
    """Set when a fault strikes after the ERP has done the work and before its caller hears of it."""

    def __enter__(self) -> "FaultProxy":
        self._client = httpx.Client(base_url=self.upstream, timeout=60, trust_env=False)
        self._closing = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()

    def arm(self, fault: Fault, method: str = "", *, times: int = 1, seconds: float = 1.0) -> None:
        """Spoil the next `times` calls whose method ends with `method`."""
        with self._lock:
            self._plans.append(_Plan(fault, lambda name: name.endswith(method), times, seconds))

    def arm_write(self, fault: Fault, number: int) -> None:
        """Spoil the `number`-th call from now, counted from 0, that changes something."""
        count = iter(range(1_000_000))
        with self._lock:
            self._plans.append(_Plan(fault, lambda name: _writes(name) and next(count) == number, 1, 1.0))

    def disarm(self) -> None:
        with self._lock:
            self._plans.clear()
            self._hooks.clear()

    def before(self, method: str, do: Callable[[], None]) -> None:
        """Once, just before the next such call reaches the ERP, something else happens there."""
        with self._lock:
            self._hooks.append((lambda name: name.endswith(method), do))

    def writes(self) -> list[str]:
        return [method for method in self.methods if _writes(method)]

    # -------------------------------------------------------------------------------------------------------- inside

    def _choose(self, method: str) -> tuple[_Plan | None, list[Callable[[], None]]]:
        with self._lock:
            hooks = [do for chosen, do in self._hooks if chosen(method)]
            self._hooks = [pair for pair in self._hooks if not pair[0](method)]
            for plan in self._plans:
                if plan.left > 0 and plan.chosen(method):
                    plan.left -= 1
                    return plan, hooks
        return None, hooks

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        method = str(json.loads(body)["method"])
        plan, hooks = self._choose(method)
        for do in hooks:
            do()
        handler.close_connection = True
        if plan and plan.fault is Fault.REFUSE:
            return self._reset(handler)
        if plan and plan.fault is Fault.ERROR_BEFORE:
            return self._answer(handler, 500, b"Internal Server Error", "text/plain")
        if plan and plan.fault is Fault.UNAUTHORIZED:
            return self._answer(handler, 401, b"<h1>Unauthorized</h1>", "text/html")
        if plan and plan.fault is Fault.THROTTLED:
            return self._answer(handler, 429, b"", "text/plain", {"Retry-After": "7"})
        headers = {k: v for k, v in handler.headers.items() if k.lower() in ("authorization", "content-type")}
        answer = self._client.post(handler.path, content=body, headers={**headers, "Accept-Encoding": "gzip"})
        self.methods.append(method)
        if plan is None:
            kind = answer.headers.get("content-type", "application/json")
            return self._answer(handler, answer.status_code, answer.content, kind)
        return self._spoil(handler, plan, answer)

    def _spoil(self, handler: BaseHTTPRequestHandler, plan: _Plan, answer: httpx.Response) -> None:
        good = answer.content
        self.struck.set()
        match plan.fault:
            case Fault.DROP_REPLY:
                return
            case Fault.RESET_REPLY:
                self._reset(handler)
            case Fault.ERROR_AFTER:
                self._answer(handler, 500, b"Internal Server Error", "text/plain")
            case Fault.GARBAGE_AFTER:
                self._answer(handler, 200, bytes(range(256)), "application/json")
            case Fault.HTML_AFTER:
                self._answer(handler, 200, b"<html><h1>All is well</h1></html>", "text/html")
            case Fault.HUGE_AFTER:
                self._answer(handler, 200, good[:-1] + b" " * (10 * 1024 * 1024) + good[-1:], "application/json")
            case Fault.BOMB_AFTER:
                packer = zlib.compressobj(9, zlib.DEFLATED, 31)
                packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(200)) + packer.flush()
                self._answer(handler, 200, packed, "application/json", {"Content-Encoding": "gzip"})
            case Fault.DRIP_AFTER:
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(good)))
                handler.end_headers()
                self._drip(handler, good)
            case Fault.DRIP_HEADERS_AFTER:
                self._drip(handler, b"HTTP/1.0 200 OK\r\nX-Padding: " + b"x" * 60000)
            case Fault.DELAY_AFTER:
                self._closing.wait(plan.seconds)
                self._answer(handler, 200, good, "application/json")
            case Fault.FORGOTTEN_ID:
                other = json.dumps({**json.loads(good), "id": -1}).encode()
                self._answer(handler, 200, other, "application/json")

    def _answer(
        self, handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, more: dict[str, str] | None = None
    ) -> None:
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            return

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        for index in range(len(body)):
            if self._closing.wait(0.2):
                return
            try:
                handler.wfile.write(body[index : index + 1])
                handler.wfile.flush()
            except OSError:
                return

    @staticmethod
    def _reset(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def _writes(method: str) -> bool:
    reading = (".search_read", ".read", ".search", ".get_access", ".fields_get", ".get_preferences")
    return method.startswith("model.") and not method.endswith(reading)
