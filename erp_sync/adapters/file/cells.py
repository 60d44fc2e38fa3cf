"""Reads the values of one record: texts, numbers, dates, choices. Whatever is none of them is refused in a sentence."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from erp_sync.adapters.errors import Rejected

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?")
_WHOLE = re.compile(r"\d{1,18}")
#: A spreadsheet computes what begins so; with a sign before a number it is only a number.
_FORMULA = re.compile(r"[=@＝＠]|[+\-＋－](?!\d)")
Choice = TypeVar("Choice")


def unlike_a_formula(what: str, name: str, value: str) -> str:
    if _FORMULA.match(value):
        raise Rejected(
            "formula",
            f"{what}: {name} begins like a formula ({value[:20]}). Write it without the sign and send it again.",
        )
    return value


class Cells:
    """The values of one record under their names; WHAT names the record in every refusal."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        self._what = what
        self._values = values

    def text(self, name: str) -> str:
        return unlike_a_formula(self._what, name, str(self._values.get(name, "")))

    def number(self, name: str) -> Decimal | None:
        value = self._values.get(name, "")
        if value == "":
            return None
        if not _NUMBER.fullmatch(value):
            raise self._wrong(name, value, "no number such as 12.5")
        return Decimal(value)

    def positive(self, name: str) -> Decimal:
        value = self.number(name)
        if value is None or value <= 0:
            raise self._wrong(name, self._values.get(name, "(empty)"), "no number over zero")
        return value

    def whole(self, name: str) -> int | None:
        value = self._values.get(name, "")
        if value == "":
            return None
        if not _WHOLE.fullmatch(value):
            raise self._wrong(name, value, "no whole number")
        return int(value)

    def needed_whole(self, name: str) -> int:
        value = self.whole(name)
        if value is None:
            raise self._wrong(name, "(empty)", "no whole number")
        return value

    def yes(self, name: str) -> bool:
        """Yes unless it says no."""
        answers = {"": True, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        return self.choice(name, answers) is not False

    def choice(self, name: str, choices: Mapping[str, Choice]) -> Choice | None:
        value = str(self._values.get(name, ""))
        if value.lower() in choices:
            return choices[value.lower()]
        if value == "":
            return None
        known = ", ".join(word for word in choices if word)
        raise self._wrong(name, value, f"none of {known}")

    def day(self, name: str) -> date | None:
        moment = self.moment(name)
        return moment.date() if isinstance(moment, datetime) else moment

    def moment(self, name: str) -> date | None:
        """A day, or a time with its offset; without one it is UTC."""
        value = self._values.get(name, "")
        if value == "":
            return None
        try:
            if len(value) == len("2026-11-25"):
                found: date = date.fromisoformat(value)
            else:
                at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
                found = at if at.tzinfo else at.replace(tzinfo=UTC)
        except ValueError:
            raise self._wrong(name, value, "no date such as 2026-11-25 and no time such as 2026-11-25T14:00Z") from None
        if not 1970 <= found.year < 2200:
            raise self._wrong(name, value, "no date of this age")
        return found

    def _wrong(self, name: str, value: str, why: str) -> Rejected:
        return Rejected("bad_value", f"{self._what}: {name} is “{str(value)[:60]}”, which is {why}.")
