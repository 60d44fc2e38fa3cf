"""The plant and the language of whoever is signed in at a desk: pages then speak and tell the time as that person does.

Terminals choose theirs by the badge; see `mes.screens.terminal`.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from mes.kernel.errors import Refused
from mes.screens.desk.errors import refused_page
from workorders.models import Site


class SiteOfPerson:
    """Sets `request.plant`, the time zone and the language of a signed-in person; one query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        site = None
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            site = Site.objects.filter(pk=request.user.site_id).first()
            translation.activate(request.user.language)
        request.plant = site  # type: ignore[attr-defined]
        if site is None:
            return self.get_response(request)
        with timezone.override(ZoneInfo(site.time_zone)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal that no view answered becomes a page of its own."""
        return refused_page(request, exception) if isinstance(exception, Refused) else None
