"""What goes wrong, in the one shape of the contract: refusals, bad bodies, unknown addresses, and our own failures."""

import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from mes.api import answers
from mes.kernel.errors import Blocker, Refused

log = logging.getLogger("mes.api")
#: Finer HTTP statuses of reasons whose contract code has another one.
_STATUS = {"too_large": 413, "method_not_allowed": 405}
_PLACES = {"body", "query", "path", "header", "data"}


def refused(refusal: Refused) -> HttpResponse:
    """The error body of REFUSAL under the status HTTP has for it."""
    return answers.refusal(refusal, _STATUS.get(refusal.reason))


def invalid_from(errors: Iterable[Any]) -> Refused:
    """A refusal that names every field that does not fit; the first one is the message."""
    found = [(_field(error["loc"]), _why(error)) for error in errors]
    blockers = [Blocker("invalid", f"{field}: {why}.") for field, why in found]
    field, why = found[0]
    return Refused("invalid", blockers=blockers, field=field, why=why)


def _field(place: Iterable[Any]) -> str:
    parts = [str(part) for part in place if str(part) not in _PLACES and not str(part).startswith("function-")]
    return ".".join(parts)[:80] or "body"


def _why(error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _("this field is not known")
    if kind == "missing":
        return _("this field is needed")
    if kind.startswith(("string_type", "string_too", "int_", "bool_", "model_", "list_", "greater_", "less_")):
        wanted = {
            "string_type": _("a text is needed"),
            "string_too_long": _("the text is too long"),
            "bool_type": _("true or false is needed"),
            "list_type": _("a list is needed"),
            "model_attributes_type": _("an object is needed"),
            "model_type": _("an object is needed"),
        }
        return wanted.get(kind, _("a whole number is needed"))
    return str(error["msg"]).rstrip(".")


def failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """Our own failure: logged with a reference, told without details. A database that is away is not a failure."""
    if isinstance(error, OperationalError | InterfaceError) and not getattr(error.__cause__, "sqlstate", None):
        log.warning("The database cannot be reached: %s", error)
        return answers.refusal(Refused("not_ready"))
    reference = uuid.uuid4().hex[:12]
    state = getattr(error.__cause__, "sqlstate", "") if isinstance(error, DatabaseError) else ""
    log.error("%s %s failed (%s %s)", request.method, request.path, reference, state, exc_info=error)
    return answers.refusal(Refused("failed", reference=reference))


def register(api: NinjaAPI) -> None:
    """Make django-ninja answer everything in our shape."""

    def no(_request: HttpRequest, error: Any) -> HttpResponse:
        return refused(error)

    def unprocessable(_request: HttpRequest, error: Any) -> HttpResponse:
        return refused(invalid_from(error.errors))

    def broken(request: HttpRequest, error: Any) -> HttpResponse:
        return failed(request, error)

    def http_error(_request: HttpRequest, error: Any) -> HttpResponse:
        cause = error.__cause__
        if isinstance(cause, Refused):
            return refused(cause)
        if error.status_code == 401:
            return refused(Refused("unauthenticated"))
        return refused(Refused("unparseable", why=str(error)))

    api.add_exception_handler(Refused, no)
    api.add_exception_handler(ValidationError, unprocessable)
    api.add_exception_handler(HttpError, http_error)
    api.add_exception_handler(Http404, lambda request, _error: nowhere(request))
    api.add_exception_handler(Exception, broken)


def nowhere(request: HttpRequest) -> HttpResponse:
    shown = "".join(char if char.isprintable() else "�" for char in request.path[:120])
    return refused(Refused("no_such_address", path=shown))


class ContractErrors:
    """Middleware: an error below /api/ that did not come from a view of ours still leaves in the contract's shape.

    Django itself answers unknown addresses, wrong methods, bad hosts and its own failures with pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_ours = response.headers.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or is_ours or not request.path.startswith("/api/"):
            return response
        made = self._in_shape(request, response)
        for name, value in response.headers.items():
            if name not in ("Content-Type", "Content-Length", "Content-Language"):
                made.headers.setdefault(name, value)
        return made

    def _in_shape(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
        if response.status_code == 404:
            return nowhere(request)
        if response.status_code == 405:
            allowed = response.headers.get("Allow", "–")
            return refused(
                Refused("method_not_allowed", method=request.method, path=request.path[:120], allowed=allowed)
            )
        if response.status_code == 413:
            return refused(Refused("too_large", megabytes=0))
        if response.status_code >= 500:
            return answers.refusal(Refused("failed", reference="–"), response.status_code)
        return answers.refusal(Refused("unparseable", why=_("the request is not acceptable")), response.status_code)
