"""The running command, as the code below it sees it: who acts, since when, what it will tell, and what `at` is
worth.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.kernel.models import CommandApproval

OLDEST = timedelta(hours=72)
AHEAD = timedelta(minutes=15)


@dataclass
class Scope:
    """The outermost command while it runs. `now` is the database clock at its start."""

    command_id: UUID
    actor: Actor
    now: datetime
    events: list[Any] = field(default_factory=list)
    approved: bool | None = None


running: ContextVar[Scope | None] = ContextVar("running_command", default=None)
#: Whether acts may be dated as far back as they say: for loading history, never for people or machines.
_back_dating: ContextVar[bool] = ContextVar("back_dating", default=False)


@contextmanager
def back_dating() -> Iterator[None]:
    """While this is open, commands may be dated at any time in the past. For loaders of history alone."""
    token = _back_dating.set(True)
    try:
        yield
    finally:
        _back_dating.reset(token)


def is_back_dating() -> bool:
    return _back_dating.get()


def current() -> Scope:
    """The running command. Raises when code that changes rows is called outside one."""
    scope = running.get()
    if scope is None:
        raise RuntimeError("This must run inside a command.")
    return scope


def occurred(at: datetime | None) -> datetime:
    """The business time of the running act: the gesture's own time where it may be believed.

    Up to 15 minutes ahead of the database clock the fact is dated now. Raises `in_future` beyond that, and `too_old`
    past 72 hours unless this command id was approved by a person with the right to back-enter.
    """
    scope = current()
    if at is None or scope.now < at <= scope.now + AHEAD:
        return scope.now
    if at > scope.now:
        raise Refused("in_future", minutes=int((at - scope.now).total_seconds() // 60))
    if scope.now - at > OLDEST and not is_back_dating() and not is_approved():
        raise Refused("too_old", hours=int(OLDEST.total_seconds() // 3600))
    return at


def approve() -> None:
    """The running command may be as late as it says. For commands that only those with the right to back-enter run."""
    current().approved = True


def is_approved() -> bool:
    """Whether a person with the right to back-enter approved the running command id."""
    scope = current()
    if scope.approved is None:
        scope.approved = CommandApproval.objects.filter(pk=scope.command_id).exists()
    return scope.approved
