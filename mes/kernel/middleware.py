"""What every answer carries to the browser, whatever made it: content security policy and its companions.

Stands first in the list, so that redirects and errors of the others leave through it too. Judges nobody.
"""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mes.kernel.logs import request_id

log = logging.getLogger("mes.request")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "media-src 'self'; manifest-src 'self'; worker-src 'self'; connect-src 'self'{stream}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Nothing on a desk needs a device of the computer; a terminal may scan with its camera, read a gauge, stay awake.
_NOTHING = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"
)
_TERMINAL = (
    _NOTHING.replace("camera=()", "camera=(self)")
    .replace("serial=()", "serial=(self)")
    .replace("screen-wake-lock=()", "screen-wake-lock=(self)")
)


def stream_origin(request: HttpRequest) -> str:
    """Where this page opens its live stream: another port of its own host, or "" for the same origin."""
    if not settings.EVENTS_PORT:
        return ""
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    # An IPv6 address carries colons inside its brackets.
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return f"{request.scheme}://{name}:{settings.EVENTS_PORT}"


class ContentSecurityPolicy:
    """Sets the headers unless a view has set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        stream = stream_origin(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(stream=f" {stream}" if stream else ""))
        response.headers.setdefault("Permissions-Policy", _TERMINAL if request.path.startswith("/t/") else _NOTHING)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        return response


_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SLOW = 5.0


class RequestId:
    """Names each request: by its `X-Request-ID` if that is a sane one, else by a new name. The answer carries it, every
    log line of the request too, so that a screen's words, the proxy's log and ours can be brought together.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        name = given if _ID.fullmatch(given) else uuid4().hex
        token = request_id.set(name)
        began = time.monotonic()
        try:
            response = self.get_response(request)
            took = time.monotonic() - began
            level = logging.WARNING if took > SLOW else logging.INFO
            if log.isEnabledFor(level):
                facts = {"method": request.method, "path": request.path, "status": response.status_code}
                extra = {**facts, "ms": round(took * 1000)}
                log.log(level, "%(method)s %(path)s answered %(status)s in %(ms)s ms", extra, extra=extra)
        finally:
            request_id.reset(token)
        response.headers.setdefault("X-Request-ID", name)
        return response
