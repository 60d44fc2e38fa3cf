"""Business events: `emit()` buffers, the outermost command writes them sorted by subject, with deliveries and one
NOTIFY.

Names and payloads belong to the emitting apps (`events.py` there); this room knows only how a fact is kept and told.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from mes.kernel.canonical import canonical, plain
from mes.kernel.nudge import nudge_after_commit
from mes.kernel.scope import current

CHANNEL = "mes_topics"
#: NOTIFY refuses payloads of 8,000 bytes and more.
PAYLOAD_LIMIT = 7_500


@dataclass(frozen=True)
class Buffered:
    """An event waiting for the end of its command."""

    site_id: int
    name: str
    version: int
    subject: str
    label: str
    actor: Any
    occurred_at: datetime
    command_id: UUID
    payload: dict[str, Any]
    topics: tuple[str, ...]


Handler = Callable[[Any], None]


@dataclass(frozen=True)
class Subscriber:
    """Who is told of which events, after commit, at least once, in order per subject."""

    name: str
    events: frozenset[str]
    handle: Handler


SUBSCRIBERS: dict[str, Subscriber] = {}


def subscribe(name: str, events: Iterable[str], handle: Handler) -> None:
    """Register HANDLE for EVENTS under NAME. It gets the `Event`, may be called twice, and does one thing."""
    SUBSCRIBERS[name] = Subscriber(name, frozenset(events), handle)


def emit(
    name: str,
    *,
    subject: str,
    label: str,
    payload: dict[str, Any],
    occurred_at: datetime | None = None,
    topics: Iterable[str] = (),
    version: int = 1,
) -> None:
    """Buffer one event of the running command.

    SUBJECT is the chain (`order:17`), LABEL what people read (`order:5521`), TOPICS the live regions that change.
    """
    scope = current()
    scope.events.append(
        Buffered(
            site_id=scope.actor.site_id,
            name=name,
            version=version,
            subject=subject,
            label=label,
            actor=scope.actor,
            occurred_at=occurred_at or scope.now,
            command_id=scope.command_id,
            payload=plain(payload),
            topics=tuple(topics),
        )
    )


INSERT = """
WITH event AS (
    INSERT INTO kernel_event (uuid, site_id, name, version, subject, label, actor_kind, actor_id, actor_name,
        terminal_id, occurred_at, recorded_at, command_id, payload, canonical, seq, prev, hash, tx)
    VALUES {rows} RETURNING id, name, subject
), owed AS (
    INSERT INTO kernel_delivery (event_id, subscriber, subject, status, attempts, parked_reason)
    SELECT e.id, s.subscriber, e.subject, 'OPEN', 0, ''
      FROM event e JOIN unnest(%s::text[], %s::text[]) AS s (name, subscriber) ON s.name = e.name
    RETURNING 1
)
SELECT count(*) FROM owed
"""
ROW = "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, 0, ''::bytea, ''::bytea, 0)"


def body_of(event: Any, actor: dict[str, Any]) -> dict[str, Any]:
    """What an event's canonical text says; `verify_events` builds the same from the stored columns."""
    return {
        "uuid": event.uuid,
        "site": event.site_id,
        "name": event.name,
        "version": event.version,
        "subject": event.subject,
        "label": event.label,
        "actor": actor,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "command_id": event.command_id,
        "payload": event.payload,
    }


@dataclass(frozen=True)
class _Stamped:
    """A buffered event with the identity and time it is written under."""

    uuid: UUID
    recorded_at: datetime
    inner: Buffered

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


#: One statement carries at most 65,535 parameters; a list of thousands of rows is written in several.
MOST_AT_ONCE = 2_000


def write_events(events: list[Buffered], now: datetime) -> set[str]:
    """Insert EVENTS sorted by subject (the last rank of the lock order) with their deliveries, in one statement unless
    they are thousands.

    Returns the topics of the live screens that changed.
    """
    in_order = [event for _place, event in sorted(enumerate(events), key=lambda pair: (pair[1].subject, pair[0]))]
    owed = [(name, subscriber.name) for subscriber in SUBSCRIBERS.values() for name in sorted(subscriber.events)]
    told = [[name for name, _subscriber in owed], [subscriber for _name, subscriber in owed]]
    deliveries = 0
    with connection.cursor() as cursor:
        for batch in _batched(in_order, MOST_AT_ONCE):
            rows = ", ".join([ROW] * len(batch))
            cursor.execute(INSERT.format(rows=rows), [*(value for one in batch for value in _row(one, now)), *told])
            deliveries += cursor.fetchone()[0]
    if deliveries:
        nudge_after_commit()
    return {topic for event in events for topic in event.topics}


def _batched(events: list[Buffered], size: int) -> Iterator[list[Buffered]]:
    for start in range(0, len(events), size):
        yield events[start : start + size]


def _row(event: Buffered, now: datetime) -> list[Any]:
    """The values of EVENT in the order of the columns of INSERT."""
    stamped = _Stamped(uuid4(), now, event)
    actor = event.actor.as_json() | {"terminal": event.actor.terminal_id}
    return [
        stamped.uuid,
        event.site_id,
        event.name,
        event.version,
        event.subject,
        event.label,
        event.actor.kind,
        event.actor.id,
        event.actor.name,
        event.actor.terminal_id,
        event.occurred_at,
        now,
        event.command_id,
        canonical(event.payload),
        canonical(body_of(stamped, actor)),
    ]


def tell(topics: Iterable[str]) -> None:
    """NOTIFY the live screens that TOPICS changed; heard only if the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload", [CHANNEL, payloads(topics)])


def payloads(topics: Iterable[str]) -> list[str]:
    """TOPICS as notifications, each short enough for NOTIFY."""
    found, names = [], sorted(set(topics))
    while names:
        batch = names
        while len(_payload(batch)) > PAYLOAD_LIMIT:
            batch = batch[: len(batch) // 2]
        names = names[len(batch) :]
        found.append(_payload(batch))
    return found


def _payload(topics: list[str]) -> str:
    return json.dumps({"t": topics}, separators=(",", ":"))
