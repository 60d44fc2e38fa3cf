"""Calendars with their weekly shifts and their holidays, and the forms that keep them."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act, Field, who_may
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of
from mes.screens.settings.frame import page, panel, role_may, typed_of, whole
from workorders.actions import calendars
from workorders.models import Shift, ShiftCalendar, Site

PATH = "/settings/shifts/"
RIGHT = "save_shift"
_DAYS = tuple((str(day), WEEKDAYS[day]) for day in range(7))
_NAME = Field("name", gettext_lazy("Name"), required=True, hint=gettext_lazy("Early, late, night …"))
_BEGIN = Field("begin", gettext_lazy("Begins"), "time", required=True)
_END = Field(
    "end",
    gettext_lazy("Ends"),
    "time",
    required=True,
    hint=gettext_lazy("At or before the begin, it ends on the next day."),
)
ACTS = {
    "calendar": Act(
        "calendar",
        gettext_lazy("Add a calendar"),
        "plus",
        "save_calendar",
        fields=(Field("code", gettext_lazy("Code"), required=True, hint=gettext_lazy("Such as 2-SHIFT or WEEKEND.")),),
    ),
    "shift": Act(
        "shift",
        gettext_lazy("Add a shift"),
        "plus",
        RIGHT,
        fields=(_NAME, _BEGIN, _END, Field("weekdays", gettext_lazy("On"), "weekdays", required=True, choices=_DAYS)),
    ),
    "edit": Act(
        "edit",
        gettext_lazy("Save"),
        "check",
        RIGHT,
        title=gettext_lazy("Change the shift"),
        fields=(_NAME, _BEGIN, _END, Field("weekdays", gettext_lazy("On"), "choice", required=True, choices=_DAYS)),
    ),
    "holiday": Act(
        "holiday",
        gettext_lazy("Add a holiday"),
        "plus",
        "add_holiday",
        text=gettext_lazy("No shift opens on this day. One that opened the day before runs to its end."),
        fields=(Field("day", gettext_lazy("Day"), "date", required=True), Field("name", gettext_lazy("Name"))),
    ),
}


@dataclass(slots=True)
class _Open:
    act: Act | None = None
    pk: int | None = None
    values: dict[str, str] | None = None
    refusal: Refused | None = None


@allows("view_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def shifts_page(request: HttpRequest) -> HttpResponse:
    """Every calendar as a week, with its holidays. `?act=&id=` opens a form; a POST carries it out."""
    site = site_of(request)
    key, pk = request.GET.get("act", ""), whole(request.GET.get("id"))
    opened = _Open()
    if request.method == "POST":
        key = request.POST.get("act", "")
        answer = _take(request, key, pk if pk is not None else whole(request.POST.get("id")))
        if isinstance(answer, HttpResponse):
            return answer
        opened = answer
    elif key in ACTS and role_may(request, ACTS[key].right):
        opened = _Open(ACTS[key], pk, _values(site, pk) if key == "edit" else None)
    return _page(request, site, opened)


def _values(site: Site, pk: int | None) -> dict[str, str]:
    shift = Shift.objects.filter(calendar__site=site, pk=pk or 0).first()
    if shift is None:
        return {}
    begin, end = _span(shift)
    return {"name": shift.name, "begin": begin, "end": end, "weekdays": str(shift.weekday)}


def _span(shift: Shift) -> tuple[str, str]:
    ends = (shift.starts.hour * 60 + shift.starts.minute + shift.minutes) % (24 * 60)
    return f"{shift.starts:%H:%M}", f"{ends // 60:02d}:{ends % 60:02d}"


def _take(request: HttpRequest, key: str, pk: int | None) -> HttpResponse | _Open:
    act = ACTS.get(key)
    typed = typed_of(act, request.POST) if act else {}
    try:
        said = _do(request, key, pk or 0, typed)
    except Refused as refusal:
        return _Open(act, pk, typed, refusal)
    return done(request, said, PATH)


def _do(request: HttpRequest, key: str, pk: int, typed: dict[str, str]) -> str:
    who: dict[str, Any] = {
        "actor": actor_of(request),
        "command_id": is_sane_id(request.POST.get("command_id")),
    }
    days = [int(word) for word in typed.get("weekdays", "").split() if word.isdigit() and len(word) == 1]
    if key == "calendar":
        calendars.save_calendar(row=typed, **who)
        return _("The calendar is made. Now add its shifts.")
    if key == "shift":
        calendars.save_shift(calendar_id=pk, weekdays=days, row=typed, **who)
        return _("The shift is saved.")
    if key == "edit":
        shift = Shift.objects.filter(calendar__site_id=who["actor"].site_id, pk=pk).first()
        if shift is None:
            raise Refused("not_found", what=_("Shift"), number=pk)
        calendars.save_shift(calendar_id=shift.calendar_id, weekdays=days, row=typed, pk=pk, **who)
        return _("The shift is saved.")
    if key == "remove-shift":
        calendars.remove_shift(pk=pk, **who)
        return _("The shift is removed.")
    if key == "holiday":
        calendars.add_holiday(calendar_id=pk, row=typed, **who)
        return _("The holiday is saved.")
    if key == "remove-holiday":
        calendars.remove_holiday(pk=pk, **who)
        return _("The holiday is removed.")
    raise Refused("not_found", what=_("Page"), number=key[:40] or "–")


def _page(request: HttpRequest, site: Site, opened: _Open) -> HttpResponse:
    rows = ShiftCalendar.objects.filter(site=site).prefetch_related("shifts", "holidays").order_by("pk")
    may_change = role_may(request, RIGHT)
    context: dict[str, Any] = {
        "calendars": [_calendar(row) for row in rows],
        "may_change": may_change,
        "who_may": "" if may_change else who_may(RIGHT),
        "panel": None,
        "refusal": None,
        "zone": site.time_zone,
    }
    if opened.act is not None:
        context["panel"] = panel(request, opened.act, opened.values or {}, opened.refusal)
        context["action"] = f"{PATH}?id={opened.pk}" if opened.pk else PATH
        context["removable"] = opened.pk if opened.act.key == "edit" else None
    elif opened.refusal is not None:
        context["refusal"] = refusal_context(opened.refusal)
    return page(request, "desk/settings/shifts.html", context, opened.refusal.status if opened.refusal else 200)


def _calendar(row: ShiftCalendar) -> dict[str, Any]:
    shifts = sorted(row.shifts.all(), key=lambda shift: (shift.weekday, shift.starts))
    week = [
        {
            "label": WEEKDAYS[day],
            "shifts": [(shift, *_span(shift)) for shift in shifts if shift.weekday == day],
        }
        for day in range(7)
    ]
    minutes = sum(shift.minutes for shift in shifts)
    return {
        "row": row,
        "week": week,
        "hours": minutes / 60,
        "is_empty": not shifts,
        "holidays": sorted(row.holidays.all(), key=lambda holiday: holiday.day),
    }
