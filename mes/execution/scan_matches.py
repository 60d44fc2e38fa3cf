"""What a scanned text may mean in the database: every kind is searched, in a fixed order. Decides nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from mes.accounts.models import Badge
from mes.execution.scan_answers import Choice
from mes.kernel.gs1 import Gs1Data, lost_separator_readings
from mes.kernel.scanning import Kind, make_id_code
from quality.models import Gauge
from traceability.models import MaterialLot
from traceability.states import CLOSED as CLOSED_LOT
from workorders.models import Item, Operation, Reason, StorageLocation, WorkCenter, WorkOrder
from workorders.states import CANCELLED, CLOSED

MOST = 20


@dataclass(frozen=True)
class Match:
    """One row the text names. `live` is false where nothing can be done with it any more."""

    kind: str
    row: Any
    number: str
    text: str
    live: bool = True

    def as_choice(self) -> Choice:
        if self.kind in _LETTERS:
            code = make_id_code(_LETTERS[self.kind], self.row.pk)
        else:
            code = "" if self.kind == "badge" else self.number
        return Choice(self.kind, self.row.pk, self.number, self.text, code)


_LETTERS = {
    "order": Kind.ORDER,
    "operation": Kind.OPERATION,
    "lot": Kind.LOT,
    "work_center": Kind.WORK_CENTER,
    "location": Kind.LOCATION,
    "gauge": Kind.GAUGE,
    "reason": Kind.REASON,
}
Finder = Callable[[int, Q], list[Match]]


def _orders(site_id: int, where: Q) -> list[Match]:
    rows = WorkOrder.objects.filter(where, site_id=site_id).select_related("item__unit", "unit")[:MOST]
    return [
        Match(
            "order",
            row,
            row.number,
            _("Order {order}, {item}").format(order=row.number, item=row.item.name),
            row.state not in (CLOSED, CANCELLED),
        )
        for row in rows
    ]


def _operations(site_id: int, where: Q) -> list[Match]:
    rows = (
        Operation.objects.filter(where, order__site_id=site_id)
        .exclude(state=CANCELLED)
        .select_related("order__item__unit", "order__unit", "order__site", "work_center__location")[:MOST]
    )
    return [operation_match(row) for row in rows]


def operation_match(row: Operation) -> Match:
    text = _("Operation {operation}, {name}").format(operation=str(row), name=row.name)
    return Match("operation", row, str(row), text, row.order.state not in (CLOSED, CANCELLED))


def _lots(site_id: int, where: Q) -> list[Match]:
    rows = MaterialLot.objects.filter(where, site_id=site_id).select_related("item__unit").order_by("pk")[:MOST]
    return [
        Match(
            "lot",
            row,
            row.number,
            _("Lot {lot}, {item}").format(lot=row.number, item=row.item.name),
            row.state != CLOSED_LOT,
        )
        for row in rows
    ]


def _items(site_id: int, where: Q) -> list[Match]:
    rows = Item.objects.filter(where, site_id=site_id).select_related("unit")[:MOST]
    return [
        Match("item", row, row.code, _("Item {item}, {name}").format(item=row.code, name=row.name), row.is_active)
        for row in rows
    ]


def _work_centers(site_id: int, where: Q) -> list[Match]:
    rows = WorkCenter.objects.filter(where, site_id=site_id)[:MOST]
    return [
        Match("work_center", row, row.code, _("Work center {code}").format(code=row.name), row.is_active)
        for row in rows
    ]


def _locations(site_id: int, where: Q) -> list[Match]:
    rows = StorageLocation.objects.filter(where, site_id=site_id)[:MOST]
    return [Match("location", row, row.code, _("Location {code}").format(code=row.code)) for row in rows]


def _gauges(site_id: int, where: Q) -> list[Match]:
    rows = Gauge.objects.filter(where, site_id=site_id)[:MOST]
    return [Match("gauge", row, row.code, _("Gauge {code}").format(code=row.code), row.is_active) for row in rows]


def _reasons(site_id: int, where: Q) -> list[Match]:
    rows = Reason.objects.filter(where, site_id=site_id).order_by("kind", "sequence")[:MOST]
    return [Match("reason", row, row.code, _("Reason {text}").format(text=row.text), row.is_active) for row in rows]


def _badges(site_id: int, where: Q) -> list[Match]:
    rows = Badge.objects.filter(
        where, revoked_at__isnull=True, user__is_active=True, user__site_id=site_id
    ).select_related("user")
    # The subject is the person; the code on the card is nobody's business.
    return [Match("badge", row.user, str(row.user), _("Badge of {name}").format(name=row.user)) for row in rows[:MOST]]


#: Kind of code, finder, and the field its number stands in. The order is the order of the search.
FINDERS: dict[Kind, tuple[Finder, str]] = {
    Kind.BADGE: (_badges, "code"),
    Kind.ORDER: (_orders, "number"),
    Kind.LOT: (_lots, "number"),
    Kind.WORK_CENTER: (_work_centers, "code"),
    Kind.LOCATION: (_locations, "code"),
    Kind.GAUGE: (_gauges, "code"),
    Kind.REASON: (_reasons, "code"),
}


def by_code(site_id: int, kind: Kind, number: str | None, pk: int | None) -> list[Match]:
    """The rows that a code of ours names."""
    if kind is Kind.OPERATION:
        if pk is not None:
            return _operations(site_id, Q(pk=pk))
        return _operations_by_number(site_id, number or "")
    if kind not in FINDERS:
        return []
    finder, column = FINDERS[kind]
    if pk is not None:
        # A badge is known by its code alone: ids can be guessed.
        return [] if kind is Kind.BADGE else finder(site_id, Q(pk=pk))
    return finder(site_id, Q(**{column: number}))


def by_text(site_id: int, text: str) -> list[Match]:
    """Everything that is called TEXT: badges, orders, operations, lots (also by the supplier's number), and so on."""
    found: list[Match] = []
    for kind, (finder, column) in FINDERS.items():
        where = Q(**{column: text})
        if kind is Kind.LOT:
            where |= Q(supplier_lot=text)
        found += finder(site_id, where)
        if kind is Kind.ORDER:
            found += _operations_by_number(site_id, text)
    return found + _items(site_id, Q(code=text))


def _operations_by_number(site_id: int, text: str) -> list[Match]:
    """`5521.20` or `5521-20`: the order's number, a mark, the sequence."""
    where = Q()
    for mark in ".-":
        number, _mark, sequence = text.rpartition(mark)
        if number and sequence.isascii() and sequence.isdigit() and len(sequence) < 10:
            where |= Q(order__number=number, sequence=int(sequence))
    return _operations(site_id, where) if where else []


def by_gs1(site_id: int, data: Gs1Data) -> list[Match]:
    """The lot of a supplier's symbol, or the item where it names no lot. An item code that is the GTIN narrows."""
    gtins = _spellings(data.gtin)
    items = [match.row.pk for match in _items(site_id, Q(code__in=gtins))] if gtins else []
    if data.lot:
        where = Q(number=data.lot) | Q(supplier_lot=data.lot)
        return _lots(site_id, where & Q(item_id__in=items) if items else where)
    if data.serial and items:
        return _lots(site_id, Q(number=data.serial, item_id__in=items))
    return _items(site_id, Q(code__in=gtins)) if gtins else []


def _spellings(gtin: str | None) -> list[str]:
    """The number with 14 digits and as shorter labels print it."""
    if not gtin:
        return []
    bare = gtin.lstrip("0")
    return sorted({gtin, *(gtin[14 - length :] for length in (8, 12, 13) if len(bare) <= length)})


def separators_lost(site_id: int, data: Gs1Data, text: str) -> bool:
    """Whether another reading of an unseparated symbol names a lot that exists, where this one does not."""
    if data.separated or not data.lot:
        return False
    others = {reading.lot for reading in lost_separator_readings(text) if reading.lot and reading.lot != data.lot}
    return bool(others) and MaterialLot.objects.filter(site_id=site_id, number__in=sorted(others)).exists()


def narrow(
    matches: list[Match], *, expect: Iterable[str], needed: Iterable[int], operation: Operation | None
) -> list[Match]:
    """Of several meanings: what the screen waits for, then a lot the job needs, then the job's own, then what lives."""
    expected = set(expect)
    components = set(needed)
    sieves: list[Callable[[Match], bool]] = [
        lambda match: match.kind in expected,
        lambda match: match.kind == "lot" and match.row.item_id in components,
        lambda match: (
            operation is not None
            and (
                (match.kind == "operation" and match.row.pk == operation.pk)
                or (match.kind == "order" and match.row.pk == operation.order_id)
            )
        ),
        lambda match: match.live,
    ]
    for sieve in sieves:
        if len(matches) > 1:
            matches = [match for match in matches if sieve(match)] or matches
    return matches
