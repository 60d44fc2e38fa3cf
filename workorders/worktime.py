"""When work happens from a moment on: the spans of the shifts, and when so many minutes of work are done.

Pure arithmetic on spans; `shifts.py` reads them from the calendars.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]
#: Ten years in minutes: standard times with a slip of the key must not run past the end of the calendar.
MOST = 10 * 365 * 24 * 60.0


class WorkTime:
    """The working spans after NOW. Without any span, and after the last one, the clock never stops."""

    def __init__(self, now: datetime, spans: Iterable[Span] = ()) -> None:
        self.now = now
        self.spans = _merged(now, spans)
        self._done: list[float] = []
        total = 0.0
        for start, end in self.spans:
            total += (end - start).total_seconds() / 60
            self._done.append(total)

    @property
    def is_open(self) -> bool:
        """Whether a shift runs now; always where no calendar says otherwise."""
        return not self.spans or self.spans[0][0] <= self.now

    def after(self, minutes: float) -> datetime:
        """The instant at which MINUTES of working time have passed since now; beyond MOST it is a guess anyway."""
        minutes = min(minutes, MOST)
        if not self.spans:
            return self.now + timedelta(minutes=minutes)
        place = bisect_left(self._done, minutes)
        if place == len(self.spans):
            return self.spans[-1][1] + timedelta(minutes=minutes - self._done[-1])
        before = self._done[place - 1] if place else 0.0
        return self.spans[place][0] + timedelta(minutes=minutes - before)


def _merged(now: datetime, spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted((max(start, now), end) for start, end in spans if end > now):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
