"""What may be typed for a device and a tag, field by field, with the sentence for what may not. Changes no row."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from devices.drivers.decoding import ORDERS, TYPES
from devices.drivers.registry import drivers
from devices.interpretation import COUNT, IGNORE, STATES
from devices.models import Tag
from mes.kernel.errors import Refused
from mes.kernel.quantities import parse_positive

Parser = Callable[[str, Any], Any]


def _wrong(field: str, why: str) -> Refused:
    return Refused("invalid", field=field, why=why)


def text(limit: int, needed: bool = True) -> Parser:
    """One line of plain text."""

    def parse(field: str, value: Any) -> str:
        found = str(value if value is not None else "").strip()
        if any(not letter.isprintable() for letter in found):
            raise _wrong(field, _("it must be plain text in one line"))
        if len(found) > limit or (needed and not found):
            raise _wrong(field, _("1 to {limit} characters are needed").format(limit=limit))
        return found

    return parse


def whole(low: int, high: int, empty: bool = False) -> Parser:
    def parse(field: str, value: Any) -> int | None:
        if empty and value in (None, ""):
            return None
        found = str(value).strip()
        if not (found.isascii() and found.isdigit()) or len(found) > 10 or not low <= int(found) <= high:
            raise _wrong(field, _("a whole number from {low} to {high} is needed").format(low=low, high=high))
        return int(found)

    return parse


def number(low: float, high: float, empty: bool = False) -> Parser:
    def parse(field: str, value: Any) -> float | None:
        if empty and value in (None, ""):
            return None
        try:
            found = float(str(value).strip().replace(",", "."))
        except ValueError:
            found = math.nan
        if not math.isfinite(found) or not low <= found <= high:
            raise _wrong(field, _("a number from {low} to {high} is needed").format(low=f"{low:g}", high=f"{high:g}"))
        return found

    return parse


def choice(*choices: str) -> Parser:
    def parse(field: str, value: Any) -> str:
        if value not in choices:
            raise _wrong(field, _("choose one of {choices}").format(choices=", ".join(choices)))
        return str(value)

    return parse


def yes_or_no(field: str, value: Any) -> bool:
    if value in (True, "1", "true", "on", "yes"):
        return True
    if value in (False, "", None, "0", "false", "no"):
        return False
    raise _wrong(field, _("choose yes or no"))


def state_codes(field: str, value: Any) -> dict[str, str]:
    """`{"1": "RUN"}` as JSON, or lines like `1 = RUN`."""
    pairs: Any = value
    if isinstance(value, str):
        if value.lstrip().startswith("{"):
            try:
                pairs = json.loads(value)
            except ValueError:
                raise _wrong(field, _("one code and its state a line, such as “1 = RUN”")) from None
        else:
            lines = [line.partition("=") for line in value.replace(",", "\n").splitlines() if line.strip()]
            pairs = {code.strip(): state.strip().upper() for code, _sign, state in lines}
    if not isinstance(pairs, Mapping) or len(pairs) > 200:
        raise _wrong(field, _("one code and its state a line, such as “1 = RUN”"))
    found: dict[str, str] = {}
    for code, state in pairs.items():
        digits = str(code).removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise _wrong(field, _("“{code}” is not a code; codes are whole numbers").format(code=str(code)[:20]))
        if state not in STATES:
            raise _wrong(
                field,
                _("“{state}” is not a state; the states are {states}").format(
                    state=str(state)[:20], states=", ".join(STATES)
                ),
            )
        found[str(int(code))] = str(state)
    return found


def pieces(field: str, value: Any) -> Any:
    return parse_positive(value, field)


DEVICE: dict[str, Parser] = {
    "name": text(60),
    "driver": lambda field, value: choice(*sorted(drivers()))(field, value),
    "host": text(120),
    "port": whole(1, 65535),
    "unit": whole(0, 255),
    "interval_ms": whole(100, 3_600_000),
    "timeout_ms": whole(50, 30_000),
    "max_registers": whole(1, 125),
    "max_gap": whole(0, 125),
    "stale_seconds": whole(1, 86_400),
    "is_active": yes_or_no,
}
TAG: dict[str, Parser] = {
    "name": text(60),
    "role": choice(*Tag.ROLES),
    "table": choice("HOLDING", "INPUT", "COIL", "DISCRETE"),
    "address": whole(0, 65535),
    "data_type": choice(*TYPES),
    "byte_order": choice(*ORDERS),
    "bit": whole(0, 15, empty=True),
    "scale": number(-1e9, 1e9),
    "offset": number(-1e9, 1e9),
    "unit_text": text(20, needed=False),
    "dead_band": number(0, 1e9),
    "longest_seconds": whole(1, 86_400),
    "state_codes": state_codes,
    "min_run_seconds": number(0, 3600),
    "pieces_per_count": pieces,
    "max_rate": number(0.000001, 1e6, empty=True),
    "on_reset": choice(COUNT, IGNORE),
    "is_active": yes_or_no,
}


def parsed(parsers: Mapping[str, Parser], typed: Mapping[str, Any]) -> dict[str, Any]:
    """TYPED with every value read. Raises `invalid` for the first that cannot be, or that nobody knows."""
    unknown = sorted(set(typed) - set(parsers))
    if unknown:
        raise _wrong(unknown[0][:40], _("this field is not known here"))
    return {field: parsers[field](field, value) for field, value in typed.items()}
