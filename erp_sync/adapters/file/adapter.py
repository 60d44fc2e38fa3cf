"""The file adapter: takes complete files out of a folder, lays performance documents into it. Keeps nothing itself."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import AuthDenied, NeedsDecision
from erp_sync.adapters.file import handing, tables, translating
from erp_sync.adapters.file.b2mml.reading import read_b2mml
from erp_sync.adapters.file.documents import Document, NotTaken, key_of
from erp_sync.adapters.file.folders import ARCHIVE, IN, OUT, REJECTED, Arrived, Folder, Unreadable, explained, fit_name
from erp_sync.adapters.file.results import Results
from erp_sync.facts import Fact
from erp_sync.messages import (
    REFUSED,
    Capabilities,
    Cursor,
    Entity,
    FactKind,
    Issue,
    OrderTotals,
    Page,
    Probe,
    RawRecord,
    Receipt,
    RecordOutcome,
    Severity,
)
from erp_sync.records import Record
from mes import env

INTERVAL = 30
LITTLE_SPACE = 100 * 1024 * 1024
_YES, _NO = ("yes", "true", "1", "on"), ("", "no", "false", "0", "off")


@dataclass
class _Pass:
    """What one look into the folder found of a kind."""

    records: dict[str, RawRecord] = field(default_factory=dict)
    taken: list[tuple[Arrived, Document]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, raw: RawRecord) -> None:
        """Of two files that name one record the later counts; the other's answer will say so."""
        known = self.records.get(raw.key)
        if known is None or known.modified_at <= raw.modified_at:
            self.records[raw.key] = raw


class FileAdapter(ErpAdapter):
    """Settings: `path`, the folder; `settle_seconds`, how long a file without .done must rest; `same_name`.

    With `same_name` the ERP may send another content under a name it used before; else that is rejected.
    """

    slug: ClassVar[str] = "file"
    label: ClassVar[str] = "Files (CSV, B2MML)"
    capabilities: ClassVar[Capabilities] = Capabilities(
        pull=frozenset(Entity),
        push=frozenset({FactKind.ORDER_COMPLETION}),
        native_idempotency=True,
        late_consumption=True,
        reversal=False,
        quantity_scale=6,
    )
    secret_settings: ClassVar[frozenset[str]] = frozenset()
    intervals: ClassVar[Mapping[Entity, int]] = dict.fromkeys(Entity, INTERVAL)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._folder = Folder(_path(settings), _seconds(settings))
        self._same_name = _flag(settings, "same_name")
        self._results = Results(self._folder)
        self._read: dict[str, Document | NotTaken] = {}
        self._passes: dict[Entity, _Pass] = {}

    def __repr__(self) -> str:
        return f"<FileAdapter {self._folder.path}>"

    def probe(self) -> Probe:
        path = self._folder.path
        issues = []
        with explained(path):
            if not path.is_dir():
                self._folder.ready()
            for part in ("", IN, OUT, ARCHIVE, REJECTED):
                place = path / part
                if (part == "" or place.exists()) and not os.access(place, os.R_OK | os.W_OK | os.X_OK):
                    raise AuthDenied(f"The right to read and write {place} is missing.")
            about = os.statvfs(path)
        if about.f_bavail * about.f_frsize < LITTLE_SPACE:
            issues.append(Issue(Severity.WARNING, "space", f"The disk of {path} has less than 100 MB left."))
        return Probe("Files", "B2MML 7, CSV", str(path), None, tuple(issues))

    # -------------------------------------------------------------------------------------------------------- reading

    def pull(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        """A pass begins with a look into the folder; what was there then is given out in pages by its place."""
        place = cursor.after_key
        if place == 0 or entity not in self._passes:
            self._passes[entity], place = self._look(entity), 0
        records = list(self._passes[entity].records.values())
        page = tuple(records[place : place + limit])
        if place + limit < len(records):
            return Page(page, Cursor(cursor.high_water, place + limit), more=True)
        return Page(page, Cursor(max((raw.modified_at for raw in records), default=cursor.high_water)), more=False)

    def get(self, entity: Entity, key: str) -> RawRecord | None:
        return self._look(entity).records.get(key)

    @classmethod
    def translate(cls, raw: RawRecord) -> Record:
        return translating.translate(raw)

    def acknowledge(self, entity: Entity, outcomes: Sequence[RecordOutcome]) -> None:
        """Every file of the pass leaves the folder: taken ones with their answer, refused ones with their reason."""
        told = {(outcome.key, outcome.digest): outcome for outcome in outcomes}
        done = self._passes.pop(entity, _Pass())
        for name, reason in done.refused.items():
            self._folder.reject(name, reason)
        for one, document in done.taken:
            self._results.keep(one, document, entity, told, done.records)

    def _look(self, entity: Entity) -> "_Pass":
        """The records of a kind in all complete files, and of files that cannot be taken one each that says why."""
        self._folder.ready()
        found = _Pass()
        for one in self._folder.arrivals():
            document = NotTaken(one.reason) if isinstance(one, Unreadable) else self._document(one)
            if isinstance(document, NotTaken):
                found.refused[one.name] = str(document)
                name = fit_name(one.name)
                body = {"file": name, REFUSED: str(document)}
                found.add(RawRecord(entity, key_of("file", name), one.at, body))
            elif isinstance(one, Arrived) and entity in document.entities and not self._results.has(one, entity):
                found.taken.append((replace(one, content=b""), document))
                at = min(document.made_at or one.at, one.at)
                for entry in document.entries:
                    if entry.entity is entity:
                        found.add(RawRecord(entity, entry.key, at, entry.body))
        return found

    def _document(self, one: Arrived) -> Document | NotTaken:
        """What the file says; read once per conversation, however many kinds are pulled from it."""
        mark = f"{one.name} {one.digest} {one.vouched}"
        if mark not in self._read:
            try:
                self._read[mark] = self._parsed(one)
            except NotTaken as refusal:
                self._read[mark] = refusal
        return self._read[mark]

    def _parsed(self, one: Arrived) -> Document:
        before = self._folder.known_as(one.name)
        if before not in ("", one.digest) and not self._same_name:
            raise NotTaken(
                f"A file named {one.name} was taken before with another content; it lies in the archive. "
                "Send this one under a new name."
            )
        if one.name.lower().endswith(".csv"):
            return tables.read_table(one.name, one.content, whole=one.vouched)
        return read_b2mml(one.content)

    # -------------------------------------------------------------------------------------------------------- telling

    def validate(self, fact: Fact) -> list[Issue]:
        return handing.issues_of(self._folder, fact)

    def push(self, fact: Fact, accepted: frozenset[str] = frozenset()) -> Receipt:  # noqa: ARG002 - every adapter's
        return handing.hand_over(self._folder, fact)

    def find_fact(self, fact: Fact) -> Receipt | None:
        return handing.find(self._folder, fact)

    def compensate(self, fact: Fact, reason: str) -> Receipt:
        raise NeedsDecision(
            "no_reversal",
            f"A file that was handed over cannot be taken back. Correct order {fact.order} in the ERP by hand, then "
            f"accept that it was done. Reason given here: {reason}.",
        )

    def totals(self, order_keys: list[str]) -> list[OrderTotals]:
        return handing.totals(self._folder, order_keys)

    def close(self) -> None:
        """There is nothing to end: files are open only while they are read or written."""


def _path(settings: Mapping[str, Any]) -> Path:
    text = str(settings.get("path") or "").strip()
    if not text:
        raise ValueError("The setting path is missing.")
    path = Path(os.path.normpath(text))
    if not path.is_absolute() or path == Path("/") or "\0" in text:
        raise ValueError("The setting path must be the full path of a folder, such as /srv/erp.")
    allowed = [Path(os.path.normpath(each)) for each in env.words("MES_ERP_FOLDERS")]
    if allowed and not any(_real(path).is_relative_to(_real(each)) for each in allowed):
        raise ValueError("The setting path must lie in one of the folders of MES_ERP_FOLDERS.")
    return path


def _real(path: Path) -> Path:
    with suppress(OSError):
        return path.resolve()
    return path


def _seconds(settings: Mapping[str, Any]) -> float:
    try:
        seconds = float(settings.get("settle_seconds", "") or 3)
    except (TypeError, ValueError):
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise ValueError("The setting settle_seconds must be a number of seconds from 0 to 3600.")
    return seconds


def _flag(settings: Mapping[str, Any], name: str) -> bool:
    value = str(settings.get(name, "")).strip().lower()
    if value not in _YES + _NO:
        raise ValueError(f"The setting {name} must be yes or no.")
    return value in _YES
