"""Reading lots: find one by number, its balances and holds, what an operation needs. Traces are in `genealogy.py`."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker, Refused
from mes.kernel.quantities import ZERO
from traceability.models import LotBalance, MaterialHold, MaterialLot
from workorders.models import OrderMaterial


def find_lot(site_id: int, reference: Any) -> MaterialLot:
    """The lot a caller means: a number, `~ID`, or `{"item", "number"}`.

    Raises `not_found`, or `lot_ambiguous` with the choices when a bare number belongs to several items.
    """
    rows = MaterialLot.objects.filter(site_id=site_id).select_related("item__unit")
    if isinstance(reference, dict):
        rows = rows.filter(item__code=str(reference.get("item")), number=str(reference.get("number")))
        shown = str(reference.get("number"))
    elif isinstance(reference, str) and reference.startswith("~"):
        rows = (
            rows.filter(pk=int(reference[1:])) if reference[1:].isascii() and reference[1:].isdigit() else rows.none()
        )
        shown = reference
    else:
        rows = rows.filter(number=str(reference))
        shown = str(reference)
    found = list(rows[:20])
    if not found:
        raise Refused("not_found", what=_("Lot"), number=shown[:64])
    if len(found) > 1:
        choices = [Blocker("choice", f"{lot.item.code} · {lot.number} (~{lot.pk})") for lot in found]
        raise Refused("lot_ambiguous", blockers=choices, lot=shown[:64])
    return found[0]


def open_holds(lot_ids: Iterable[int]) -> dict[int, list[MaterialHold]]:
    """The open holds of each lot."""
    found: dict[int, list[MaterialHold]] = {}
    rows = MaterialHold.objects.filter(lot_id__in=list(lot_ids), released_at__isnull=True).select_related("reason")
    for hold in rows:
        found.setdefault(hold.lot_id, []).append(hold)
    return found


def hold_text(hold: MaterialHold) -> str:
    return " · ".join(
        part for part in (hold.reason.text if hold.reason else "", hold.note, hold.placed_by_name) if part
    )


def balances_of(lot_id: int) -> list[tuple[str, Decimal]]:
    """(location code, quantity) where anything lies."""
    rows = (
        LotBalance.objects.filter(lot_id=lot_id)
        .exclude(quantity=0)
        .select_related("location")
        .order_by("location__code")
    )
    return [(row.location.code, row.quantity) for row in rows]


@dataclass(frozen=True)
class Need:
    """What one operation needs of one component, what it used so far, and what is still to go."""

    item_id: int
    item: str
    name: str
    tracking: str
    unit: str
    required: Decimal
    used: Decimal

    @property
    def to_go(self) -> Decimal:
        return max(self.required - self.used, ZERO)


USED = """
SELECT item_id, -sum(quantity) FROM traceability_materialmovement
 WHERE operation_id = %s AND kind = 'CONSUME' GROUP BY item_id
"""


def needs_of(operation_id: int) -> list[Need]:
    """The components of an operation in the order of the bill."""
    with connection.cursor() as cursor:
        cursor.execute(USED, [operation_id])
        used = dict(cursor.fetchall())
    rows = OrderMaterial.objects.filter(operation_id=operation_id).select_related("item", "unit").order_by("id")
    return [
        Need(
            row.item_id,
            row.item.code,
            row.item.name,
            row.item.tracking,
            row.unit.code,
            row.required,
            used.get(row.item_id, ZERO),
        )
        for row in rows
    ]
