"""The floor page: five numbers, what needs a supervisor, every work center, the orders at risk and the hours."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from mes.accounts.policies import allows
from mes.screens.desk.floor_words import NEEDS_SHOWN, needs, signed_hours, tile_text
from mes.screens.desk.links import order_url
from mes.screens.desk.pages import live_part, part_of, site_of, without
from mes.screens.templatetags.mes import clock
from quality.queries.checks import failed_checks
from traceability.queries.holds import HeldLot, held_lots
from workorders import states
from workorders.models import Site
from workorders.queries.estimates import Estimate
from workorders.queries.floor import Floor, floor
from workorders.queries.output import HourOfShift, hours_of

AT_RISK_SHOWN = 9
#: Without a shift the page shows this much of the past and of the time to come.
NO_SHIFT = timedelta(hours=8)
SHIFT_HOURS = 8


@allows("view_floor")
@require_safe
def floor_page(request: HttpRequest) -> HttpResponse:
    """The one-glance page; `?area=` shows one area, `?behind=1` only work centers with orders behind."""
    site = site_of(request)
    context = {"site": site, "topics": f"floor:{site.pk}", **_content(request, site)}
    if part_of(request, "floor"):
        return live_part(request, "desk/floor.html#floor", context)
    return render(request, "desk/floor.html", context)


def _content(request: HttpRequest, site: Site) -> dict[str, Any]:
    now = timezone.now()
    found = floor(site, now)
    held, failed = held_lots(site.pk), failed_checks(site.pk)
    wanted, behind_only = request.GET.get("area", ""), request.GET.get("behind") == "1"
    rows = needs(found, held, failed)
    ends = found.shift.ends if found.shift else now
    since = found.since if found.shift else now - NO_SHIFT
    hours = hours_of(site, since, ends, now, found.rows)
    return {
        "shift": found.shift,
        "now": now,
        "numbers": _numbers(found, held),
        "needs": rows[:NEEDS_SHOWN],
        "needs_more": max(len(rows) - NEEDS_SHOWN, 0),
        "areas": _areas(found, wanted, behind_only),
        "area": wanted,
        "behind_only": behind_only,
        "at_risk": [_at_risk(found, one) for one in found.standing[:AT_RISK_SHOWN]],
        "hours": _hours(hours),
        "made": _made(hours),
        "src": without(request, part="floor"),
        "all_areas_url": without(request, "area"),
        "behind_url": without(request, behind="" if behind_only else "1"),
    }


def _since(found: Floor) -> str:
    return clock(found.since)


def _change(count: int, before: int, since: str) -> str:
    if count == before:
        return _("as at {time}").format(time=since)
    return _("{change} since {time}").format(change=f"{count - before:+d}".replace("-", "−"), time=since)


def _numbers(found: Floor, held: list[HeldLot]) -> list[dict[str, Any]]:
    since = _since(found)
    running, ready = found.in_state(states.RUNNING), found.in_state(states.READY)
    setup, suspended = found.in_state(states.SETUP), found.in_state(states.SUSPENDED)
    behind = found.behind
    shifts = sum(row.remaining for row in ready) / 60 / SHIFT_HOURS
    return [
        {
            "key": "running",
            "label": _("Running"),
            "count": len(running),
            "url": "/orders/?op=RUNNING",
            "sub": _joined(
                _change(len(running), found.change.running, since),
                ngettext("{count} in set-up", "{count} in set-up", len(setup)).format(count=len(setup))
                if setup
                else "",
            ),
        },
        {
            "key": "queued",
            "label": _("Queued"),
            "count": len(ready),
            "url": "/orders/?op=READY",
            "sub": _joined(
                ngettext("{count} shift", "{count} shifts", round(shifts)).format(count=f"{shifts:.1f}"),
                _change(len(ready), found.change.queued, since),
                _("{count} interrupted").format(count=len(suspended)) if suspended else "",
            ),
        },
        {
            "key": "behind",
            "label": _("Behind"),
            "count": len(behind) + len(found.unreleased),
            "state": "late" if behind or found.unreleased else "",
            "url": "/orders/?behind=1",
            "sub": _joined(
                _("worst {hours}").format(hours=signed_hours(behind[0].slack or 0)) if behind else "",
                _("{count} newly due").format(count=found.change.fell_due) if found.change.fell_due else "",
            )
            or _("no order is late"),
        },
        {
            "key": "hold",
            "label": _("Hold"),
            "count": len(found.holds.rows) + len(held),
            "state": "hold" if found.holds.rows or held else "",
            "url": "/orders/?hold=1",
            "sub": _held_sub(found, held),
        },
        {
            "key": "done",
            "label": _("Done this shift") if found.shift else _("Done lately"),
            "count": found.change.completed,
            "url": "/orders/?state=DONE",
            "sub": _joined(
                _("since {time}").format(time=since),
                ngettext("{count} order ended", "{count} orders ended", found.change.finished_orders).format(
                    count=found.change.finished_orders
                ),
            ),
        },
    ]


def _held_sub(found: Floor, held: list[HeldLot]) -> str:
    if not found.holds.rows and not held:
        return _("nothing is held")
    orders = len({hold.order_id or (hold.operation and hold.operation.order_id) for hold in found.holds.rows} - {None})
    others = len(found.holds.rows) - sum(1 for hold in found.holds.rows if hold.order_id or hold.operation_id)
    return _joined(
        ngettext("{count} order", "{count} orders", orders).format(count=orders) if orders else "",
        ngettext("{count} lot", "{count} lots", len(held)).format(count=len(held)) if held else "",
        ngettext("{count} item or place", "{count} items or places", others).format(count=others) if others else "",
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _areas(found: Floor, wanted: str, behind_only: bool) -> list[dict[str, Any]]:
    longest = max((tile.queue_minutes for tile in found.tiles), default=0.0)
    areas: list[dict[str, Any]] = []
    for tile in found.tiles:
        area = tile.center.area
        code = area.code if area else ""
        if wanted and code != wanted:
            continue
        text = tile_text(tile, found, longest)
        if behind_only and not text.behind:
            continue
        if not areas or areas[-1]["code"] != code:
            areas.append({"code": code, "name": area.name if area else _("Elsewhere"), "tiles": []})
        areas[-1]["tiles"].append(text)
    return areas


def _at_risk(found: Floor, one: Estimate) -> dict[str, Any]:
    work = one.current
    slack = one.slack or 0.0
    held = found.holds.on_order(one.order_id, work.item_id)
    center = work.work_center
    where = {
        states.RUNNING: center,
        states.SETUP: _("{center} setup").format(center=center),
        states.SUSPENDED: _("{center} stands").format(center=center),
        states.READY: _("{center} queue").format(center=center),
        states.WAITING: _("before {center}").format(center=center),
    }[work.state]
    return {
        "id": one.order_id,
        "number": work.number,
        "url": order_url(work.number, one.order_id),
        "where": _("on hold") if held else where,
        "slack": slack,
        "verdict": one.verdict,
        "hours": signed_hours(slack),
    }


def _hours(hours: list[HourOfShift]) -> list[dict[str, Any]]:
    most = max((max(hour.plan, hour.good or 0.0) for hour in hours), default=0.0) * 1.06 or 1.0
    return [
        {
            "time": clock(hour.starts),
            "good": None if hour.good is None else round(hour.good),
            "due": round(hour.due if hour.good is not None else hour.plan),
            "bar": (hour.good or 0.0) * 100 / most,
            "mark": (hour.due if hour.is_now else hour.plan) * 100 / most,
            "difference": _difference(hour),
        }
        for hour in hours
    ]


def _difference(hour: HourOfShift) -> str:
    if hour.difference is None or round(hour.difference) == 0:
        return ""
    text = f"{round(hour.difference):+d}".replace("-", "−")
    return _("{difference} so far").format(difference=text) if hour.is_now else text


def _made(hours: list[HourOfShift]) -> dict[str, Any]:
    good = sum(hour.good or 0.0 for hour in hours)
    due = sum(hour.due for hour in hours if hour.good is not None)
    short = round(good - due)
    return {
        "good": round(good),
        "due": round(due),
        "text": _("{count} against standard").format(count=f"{short:+d}".replace("-", "−"))
        if short
        else _("as the standard expects"),
    }
