"""Pages of lists: a limit, a cursor that names the last row seen, and the queries a list allows."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused

DEFAULT, MOST = 100, 500

Row = TypeVar("Row", bound=Model)


def only(request: HttpRequest, *allowed: str) -> dict[str, str]:
    """The query of REQUEST. A word that is not known is a mistake of the sender, not something to ignore."""
    unknown = sorted(set(request.GET) - set(allowed))
    if unknown:
        raise Refused("invalid", field=", ".join(unknown)[:80], why=_("this parameter is not known"))
    found = {name: request.GET[name] for name in allowed if request.GET.get(name)}
    for name, value in found.items():
        if "\0" in value:
            raise Refused("invalid", field=name, why=_("control characters are not allowed"))
    return found


def limit_of(query: dict[str, str]) -> int:
    """At most MOST; a larger wish gets that many."""
    text = query.get("limit", str(DEFAULT))
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 9 and int(text) > 0):
        raise Refused("invalid", field="limit", why=_("a whole number from one is needed"))
    return min(int(text), MOST)


def encode(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str, size: int, field: str = "cursor") -> list[int]:
    """The whole numbers a cursor of ours stands for. Raises `invalid` for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        place = None
    fits = isinstance(place, list) and len(place) == size
    if not fits or any(not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < 2**63 for one in place):
        raise Refused("invalid", field=field, why=_("this is not a cursor of an earlier answer"))
    return list(place)


def page(
    query: dict[str, str], rows: "QuerySet[Row]", shown: Callable[[list[Row]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """One page of ROWS in the order of their ids."""
    limit = limit_of(query)
    if "cursor" in query:
        rows = rows.filter(pk__gt=decode(query["cursor"], 1)[0])
    found = list(rows.order_by("pk")[: limit + 1])
    more = found[limit:]
    found = found[:limit]
    return {"items": shown(found), "next_cursor": encode(found[-1].pk) if more else None}
