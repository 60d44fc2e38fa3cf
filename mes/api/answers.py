"""How answers are written: JSON of the contract, entity tags, errors in one shape. Knows no domain noun."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from mes.kernel.canonical import plain
from mes.kernel.commands import Outcome
from mes.kernel.errors import Refused

JSON = "application/json; charset=utf-8"
#: Seconds after which a caller who was told "busy" or "slow down" should try again.
RETRY_AFTER = {"busy": 1, "slow_down": 10, "not_ready": 5}


def text_of(body: Any) -> bytes:
    return json.dumps(plain(body), ensure_ascii=False, separators=(",", ":")).encode()


def answer(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(text_of(body), status=status, content_type=JSON)


def done(outcome: Outcome) -> HttpResponse:
    """The answer of a command: exactly the stored status and body, marked when it is a repetition."""
    body = {**outcome.body, "replayed": True} if outcome.replayed else outcome.body
    return answer(body, outcome.status)


def refusal(refused: Refused, status: int | None = None) -> HttpResponse:
    """The error body of the contract. STATUS only where HTTP knows a finer one than the code's own."""
    response = answer(refused.as_json(), status or refused.status)
    if refused.code in RETRY_AFTER:
        response["Retry-After"] = str(RETRY_AFTER[refused.code])
    if refused.code == "unauthenticated":
        response["WWW-Authenticate"] = 'Bearer realm="mes"'
    return response


def tag_of(body: Any) -> str:
    return f'"{hashlib.sha256(text_of(body)).hexdigest()[:32]}"'


def read(request: HttpRequest, body: dict[str, Any], counted: dict[str, Any] | None = None) -> HttpResponse:
    """The answer to a GET: 304 without a body when the caller has it already.

    COUNTED is what the tag is made of where the body holds estimates, which change by themselves; the tag is weak then.
    """
    tag = tag_of(body) if counted is None else f"W/{tag_of(counted)}"
    if matches(request.headers.get("If-None-Match", ""), tag):
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        response = answer(body)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization"
    return response


def matches(header: str, tag: str) -> bool:
    """Whether a list of entity tags in HEADER names TAG; weak and strong are the same tag here."""
    wanted = tag.removeprefix("W/")
    return any(one.strip() == "*" or one.strip().removeprefix("W/") == wanted for one in header.split(",") if one)
