"""Who stands at which terminal: the enrolled browser, the person whose PIN was proved here, and the pages' decorators.

A PIN opens the terminal and nothing else: the person is kept apart from the sign-in of desk pages.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare, salted_hmac

from mes.accounts import terminals
from mes.accounts.models import Terminal, User
from mes.accounts.policies import may
from mes.kernel.actors import PERSON, Actor
from workorders.models import WorkCenter

IDLE_SECONDS = 20 * 60
_TOUCH_EVERY = 30
_PERSON, _CLAIM, _NEXT, _DONE = "terminal_person", "terminal_claim", "terminal_next", "terminal_done"

P = ParamSpec("P")


@dataclass(frozen=True)
class Station:
    """An enrolled terminal, its work center, and who is signed in at it, if anybody."""

    terminal: Terminal
    work_center: WorkCenter
    person: User | None

    @property
    def actor(self) -> Actor:
        """The person as an actor at this terminal. Only behind `signed_in`."""
        if self.person is None:
            raise PermissionDenied("nobody is signed in at this terminal")
        user = self.person
        return Actor(PERSON, user.pk, str(user), user.role, self.terminal.site_id, self.terminal.pk)

    @property
    def px_per_mm(self) -> str:
        return f"{self.terminal.millimetre:.1f}"


def station_of(request: HttpRequest) -> Station | None:
    """The enrolled terminal this request comes from, or None."""
    terminal = terminals.terminal_of(request.COOKIES.get(terminals.COOKIE))
    if terminal is None:
        return None
    centers = WorkCenter.objects.select_related("site", "area", "calendar", "location")
    center = centers.filter(pk=terminal.work_center_id, site_id=terminal.site_id).first()
    return Station(terminal, center, _person(request, terminal)) if center else None


def _mark(user: User) -> str:
    """Changes with the PIN, so that a reset PIN ends what the old one opened."""
    return salted_hmac("mes.screens.terminal", f"{user.pk}:{user.pin}").hexdigest()[:32]


def _person(request: HttpRequest, terminal: Terminal) -> User | None:
    kept = request.session.get(_PERSON)
    if not kept or kept["terminal"] != terminal.pk:
        return None
    user = User.objects.filter(pk=kept["id"], site_id=terminal.site_id, is_active=True).first()
    now = time.time()
    if user is None or now - kept["seen"] > IDLE_SECONDS or not constant_time_compare(kept["mark"], _mark(user)):
        return None
    # What a page asks by itself is no sign of a person.
    if now - kept["seen"] > _TOUCH_EVERY and "X-Live-Region" not in request.headers:
        request.session[_PERSON] = kept | {"seen": now}
    return user


def sign_in(request: HttpRequest, terminal: Terminal, user: User) -> None:
    """USER has proved the PIN: everything done here from now on is charged to them."""
    request.session.cycle_key()
    request.session.pop(_CLAIM, None)
    request.session[_PERSON] = {"id": user.pk, "terminal": terminal.pk, "mark": _mark(user), "seen": time.time()}


def sign_out(request: HttpRequest) -> None:
    for key in (_PERSON, _CLAIM, _NEXT, _DONE):
        request.session.pop(key, None)


def claim(request: HttpRequest, user: User, back: str = "") -> None:
    """A badge said that USER is here; the PIN is still owed. BACK is where they go on."""
    request.session[_CLAIM] = user.pk
    if back:
        request.session[_NEXT] = back


def claimed(request: HttpRequest, site_id: int) -> User | None:
    pk = request.session.get(_CLAIM)
    return User.objects.filter(pk=pk, site_id=site_id, is_active=True).first() if pk else None


def drop_claim(request: HttpRequest) -> None:
    request.session.pop(_CLAIM, None)


def keep_way(request: HttpRequest, back: str) -> None:
    """Remember where to go on after the PIN; only inside the terminal."""
    if back.startswith("/t/") and "//" not in back and "\\" not in back:
        request.session[_NEXT] = back


def take_way(request: HttpRequest) -> str:
    return str(request.session.pop(_NEXT, "") or "/t/home/")


def keep_done(request: HttpRequest, verdict: str, what: str, happened: str, following: str = "") -> None:
    """The verdict that the next page shows: what it was about, what happened, what comes now."""
    request.session[_DONE] = {"verdict": verdict, "what": what, "happened": happened, "next": following}


def take_done(request: HttpRequest) -> dict[str, str] | None:
    done = request.session.pop(_DONE, None)
    return done if isinstance(done, dict) else None


def is_script(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which wants a status rather than another page."""
    return "HX-Request" in request.headers


StationView = Callable[Concatenate[HttpRequest, Station, P], HttpResponse]
PlainView = Callable[Concatenate[HttpRequest, P], HttpResponse]


def enrolled(why: str) -> Callable[[StationView[P]], PlainView[P]]:
    """A page of an enrolled terminal that needs nobody signed in, with the reason WHY. Others must pair first."""

    def decorate(view: StationView[P]) -> PlainView[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            station = station_of(request)
            if station is None:
                return HttpResponse(status=401) if is_script(request) else HttpResponseRedirect("/t/setup/")
            return _in_place(view, request, station, *args, **kwargs)

        guarded.policy = f"open: enrolled terminals; {why}"  # type: ignore[attr-defined]
        return cast(PlainView[P], guarded)

    return decorate


def signed_in(action: str) -> Callable[[StationView[P]], PlainView[P]]:
    """A page for the person at an enrolled terminal whose role may do ACTION. Others are sent to the lock first."""

    def decorate(view: StationView[P]) -> PlainView[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            station = station_of(request)
            if station is None or station.person is None:
                if is_script(request):
                    return HttpResponse(status=401)
                if station is None:
                    return HttpResponseRedirect("/t/setup/")
                return HttpResponseRedirect("/t/?" + urlencode({"next": request.path}))
            if not may(station.person.role, action):
                raise PermissionDenied(action)
            return _in_place(view, request, station, *args, **kwargs)

        guarded.policy = action  # type: ignore[attr-defined]
        return cast(PlainView[P], guarded)

    return decorate


def _in_place(
    view: StationView[P], request: HttpRequest, station: Station, *args: P.args, **kwargs: P.kwargs
) -> HttpResponse:
    """In the zone of the plant and the language of the badge."""
    language = station.person.language if station.person else translation.get_language()
    with timezone.override(ZoneInfo(station.work_center.site.time_zone)), translation.override(language):
        response = view(request, station, *args, **kwargs)
        response.headers["Content-Language"] = translation.get_language() or "en"
        response.headers["Cache-Control"] = "no-store"
        return response
