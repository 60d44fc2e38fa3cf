"""The page of one work center: what it does now, its queue with reasons, its last day, and a hold upon it."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from labor.queries import on_operations
from mes.accounts.policies import actor_of, allows
from mes.execution.history import events_of_work_center
from mes.execution.queries import dispatch
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act, Field, buttons, find, panel_of
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.floor_words import signed_hours, when
from mes.screens.desk.links import order_url, work_center_url
from mes.screens.desk.machine_day import machines_of
from mes.screens.desk.pages import done, is_sane_id, live_part, part_of, site_of
from mes.screens.desk.timeline import lines
from mes.screens.desk.words import OPERATION_STATES
from mes.screens.templatetags.mes import minutes
from workorders import states
from workorders.actions.holds import place_hold, release_hold
from workorders.models import Hold, Site, WorkCenter
from workorders.queries.dispatch import DispatchRow
from workorders.queries.floor import end_of, worked_minutes
from workorders.queries.holds import why_held
from workorders.queries.work_center import IDLE, RUN, SET_UP, StateSpan, find_work_center, holds_on, states_of
from workorders.shifts import WorkTimes

A_DAY = timedelta(hours=24)
EVENTS_SHOWN = 12


@allows("view_floor")
@require_http_methods(["GET", "HEAD", "POST"])
def work_center_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page; a POST places or lifts a hold on the work center."""
    site = site_of(request)
    try:
        center = find_work_center(site.pk, code)
    except Refused as refusal:
        return nothing_here(request, refusal.message, refusal.remedy)
    refused: Refused | None = None
    url = work_center_url(center.code, center.pk)
    if request.method == "POST":
        try:
            return done(request, _carry_out(request, center), url)
        except Refused as refusal:
            refused = refusal
    holds = holds_on(center)
    context = {
        "site": site,
        "center": center,
        "url": url,
        "topics": f"wc:{center.pk} floor:{site.pk}",
        "buttons": buttons(_acts(holds), request.user.role),  # type: ignore[union-attr]
        **_content(site, center, holds, timezone.now()),
    }
    part = part_of(request, "head", "body")
    if part:
        return live_part(request, f"desk/work_center.html#{part}", context)
    act = find(_acts(holds), request.POST.get("act", "") if refused else request.GET.get("act", ""))
    context["panel"] = panel_of(act, site.pk, request.POST if refused else None, refused)
    return render(request, "desk/work_center.html", context, status=refused.status if refused else 200)


def _acts(holds: list[Hold]) -> list[Act]:
    note = Field("note", gettext_lazy("Note"))
    if holds:
        choices = tuple((str(hold.pk), f"{why_held(hold)} · {hold.placed_by_name}") for hold in holds)
        fields = (Field("hold", gettext_lazy("Which hold"), "choice", True, choices), note)
        title = gettext_lazy("Lift the hold on the work center")
        return [
            Act("release-hold", gettext_lazy("Lift hold"), "circle-play", "release_hold", title, "", fields, weight=0)
        ]
    text = gettext_lazy("Nothing can be started, reported or completed here until the hold is lifted.")
    fields = (Field("reason", gettext_lazy("Reason"), "choice", True, reasons="HOLD"), note)
    title = gettext_lazy("Put the work center on hold")
    return [Act("hold", gettext_lazy("Hold"), "pause", "place_hold", title, text, fields)]


def _carry_out(request: HttpRequest, center: WorkCenter) -> str:
    typed: QueryDict = request.POST
    actor, command_id = actor_of(request), is_sane_id(typed.get("command_id"))
    note = typed.get("note", "")[:200]
    if typed.get("act") == "hold":
        place_hold(
            actor=actor,
            target="work_center",
            target_id=center.pk,
            reason=typed.get("reason"),
            note=note,
            command_id=command_id,
        )
        return _("{code} is on hold.").format(code=center.code)
    hold = typed.get("hold", "")
    if typed.get("act") != "release-hold" or not hold.isdecimal():
        raise Refused("invalid", field=_("Which hold"), why=_("choose one"))
    release_hold(actor=actor, hold_id=int(hold), note=note, command_id=command_id)
    return _("The hold on {code} is lifted.").format(code=center.code)


def _content(site: Site, center: WorkCenter, holds: list[Hold], now: datetime) -> dict[str, Any]:
    rows = dispatch(site, [center.pk], now)[center.pk]
    jobs = [row for row in rows if row.is_running]
    queue = [row for row in rows if not row.is_running]
    here = [row for row in queue if row.work.state in (states.READY, states.SUSPENDED)]
    hours = sum(row.work.remaining for row in here) / 60
    people = on_operations(row.work.id for row in jobs)
    worked = worked_minutes(row.work.id for row in jobs)
    times = WorkTimes(site, now)
    spans = states_of(center.pk, now - A_DAY, now)
    page = events_of_work_center(site.pk, center.pk, limit=EVENTS_SHOWN)
    return {
        "holds": [{"why": why_held(hold), "by": hold.placed_by_name, "at": hold.placed_at} for hold in holds],
        "state": _state(jobs, here, holds),
        "jobs": [_job(row, center, people, worked, times) for row in jobs],
        "queue": [_queued(row) for row in queue],
        "queue_title": ngettext("Queue: {count} job, {hours} h", "Queue: {count} jobs, {hours} h", len(here)).format(
            count=len(here), hours=f"{hours:.1f}"
        ),
        "strip": _strip(spans, now),
        "machines": machines_of(center, now),
        "events": lines(page.events, site.pk, with_order=True),
    }


def _state(jobs: list[DispatchRow], here: list[DispatchRow], holds: list[Hold]) -> tuple[str, str]:
    if holds:
        return "hold", _("on hold")
    if jobs:
        return OPERATION_STATES[jobs[0].work.state][0], str(OPERATION_STATES[jobs[0].work.state][1])
    if any(row.work.state == states.SUSPENDED for row in here):
        return "risk", _("stands")
    return "idle", _("idle")


def _job(
    row: DispatchRow, center: WorkCenter, people: dict[int, Any], worked: dict[int, float], times: WorkTimes
) -> dict[str, Any]:
    work = row.work
    total = float(work.run_minutes_per_unit * work.expected)
    state, word = OPERATION_STATES[work.state]
    ends = end_of(work, times, center.calendar_id)
    return {
        "id": work.id,
        "label": work.label,
        "url": order_url(work.number, work.order_id),
        "name": work.name,
        "item": work.item_name,
        "state": state,
        "word": word,
        "good": work.good,
        "scrap": work.scrap,
        "expected": work.expected,
        "unit": work.unit,
        "percent": float((work.good + work.scrap) * 100 / work.expected) if work.expected else 0.0,
        "standard": min(worked.get(work.id, 0.0) * 100 / total, 100.0) if total else None,
        "ends": when(ends) if ends and work.state == states.RUNNING else "",
        "people": [{"name": entry.person.name, "since": entry.started_at} for entry in people.get(work.id, [])],
    }


def _queued(row: DispatchRow) -> dict[str, Any]:
    work, standing = row.work, row.estimate
    state, word = OPERATION_STATES[work.state]
    return {
        "id": work.id,
        "place": row.place,
        "label": work.label,
        "url": order_url(work.number, work.order_id),
        "name": work.name,
        "item": work.item_name,
        "to_go": work.to_go,
        "unit": work.unit,
        "hours": work.remaining / 60,
        "state": state,
        "word": word,
        "why": row.why,
        "blockers": [blocker.message for blocker in row.blockers],
        "slack": standing.slack,
        "verdict": standing.verdict,
        "slack_text": signed_hours(standing.slack) if standing.slack is not None else "",
    }


def _strip(spans: list[StateSpan], now: datetime) -> dict[str, Any]:
    """The last day as one bar, with the finding as its title."""
    start = now - A_DAY
    ran = sum(span.minutes for span in spans if span.state == RUN)
    set_up = sum(span.minutes for span in spans if span.state == SET_UP)
    idle = sum(span.minutes for span in spans if span.state == IDLE)
    stops = sum(1 for before, after in pairwise(spans) if before.state == RUN and after.state == IDLE)
    first = timezone.localtime(start).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    ticks = [first + timedelta(hours=hour) for hour in range(24) if (first.hour + hour) % 2 == 0]

    def place(moment: datetime) -> str:
        return f"{(moment - start) / A_DAY * 100:.2f}"

    title = ngettext(
        "Ran {ran} h of the last 24 h; stopped {count} time",
        "Ran {ran} h of the last 24 h; stopped {count} times",
        stops,
    ).format(ran=minutes(ran), count=stops)
    return {
        "title": title,
        "bars": [
            {"state": span.state, "x": place(span.start), "width": f"{span.minutes / 14.4:.3f}"}
            for span in spans
            if span.minutes > 0.5
        ],
        "ticks": [{"x": place(tick), "text": tick.strftime("%H:%M")} for tick in ticks if start <= tick <= now],
        "ran": minutes(ran),
        "set_up": minutes(set_up),
        "idle": minutes(idle),
        "table": [span for span in reversed(spans) if span.minutes >= 1][:40],
    }
