"""What every desk page does alike: the signed-in person's plant, whole pages and live parts, refusals, command ids.

A live part is fetched with `?part=NAME`, carries an ETag over what it says, and answers 304 while it says the same.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from mes.kernel.errors import Refused
from workorders.models import Site

#: What changes from one rendering to the next without any news.
_NOISE = re.compile(rb'name="(?:csrfmiddlewaretoken|command_id)" value="[^"]*"|<elapsed-time[^>]*>[^<]*<')
_STATES_SAYING_TRY_AGAIN = ("busy", "slow_down", "not_ready")


def site_of(request: HttpRequest) -> Site:
    """The plant of the signed-in person, as the middleware found it."""
    site = getattr(request, "plant", None)
    if not isinstance(site, Site):
        raise Refused("unauthenticated")
    return site


def part_of(request: HttpRequest, *names: str) -> str:
    """The live part that is asked for, if it is one of NAMES."""
    wanted = request.GET.get("part", "")
    return wanted if wanted in names else ""


def live_part(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """A part of a page that follows the plant, or 304 when it says what the browser shows already."""
    response = render(request, template, dict(context))
    mark = f'"{hashlib.sha256(_NOISE.sub(b"", response.content)).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == mark:
        same = HttpResponseNotModified()
        same["ETag"] = mark
        return same
    response["ETag"] = mark
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response


def is_sane_id(text: str | None) -> UUID:
    """The command's id from a form, or a new one when the form's is none."""
    try:
        return UUID(str(text))
    except ValueError:
        return uuid4()


def refusal_context(refusal: Refused) -> dict[str, Any]:
    """What `components/blockers.html` says of a refusal."""
    return {
        "message": refusal.message,
        "remedy": refusal.remedy,
        "blockers": refusal.blockers,
        "who_can_override": str(refusal.entry.who_can_override),
        "status": refusal.status,
        # The outcome of a busy command is open: the same form must send the same id again.
        "same_id": refusal.code in _STATES_SAYING_TRY_AGAIN,
    }


def done(request: HttpRequest, text: str, back: str) -> HttpResponse:
    """After a command that worked: say so on the page it leads back to."""
    messages.success(request, text)
    return HttpResponseRedirect(back)


def attempt(act: Callable[[], Any]) -> Refused | None:
    """Run a command; its refusal is an answer for the page."""
    try:
        act()
    except Refused as refusal:
        return refusal
    return None


def in_path(number: str, pk: int) -> str:
    """A human number as it stands in an address, or `~ID` where it cannot."""
    if number in (".", "..") or any(char in number for char in "/\\?#") or number.startswith("~"):
        return f"~{pk}"
    return quote(number, safe="")


def without(request: HttpRequest, *names: str, **values: Any) -> str:
    """The query string of this page without NAMES, with VALUES set; empty values are left out."""
    query = request.GET.copy()
    for name in ("part", *names):
        query.pop(name, None)
    for name, value in values.items():
        query.pop(name, None)
        if value not in ("", None, False):
            query[name] = str(value)
    text = query.urlencode()
    return f"?{text}" if text else "?"
