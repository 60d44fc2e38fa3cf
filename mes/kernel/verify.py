"""Verifying the event log: recompute every chain, compare it with the heads and with anchors kept outside."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from mes.kernel.canonical import canonical
from mes.kernel.events import body_of
from mes.kernel.models import Event, EventHead

BATCH = 2000


def breaks(anchors: Iterable[tuple[str, int, str]] = ()) -> tuple[list[str], int, int]:
    """(breaks, events, chains). ANCHORS are (subject, seq, hash in hex) as `anchor_lines` wrote them earlier."""
    found: list[str] = []
    wanted: dict[str, dict[int, str]] = {}
    for subject, seq, mark in anchors:
        wanted.setdefault(subject, {})[seq] = mark
    events = 0
    ends: dict[str, tuple[int, bytes]] = {}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for event in Event.objects.order_by("subject", "seq").iterator(BATCH):
            events += 1
            seq, digest = ends.get(event.subject, (0, b""))
            found += _check(event, seq, digest)
            ends[event.subject] = (event.seq, bytes(event.hash))
            marks = wanted.get(event.subject)
            if marks and event.seq in marks and marks.pop(event.seq) != bytes(event.hash).hex():
                found.append(f"{event.subject} {event.seq}: differs from its anchor")
        heads = {head.subject: (head.seq, bytes(head.hash)) for head in EventHead.objects.iterator(BATCH)}
    for subject in sorted(heads.keys() | ends.keys()):
        if heads.get(subject) != ends.get(subject, (0, b"")):
            said, newest = heads.get(subject, (0,))[0], ends.get(subject, (0,))[0]
            found.append(f"{subject}: the head says {said}, the newest event is {newest}")
    for subject, marks in wanted.items():
        found += [f"{subject} {seq}: was anchored, but is gone" for seq in sorted(marks)]
    return found, events, len(ends)


def _check(event: Event, seq: int, digest: bytes) -> Iterator[str]:
    where = f"{event.subject} {event.seq} ({event.name})"
    if event.seq != seq + 1:
        yield f"{where}: follows {seq}; events between are missing or were inserted"
    if bytes(event.prev) != digest:
        yield f"{where}: does not continue the event before it"
    if hashlib.sha256(bytes(event.prev) + f"{event.seq} {event.canonical}".encode()).digest() != bytes(event.hash):
        yield f"{where}: its hash does not match its text"
    actor: dict[str, Any] = {
        "kind": event.actor_kind,
        "id": event.actor_id,
        "name": event.actor_name,
        "terminal": event.terminal_id,
    }
    if canonical(body_of(event, actor)) != event.canonical:
        yield f"{where}: its columns differ from its hashed text"


def anchor_lines() -> Iterator[str]:
    """One line per chain: subject, sequence, hash. Kept outside the database, it shows a cut tail even with its
    head.
    """
    for head in EventHead.objects.order_by("subject").iterator(BATCH):
        yield json.dumps({"subject": head.subject, "seq": head.seq, "hash": bytes(head.hash).hex()}, sort_keys=True)


def read_anchors(path: Path) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            yield str(entry["subject"]), int(entry["seq"]), str(entry["hash"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"Line {number} of {path} is no anchor.") from error
