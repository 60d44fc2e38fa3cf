"""One way to write a value down: RFC 8785 JSON of strings, integers, booleans and null. Hashes and fingerprints
stand on it.
"""

import hashlib
import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

UTC = timezone.get_fixed_timezone(0)


def decimal_text(value: Decimal) -> str:
    """The shortest plain text of a decimal: no exponent, no trailing zeros, no minus zero."""
    text = format(value.normalize() + 0, "f")
    return "0" if text == "-0" else text


def instant_text(value: datetime) -> str:
    """UTC with six decimals, as the contract and the hash chain write a time."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: Any) -> Any:
    """VALUE with decimals, times and ids as strings, so that any language writes the same JSON."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(inner) for inner in value)
    raise TypeError(f"{type(value).__name__} has no canonical form.")


def canonical(value: Any) -> str:
    """The canonical JSON text of VALUE. Below the surrogates, which no key of ours leaves, sorting by code point is
    RFC 8785's order.
    """
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> bytes:
    return hashlib.sha256(canonical(value).encode()).digest()


def fingerprint(method: str, path: str, principal: str, body: Any) -> bytes:
    """What a command id is bound to: method, path, who asked, and the parsed body (absent fields absent)."""
    return digest([method, path, principal, _same_numbers(body)])


_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,6}")


def _same_numbers(value: Any) -> Any:
    """Numbers and texts of decimals that mean the same quantity give the same fingerprint: 2, 2.0 and "2.00"."""
    if isinstance(value, dict):
        return {key: _same_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_same_numbers(inner) for inner in value]
    if isinstance(value, float | int) and not isinstance(value, bool):
        return decimal_text(Decimal(str(value)))
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return decimal_text(Decimal(value))
    return value
