"""Reading a request's body: strict JSON with exact decimals, no repeated fields, bounded in size and depth."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from mes.kernel.quantities import LIMIT

MEGABYTES = 8
DEPTH = 16
#: Fields of the contract that hold a quantity; "2", 2 and 2.00 are the same one.
QUANTITIES = frozenset(
    {
        "quantity",
        "quantity_per",
        "setup_minutes",
        "run_minutes_per_unit",
        "over_percent",
        "delta",
        "good",
        "scrap",
        "rework",
        "value",
        "nominal",
        "lower",
        "upper",
    }
)


def body_of(request: HttpRequest) -> Any:
    """The parsed body of REQUEST; an empty one is an empty object.

    Raises `too_large`, `unparseable`, and `invalid` for characters that no text of ours may hold.
    """
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        raise Refused("unparseable", why=_("its length is no number")) from None
    if length > MEGABYTES * 1024 * 1024:
        raise Refused("too_large", megabytes=MEGABYTES)
    try:
        raw = request.body
    except RequestDataTooBig:
        raise Refused("too_large", megabytes=MEGABYTES) from None
    except UnreadablePostError:
        raise Refused("unparseable", why=_("it ended too early")) from None
    return parse(raw) if raw.strip() else {}


def parse(raw: bytes) -> Any:
    """RAW as JSON. Numbers with a fraction are exact decimals; NaN and Infinity are no JSON."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise Refused("unparseable", why=_("it is not UTF-8")) from None
    except RecursionError:
        raise Refused("unparseable", why=_("it is nested too deeply")) from None
    except ValueError:
        raise Refused("unparseable", why=_("it is not JSON")) from None
    _check(value)
    return value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Refused("unparseable", why=_("a number is out of every range")) from None
    # An exponent of millions is a few bytes here and gigabytes when it is written out.
    if len(text) > 60 or not -60 < number.adjusted() < 60:
        raise Refused("invalid", field=text[:40], why=_("the number has too many places"))
    return number


def _no_constant(text: str) -> NoReturn:
    raise Refused("unparseable", why=_("{constant} is not a number of JSON").format(constant=text))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("unparseable", why=_("a field stands twice in one object"))
    return found


def _check(value: Any) -> None:
    """Refuse depth beyond reason and texts that are no Unicode. Iterative: depth is what it guards against."""
    todo = [(value, 0)]
    while todo:
        inner, depth = todo.pop()
        if depth > DEPTH:
            raise Refused("unparseable", why=_("it is nested too deeply"))
        if isinstance(inner, dict):
            for key, entry in inner.items():
                todo += [(key, depth), (entry, depth + 1)]
        elif isinstance(inner, list):
            todo += [(entry, depth + 1) for entry in inner]
        elif isinstance(inner, str) and any("\ud800" <= char <= "\udfff" for char in inner):
            raise Refused("unparseable", why=_("a text holds half a character"))
        elif isinstance(inner, int) and not isinstance(inner, bool) and abs(inner) >= 10**30:
            raise Refused("invalid", field=str(inner)[:20], why=_("the number is too large"))


def with_same_numbers(value: Any, field: str = "") -> Any:
    """VALUE for the fingerprint: quantities written in different ways are one."""
    if isinstance(value, dict):
        return {key: with_same_numbers(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_same_numbers(inner, field) for inner in value]
    if field in QUANTITIES and isinstance(value, str) and len(value) <= 40:
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            return value
        return number if number.is_finite() and abs(number) < LIMIT else value
    return value


def without_nul(value: Any, field: str = "") -> None:
    """Refuse the one character that PostgreSQL cannot keep, wherever it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            without_nul(key, field)
            without_nul(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            without_nul(inner, field)
    elif isinstance(value, str) and "\0" in value:
        raise Refused("invalid", field=field[:40] or "body", why=_("control characters are not allowed"))
