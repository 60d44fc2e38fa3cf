"""Shifts in the plant's zone: to which day they belong, and what the days of 23 and 25 hours do to them."""

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.builders import Plant, plant
from workorders.models import Shift, ShiftCalendar
from workorders.shifts import NO_CALENDAR, WorkTimes, shift_at, shift_start

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    """Three shifts a day in Berlin: early 6 to 14, late 14 to 22, night 22 to 6."""
    made = plant(time_zone="Europe/Berlin")
    calendar = ShiftCalendar.objects.create(site=made.site, code="THREE")
    for weekday in range(7):
        for name, hour in (("Early", 6), ("Late", 14), ("Night", 22)):
            Shift.objects.create(calendar=calendar, name=name, weekday=weekday, starts=time(hour), minutes=480)
    return made


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "name", "opened", "hours"),
    [
        # an ordinary night, seen before and after midnight: it belongs to the day it opened
        (utc(2026, 6, 10, 21, 30), "Night", utc(2026, 6, 10, 20), 8),
        (utc(2026, 6, 11, 1, 0), "Night", utc(2026, 6, 10, 20), 8),
        # the night of 25 hours: the clock shows 2:30 twice, and both times it is the same shift
        (utc(2026, 10, 25, 0, 30), "Night", utc(2026, 10, 24, 20), 9),
        (utc(2026, 10, 25, 1, 30), "Night", utc(2026, 10, 24, 20), 9),
        (utc(2026, 10, 25, 4, 59), "Night", utc(2026, 10, 24, 20), 9),
        (utc(2026, 10, 25, 5, 0), "Early", utc(2026, 10, 25, 5), 8),
        # the night of 23 hours
        (utc(2026, 3, 29, 0, 59), "Night", utc(2026, 3, 28, 21), 7),
        (utc(2026, 3, 29, 1, 0), "Night", utc(2026, 3, 28, 21), 7),
        (utc(2026, 3, 29, 4, 0), "Early", utc(2026, 3, 29, 4), 8),
    ],
)
def test_the_shift_at_a_moment_ends_when_the_clock_on_the_wall_says(works, moment, name, opened, hours):
    found = shift_at(works.site, moment)
    assert found is not None
    assert (found.name, found.opened) == (name, opened)
    assert found.ends - found.opened == timedelta(hours=hours)
    assert shift_start(works.site, moment) == opened


def test_in_every_minute_of_the_two_odd_nights_exactly_one_shift_runs(works):
    for first in (utc(2026, 3, 28, 18), utc(2026, 10, 24, 18)):
        names = []
        for minute in range(0, 14 * 60, 7):
            found = shift_at(works.site, first + timedelta(minutes=minute))
            assert found is not None, minute
            if not names or names[-1] != found.name:
                names.append(found.name)
        assert names == ["Late", "Night", "Early"]


def test_working_time_runs_through_the_odd_nights_without_a_gap_or_an_hour_twice(works):
    for start, real in ((utc(2026, 3, 28, 12), 47), (utc(2026, 10, 24, 12), 49)):
        times = WorkTimes(works.site, start).of()
        # from 12 UTC to the same wall clock two days on
        assert times.after(real * 60) == start + timedelta(hours=real)
        assert len(times.spans) == 1


def test_in_between_shifts_and_without_a_calendar_the_last_twelve_hours_count(works):
    Shift.objects.filter(name="Late").delete()
    between = utc(2026, 6, 10, 15)
    assert shift_at(works.site, between) is None
    assert shift_start(works.site, between) == between - NO_CALENDAR
    bare = plant()
    assert shift_start(bare.site, between) == between - NO_CALENDAR


def test_a_day_without_a_shift_is_no_working_time(works):
    Shift.objects.filter(weekday__in=[5, 6]).delete()
    friday_night = utc(2026, 6, 12, 21)
    # nine hours of the night shift of Friday are seven and then Monday's
    assert WorkTimes(works.site, friday_night).of().after(8 * 60) == utc(2026, 6, 15, 5)
