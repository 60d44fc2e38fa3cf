"""Reading a table that a person sends or pastes: encoding, separator, columns. What becomes of its rows is elsewhere.

Nothing is guessed: a text that is not UTF-8 is refused, for another guess would change its letters in silence.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from mes.screens.desk.csv_files import natural

if TYPE_CHECKING:
    from _csv import Reader

MOST_BYTES = 1024 * 1024
MOST_ROWS = 5000
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class Unreadable(Exception):
    """The table as a whole cannot be taken; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of table: all that are known, those that are needed, those that hold decimals."""

    columns: tuple[str, ...]
    needed: tuple[str, ...]
    decimals: tuple[str, ...] = ()


@dataclass(slots=True)
class FileRow:
    """One line of the table. With a fault it is not sent to the command."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def read_table(content: bytes, layout: Layout) -> list[FileRow]:
    """The rows of a table, empty lines left out. Raises `Unreadable`."""
    if len(content) > MOST_BYTES:
        raise Unreadable(_("The file is larger than 1 MB. Divide it into several files."))
    text = _text(content)
    if not text.strip():
        raise Unreadable(_("The file is empty. Its first line names the columns, each further line is a record."))
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return _rows(reader, separator, layout)
    except csv.Error:
        raise Unreadable(
            _("Line {line} cannot be read. Check its quotation marks.").format(line=reader.line_num)
        ) from None


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Unreadable(_("The file is not text in UTF-8. Save it from the spreadsheet as “CSV UTF-8”."))
    return text


def _separator(text: str) -> str:
    """The separator of the first line that says something: what is pasted from a spreadsheet has tabs."""
    head = text.strip().splitlines()[0]
    return "\t" if "\t" in head else ";" if ";" in head else ","


def _rows(reader: "Reader", separator: str, layout: Layout) -> list[FileRow]:
    columns: list[str] = []
    rows: list[FileRow] = []
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if not columns:
            columns = _columns(cells, layout)
        elif len(rows) == MOST_ROWS:
            raise Unreadable(_("The file has more than 5,000 lines. Divide it into several files."))
        else:
            rows.append(_row(reader.line_num, columns, cells, separator, layout))
    if not rows:
        raise Unreadable(_("The file names its columns but holds no record. Each further line is one."))
    return rows


def _columns(cells: list[str], layout: Layout) -> list[str]:
    columns = [cell.lower().replace(" ", "_") for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    known = ", ".join(layout.columns)
    missing = [name for name in layout.needed if name not in columns]
    if missing:
        text = _("The first line must name the columns; missing: {missing}. Known are: {known}.")
        raise Unreadable(text.format(missing=", ".join(missing), known=known))
    unknown = [name or "–" for name in columns if name not in layout.columns]
    if unknown:
        text = _("The first line names columns that are not known: {unknown}. Known are: {known}.")
        raise Unreadable(text.format(unknown=", ".join(unknown)[:200], known=known))
    double = sorted({name for name in columns if columns.count(name) > 1})
    if double:
        raise Unreadable(_("The first line names a column twice: {double}.").format(double=", ".join(double)))
    return columns


def _row(line: int, columns: list[str], cells: list[str], separator: str, layout: Layout) -> FileRow:
    values = {name: natural(cell) for name, cell in zip(columns, cells, strict=False) if cell}
    if any(cells[len(columns) :]):
        return FileRow(line, values, _("There are more cells than columns."))
    for name in layout.decimals:
        # Where commas do not separate, spreadsheets write decimals with one; elsewhere a comma may mean thousands.
        if separator != "," and _DECIMAL_COMMA.fullmatch(values.get(name, "")):
            values[name] = values[name].replace(",", ".")
    return FileRow(line, values)
