"""Human numbers in addresses: which row a path names, and the address of a row."""

import re
from typing import Any, TypeVar
from urllib.parse import quote

from django.db import models
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from mes.kernel.numbers import LENGTH
from traceability.models import MaterialLot
from traceability.queries import find_lot
from workorders.models import Item, Operation, WorkOrder

ROOT = "/api/v1"
_BY_ID = re.compile(r"~[0-9]{1,18}\Z")
#: What a path cannot carry; such numbers are addressed by `~ID`.
_NEEDS_ID = re.compile(r"[/\\?#]|\A\.{1,2}\Z")

Row = TypeVar("Row", bound=models.Model)


def find(rows: "models.QuerySet[Row]", column: str, named: str, what: str) -> Row:
    """The row that NAMED names, exactly, by its number or as `~ID`. Raises `not_found`."""
    found = None
    if named.startswith("~"):
        found = rows.filter(pk=int(named[1:])).first() if _BY_ID.match(named) else None
    elif 1 <= len(named) <= LENGTH and "\0" not in named:
        found = rows.filter(**{column: named}).first()
    if found is None:
        raise Refused("not_found", what=what, number=_shown(named))
    return found


def _shown(named: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in named[:LENGTH])


def order_id(site_id: int, named: str) -> int:
    return find(WorkOrder.objects.filter(site_id=site_id).only("id"), "number", named, _("Order")).pk


def item_of(site_id: int, named: str) -> Item:
    return find(Item.objects.filter(site_id=site_id).select_related("unit"), "code", named, _("Item"))


def operation_id(named: str | int) -> int:
    """The id in `12` or `~12`. Whether it is the caller's to see, the act says. Raises `not_found`."""
    text = str(named)
    if not _BY_ID.match(text if text.startswith("~") else f"~{text}"):
        raise Refused("not_found", what=_("Operation"), number=_shown(text))
    return int(text.removeprefix("~"))


def lot_of(site_id: int, named: Any) -> MaterialLot:
    """The lot of a number, `~ID` or item and number. Raises `not_found`, `lot_ambiguous` with the choices."""
    if isinstance(named, str) and (("~" in named[:1] and not _BY_ID.match(named)) or not 1 <= len(named) <= LENGTH):
        raise Refused("not_found", what=_("Lot"), number=_shown(named))
    if isinstance(named, str) and "\0" in named:
        raise Refused("not_found", what=_("Lot"), number=_shown(named))
    return find_lot(site_id, named)


def address(kind: str, pk: int, number: str) -> str:
    """Where the row PK of KIND is read. Lots go by id: their numbers are unique only within an item."""
    by_id = kind == "lots" or _NEEDS_ID.search(number)
    return f"{ROOT}/{kind}/{f'~{pk}' if by_id else quote(number, safe='')}"


def order_url(order: WorkOrder) -> str:
    return address("orders", order.pk, order.number)


def operation_url(operation: Operation) -> str:
    return f"{ROOT}/operations/{operation.pk}"
