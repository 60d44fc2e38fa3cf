"""Set-based import of master data and orders: one command for a list, a result for every row, rejected rows skipped.

The same functions serve the API, CSV files and the ERP. Rows are dictionaries in the contract's field names.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from mes.kernel.numbers import require_number
from mes.kernel.quantities import parse, parse_non_negative, parse_positive
from mes.kernel.scope import current

CREATED, UPDATED, UNCHANGED, REJECTED = "created", "updated", "unchanged", "rejected"
Row = dict[str, Any]


@dataclass
class Result:
    """What became of one row. `extra` is what a kind adds to its answer (an order's number, state and blockers)."""

    row: int
    outcome: str
    errors: list[str] = field(default_factory=list)
    extra: Row = field(default_factory=dict)

    def as_json(self) -> Row:
        return {"row": self.row, "outcome": self.outcome, "errors": self.errors, **self.extra}


@dataclass
class Results:
    rows: list[Result]

    @property
    def has_effect(self) -> bool:
        return any(result.outcome in (CREATED, UPDATED) for result in self.rows)

    def as_json(self) -> Row:
        return {"results": [result.as_json() for result in self.rows]}


def each_row(rows: Iterable[Any], apply: Callable[[Row], Result]) -> Results:
    """Apply every row in a savepoint of its own; a rejected one leaves nothing behind. Results are numbered from
    one.
    """
    results = []
    told = current().events
    for number, row in enumerate(rows, 1):
        before = len(told)
        try:
            if not isinstance(row, dict):
                raise Refused("invalid", field="row", why=_("an object is needed"))
            _require_storable(row, "row")
            with transaction.atomic():
                result = apply(row)
            result.row = number
        except Refused as refusal:
            del told[before:]
            result = Result(number, REJECTED, [refusal.message, *(blocker.message for blocker in refusal.blockers)])
        results.append(result)
    return Results(results)


def _require_storable(value: Any, field: str) -> None:
    """PostgreSQL keeps every character but one; it must not take the other rows of the list down with it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _require_storable(key, field)
            _require_storable(inner, str(key)[:40])
    elif isinstance(value, list):
        for inner in value:
            _require_storable(inner, field)
    elif isinstance(value, str) and "\0" in value:
        raise Refused("invalid", field=field, why=_("control characters are not allowed"))


# -- reading fields ------------------------------------------------------------------------------------------------


def no_others(row: Row, *fields: str) -> None:
    """Unknown fields are a mistake of the sender, not something to drop silently."""
    unknown = sorted(set(row) - set(fields))
    if unknown:
        raise Refused("invalid", field=", ".join(unknown)[:80], why=_("this field is not known"))


def number_of(row: Row, field: str) -> str:
    """A human number of the contract: NFC, 1 to 64 characters, no control characters, no leading tilde."""
    value = row.get(field)
    if not isinstance(value, str):
        raise Refused("invalid", field=field, why=_("a text is needed"))
    return require_number(value, field)


def text_of(row: Row, field: str, default: str = "", limit: int = 120, lines: bool = False) -> str:
    """A text, in one line or, with LINES, in several."""
    value = row.get(field)
    if value is None:
        return default
    if lines and isinstance(value, str):
        value = value.replace("\r\n", "\n")
    bad = isinstance(value, str) and any(not char.isprintable() and not (lines and char == "\n") for char in value)
    if not isinstance(value, str) or len(value) > limit or bad:
        raise Refused(
            "invalid",
            field=field,
            why=_("a text of at most {limit} printable characters is needed").format(limit=limit),
        )
    return value.strip() or default


def whole_of(row: Row, field: str, default: int | None = None) -> int:
    value = row.get(field, default)
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        value = int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Refused("invalid", field=field, why=_("a whole number from zero is needed"))
    return value


YES, NO = ("yes", "true", "1", "y", "x"), ("no", "false", "0", "n", "")


def flag_of(row: Row, field: str, default: bool) -> bool:
    """A yes or no, as JSON, a form or a file writes it; left empty, the DEFAULT."""
    value = row.get(field)
    if value in (None, "") or isinstance(value, bool):
        return value if isinstance(value, bool) else default
    text = str(value).strip().lower()
    if text not in YES + NO:
        raise Refused("invalid", field=field, why=_("yes or no is needed"))
    return text in YES


def choice_of(row: Row, field: str, choices: Iterable[str], default: str) -> str:
    value = row.get(field) or default
    if not isinstance(value, str) or value not in set(choices):
        raise Refused("invalid", field=field, why=_("choose one of {choices}").format(choices=", ".join(choices)))
    return value


def positive_of(row: Row, field: str) -> Decimal:
    return parse_positive(row.get(field), field)


def minutes_of(row: Row, field: str) -> Decimal:
    return parse_non_negative(row.get(field) or 0, field)


def decimal_of(row: Row, field: str) -> Decimal | None:
    return None if row.get(field) in (None, "") else parse(row[field], field)


def percent_of(row: Row, field: str) -> Decimal | None:
    value = decimal_of(row, field)
    if value is not None and not 0 <= value <= 100:
        raise Refused("invalid", field=field, why=_("a percentage from 0 to 100 is needed"))
    return value


def list_of(row: Row, field: str) -> list[Row]:
    value = row.get(field)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Refused("invalid", field=field, why=_("a list of objects is needed"))
    return value
