"""Material into and out of an operation: consume a lot, report output into a lot, finish lots. Called by
`mes.execution`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _

from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Blocker, Refused, StartOver
from mes.kernel.locking import lock_by_sql
from mes.kernel.numbers import require_number
from mes.kernel.quantities import ZERO, parse_positive, require_scale
from mes.kernel.rows import Columns
from mes.kernel.scope import current
from traceability import events, states
from traceability.actions.ledger import consumed_net, link, lock_balances, movement, post
from traceability.models import LotBalance, MaterialLot, MaterialMovement
from traceability.queries import find_lot, hold_text, open_holds
from workorders.actions.floor import FloorAct
from workorders.conversion import convert
from workorders.models import Item, Operation, OrderMaterial, StorageLocation, UnitOfMeasure


@dataclass(frozen=True)
class Consumed:
    """What one consumption took from where."""

    lot: MaterialLot | None
    item: Item
    quantity: Decimal
    location: StorageLocation | None


def consume(
    act: FloorAct, *, lot: Any, item: str | None, quantity: Any, unit: str | None, location: str | None
) -> Consumed:
    """Take QUANTITY of a lot (or of an item without lots) into the operation, with its links to what comes out.

    The lot must be of a component, available, not on hold, not expired (on the plant's day), and have the balance.
    Raises `not_a_component`, `lot_needed`, `lot_on_hold`, `lot_expired`, `lot_not_available`, `lot_short`, `invalid`.
    """
    operation = act.operation
    if lot is None:
        return _consume_untracked(act, item, quantity, unit)
    found = find_lot(act.actor.site_id, lot)
    _require_component(operation, found.item)
    amount = _amount(found.item, quantity, unit)
    targets = _targets(act, operation)
    locked = _lock_lots({found.pk, *targets})
    source = locked[found.pk]
    _require_usable(act, source)
    numbers = {pk: row.number for pk, row in locked.items()}
    wanted = {
        target_id: {source.pk: consumed_net(act.order.pk, upstream).get(source.pk, ZERO) + amount}
        for target_id, upstream in targets.items()
    }
    if wanted:
        link(act.order.pk, act.actor.site_id, wanted, numbers, single=len(wanted) == 1)
    balances = lock_balances([source.pk])
    place = _source_location(operation, source, balances, location, amount)
    where = {"order": act.order, "operation": operation}
    post([movement(MaterialMovement.CONSUME, source, place.pk, -amount, act.at, **where)])
    events.lot_event(events.MATERIAL_CONSUMED, source, amount, act.at, operation, location=place.code)
    return Consumed(source, source.item, amount, place)


def _consume_untracked(act: FloorAct, code: str | None, quantity: Any, unit: str | None) -> Consumed:
    item = Item.objects.select_related("unit").filter(site_id=act.actor.site_id, code=code).first() if code else None
    if item is None:
        raise Refused("not_found", what=_("Item"), number=str(code or "")[:64])
    _require_component(act.operation, item)
    if item.is_tracked:
        raise Refused("lot_needed", item=item.code)
    amount = _amount(item, quantity, unit)
    row = MaterialMovement(kind=MaterialMovement.CONSUME, item=item, quantity=-amount, unit=item.unit)
    row.occurred_at, row.order, row.operation = act.at, act.order, act.operation
    post([row])
    events.untracked_event(act.operation, item.code, amount, item.unit.code, act.at)
    return Consumed(None, item, amount, None)


def _amount(item: Item, quantity: Any, unit_code: str | None) -> Decimal:
    amount = parse_positive(quantity)
    if unit_code and unit_code != item.unit.code:
        unit = UnitOfMeasure.objects.filter(code=unit_code).first()
        if unit is None:
            raise Refused("invalid", field="unit", why=_("unit {unit} is not known").format(unit=str(unit_code)[:20]))
        amount = convert(amount, item, unit, item.unit)
    require_scale(amount, item.unit.decimals, item.unit.code)
    return amount


def _require_component(operation: Operation, item: Item) -> None:
    components = list(OrderMaterial.objects.filter(operation=operation).values_list("item_id", "item__code"))
    if item.pk not in {pk for pk, _code in components}:
        choices = ", ".join(code for _pk, code in components) or "–"
        raise Refused("not_a_component", item=item.code, operation=str(operation), choices=choices)


def _targets(act: FloorAct, operation: Operation) -> dict[int, set[int]]:
    """The order's output lots that OPERATION's material may go into, each with the operations it is made of."""
    made = MaterialLot.objects.filter(made_by__order_id=act.order.pk).values_list("pk", "made_by_id")
    found = {}
    for pk, maker_id in made:
        upstream = act.flow.upstream(act.flow.operations[maker_id])
        if operation.pk in upstream:
            found[pk] = upstream
    return found


_LOT, _LOT_ITEM, _LOT_UNIT = Columns(MaterialLot, "l"), Columns(Item, "i"), Columns(UnitOfMeasure, "u")
LOCK_LOTS = f"""
SELECT {_LOT.sql}, {_LOT_ITEM.sql}, {_LOT_UNIT.sql}
  FROM traceability_materiallot l
  JOIN workorders_item i ON i.id = l.item_id
  JOIN workorders_unitofmeasure u ON u.id = i.unit_id
 WHERE l.id = ANY(%s)
 ORDER BY l.id
   FOR NO KEY UPDATE OF l
"""  # noqa: S608 - our own columns


def _lock_lots(ids: set[int]) -> dict[int, MaterialLot]:
    locked = {}
    for row in lock_by_sql(LOCK_LOTS, [sorted(ids)], "lot"):
        lot = _LOT.make(row)
        lot.item = _LOT_ITEM.make(row, _LOT.width)
        lot.item.unit = _LOT_UNIT.make(row, _LOT.width + _LOT_ITEM.width)
        locked[lot.pk] = lot
    return locked


def _require_usable(act: FloorAct, lot: MaterialLot) -> None:
    made_before = lot.made_by_id is not None and lot.made_by_id in act.flow.upstream(act.operation) - {act.operation.pk}
    if lot.state != states.AVAILABLE and not (lot.state == states.IN_PROCESS and made_before):
        raise Refused("lot_not_available", lot=lot.number, state=lot.state)
    holds = open_holds([lot.pk]).get(lot.pk)
    if holds:
        blockers = [Blocker("lot_on_hold", hold_text(hold)) for hold in holds]
        raise Refused("lot_on_hold", blockers=blockers, lot=lot.number, why=blockers[0].message)
    if lot.expiry is not None and lot.expiry < act.order.site.day_of(current().now):
        raise Refused("lot_expired", lot=lot.number, date=formats.date_format(lot.expiry, "SHORT_DATE_FORMAT"))


def _source_location(
    operation: Operation,
    lot: MaterialLot,
    balances: dict[tuple[int, int], LotBalance],
    code: str | None,
    amount: Decimal,
) -> StorageLocation:
    """Where to draw from: the named location, else the work center's own, else the only one with stock."""
    stocked = {location_id: row.quantity for (_lot, location_id), row in balances.items() if row.quantity > 0}
    own = operation.work_center.location
    if code:
        place = StorageLocation.objects.filter(site_id=lot.site_id, code=code).first()
        if place is None:
            raise Refused("location_unknown", location=str(code)[:30])
    elif own is not None and stocked.get(own.pk):
        place = own
    elif len(stocked) == 1:
        place = StorageLocation.objects.get(pk=next(iter(stocked)))
    elif not stocked:
        raise _short(lot, ZERO, "–", amount)
    else:
        places = StorageLocation.objects.in_bulk(list(stocked))
        choices = [
            Blocker("choice", f"{place.code}: {decimal_text(stocked[pk])} {lot.item.unit.code}")
            for pk, place in sorted(places.items(), key=lambda pair: pair[1].code)
        ]
        raise Refused("location_ambiguous", blockers=choices, lot=lot.number)
    balance = stocked.get(place.pk, ZERO)
    if balance < amount:
        raise _short(lot, balance, place.code, amount)
    return place


def _short(lot: MaterialLot, balance: Decimal, location: str, amount: Decimal) -> Refused:
    return Refused(
        "lot_short",
        lot=lot.number,
        balance=decimal_text(balance),
        unit=lot.item.unit.code,
        location=location,
        quantity=decimal_text(amount),
    )


def output(act: FloorAct, quantity: Decimal, number: str | None) -> MaterialLot | None:
    """Put good pieces into a lot of the order's item, with links to everything consumed for it. None where none is due.

    A lot is due where the caller names one, and at the last operations of a tracked item; without a name the order's
    own lot is used. Raises `lot_of_another_item`, `lot_made_elsewhere`, `genealogy_cycle`.
    """
    item, operation = act.order.item, act.operation
    if not number and not (item.is_tracked and act.flow.is_final(operation)):
        return None
    if quantity <= 0:
        return None
    if not item.is_tracked:
        raise Refused("invalid", field="lot", why=_("item {item} is not tracked by lot").format(item=item.code))
    wanted = require_number(number, "lot") if number else None
    upstream = act.flow.upstream(operation)
    known, mine = _known_lot(act, wanted)
    net = consumed_net(act.order.pk, upstream)
    # Nothing of this order is consumed or made meanwhile: every act on it holds the order's lock.
    locked = _lock_lots(set(net) | set(mine) | ({known.pk} if known else set()))
    lot = _new_lot(act, wanted) if known is None else _going_on(act, locked[known.pk])
    if net:
        targets = {lot.pk} if known else {lot.pk, *mine}
        numbers = {pk: row.number for pk, row in locked.items()} | {lot.pk: lot.number}
        single = len({lot.pk, *mine}) == 1
        new = lot.pk if known is None else None
        link(act.order.pk, act.actor.site_id, dict.fromkeys(targets, net), numbers, single=single, new=new)
    where = {"order": act.order, "operation": operation}
    post([movement(MaterialMovement.OUTPUT, lot, _output_location(act), quantity, act.at, **where)])
    events.lot_event(events.LOT_PRODUCED, lot, quantity, act.at, operation)
    act.lots = {pk: locked[pk] for pk in mine} | {lot.pk: lot}
    return lot


def _known_lot(act: FloorAct, wanted: str | None) -> tuple[MaterialLot | None, list[int]]:
    """The lot to go on with, and the ids of all lots of this operation.

    The named one, else the newest unfinished one of this operation, else the one with the order's number.
    """
    number = wanted or act.order.number
    rows = list(
        MaterialLot.objects.filter(item_id=act.order.item_id)
        .filter(Q(made_by=act.operation) | Q(number=number))
        .order_by("-pk")
        .only("id", "number", "state", "made_by_id")
    )
    mine = [row for row in rows if row.made_by_id == act.operation.pk]
    named = next((row for row in rows if row.number == number), None)
    if wanted is None:
        named = next((row for row in mine if row.state == states.IN_PROCESS), named)
    return named, [row.pk for row in mine]


def _new_lot(act: FloorAct, wanted: str | None) -> MaterialLot:
    number = wanted or act.order.number
    try:
        return MaterialLot.objects.create(
            site_id=act.actor.site_id,
            item=act.order.item,
            number=number,
            state=states.IN_PROCESS,
            made_by=act.operation,
        )
    except IntegrityError:  # the same number was received or made at this very moment: look again
        raise StartOver from None


def _going_on(act: FloorAct, lot: MaterialLot) -> MaterialLot:
    if lot.made_by_id != act.operation.pk:
        raise Refused("lot_made_elsewhere", lot=lot.number, operation=str(act.operation))
    if lot.state == states.PLANNED:
        states.LOT.move(lot, "first output")
        lot.save(update_fields=["state"])
    return lot


def _output_location(act: FloorAct) -> int:
    """Where the work center puts its pieces, or the site's default place, made on first use."""
    if act.location_id is None:
        place, _created = StorageLocation.objects.get_or_create(
            site_id=act.actor.site_id, code="MAIN", defaults={"is_default": True}
        )
        return place.pk
    return act.location_id


def finish_lots(act: FloorAct) -> None:
    """IN_PROCESS → AVAILABLE for the lots of a completed operation, in one statement."""
    lots = act.lots
    if not lots:
        ids = set(
            MaterialLot.objects.filter(made_by=act.operation, state=states.IN_PROCESS).values_list("pk", flat=True)
        )
        lots = _lock_lots(ids) if ids else {}
    finished = [lot for lot in lots.values() if lot.state == states.IN_PROCESS]
    for lot in finished:
        states.LOT.move(lot, "finish")
    if finished:
        MaterialLot.objects.filter(pk__in=[lot.pk for lot in finished]).update(
            state=states.AVAILABLE, finished_by=current().command_id
        )
