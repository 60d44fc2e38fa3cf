"""What a file says once it is read: entries by kind, or one sentence why nothing of it is taken. No file system."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from erp_sync.messages import Entity

#: Larger files are refused before they are read.
MOST_BYTES = 5 * 1024 * 1024


class NotTaken(Exception):
    """The file as a whole is not taken. The message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Entry:
    """One record of a file: its own words, and the lines it stands on."""

    entity: Entity
    key: str
    body: dict[str, Any]
    lines: Sequence[int] = field(default=())


@dataclass(frozen=True)
class Document:
    """All entries of a file, and the time at which its sender says it was made, if it says so."""

    entries: tuple[Entry, ...]
    made_at: datetime | None = None

    @property
    def entities(self) -> frozenset[Entity]:
        return frozenset(entry.entity for entry in self.entries)


def key_of(*parts: str) -> str:
    """The key of a record from what identifies it; a key too long for its column is replaced by its checksum."""
    key = " ".join(parts)
    return key if len(key) <= 64 else sha256("\0".join(parts).encode()).hexdigest()


def text_of(content: bytes, advice: str) -> str:
    """The text of a file in UTF-8, or UTF-16 with its mark. Raises `NotTaken` with ADVICE on how to save it."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise NotTaken(f"Line {line} holds letters that are not UTF-8. {advice}") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise NotTaken(f"Line {line} holds a character that no text may hold (NUL). {advice}")
    return text
