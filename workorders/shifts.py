"""Shift arithmetic in the site's zone: which shift runs now, and when it opened. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workorders.models import Shift, ShiftCalendar, Site

#: Where a plant keeps no calendar, a shift is taken to have begun at most this long ago.
NO_CALENDAR = timedelta(hours=12)


@dataclass(frozen=True)
class OpenShift:
    """A shift on one day, in UTC instants. It belongs to the day it opened."""

    name: str
    opened: datetime
    ends: datetime


def shift_at(site: Site, moment: datetime, calendar: ShiftCalendar | None = None) -> OpenShift | None:
    """The shift that runs at MOMENT, by CALENDAR or the site's first one. None in between shifts."""
    zone = ZoneInfo(site.time_zone)
    rows = Shift.objects.filter(calendar__site=site)
    if calendar is not None:
        rows = rows.filter(calendar=calendar)
    local = moment.astimezone(zone)
    for back in (0, 1):
        day = (local - timedelta(days=back)).date()
        for shift in rows:
            if shift.weekday != day.weekday():
                continue
            opened = datetime.combine(day, shift.starts, tzinfo=zone)
            # Wall-clock end, so that a night of 23 or 25 hours still ends when the next shift begins.
            ends = (opened.replace(tzinfo=None) + timedelta(minutes=shift.minutes)).replace(tzinfo=zone)
            if opened <= moment < ends:
                return OpenShift(shift.name, opened.astimezone(ZoneInfo("UTC")), ends.astimezone(ZoneInfo("UTC")))
    return None


def shift_start(site: Site, moment: datetime) -> datetime:
    """When the running shift opened; without a calendar, or in between, twelve hours before MOMENT."""
    running = shift_at(site, moment)
    return running.opened if running else moment - NO_CALENDAR
