"""Shifts in the plant's own time: nights of 7 and 9 hours, the day a shift belongs to, holidays, and their upkeep."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from mes.kernel.errors import Refused
from mes.kernel.models import Event
from tests.builders import Plant, command_id, plant
from workorders.actions import calendars
from workorders.models import Holiday, Shift, ShiftCalendar
from workorders.shifts import WorkTimes, shift_at, shift_start

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.fixture
def works(db: None) -> Plant:
    return plant(time_zone="Europe/Berlin")


def calendar(works: Plant, code: str = "3-SHIFT") -> ShiftCalendar:
    return calendars.save_calendar(actor=works.person("planner"), row={"code": code}, command_id=command_id())


def add(works: Plant, week: ShiftCalendar, name: str, begin: str, end: str, days=range(7), **more) -> list[Shift]:
    row = {"name": name, "begin": begin, "end": end}
    return calendars.save_shift(
        actor=works.person("planner"),
        calendar_id=week.pk,
        weekdays=list(days),
        row=row,
        command_id=command_id(),
        **more,
    )


def three_shifts(works: Plant) -> ShiftCalendar:
    week = calendar(works)
    for name, begin, end in (("Early", "06:00", "14:00"), ("Late", "14:00", "22:00"), ("Night", "22:00", "06:00")):
        add(works, week, name, begin, end)
    return week


def refused(call) -> Refused:
    with pytest.raises(Refused) as error:
        call()
    return error.value


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 7), (AUTUMN, 9), (date(2026, 6, 7), 8)])
def test_the_night_in_which_the_clock_changes_has_as_many_hours_as_pass(works, day, hours):
    three_shifts(works)
    midnight = datetime.combine(day, time(0, 30), tzinfo=BERLIN)
    night = shift_at(works.site, midnight)
    assert night.name == "Night"
    assert night.ends - night.opened == timedelta(hours=hours)
    assert night.opened.astimezone(BERLIN).date() == day - timedelta(days=1), "it belongs to the day it opened"
    assert night.ends.astimezone(BERLIN).time() == time(6)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_every_instant_of_such_a_day_belongs_to_exactly_one_shift(works, day, hours):
    three_shifts(works)
    begin = datetime.combine(day, time(0), tzinfo=BERLIN).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), tzinfo=BERLIN).astimezone(UTC)
    assert end - begin == timedelta(hours=hours)
    seen, moment = {}, begin
    while moment < end:
        found = shift_at(works.site, moment)
        assert found is not None, moment
        assert found.opened <= moment < found.ends
        seen.setdefault(found.opened, found)
        moment += timedelta(minutes=10)
    spans = sorted((one.opened, one.ends) for one in seen.values())
    assert [one.name for _at, one in sorted(seen.items())] == ["Night", "Early", "Late", "Night"]
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_working_time_over_the_change_counts_the_hours_that_pass(works):
    three_shifts(works)
    now = datetime.combine(SPRING, time(0), tzinfo=BERLIN).astimezone(UTC)
    time_ahead = WorkTimes(works.site, now).of()
    assert time_ahead.after(23 * 60) == now + timedelta(hours=23)


def test_on_a_holiday_no_shift_opens_but_the_night_before_runs_to_its_end(works):
    week = three_shifts(works)
    free = date(2026, 12, 25)
    calendars.add_holiday(
        actor=works.person("planner"),
        calendar_id=week.pk,
        row={"day": "2026-12-25", "name": "Xmas"},
        command_id=command_id(),
    )

    def at(hour: int, day: date = free):
        found = shift_at(works.site, datetime.combine(day, time(hour), tzinfo=BERLIN))
        return found.name if found else None

    assert [at(3), at(7), at(15), at(23)] == ["Night", None, None, None]
    assert at(3, free + timedelta(days=1)) is None, "the night of the holiday did not open"
    assert at(7, free + timedelta(days=1)) == "Early"
    now = datetime.combine(free, time(5), tzinfo=BERLIN).astimezone(UTC)
    ahead = WorkTimes(works.site, now).of()
    assert ahead.after(120) == datetime.combine(free, time(7), tzinfo=BERLIN) + timedelta(days=1)


def test_without_a_named_calendar_the_first_one_of_the_plant_counts(works):
    three_shifts(works)
    weekend = calendar(works, "WEEKEND")
    add(works, weekend, "Day", "08:00", "20:00", days=[5, 6])
    saturday = datetime(2026, 6, 6, 9, tzinfo=BERLIN)
    assert shift_at(works.site, saturday).name == "Early"
    assert shift_at(works.site, saturday, weekend).name == "Day"
    assert shift_start(works.site, saturday) == datetime(2026, 6, 6, 6, tzinfo=BERLIN)


def test_shifts_are_read_with_one_query_whatever_their_number(works, django_assert_num_queries):
    week = three_shifts(works)
    Holiday.objects.bulk_create(Holiday(calendar=week, day=date(2027, 1, day)) for day in range(1, 29))
    with django_assert_num_queries(1):
        shift_at(works.site, datetime(2027, 1, 5, 9, tzinfo=BERLIN))
    with django_assert_num_queries(1):
        WorkTimes(works.site, datetime(2027, 1, 5, 9, tzinfo=UTC)).of()


@pytest.mark.parametrize(
    ("begin", "end", "days", "with_whom"),
    [
        ("05:00", "06:01", [0], "Early"),
        ("13:59", "15:00", [3], "Early"),
        ("23:00", "23:30", [6], "Night"),
        ("05:59", "06:00", [0], "Night"),
        ("06:00", "06:00", [2], "Early"),
    ],
)
def test_a_shift_that_would_overlap_is_refused_even_over_sunday_midnight(works, begin, end, days, with_whom):
    week = calendar(works)
    add(works, week, "Early", "06:00", "14:00")
    add(works, week, "Night", "22:00", "06:00", days=[6])
    error = refused(lambda: add(works, week, "New", begin, end, days=days))
    assert error.reason == "shifts_overlap"
    assert with_whom in error.message


def test_a_refused_weekday_leaves_none_of_the_others(works):
    week = calendar(works)
    add(works, week, "Early", "06:00", "14:00", days=[4])
    assert refused(lambda: add(works, week, "Day", "08:00", "16:00")).reason == "shifts_overlap"
    assert Shift.objects.filter(calendar=week).count() == 1


def test_a_shift_is_changed_within_its_own_room_and_removed_with_its_history_kept(works):
    week = calendar(works)
    (shift,) = add(works, week, "Early", "06:00", "14:00", days=[0])
    add(works, week, "Early", "06:30", "14:30", days=[0], pk=shift.pk)
    shift.refresh_from_db()
    assert (shift.starts, shift.minutes) == (time(6, 30), 480)
    calendars.remove_shift(actor=works.person("planner"), pk=shift.pk, command_id=command_id())
    assert not Shift.objects.filter(calendar=week).exists()
    told = Event.objects.filter(subject=f"shift:{shift.pk}").order_by("seq")
    assert [event.name for event in told] == ["masterdata.added", "masterdata.changed", "masterdata.removed"]
    assert told[1].payload["before"] == {"starts": "06:00"}
    assert told[1].payload["values"] == {"starts": "06:30"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"begin": ""},
        {"begin": "25:00"},
        {"begin": "6"},
        {"end": "14:60"},
        {"end": "²³:00"},
        {"name": ""},
        {"name": "x" * 41},
        {"name": "a\u202eb"},
    ],
)
def test_a_shift_that_cannot_be_says_why(works, wrong):
    week = calendar(works)
    row = {"name": "Early", "begin": "06:00", "end": "14:00", **wrong}
    error = refused(
        lambda: calendars.save_shift(
            actor=works.person("planner"), calendar_id=week.pk, weekdays=[0], row=row, command_id=command_id()
        )
    )
    assert error.reason == "invalid"


@pytest.mark.parametrize("days", [[], [7], [-1]])
def test_a_shift_needs_days_of_the_week(works, days):
    week = calendar(works)
    assert refused(lambda: add(works, week, "Early", "06:00", "14:00", days=days)).reason == "invalid"


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_a_holiday_needs_a_date(works, day):
    week = calendar(works)
    error = refused(
        lambda: calendars.add_holiday(
            actor=works.person("planner"), calendar_id=week.pk, row={"day": day}, command_id=command_id()
        )
    )
    assert "a date such as" in error.message


def test_calendars_of_another_plant_are_not_there(works):
    week = three_shifts(works)
    other = plant()
    assert refused(lambda: add(other, week, "New", "06:00", "07:00")).reason == "not_found"
    shift = week.shifts.first()
    for act in (calendars.remove_shift, calendars.remove_holiday):
        error = refused(lambda act=act: act(actor=other.person("planner"), pk=shift.pk, command_id=command_id()))
        assert error.reason == "not_found"
