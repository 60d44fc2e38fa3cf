"""Durations as XML writes them (PT30M): days, hours, minutes and seconds; months and years have no fixed length."""

import re
from datetime import timedelta
from decimal import Decimal

_FORM = re.compile(r"P(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?")


def spelled(duration: timedelta) -> str:
    seconds = Decimal(duration // timedelta(microseconds=1)) / 1_000_000
    return f"PT{format(seconds.normalize(), 'f')}S"


def duration_of(text: str) -> timedelta | None:
    """None for what is no duration of fixed length."""
    found = _FORM.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        return None
    days, hours, minutes = (int(part or 0) for part in found.groups()[:3])
    microseconds = int(Decimal(found[4] or 0) * 1_000_000)
    return timedelta(days=days, hours=hours, minutes=minutes, microseconds=microseconds)
