"""The job and its sheets: quantity, scrap, checks, materials. What the buttons do is in `acts`."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from devices.queries.counts import proposed_for
from mes.screens.terminal import acts, job_view
from mes.screens.terminal.access import Station, signed_in
from mes.screens.terminal.activity import last_act
from mes.screens.terminal.band import kept
from workorders.models import Operation, Reason
from workorders.shifts import shift_at


def show(
    request: HttpRequest,
    station: Station,
    page: str,
    template: str,
    facts: dict[str, Any],
    *,
    operation: Operation | None = None,
    live: str = "",
) -> HttpResponse:
    """The page with its frame, or only its partial LIVE when the page asks for that itself."""
    around: dict[str, Any] = {
        "station": station,
        "last": last_act(station),
        "scan_context": json.dumps({"page": page, "operation": operation.pk if operation else None}),
    }
    if live and "X-Live-Region" in request.headers:
        return render(request, f"{template}#{live}", around | facts)
    around["shift"] = shift_at(station.work_center.site, timezone.now(), station.work_center.calendar)
    around["done"] = kept(request)
    return render(request, template, around | facts)


def _operation(station: Station, pk: int) -> Operation:
    operation = job_view.operation_of(station.actor, pk)
    if operation is None:
        raise Http404
    return operation


@signed_in("view_floor")
@require_http_methods(["GET", "POST"])
def job(request: HttpRequest, station: Station, operation: int) -> HttpResponse:
    """The job: what to make, how far it is, what to scan, check and do next. POST does one act."""
    row = _operation(station, operation)
    if request.method == "POST":
        return acts.perform(request, station.actor, row, f"/t/job/{row.pk}/")
    page = {"job": job_view.job_of(station.actor, row), "operation": row}
    return show(request, station, "job", "terminal/job.html", page, operation=row, live="facts")


@signed_in("view_floor")
@require_GET
def quantity(request: HttpRequest, station: Station, operation: int) -> HttpResponse:
    """The number pad for good, scrap or rework."""
    row = _operation(station, operation)
    kind = request.GET.get("kind", "good")
    page = {
        "operation": row,
        "job": job_view.job_of(station.actor, row),
        "kind": kind if kind in {"good", "rework"} else "good",
        "proposed": proposed_for(station.actor.site_id, row.pk),
    }
    return show(request, station, "job", "terminal/quantity.html", page, operation=row)


@signed_in("view_floor")
@require_GET
def scrap(request: HttpRequest, station: Station, operation: int) -> HttpResponse:
    """How many pieces, and why: the reasons of the plant as tiles, those used most at this work center first."""
    row = _operation(station, operation)
    page = {"operation": row, "reasons": _reasons(station, "SCRAP"), "chosen": request.GET.get("reason", "")}
    return show(request, station, "job", "terminal/scrap.html", page, operation=row)


@signed_in("view_floor")
@require_GET
def pause(request: HttpRequest, station: Station, operation: int) -> HttpResponse:
    """Why the work stops, if somebody wants to say so."""
    row = _operation(station, operation)
    page = {"operation": row, "reasons": _reasons(station, "DOWNTIME"), "chosen": request.GET.get("reason", "")}
    return show(request, station, "job", "terminal/pause.html", page, operation=row)


def _reasons(station: Station, kind: str) -> list[Reason]:
    rows = Reason.objects.filter(site=station.work_center.site, kind=kind, is_active=True)
    return list(rows.order_by("sequence", "code")[:12])


@signed_in("view_floor")
@require_GET
def check(request: HttpRequest, station: Station, operation: int, code: str = "") -> HttpResponse:
    """One check with its limits, judged while the value is typed; without a code the next one that is due."""
    row = _operation(station, operation)
    found = job_view.checks_of(row)
    wanted = next((one for one in found if one.row.code == code), None)
    if code and wanted is None:
        raise Http404
    chosen = wanted or next((one for one in found if one.is_due), found[0] if found else None)
    page = {"operation": row, "checks": found, "check": chosen}
    return show(request, station, "check", "terminal/check.html", page, operation=row)


@signed_in("view_floor")
@require_GET
def materials(request: HttpRequest, station: Station, operation: int) -> HttpResponse:
    """Need, used and to go of each component; a lot is suggested, but never filled in before it is scanned."""
    row = _operation(station, operation)
    found = job_view.materials_of(row)
    page = {"operation": row, "materials": found, "current": next((one for one in found if one.need.to_go), None)}
    return show(request, station, "materials", "terminal/materials.html", page, operation=row, live="rows")
