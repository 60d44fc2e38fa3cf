"""Tables as CSV files for spreadsheets: nothing in them can run as a formula. Reading them is in `table_files.py`."""

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

#: A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(value: Any) -> Any:
    """VALUE as a cell: a text that a spreadsheet would compute gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def natural(cell: str) -> str:
    """CELL without the apostrophe that `harmless` gave it, so that a saved file can be sent back unchanged."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A file to be saved. It begins with a byte order mark, without which spreadsheets misread letters."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.write("\ufeff")
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return answer
