"""Anchors outside the database: the heads of the chains, written down again and again in a folder on another disk.

One file a day. A line once written stays true for ever, so all files together prove that nothing was cut since.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from mes.kernel.verify import read_anchors

#: Ids are drawn before their commit: so many events are looked at again, lest one be passed over.
_OVERLAP = 10_000
_HEADS = """
SELECT h.subject, h.seq, encode(h.hash, 'hex') FROM kernel_eventhead h
 WHERE h.subject IN (SELECT e.subject FROM kernel_event e WHERE e.id > %s) ORDER BY h.subject
"""


def folder() -> Path:
    return Path(settings.ANCHOR_DIR)


def files(place: Path | None = None) -> list[Path]:
    """The files of anchors in a folder, oldest first; a file stands for itself."""
    place = folder() if place is None else place
    return [place] if place.is_file() else sorted(place.glob("anchors-*.jsonl"))


def write_anchors(place: Path | None = None) -> str:
    """Write down every head that moved since the last time. Returns what was done, in a sentence."""
    place = folder() if place is None else place
    place.mkdir(parents=True, exist_ok=True)
    known = {(subject, seq) for path in files(place)[-2:] for subject, seq, _hash in read_anchors(path)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM kernel_event")
        (newest,) = cursor.fetchone()
        cursor.execute(_HEADS, [max(0, _reached(place) - _OVERLAP)])
        heads = [row for row in cursor.fetchall() if (row[0], row[1]) not in known]
    path = place / f"anchors-{datetime.now(UTC):%Y%m%d}.jsonl"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.dumps({"subject": subject, "seq": seq, "hash": mark}, sort_keys=True) for subject, seq, mark in heads]
    _replace(path, before + "".join(f"{line}\n" for line in lines))
    _replace(place / "reached", f"{newest}\n")
    return f"{len(lines)} anchors written to {path}"


def _reached(place: Path) -> int:
    """The newest event when anchors were last written here; 0 when nobody knows, and then all are written."""
    try:
        return int((place / "reached").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, also when the power fails."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_folder(place: Path | None = None) -> Iterator[tuple[str, int, str]]:
    """Every anchor of a folder, or of one file. Raises ValueError for a line that is none, OSError."""
    for path in files(place):
        yield from read_anchors(path)


def set_aside() -> tuple[int, int]:
    """After a restore: the anchors of what happened after the backup are no longer of this database, but evidence.

    Moves them into a folder beside and returns in how many chains how many events are lost, as far as anchors tell.
    """
    place = folder()
    newest: dict[str, int] = {}
    for subject, seq, _hash in read_folder(place):
        newest[subject] = max(seq, newest.get(subject, 0))
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject, seq FROM kernel_eventhead WHERE subject = ANY(%s)", [list(newest)])
        heads = dict(cursor.fetchall())
    lost = {subject: seq - heads.get(subject, 0) for subject, seq in newest.items() if seq > heads.get(subject, 0)}
    moved = files(place)
    if moved:
        aside = place / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside.mkdir()
        for path in moved:
            path.replace(aside / path.name)
        (place / "reached").unlink(missing_ok=True)
    return len(lost), sum(lost.values())
