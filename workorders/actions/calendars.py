"""When work happens: calendars with their weekly shifts, and the holidays on which none opens."""

from datetime import date, time
from uuid import UUID

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders.actions.imports import Row, text_of, whole_of
from workorders.actions.recording import code_of, drop, keep, own, require_free
from workorders.models import Holiday, Shift, ShiftCalendar

WEEK = 7 * 24 * 60


@command
def save_calendar(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> ShiftCalendar:
    """A calendar by its code; its shifts are added one by one. Raises `invalid`, `code_taken`, `not_found`."""
    calendar = own(ShiftCalendar, actor, pk, _("Calendar")) if pk else ShiftCalendar(site_id=actor.site_id)
    code = code_of(row, limit=20)
    known = ShiftCalendar.objects.filter(site_id=actor.site_id, code=code)
    require_free(known.exclude(pk=pk or 0).exists(), _("Calendar"), code)
    keep(calendar, "calendar", {"code": code}, label=code, site_id=actor.site_id)
    return calendar


@command
def save_shift(
    *, actor: Actor, calendar_id: int, weekdays: list[int], row: Row, pk: int | None = None, command_id: UUID
) -> list[Shift]:
    """A shift on each of WEEKDAYS (0 is Monday), or other values for shift PK on its one weekday.

    Begin and end are local times; an end at or before the begin lies on the next day. Raises `invalid`, `not_found`,
    `shifts_overlap`.
    """
    # The calendar's row stands for its week: two people who add shifts to it at once wait for each other here.
    calendar = ShiftCalendar.objects.select_for_update(no_key=True).filter(site_id=actor.site_id, pk=calendar_id)
    week = calendar.first()
    if week is None:
        raise Refused("not_found", what=_("Calendar"), number=calendar_id)
    if pk is not None:
        known = Shift.objects.filter(calendar=week, pk=pk).first()
        if known is None:
            raise Refused("not_found", what=_("Shift"), number=pk)
        weekdays = weekdays or [known.weekday]
    if not weekdays or any(day not in range(7) for day in weekdays) or (pk is not None and len(weekdays) != 1):
        raise Refused("invalid", field=_("Weekday"), why=_("choose at least one day of the week"))
    name = text_of(row, "name", limit=40)
    if not name:
        raise Refused("invalid", field=_("Name"), why=_("1 to {limit} characters are needed").format(limit=40))
    begin, end = _clock(row, "begin"), _clock(row, "end")
    minutes = _minute(end) - _minute(begin)
    minutes += 24 * 60 if minutes <= 0 else 0
    shifts = []
    for day in sorted(set(weekdays)):
        shift = Shift.objects.get(pk=pk) if pk is not None else Shift(calendar=week)
        _require_room(week, day, begin, minutes, name, pk)
        values = {"name": name, "weekday": day, "starts": begin, "minutes": minutes}
        keep(shift, "shift", values, label=f"{week.code} {name}", site_id=actor.site_id)
        shifts.append(shift)
    return shifts


@command
def remove_shift(*, actor: Actor, pk: int, command_id: UUID) -> int:
    """The shift is worked no more. What was recorded in it stays. Raises `not_found`."""
    shift = own(Shift, actor, pk, _("Shift"), path="calendar__site_id")
    values = {"name": shift.name, "weekday": shift.weekday, "starts": shift.starts, "minutes": shift.minutes}
    drop(shift, "shift", values, label=f"{shift.calendar.code} {shift.name}", site_id=actor.site_id)
    return pk


@command
def add_holiday(*, actor: Actor, calendar_id: int, row: Row, command_id: UUID) -> Holiday:
    """A day on which no shift of the calendar opens. Raises `invalid`, `code_taken`, `not_found`."""
    calendar = own(ShiftCalendar, actor, calendar_id, _("Calendar"))
    day = _day(row)
    require_free(Holiday.objects.filter(calendar=calendar, day=day).exists(), _("Holiday"), day.isoformat())
    holiday = Holiday(calendar=calendar)
    values = {"day": day, "name": text_of(row, "name", limit=60)}
    keep(holiday, "holiday", values, label=f"{calendar.code} {day.isoformat()}", site_id=actor.site_id)
    return holiday


@command
def remove_holiday(*, actor: Actor, pk: int, command_id: UUID) -> int:
    """The day is worked again. Raises `not_found`."""
    holiday = own(Holiday, actor, pk, _("Holiday"), path="calendar__site_id")
    label = f"{holiday.calendar.code} {holiday.day.isoformat()}"
    drop(holiday, "holiday", {"day": holiday.day, "name": holiday.name}, label=label, site_id=actor.site_id)
    return pk


def _require_room(week: ShiftCalendar, weekday: int, begin: time, minutes: int, name: str, pk: int | None) -> None:
    """Raises `shifts_overlap` when another shift of the week lies in the way; Sunday night runs into Monday."""
    first = weekday * 24 * 60 + _minute(begin)
    for other in Shift.objects.filter(calendar=week).exclude(pk=pk or 0):
        start = other.weekday * 24 * 60 + _minute(other.starts)
        if (start - first) % WEEK < minutes or (first - start) % WEEK < other.minutes:
            raise Refused("shifts_overlap", shift=name, other=other.name, calendar=week.code)


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _clock(row: Row, field: str) -> time:
    text = str(row.get(field) or "")
    hour, _colon, minute = text.partition(":")
    if not (hour.isascii() and hour.isdigit() and minute[:2].isascii() and minute[:2].isdigit() and len(text) <= 8):
        raise Refused("invalid", field=field, why=_("a time such as 06:00 is needed"))
    if int(hour) > 23 or int(minute[:2]) > 59:
        raise Refused("invalid", field=field, why=_("a time such as 06:00 is needed"))
    return time(whole_of({field: hour}, field), whole_of({field: minute[:2]}, field))


def _day(row: Row) -> date:
    try:
        day = parse_date(str(row.get("day") or ""))
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < 2200:
        raise Refused("invalid", field="day", why=_("a date such as 2027-03-31 is needed"))
    return day
