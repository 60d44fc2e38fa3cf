"""Reading a CSV file of received lots: encoding, separator and columns. What becomes of its rows is in `receive.py`."""

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from _csv import Reader

#: The fields of a received lot, as the API names them.
COLUMNS = ("item", "number", "quantity", "unit", "location", "expiry", "supplier_lot")
NEEDED = ("item", "number", "quantity")
MOST_BYTES = 1024 * 1024
MOST_ROWS = 5000
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class Unreadable(Exception):
    """The file as a whole cannot be taken; the message says what to do about it."""


@dataclass(slots=True)
class FileRow:
    """One line of the file. With a fault it is not sent to the command."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def read_lots(content: bytes) -> list[FileRow]:
    """The rows of a file, empty lines left out. Raises `Unreadable`."""
    if len(content) > MOST_BYTES:
        raise Unreadable(_("The file is larger than 1 MB. Divide it into several files."))
    text = _text(content)
    if not text.strip():
        raise Unreadable(_("The file is empty. Its first line names the columns, each further line is a lot."))
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return _rows(reader, separator)
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
    """The separator of the first line that says something: a semicolon where there is one, else the comma."""
    head = text.strip().splitlines()[0]
    return ";" if ";" in head else ","


def _rows(reader: "Reader", separator: str) -> list[FileRow]:
    columns: list[str] = []
    rows: list[FileRow] = []
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if not columns:
            columns = _columns(cells)
        elif len(rows) == MOST_ROWS:
            raise Unreadable(_("The file has more than 5,000 lots. Divide it into several files."))
        else:
            rows.append(_row(reader.line_num, columns, cells, separator))
    if not rows:
        raise Unreadable(_("The file names its columns but holds no lot. Each further line is a lot."))
    return rows


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.lower().replace(" ", "_") for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        text = _("The first line must name the columns; missing: {missing}. Known are: {known}.")
        raise Unreadable(text.format(missing=", ".join(missing), known=", ".join(COLUMNS)))
    unknown = [name or "–" for name in columns if name not in COLUMNS]
    if unknown:
        text = _("The first line names columns that are not known: {unknown}. Known are: {known}.")
        raise Unreadable(text.format(unknown=", ".join(unknown)[:200], known=", ".join(COLUMNS)))
    double = sorted({name for name in columns if columns.count(name) > 1})
    if double:
        raise Unreadable(_("The first line names a column twice: {double}.").format(double=", ".join(double)))
    return columns


def _row(line: int, columns: list[str], cells: list[str], separator: str) -> FileRow:
    values = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
    if any(cells[len(columns) :]):
        return FileRow(line, values, _("There are more cells than columns."))
    quantity = values.get("quantity", "")
    # Where semicolons separate, spreadsheets write decimals with a comma; elsewhere a comma may mean thousands.
    if separator == ";" and _DECIMAL_COMMA.fullmatch(quantity):
        values["quantity"] = quantity.replace(",", ".")
    return FileRow(line, values)
