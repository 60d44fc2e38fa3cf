"""What every page's frame shows: theme, navigation, the stream's address, the server's time. Knows no page."""

from dataclasses import dataclass
from functools import lru_cache
from time import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import may
from mes.kernel.middleware import stream_origin

THEMES = ("light", "dark", "contrast")
THEME_COOKIE = "mes_theme"

_NAVIGATION: tuple[tuple[str, StrOrPromise], ...] = (
    ("/floor/", _("Floor")),
    ("/orders/", _("Orders")),
    ("/exceptions/", _("Exceptions")),
    ("/quality/", _("Quality")),
    ("/trace/", _("Trace")),
    ("/integrations/", _("ERP")),
    ("/settings/devices/", _("Machines")),
    ("/settings/", _("Settings")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the main navigation."""

    path: str
    label: StrOrPromise
    here: bool


@dataclass(frozen=True, slots=True)
class Shell:
    theme: str
    places: tuple[Place, ...]
    search: str
    events: str
    now: int
    zone: str
    health: str


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor: one lazy-free, database-free value named `shell`."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "shell": Shell(
            theme=theme if theme in THEMES else "",
            places=tuple(
                Place(path, label, request.path.startswith(path))
                for path, label in _NAVIGATION
                if _exists(path) and not _hidden(request, path)
            ),
            search="/trace/" if _exists("/trace/") else "",
            events=f"{stream_origin(request)}/events/",
            now=round(time() * 1000),
            zone=timezone.get_current_timezone_name(),
            health="/settings/health/" if _may_view_health(request) else "",
        )
    }


def _may_view_health(request: HttpRequest) -> bool:
    """Asked only where the person was read already."""
    return getattr(request, "plant", None) is not None and may(str(getattr(request.user, "role", "")), "view_health")


def _hidden(request: HttpRequest, path: str) -> bool:
    """Settings are left out for those who may not see them; only where the person was read already."""
    if path != "/settings/" or getattr(request, "plant", None) is None:
        return False
    return not may(str(getattr(request.user, "role", "")), "view_settings")


@lru_cache(maxsize=64)
def _resolves(path: str, urlconf: str) -> bool:
    try:
        resolve(path, urlconf)
    except Resolver404:
        return False
    return True


def _exists(path: str) -> bool:
    return _resolves(path, settings.ROOT_URLCONF)
