"""One call of the API before its act: who asks, with which key, how often, and what was sent.

The order is fixed: token, rate, right of the token, key, body. Only then does anything of the plant get looked at.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja.parser import Parser
from ninja.security import HttpBearer

from mes.accounts.models import ApiToken, Terminal
from mes.accounts.policies import may
from mes.accounts.tokens import actor_for, token_of
from mes.api.answers import done
from mes.api.bodies import body_of, with_same_numbers, without_nul
from mes.api.schemas import Act
from mes.kernel.actors import Actor
from mes.kernel.canonical import fingerprint
from mes.kernel.commands import Outcome, authorise, run
from mes.kernel.errors import Refused

#: Requests one token may send to one process in one window. Far above what a busy plant needs.
MOST, WINDOW = 3_000, 60.0


@dataclass
class Rate:
    """Counts requests per token in windows of fixed length, in this process."""

    most: int = MOST
    window: float = WINDOW
    clock: Callable[[], float] = time.monotonic
    _counts: dict[int, tuple[float, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, token_id: int) -> None:
        """Raises `slow_down` when the window is used up."""
        now = self.clock()
        with self._lock:
            began, seen = self._counts.get(token_id, (now, 0))
            if now - began >= self.window:
                began, seen = now, 0
            self._counts[token_id] = (began, seen + 1)
        if seen >= self.most:
            raise Refused("slow_down")


rate = Rate()


@dataclass
class Call:
    """An authenticated request: its token, the matrix row that allows it, its key and its parsed body."""

    request: HttpRequest
    token: ApiToken
    action: str
    key: UUID | None = None
    body: Any = None

    def actor(self, sent: Act) -> Actor:
        """The person of the badge, else the token's service account. Both roles must allow the action."""
        actor = actor_for(self.token, sent.badge, self._terminal(sent.terminal))
        authorise(actor, self.action)
        return actor

    def _terminal(self, named: str | int | None) -> int | None:
        if named in (None, ""):
            return None
        rows = Terminal.objects.filter(site_id=self.token.site_id, revoked_at__isnull=True)
        text = str(named)
        digits = text.removeprefix("~")
        by_id = isinstance(named, int) or text.startswith("~")
        if by_id and not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise Refused("terminal_unknown", terminal=text[:60])
        found = (rows.filter(pk=int(digits)) if by_id else rows.filter(name=text)).first()
        if found is None:
            raise Refused("terminal_unknown", terminal=text[:60])
        return found.pk

    def fingerprint(self) -> bytes:
        return fingerprint(
            str(self.request.method), self.request.path, f"token:{self.token.pk}", with_same_numbers(self.body)
        )

    def command_id(self) -> UUID:
        """The key, which is the command id. Raises `key_missing`."""
        if self.key is None:
            raise Refused("key_missing")
        return self.key


class Token(HttpBearer):
    """Lets a call in whose token's role may do ACTION, and reads its key and its body."""

    def __init__(self, action: str, *, needs_key: bool = True) -> None:
        super().__init__()
        self.action, self.needs_key = action, needs_key

    def __call__(self, request: HttpRequest) -> Call:
        call = enter(request, self.action)
        if request.method == "POST":
            call.key = _key(request)
            if self.needs_key:
                call.command_id()
            call.body = body_of(request)
        return call

    def authenticate(self, request: HttpRequest, token: str) -> None:  # pragma: no cover - __call__ does it all
        raise NotImplementedError


def enter(request: HttpRequest, action: str) -> Call:
    """The call of a valid token whose role may do ACTION. Raises `unauthenticated`, `forbidden`, `slow_down`."""
    token = token_of(request.headers.get("Authorization", ""))
    rate.count(token.pk)
    if not may(token.role, action):
        raise Refused("forbidden", role=token.role, action=action)
    return Call(request, token, action)


def _key(request: HttpRequest) -> UUID | None:
    header = request.headers.get("Idempotency-Key", "")
    if not header:
        return None
    try:
        return UUID(header.strip())
    except ValueError:
        raise Refused("key_missing") from None


class StoredBody(Parser):
    """Hands django-ninja the body that was read at the door."""

    def parse_body(self, request: HttpRequest) -> Any:
        return call_of(request).body


def call_of(request: HttpRequest) -> Call:
    call = getattr(request, "auth", None)
    if not isinstance(call, Call):
        raise Refused("unauthenticated")
    return call


Body = dict[str, Any]


def perform(request: HttpRequest, sent: Act, act: Callable[[Actor, UUID], Body | Outcome]) -> HttpResponse:
    """Run ACT as the command of this call. What it returns is stored and answered, also when the key is repeated.

    ACT looks its numbers up itself, inside the command: a repetition is answered however the plant has changed since.
    """
    call = call_of(request)
    without_nul(call.body)
    actor = call.actor(sent)
    command_id = call.command_id()

    def body() -> Outcome:
        made = act(actor, command_id)
        return made if isinstance(made, Outcome) else Outcome(200, made)

    outcome = run(name=call.action, actor=actor, command_id=command_id, fingerprint=call.fingerprint(), body=body)
    return done(outcome)
