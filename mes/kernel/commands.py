"""A command: one transaction with its receipt first, its events last, and its locks in rank order. Expressed once.

Two ways in, one scope: `run()` for HTTP (the stored outcome is the answer's status and body) and `@command` for callers
inside the process. Commands called inside a command join it; only the outermost claims the receipt and writes events.
"""

import functools
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction

from mes.kernel import locking
from mes.kernel.actors import Actor
from mes.kernel.canonical import canonical, digest, plain
from mes.kernel.errors import Busy, Refused, StartOver
from mes.kernel.events import CHANNEL, payloads, write_events
from mes.kernel.locking import LOCKED, sqlstate
from mes.kernel.scope import Scope, running

TRIES = 5
START_OVERS = 3
RETRIED = {"40001", "40P01"}
TAKEN = "23505"


@dataclass(frozen=True)
class Outcome:
    """What a command leaves behind for its caller: a status, a JSON body, and whether this is a repetition."""

    status: int
    body: Any
    effect: bool = True
    replayed: bool = False


Authoriser = Callable[[Actor, str], None]
_authoriser: list[Authoriser] = []


def set_authoriser(authoriser: Authoriser) -> None:
    """`mes.accounts` registers the matrix of rights here; it raises `forbidden`."""
    _authoriser[:] = [authoriser]


def authorise(actor: Actor, name: str) -> None:
    for check in _authoriser:
        check(actor, name)


CLAIM = """
INSERT INTO kernel_commandreceipt
    (command_id, fingerprint, name, actor_kind, actor_id, actor_name, site_id, terminal_id, status, outcome)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, 0, NULL
  FROM set_config('mes.command_id', %s, true) a, set_config('pghistory.context_id', %s, true) b,
       set_config('pghistory.context_metadata', %s, true) c
ON CONFLICT (command_id) DO NOTHING
RETURNING now()
"""


def run(*, name: str, actor: Actor, command_id: UUID, fingerprint: bytes, body: Callable[[], Outcome]) -> Outcome:
    """Run BODY as the outermost command, or return what COMMAND_ID did before.

    Raises `Refused` (nothing is written, the id may be sent again), `Busy` when a row stays locked or all tries are
    used up.
    An outcome without effect leaves no receipt.
    """
    if running.get() is not None:
        raise RuntimeError("A command was begun as outermost inside another one.")
    tries = overs = 0
    while True:
        try:
            return _once(name, actor, command_id, fingerprint, body)
        except StartOver:
            overs += 1
            if overs > START_OVERS:
                raise Busy from None
        except IntegrityError as error:  # somebody inserted the same key since it was looked for: look again
            overs += 1
            if overs > START_OVERS or sqlstate(error) != TAKEN:
                raise
        except OperationalError as error:
            tries += 1
            if sqlstate(error) == LOCKED or (sqlstate(error) in RETRIED and tries >= TRIES):
                raise Busy from error
            if sqlstate(error) not in RETRIED:
                raise
        time.sleep(random.uniform(0, 0.005 * 2 ** (tries + overs)))  # noqa: S311 - jitter, not a secret


class _NoEffect(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def _once(name: str, actor: Actor, command_id: UUID, fingerprint: bytes, body: Callable[[], Outcome]) -> Outcome:
    try:
        with transaction.atomic(durable=True):
            now = _claim(name, actor, command_id, fingerprint)
            if isinstance(now, Outcome):
                return now
            scope = Scope(command_id, actor, now)
            token, locks = running.set(scope), locking.held.set(locking.Held())
            try:
                outcome = body()
                if not outcome.effect:
                    raise _NoEffect(outcome)
                topics = write_events(scope.events, scope.now)
                _settle(command_id, outcome, topics)
            finally:
                running.reset(token)
                locking.held.reset(locks)
            return outcome
    except _NoEffect as nothing:
        return nothing.outcome


def _claim(name: str, actor: Actor, command_id: UUID, fingerprint: bytes) -> datetime | Outcome:
    context = canonical({"command": name, "actor": actor.source, "actor_name": actor.name})
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            [
                command_id,
                fingerprint,
                name,
                actor.kind,
                actor.id,
                actor.name,
                actor.site_id,
                actor.terminal_id,
                str(command_id),
                str(command_id),
                context,
            ],
        )
        row = cursor.fetchone()
        if row:
            return cast(datetime, row[0])
        cursor.execute(
            "SELECT fingerprint, status, outcome::text FROM kernel_commandreceipt WHERE command_id = %s", [command_id]
        )
        known = cursor.fetchone()
    if known is None:  # the twin rolled back between the two statements
        raise StartOver
    if bytes(known[0]) != fingerprint:
        raise Refused("idempotency_key_reused")
    return Outcome(known[1], json.loads(known[2]), replayed=True)


SETTLE = """
WITH settled AS (UPDATE kernel_commandreceipt SET status = %s, outcome = %s::jsonb WHERE command_id = %s)
SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload
"""


def _settle(command_id: UUID, outcome: Outcome, topics: set[str]) -> None:
    """Keep the outcome and tell the live screens, which hear of it only if the transaction commits."""
    parameters: list[Any] = [outcome.status, canonical(outcome.body), command_id, CHANNEL, payloads(topics)]
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, parameters)


Function = TypeVar("Function", bound=Callable[..., Any])


def command(function: Function) -> Function:
    """Make FUNCTION(*, actor, command_id, …) a command named after itself, with the rights of its matrix row.

    Called inside a running command it joins that one. Called as outermost it returns the function's own result; a
    repetition returns the stored JSON form of it.
    """
    name = function.__name__

    @functools.wraps(function)
    def wrapper(*, actor: Actor, command_id: UUID, **arguments: Any) -> Any:
        authorise(actor, name)
        if running.get() is not None:
            return function(actor=actor, command_id=command_id, **arguments)
        result: list[Any] = []

        def body() -> Outcome:
            result[:] = [function(actor=actor, command_id=command_id, **arguments)]
            return Outcome(200, plain(_json(result[0])))

        mark = digest(
            [name, actor.source, {key: plain(value) for key, value in arguments.items() if value is not None}]
        )
        outcome = run(name=name, actor=actor, command_id=command_id, fingerprint=mark, body=body)
        return outcome.body if outcome.replayed else result[0]

    wrapper.is_command = True  # type: ignore[attr-defined]
    return cast(Function, wrapper)


def _json(result: Any) -> Any:
    as_json = getattr(result, "as_json", None)
    if as_json is not None:
        return as_json()
    if isinstance(result, tuple | list):
        return [_json(each) for each in result]
    return {"id": result.pk} if hasattr(result, "pk") else result
