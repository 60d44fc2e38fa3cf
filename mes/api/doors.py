"""The two doors of the API: `reads` for GET, `acts` for POST. Each names the row of the matrix that lets a call in."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpResponse
from ninja import Router, Schema

from mes.api.calls import Token

#: One router for all: GET and POST of an address must stand in the same one.
router = Router()
View = TypeVar("View", bound=Callable[..., HttpResponse])


class Blocker(Schema):
    reason: str
    message: str


class Error(Schema):
    """Every answer of 400 and above."""

    code: str
    reason: str
    message: str
    remedy: str
    who_can_override: str
    blockers: list[Blocker]


_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422, 429, 500, 503), Error)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "description": "The command id. The same key and request again gets the stored answer.",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the representation that was read; 409 stale when it has changed since.",
}


def reads(path: str, action: str, *, tag: str) -> Callable[[View], View]:
    """A GET for those who may do ACTION."""

    def register(view: View) -> View:
        view.policy = action  # type: ignore[attr-defined]
        router.get(path, auth=Token(action), tags=[tag], response={200: Any, **_ERRORS})(view)
        return view

    return register


def acts(
    path: str,
    action: str,
    *,
    tag: str,
    created: bool = False,
    key: bool = True,
    versioned: bool = False,
    rows: type[Schema] | None = None,
) -> Callable[[View], View]:
    """A POST for those who may do ACTION, which is also the name of its command. Without KEY the view asks for it.

    ROWS describes what a list POST takes, one or many; the action itself judges every row.
    """
    extra: dict[str, Any] = {"parameters": [_KEY | {"required": key}, *([_IF_MATCH] if versioned else [])]}
    if rows is not None:
        extra["requestBody"] = _one_or_many(rows)

    def register(view: View) -> View:
        view.policy = action  # type: ignore[attr-defined]
        answers: dict[int, Any] = {200: Any, **_ERRORS}
        if created:
            answers[201] = Any
        router.post(
            path,
            auth=Token(action, needs_key=key),
            tags=[tag],
            response=answers,
            openapi_extra=extra,
        )(view)
        return view

    return register


def _one_or_many(rows: type[Schema]) -> dict[str, Any]:
    one = rows.model_json_schema()
    parts = one.pop("$defs", {})
    for name, part in parts.items():
        one = _with_part(one, name, part)
    schema = {"oneOf": [one, {"type": "array", "items": one}]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _with_part(value: Any, name: str, part: Any) -> Any:
    """References inside a schema replaced by what they refer to: it stands alone in the document."""
    if isinstance(value, dict):
        if value.get("$ref") == f"#/$defs/{name}":
            return part
        return {key: _with_part(inner, name, part) for key, inner in value.items()}
    return [_with_part(inner, name, part) for inner in value] if isinstance(value, list) else value
