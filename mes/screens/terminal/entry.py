"""Coming in: pairing a browser with a work center, the lock with badge and PIN, and leaving again."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from mes.accounts import badges, terminals
from mes.accounts.models import Terminal
from mes.accounts.policies import actor_of, may, open_to
from mes.execution.queries import dispatch
from mes.kernel import labels
from mes.kernel.errors import Refused
from mes.screens.terminal import access
from mes.screens.terminal.access import Station, enrolled
from workorders import states
from workorders.models import Operation, WorkCenter
from workorders.queries.dispatch import DispatchRow
from workorders.shifts import shift_at

YEAR = 365 * 24 * 3600
#: The steps of calibration that tokens.css knows, in pixels per millimetre.
STEPS = [
    *("3.2", "3.4", "3.6", "3.8", "4.0", "4.2", "4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"),
    *("5.9", "6.2", "6.6", "7.0", "7.5", "8.0"),
]


@open_to("everybody: a browser that is not enrolled yet has nothing but a pairing code")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Pair this browser: by a code, or at once by somebody signed in who may enrol terminals."""
    refusal: Refused | None = None
    waiting: Terminal | None = None
    try:
        if request.POST.get("act") == "code":
            waiting = _open_pairing(request)
        elif request.POST.get("act") == "here":
            name, center = _asked(request)
            terminal, secret = terminals.enrol_here(actor=actor_of(request), name=name, work_center_id=center)
            return _enrolled(request, terminal, secret)
        elif request.method == "POST":
            terminal, secret = terminals.pair(request.POST.get("code", ""))
            return _enrolled(request, terminal, secret)
    except Refused as error:
        refusal = error
    return render(request, "terminal/setup.html", _setup(request, refusal, waiting), status=422 if refusal else 200)


def _setup(request: HttpRequest, refusal: Refused | None, waiting: Terminal | None) -> dict[str, Any]:
    user = request.user
    can_enrol = user.is_authenticated and may(user.role, "enrol_terminal")
    centers: list[WorkCenter] = []
    if user.is_authenticated and can_enrol:
        rows = WorkCenter.objects.filter(site_id=user.site_id, is_active=True).select_related("area")
        centers = list(rows.order_by("area__sequence", "sequence", "code"))
    address = f"{request.scheme}://{request.get_host()}/t/setup/"
    return {
        "refusal": refusal,
        "station": access.station_of(request),
        "can_enrol": can_enrol,
        "centers": centers,
        "waiting": waiting,
        "address": address,
        "picture": labels.to_svg(labels.qr(address), label=address, module=0.9) if waiting else "",
        "steps": STEPS,
        "millimetre": request.POST.get("millimetre") or "5.0",
    }


def _asked(request: HttpRequest) -> tuple[str, int]:
    """Name and work center of the form. Raises `invalid` for a work center of nowhere."""
    user = request.user
    site_id = user.site_id if user.is_authenticated else 0
    wanted = request.POST.get("work_center", "")
    center = WorkCenter.objects.filter(site_id=site_id, pk=int(wanted)).first() if wanted.isdigit() else None
    if center is None:
        raise Refused("not_found", what="Work center", number=wanted[:20])
    return (request.POST.get("name", "").strip() or center.code)[:60], center.pk


def _open_pairing(request: HttpRequest) -> Terminal:
    name, center = _asked(request)
    return terminals.open_pairing(actor=actor_of(request), name=name, work_center_id=center)


def _enrolled(request: HttpRequest, terminal: Terminal, secret: str) -> HttpResponse:
    wanted = request.POST.get("millimetre", "")
    terminals.calibrate(terminal, Decimal(wanted) if wanted in STEPS else terminal.millimetre)
    response = HttpResponseRedirect("/t/")
    response.set_cookie(
        terminals.COOKIE,
        secret,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@enrolled("the lock itself: it shows what runs here and asks who is there")
@require_http_methods(["GET", "POST"])
def lock(request: HttpRequest, station: Station) -> HttpResponse:
    """The lock: a badge says who, the PIN proves it."""
    refusal: Refused | None = None
    if request.method == "GET" and "next" in request.GET:
        access.keep_way(request, request.GET["next"])
    if request.method == "POST":
        try:
            answer = _identified_or_proved(request, station)
        except Refused as error:
            refusal = error
        else:
            return answer
    someone = access.claimed(request, station.terminal.site_id)
    page = {
        "station": station,
        "someone": someone,
        "refusal": refusal,
        "shift": shift_at(station.work_center.site, timezone.now(), station.work_center.calendar),
        "running": _running(station),
        "following": _following(station),
        "entering": "enter" in request.GET,
    }
    template = "terminal/pin.html" if someone else "terminal/lock.html"
    return render(request, template, page, status=422 if refusal else 200)


def _identified_or_proved(request: HttpRequest, station: Station) -> HttpResponse:
    """The next step after a badge or a PIN was entered. Raises `badge_unknown`, `pin_wrong`, `pin_locked`."""
    badge, pin = request.POST.get("badge", "").strip(), request.POST.get("pin", "")
    if request.POST.get("act") == "back":
        access.drop_claim(request)
        return HttpResponseRedirect(access.take_way(request) if station.person else "/t/")
    if badge:
        access.claim(request, badges.identify(badge, station.terminal.site_id))
    someone = access.claimed(request, station.terminal.site_id)
    if someone is None or not pin:
        return HttpResponseRedirect("/t/")
    access.sign_in(request, station.terminal, badges.prove(someone.pk, pin))
    return HttpResponseRedirect(access.take_way(request))


def _running(station: Station) -> list[Operation]:
    """What is being worked on at this work center, the latest started first."""
    rows = Operation.objects.filter(work_center=station.work_center, state__in=[states.RUNNING, states.SETUP])
    return list(rows.select_related("order__item", "order__unit").order_by("-started_at")[:2])


def _following(station: Station) -> list[DispatchRow]:
    """The first jobs of the list that do not run yet."""
    center = station.work_center
    rows = dispatch(center.site, [center.pk], timezone.now())[center.pk]
    return [row for row in rows if not row.is_running][:3]


@enrolled("leaving is open to whoever is there")
@require_POST
def leave(request: HttpRequest, _station: Station) -> HttpResponse:
    """Lock the terminal. What runs goes on running."""
    access.sign_out(request)
    return HttpResponseRedirect("/t/")
