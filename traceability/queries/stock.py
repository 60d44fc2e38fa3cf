"""Lots as lists and as one whole: searching them, what lies where, and every movement of one. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from traceability.models import LotBalance, MaterialHold, MaterialLot, MaterialMovement

PAGE = 50


@dataclass(frozen=True, slots=True)
class LotRow:
    """A lot in a list, with what is left of it."""

    id: int
    number: str
    item: str
    name: str
    unit: str
    state: str
    held: bool
    in_stock: Decimal
    supplier_lot: str
    expiry: date | None
    created_at: datetime


def lots(site_id: int, search: str = "", before: int | None = None) -> tuple[list[LotRow], int | None]:
    """A page of lots, newest first, whose number, supplier lot or item holds SEARCH; and where the next page begins.

    One query. BEFORE is what the page before gave.
    """
    rows = MaterialLot.objects.filter(site_id=site_id)
    if search:
        rows = rows.filter(
            Q(number__icontains=search)
            | Q(supplier_lot__icontains=search)
            | Q(item__code__icontains=search)
            | Q(item__name__icontains=search)
        )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = _rows(rows.order_by("-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def lots_called(site_id: int, number: str) -> list[LotRow]:
    """The lots of exactly this number, of whatever item. One query."""
    return _rows(MaterialLot.objects.filter(site_id=site_id, number=number).order_by("item__code")[:PAGE])


def _rows(rows: "QuerySet[MaterialLot]") -> list[LotRow]:
    balance = (
        LotBalance.objects.filter(lot=OuterRef("pk")).values("lot").annotate(total=Sum("quantity")).values("total")
    )
    zero: Value = Value(Decimal(0), output_field=DecimalField())
    held = MaterialHold.objects.filter(lot=OuterRef("pk"), released_at__isnull=True)
    wanted: Any = rows.annotate(in_stock=Coalesce(Subquery(balance), zero), held=Exists(held)).values_list(
        "pk",
        "number",
        "item__code",
        "item__name",
        "item__unit__code",
        "state",
        "held",
        "in_stock",
        "supplier_lot",
        "expiry",
        "created_at",
    )
    return [LotRow(*row) for row in wanted]


def movements_of(lot_id: int, most: int) -> tuple[list[MaterialMovement], int]:
    """The newest movements of a lot, at most MOST, with everything their lines name; and how many there are."""
    rows = MaterialMovement.objects.filter(lot_id=lot_id)
    newest = rows.select_related("location", "unit", "order", "operation", "reason", "person").order_by("-pk")[:most]
    return list(newest), rows.count()


def places_of(lot_id: int) -> list[LotBalance]:
    """Where the lot lies or lay, the fullest place first."""
    rows = LotBalance.objects.filter(lot_id=lot_id).select_related("location")
    return list(rows.order_by(F("quantity").desc(), "location__code"))


def holds_of(lot_id: int) -> list[MaterialHold]:
    """Every hold the lot ever had, open ones first."""
    rows = MaterialHold.objects.filter(lot_id=lot_id).select_related("reason")
    return list(rows.order_by(F("released_at").desc(nulls_first=True), "-pk"))
