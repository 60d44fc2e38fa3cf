"""The answer to a file: a table with a row for every record, laid beside the archived file once all of it is settled.

A document may hold several kinds of records, which are pulled apart: each leaves its part, and the last joins them.
"""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from erp_sync.adapters.file.documents import Document
from erp_sync.adapters.file.folders import ARCHIVE, Arrived, Folder, explained, lay_down
from erp_sync.messages import Entity, RawRecord, RecordOutcome

HEAD = ("line", "kind", "record", "outcome", "reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class Results:
    """What has become of the files of one folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def has(self, one: Arrived, entity: Entity) -> bool:
        """Whether the records of this kind in the file were settled before."""
        with explained(self._folder.path):
            return self._part(one, entity).exists()

    def keep(
        self,
        one: Arrived,
        document: Document,
        entity: Entity,
        outcomes: dict[tuple[str, str], RecordOutcome],
        raws: dict[str, RawRecord],
    ) -> None:
        """Write down what became of the file's records of this kind; with the last kind the file is archived."""
        with explained(self._folder.path):
            lay_down(self._part(one, entity), self._rows(document, entity, outcomes, raws))
            parts = [self._part(one, each) for each in sorted(document.entities)]
            if not all(part.exists() for part in parts):
                return
            whole = self._folder / ARCHIVE / f".{one.digest[:16]}.result"
            lay_down(whole, _table([HEAD]) + b"".join(part.read_bytes() for part in parts))
            if self._folder.archive(one):
                whole.rename(self._folder / ARCHIVE / f"{one.name}.result.csv")
            for part in (*parts, whole):
                with suppress(FileNotFoundError):
                    part.unlink()

    def _part(self, one: Arrived, entity: Entity) -> Path:
        return self._folder / ARCHIVE / f".{one.digest[:16]}.{entity.value}.part"

    @staticmethod
    def _rows(
        document: Document,
        entity: Entity,
        outcomes: dict[tuple[str, str], RecordOutcome],
        raws: dict[str, RawRecord],
    ) -> bytes:
        rows: list[Sequence[object]] = []
        for entry in document.entries:
            if entry.entity is not entity:
                continue
            raw = raws.get(entry.key)
            said = outcomes.get((entry.key, raw.digest)) if raw and raw.body == entry.body else None
            outcome, reason = (said.outcome, said.reason) if said else ("superseded", "A later file says otherwise.")
            rows += [(line, entity.value, _harmless(entry.key), outcome, _harmless(reason)) for line in entry.lines]
        return _table(rows)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _table(rows: Sequence[Sequence[object]]) -> bytes:
    page = io.StringIO(newline="")
    csv.writer(page).writerows(rows)
    return page.getvalue().encode()
