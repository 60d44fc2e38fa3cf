"""Reads a CSV table into entries: which kind it is, its columns, its rows. What a row means is in `translating`."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from erp_sync.adapters.file.documents import Document, Entry, NotTaken, key_of, text_of
from erp_sync.messages import Entity

MOST_ROWS = 100_000
MOST_LETTERS = 4000
_ADVICE = "Save the table as “CSV UTF-8” and send it under a new name."
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Kind:
    """A kind of table. Rows that agree in `identity` are one record; `lines` are the columns that differ in it."""

    entity: Entity
    identity: tuple[str, ...]
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    lines: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.needed + self.optional


KINDS: dict[str, Kind] = {
    "units": Kind(Entity.UNIT, ("code",), ("code",), ("name", "decimals", "base", "numerator", "denominator")),
    "items": Kind(Entity.ITEM, ("code",), ("code",), ("name", "unit", "tracking", "active")),
    "work_centers": Kind(Entity.WORK_CENTER, ("code",), ("code",), ("name", "category", "active")),
    "boms": Kind(
        Entity.BOM,
        ("item", "version"),
        ("item", "component", "quantity_per"),
        ("version", "unit", "operation"),
        ("component", "quantity_per", "unit", "operation"),
    ),
    "routings": Kind(
        Entity.ROUTING,
        ("item", "version"),
        ("item", "sequence", "work_center"),
        ("version", "name", "setup_minutes", "run_minutes_per_unit"),
        ("sequence", "work_center", "name", "setup_minutes", "run_minutes_per_unit"),
    ),
    "lots": Kind(
        Entity.LOT, ("item", "number"), ("item", "number", "quantity"), ("unit", "location", "expiry", "supplier_lot")
    ),
    "orders": Kind(
        Entity.ORDER,
        ("number",),
        ("number", "item", "quantity"),
        ("unit", "need_date", "customer_order", "priority", "state", "routing", "bom"),
    ),
}
_NAMED = re.compile(r"(units|items|work[-_]?centers|boms|routings|lots|orders)(?![a-z])", re.IGNORECASE)


def kind_of(name: str) -> Kind:
    """The kind that the file's name begins with. Raises `NotTaken`."""
    found = _NAMED.match(name)
    if found is None:
        raise NotTaken(
            "The name of a table must begin with its kind: units, items, work_centers, boms, routings, lots or "
            "orders. Rename it, as in orders-2026-11-25.csv, and send it again."
        )
    word = found[1].lower()
    return KINDS["work_centers" if word.startswith("work") else word]


def read_table(name: str, content: bytes, *, whole: bool) -> Document:
    """The records of a table. Without WHOLE nobody vouches for its end, so its last line must be ended.

    Raises `NotTaken` for anything that makes the table as a whole doubtful; a doubtful value is a matter of its row.
    """
    kind = kind_of(name)
    text = text_of(content, _ADVICE)
    if not text.strip():
        raise NotTaken("The file is empty. Its first line names the columns, each further line is a record.")
    if not whole and not text.endswith(("\n", "\r")):
        raise NotTaken(
            "The last line is not ended, so the file may be cut off. End every line with a line feed, or lay a file "
            f"{name}.done beside it once it is complete, and send it again."
        )
    head = text.lstrip().splitlines()[0]
    separator = max(";\t,", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return Document(tuple(_entries(kind, _rows(kind, reader, separator))))
    except csv.Error as error:
        raise NotTaken(
            f"Line {reader.line_num} cannot be read ({error}). Check its quotation marks and send the file again."
        ) from error


def _rows(kind: Kind, reader: Any, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    columns: list[str] = []
    count = 0
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        line = reader.line_num
        if not any(cells):
            continue
        if not columns:
            columns = _columns(kind, cells)
            continue
        count += 1
        if count > MOST_ROWS:
            raise NotTaken(f"The table has more than {MOST_ROWS:,} rows. Divide it into several files.")
        if len(cells) != len(columns):
            raise NotTaken(
                f"Line {line} has {len(cells)} cells where the first line names {len(columns)} columns; the file may "
                "be cut off, or a text with the separator in it lacks its quotation marks. Send the whole file again."
            )
        if any(len(cell) > MOST_LETTERS for cell in cells):
            raise NotTaken(f"Line {line} has a cell of more than {MOST_LETTERS} letters. Check its quotation marks.")
        yield line, {name: _spelled(cell, separator) for name, cell in zip(columns, cells, strict=True) if cell}
    if not count:
        raise NotTaken("The file names its columns but holds no record. Each further line is a record.")


def _spelled(cell: str, separator: str) -> str:
    """Where semicolons separate, spreadsheets write decimals with a comma; elsewhere it may mean thousands."""
    return cell.replace(",", ".") if separator == ";" and _DECIMAL_COMMA.fullmatch(cell) else cell


def _columns(kind: Kind, cells: list[str]) -> list[str]:
    columns = [cell.lower().replace(" ", "_") for cell in cells]
    known = ", ".join(kind.columns)
    missing = [name for name in kind.needed if name not in columns]
    if missing:
        raise NotTaken(f"The first line must name the columns; missing: {', '.join(missing)}. Known are: {known}.")
    unknown = [name[:40] or "–" for name in columns if name not in kind.columns]
    if unknown:
        raise NotTaken(
            f"The first line names columns that are not known: {', '.join(unknown)[:200]}. Known are: {known}."
        )
    double = sorted({name for name in columns if columns.count(name) > 1})
    if double:
        raise NotTaken(f"The first line names a column twice: {', '.join(double)}. Name each column once.")
    return columns


def _entries(kind: Kind, rows: Iterator[tuple[int, dict[str, str]]]) -> Iterator[Entry]:
    """One entry per record, in the order of their first lines. Raises `NotTaken` when a row says no whose it is."""
    bodies: dict[str, dict[str, Any]] = {}
    lines: dict[str, list[int]] = {}
    for line, cells in rows:
        lacking = [name for name in kind.identity if name in kind.needed and name not in cells]
        if lacking:
            raise NotTaken(f"Line {line} has no {lacking[0]}. Fill it in and send the file again.")
        key = key_of(*(cells.get(name, "1") for name in kind.identity))
        if key in bodies and not kind.lines:
            raise NotTaken(
                f"Lines {lines[key][0]} and {line} both say what {key} is. Leave one of them and send the file again."
            )
        lines.setdefault(key, []).append(line)
        if kind.lines:
            body = bodies.setdefault(key, {name: cells.get(name, "1") for name in kind.identity} | {"lines": []})
            body["lines"].append({name: cells[name] for name in kind.lines if name in cells})
        else:
            bodies[key] = cells
    for key, body in bodies.items():
        yield Entry(kind.entity, key, body, tuple(lines[key]))
