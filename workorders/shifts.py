"""Shift arithmetic in the site's zone: which shift runs now, when it opened, when work happens at all. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from workorders.models import Holiday, Shift, ShiftCalendar, Site
from workorders.worktime import Span, WorkTime

UTC = ZoneInfo("UTC")
#: Where a plant keeps no calendar, a shift is taken to have begun at most this long ago.
NO_CALENDAR = timedelta(hours=12)
#: How far ahead working time is laid out; beyond it an estimate is a guess anyway.
HORIZON = timedelta(days=90)


@dataclass(frozen=True)
class OpenShift:
    """A shift on one day, in UTC instants. It belongs to the day it opened."""

    name: str
    opened: datetime
    ends: datetime


def _rows(site: Site) -> "QuerySet[Shift]":
    """The shifts of a site, each with the days on which its calendar rests as `free`."""
    free = Holiday.objects.filter(calendar_id=OuterRef("calendar_id")).values("day")
    return Shift.objects.filter(calendar__site=site).annotate(free=ArraySubquery(free)).order_by("calendar_id", "id")


def _opens(shift: Shift, day: datetime) -> bool:
    return shift.weekday == day.weekday() and day.date() not in shift.free  # type: ignore[attr-defined]


def _on_day(shift: Shift, day: datetime, zone: ZoneInfo) -> OpenShift:
    opened = datetime.combine(day.date(), shift.starts, tzinfo=zone)
    # Wall-clock end, so that a night of 23 or 25 hours still ends when the next shift begins.
    ends = (opened.replace(tzinfo=None) + timedelta(minutes=shift.minutes)).replace(tzinfo=zone)
    return OpenShift(shift.name, opened.astimezone(UTC), ends.astimezone(UTC))


def shift_at(site: Site, moment: datetime, calendar: ShiftCalendar | None = None) -> OpenShift | None:
    """The shift that runs at MOMENT, by CALENDAR or the site's first one. None in between shifts."""
    zone = ZoneInfo(site.time_zone)
    rows = list(_rows(site).filter(calendar=calendar) if calendar is not None else _rows(site))
    if calendar is None and rows:
        rows = [shift for shift in rows if shift.calendar_id == rows[0].calendar_id]
    local = moment.astimezone(zone)
    for back in (0, 1):
        day = local - timedelta(days=back)
        for shift in rows:
            if not _opens(shift, day):
                continue
            found = _on_day(shift, day, zone)
            if found.opened <= moment < found.ends:
                return found
    return None


def shift_start(site: Site, moment: datetime) -> datetime:
    """When the running shift opened; without a calendar, or in between, twelve hours before MOMENT."""
    running = shift_at(site, moment)
    return running.opened if running else moment - NO_CALENDAR


class WorkTimes:
    """The working time of every calendar of a site from NOW on, read with one query."""

    def __init__(self, site: Site, now: datetime) -> None:
        self.now = now
        self._zone = ZoneInfo(site.time_zone)
        self._rows: dict[int, list[Shift]] = {}
        for shift in _rows(site):
            self._rows.setdefault(shift.calendar_id, []).append(shift)
        self._made: dict[int | None, WorkTime] = {}

    def of(self, calendar_id: int | None = None) -> WorkTime:
        """The working time of a calendar; of the site's first one where none is named."""
        key = calendar_id if calendar_id in self._rows else min(self._rows, default=None)
        if key not in self._made:
            rows = self._rows[key] if key is not None else []
            self._made[key] = WorkTime(self.now, self._spans(rows))
        return self._made[key]

    def _spans(self, rows: list[Shift]) -> Iterable[Span]:
        first = self.now.astimezone(self._zone) - timedelta(days=1)
        for ahead in range(HORIZON.days + 1):
            day = first + timedelta(days=ahead)
            for shift in rows:
                if _opens(shift, day):
                    found = _on_day(shift, day, self._zone)
                    yield found.opened, found.ends
