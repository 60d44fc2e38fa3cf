"""The pages behind which nothing worked: not allowed, not found, conflict, broken. In our words and our layout.

Callers of the API get the contract's error body instead.
"""

import logging
from uuid import uuid4

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from mes.kernel.errors import Refused

logger = logging.getLogger(__name__)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def refused_page(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A refusal that has no page of its own: what is wrong, what to do now, who may."""
    if _is_api(request):
        return JsonResponse(refusal.as_json(), status=refusal.status)
    return render(request, "errors/refused.html", {"refusal": refusal}, status=refusal.status)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role may not see this page."""
    role = getattr(request.user, "role", "") or "–"
    return refused_page(request, Refused("forbidden", role=role, action=str(exception or "–")))


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what was sent is too large or broken; nothing of it was taken. Asks nothing of the request's body."""
    if _is_api(request):
        return JsonResponse(Refused("unparseable", why=_("it is too large or broken")).as_json(), status=400)
    large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    title = _("What was sent is more than this page takes") if large else _("What was sent cannot be read")
    remedy = (
        _("Nothing of it was taken. Send it as a file, or in several parts.")
        if large
        else _("Nothing of it was taken. Go back, load the page again and repeat it.")
    )
    return render(request, "errors/404.html", {"title": title, "remedy": remedy}, status=400)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of the forgery check: nearly always a page that was open while its session ended."""
    logger.warning("A form was refused: %s", reason)
    return render(request, "errors/expired.html", {}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - by name
    """404: there is no such page, or nothing of that number."""
    if _is_api(request):
        return JsonResponse(Refused("not_found", what="Page", number=request.path[:80]).as_json(), status=404)
    return render(request, "errors/404.html", {"path": request.path[:120]}, status=404)


def nothing_here(request: HttpRequest, title: StrOrPromise, remedy: StrOrPromise) -> HttpResponse:
    """404 of something that a number or a code should have named."""
    return render(request, "errors/404.html", {"title": title, "remedy": remedy}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """500: our mistake. The page asks nothing of the database, which may be what is broken."""
    reference = uuid4().hex[:8]
    logger.error("A page failed; its visitor was told the reference %s. Path: %s", reference, request.path)
    if _is_api(request):
        body = {**Refused("not_ready").as_json(), "code": "internal", "reason": "internal", "reference": reference}
        return JsonResponse(body, status=500)
    return HttpResponse(render_to_string("errors/500.html", {"reference": reference, "path": request.path}), status=500)
