"""Storing what was read, in one transaction under the fence of the lease. No command: machines decide nothing.

A batch is stored whole and once: its number stands in the lease. Rows of a holder who lost the lease are kept as
samples where he read them before the next claim; counts and states of that time are the next holder's to tell.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from devices.collector.meaning import Meaning, Poll, Reading, SampleRow, interpret
from devices.collector.setup import TagMemory, TagSetup
from devices.interpretation import Change, Counted
from mes.kernel.events import tell

LOCK = """
SELECT l.group_id, l.fence, l.batch FROM devices_polllease l
 WHERE l.group_id = ANY(%s) ORDER BY l.group_id FOR NO KEY UPDATE
"""
VERSIONS = "SELECT id, version FROM devices_device WHERE id = ANY(%s) ORDER BY id FOR SHARE"
ENDED = "SELECT ended_at FROM devices_leaseepoch WHERE group_id = %s AND fence = %s"
LATE = """
INSERT INTO devices_telemetrysample (tag_id, at, value, quality)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::float8[], %s::int2[]) ON CONFLICT DO NOTHING
"""
COPY = "COPY devices_telemetrysample (tag_id, at, value, quality) FROM STDIN (FORMAT binary)"
STORED = "UPDATE devices_polllease SET batch = %s WHERE group_id = %s"
VALUES = """
INSERT INTO devices_tagvalue AS v
    (tag_id, at, quality, why, value, good_at, stored_value, stored_at, counter_raw, counter_at)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::int2[], %s::text[], %s::float8[], %s::timestamptz[],
                     %s::float8[], %s::timestamptz[], %s::bigint[], %s::timestamptz[])
ON CONFLICT (tag_id) DO UPDATE
   SET at = excluded.at, quality = excluded.quality, why = excluded.why,
       value = coalesce(excluded.value, v.value), good_at = coalesce(excluded.good_at, v.good_at),
       stored_value = excluded.stored_value, stored_at = excluded.stored_at,
       counter_raw = excluded.counter_raw, counter_at = excluded.counter_at
"""
HEALTH = """
INSERT INTO devices_devicehealth AS h (device_id, polled_at, answered_at, lag_ms, failures, skipped, why)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[], %s::bigint[], %s::text[])
ON CONFLICT (device_id) DO UPDATE
   SET polled_at = excluded.polled_at, answered_at = coalesce(excluded.answered_at, h.answered_at),
       lag_ms = excluded.lag_ms, skipped = h.skipped + excluded.skipped, why = excluded.why,
       failures = CASE WHEN excluded.answered_at IS NULL THEN h.failures + excluded.failures ELSE excluded.failures END
"""
COUNTS = """
INSERT INTO devices_countevent
    (tag_id, work_unit_id, epoch, sequence, kind, counts, quantity, is_scrap, raw_from, raw_to, started_at, ended_at,
     in_gap, posting, refused, refused_text, settled_reason)
SELECT x.tag_id, x.work_unit_id, %s, x.sequence, x.kind, x.counts, x.quantity, x.is_scrap, x.raw_from, x.raw_to,
       x.started_at, x.ended_at, x.in_gap,
       CASE WHEN x.counts = 0 OR c.count_source = 'OPERATOR' THEN 'STORED' ELSE 'PENDING' END, '', '', ''
  FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::numeric[], %s::boolean[],
              %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::boolean[])
       AS x (tag_id, work_unit_id, sequence, kind, counts, quantity, is_scrap, raw_from, raw_to, started_at, ended_at,
             in_gap)
  JOIN workorders_workunit u ON u.id = x.work_unit_id
  JOIN workorders_workcenter c ON c.id = u.work_center_id
 ORDER BY x.ended_at, x.tag_id, x.sequence
"""
OPEN_STATE = """
SELECT id, lower(span), state FROM devices_equipmentstate WHERE work_unit_id = %s AND upper_inf(span) FOR UPDATE
"""
CLOSE_STATE = "UPDATE devices_equipmentstate SET span = tstzrange(lower(span), %s, '[)') WHERE id = %s"
RENAME_STATE = "UPDATE devices_equipmentstate SET state = %s, code = %s, tag_id = %s, told = false WHERE id = %s"
NEW_STATE = """
INSERT INTO devices_equipmentstate (work_unit_id, tag_id, state, code, span, told)
VALUES (%s, %s, %s, %s, tstzrange(%s, NULL, '[)'), false)
"""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_ROW = struct.Struct(">hiqiqidih").pack
_ROW_WITHOUT_VALUE = struct.Struct(">hiqiqiih").pack


@dataclass
class Batch:
    """What one group's holder read since his last batch; NUMBER rises by one. `now` is when it was closed."""

    group_id: int
    fence: int
    number: int
    now: float
    readings: list[Reading]
    polls: list[Poll]


@dataclass
class Outcome:
    """What became of a batch. `held` False: the lease is another's. `refused`: readings that came too late."""

    held: bool = True
    refused: int = 0
    memories: dict[int, TagMemory] = field(default_factory=dict)
    facts: int = 0


@dataclass(frozen=True)
class Knowledge:
    """How a group's tags are read, and what is remembered of each."""

    tags: Mapping[int, TagSetup]
    memories: Mapping[int, TagMemory]


def store_batches(batches: Sequence[Batch], known: Mapping[int, Knowledge]) -> dict[int, Outcome]:
    """Store BATCHES, one per group, in one transaction. The memories of the outcome count only after the commit."""
    found: dict[int, Outcome] = {}
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(batch.group_id for batch in batches)])
        leases = {group: (fence, number) for group, fence, number in cursor.fetchall()}
        cursor.execute(VERSIONS, [sorted({reading.device_id for batch in batches for reading in batch.readings})])
        versions = dict(cursor.fetchall())
        for batch in batches:
            fence, number = leases.get(batch.group_id, (0, 0))
            if fence != batch.fence:
                found[batch.group_id] = _store_late(cursor, batch)
                continue
            current = [one for one in batch.readings if versions.get(one.device_id) == one.version]
            knowledge = known[batch.group_id]
            meaning = interpret(knowledge.tags, knowledge.memories, current, batch.now)
            facts = len(meaning.counts) + len(meaning.changes)
            refused = len(batch.readings) - len(current)
            found[batch.group_id] = Outcome(True, refused, meaning.memories, facts)
            if number < batch.number:  # else the commit came through although its answer was lost
                _store(cursor, batch, knowledge, meaning)
    return found


def _store_late(cursor: Any, batch: Batch) -> Outcome:
    cursor.execute(ENDED, [batch.group_id, batch.fence])
    row = cursor.fetchone()
    ended = row[0].timestamp() if row and row[0] else 0.0
    kept = [one for one in batch.readings if one.at <= ended]
    if kept:
        cursor.execute(
            LATE,
            [
                [one.tag_id for one in kept],
                [_time(one.at) for one in kept],
                [one.value for one in kept],
                [one.quality for one in kept],
            ],
        )
    return Outcome(False, len(batch.readings) - len(kept))


def _store(cursor: Any, batch: Batch, knowledge: Knowledge, meaning: Meaning) -> None:
    if meaning.samples:
        with cursor.copy(COPY) as copy:
            copy.write(copied(meaning.samples))
    if meaning.values:
        cursor.execute(VALUES, _value_columns(meaning, knowledge))
    for tag, change in meaning.changes:
        _store_change(cursor, tag, change)
    if meaning.counts:
        cursor.execute(COUNTS, [batch.fence, *_count_columns(meaning.counts)])
    if batch.polls:
        cursor.execute(HEALTH, _health_columns(batch.polls))
    cursor.execute(STORED, [batch.number, batch.group_id])
    topics = {f"wc:{tag.work_center_id}" for tag, _fact in [*meaning.changes, *meaning.counts]}
    touched = [tag for tag, _fact in [*meaning.changes, *meaning.counts]]
    touched += [knowledge.tags[tag_id] for tag_id in meaning.turned]
    topics |= {f"devices:{tag.site_id}" for tag in touched}
    if topics:
        tell(topics)


def copied(samples: Iterable[SampleRow]) -> bytes:
    """SAMPLES in PostgreSQL's binary COPY format, built by hand: nothing is adapted value by value."""
    out = [b"PGCOPY\n\xff\r\n\0" + b"\0" * 8]
    for tag_id, at, value, quality in samples:
        micros = round((at - _EPOCH) * 1_000_000)
        if value is None:
            out.append(_ROW_WITHOUT_VALUE(4, 8, tag_id, 8, micros, -1, 2, quality))
        else:
            out.append(_ROW(4, 8, tag_id, 8, micros, 8, value, 2, quality))
    out.append(b"\xff\xff")
    return b"".join(out)


def _value_columns(meaning: Meaning, knowledge: Knowledge) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _column in range(10)]
    for tag_id, last in sorted(meaning.values.items()):
        memory = meaning.memories[tag_id]
        is_counter = knowledge.tags[tag_id].counter is not None and memory.counter.raw is not None
        row = (
            tag_id,
            _time(last.at),
            last.quality,
            last.why,
            last.value,
            _time(last.good_at),
            memory.stored,
            _time(memory.stored_at),
            memory.counter.raw if is_counter else None,
            _time(memory.counter.at) if is_counter else None,
        )
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


def _count_columns(counts: Sequence[tuple[TagSetup, Counted]]) -> list[list[Any]]:
    rows = [
        (
            tag.id,
            tag.work_unit_id,
            fact.sequence,
            fact.kind,
            fact.counts,
            fact.counts * tag.pieces_per_count,
            tag.is_scrap,
            fact.raw_from,
            fact.raw_to,
            _time(fact.start),
            _time(fact.end),
            fact.in_gap,
        )
        for tag, fact in counts
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _store_change(cursor: Any, tag: TagSetup, change: Change) -> None:
    since = _time(change.since)
    cursor.execute(OPEN_STATE, [tag.work_unit_id])
    row = cursor.fetchone()
    if row is not None:
        state_id, begun, state = row
        if state == change.state:
            return
        if begun >= since:  # no time passed in the state before: it is none
            cursor.execute(RENAME_STATE, [change.state, change.code, tag.id, state_id])
            return
        cursor.execute(CLOSE_STATE, [since, state_id])
    cursor.execute(NEW_STATE, [tag.work_unit_id, tag.id, change.state, change.code, since])


def _health_columns(polls: Sequence[Poll]) -> list[list[Any]]:
    rows: dict[int, tuple[Any, ...]] = {}
    for poll in polls:
        _id, _at, answered, _lag, failures, skipped, _why = rows.get(poll.device_id, (0, None, None, 0, 0, 0, ""))
        answered = _time(poll.at) if poll.answered else answered
        failures = 0 if poll.answered else failures + 1
        lag = round(min(poll.lag, 86_400) * 1000)
        rows[poll.device_id] = (
            poll.device_id, _time(poll.at), answered, lag, failures, skipped + poll.skipped, poll.why,
        )  # fmt: skip
    return [list(column) for column in zip(*(rows[key] for key in sorted(rows)), strict=True)]


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
