"""Material into and out of an operation: consume a lot, report output into a lot, finish lots. Called by
`mes.execution`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Blocker, Refused, StartOver
from mes.kernel.locking import lock
from mes.kernel.numbers import require_number
from mes.kernel.quantities import ZERO, parse_positive, require_scale
from mes.kernel.scope import current
from traceability import events, states
from traceability.actions.ledger import consumed_net, link, lock_balances, movement, post
from traceability.models import LotBalance, MaterialLot, MaterialMovement
from traceability.queries import find_lot, hold_text, open_holds
from workorders.actions.floor import FloorAct
from workorders.conversion import convert
from workorders.models import Item, Operation, OrderMaterial, Site, StorageLocation, UnitOfMeasure


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
    post([movement(MaterialMovement.CONSUME, source, place.pk, -amount, act.at, **where)], balances)
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
    post(
        [
            MaterialMovement(
                kind=MaterialMovement.CONSUME,
                item=item,
                quantity=-amount,
                unit=item.unit,
                occurred_at=act.at,
                order=act.order,
                operation=act.operation,
            )
        ],
        {},
    )
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


def _lock_lots(ids: set[int]) -> dict[int, MaterialLot]:
    rows = lock(MaterialLot.objects.filter(pk__in=ids).select_related("item__unit"), "lot")
    return {row.pk: row for row in rows}


def _require_usable(act: FloorAct, lot: MaterialLot) -> None:
    made_before = lot.made_by_id is not None and lot.made_by_id in act.flow.upstream(act.operation) - {act.operation.pk}
    if lot.state != states.AVAILABLE and not (lot.state == states.IN_PROCESS and made_before):
        raise Refused("lot_not_available", lot=lot.number, state=lot.state)
    holds = open_holds([lot.pk]).get(lot.pk)
    if holds:
        blockers = [Blocker("lot_on_hold", hold_text(hold)) for hold in holds]
        raise Refused("lot_on_hold", blockers=blockers, lot=lot.number, why=blockers[0].message)
    if lot.expiry is not None and lot.expiry < _today(act.order.site):
        raise Refused("lot_expired", lot=lot.number, date=formats.date_format(lot.expiry, "SHORT_DATE_FORMAT"))


def _today(site: Site) -> Any:
    from zoneinfo import ZoneInfo

    return current().now.astimezone(ZoneInfo(site.time_zone)).date()


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
    siblings = dict(MaterialLot.objects.filter(made_by__order_id=act.order.pk).values_list("pk", "made_by_id"))
    mine = {pk for pk, maker in siblings.items() if maker == operation.pk}
    known = _known_lot(act, wanted, mine)
    net = consumed_net(act.order.pk, upstream)
    locked = _lock_lots(set(net) | mine | ({known.pk} if known else set()))
    if dict(consumed_net(act.order.pk, upstream)) != net:
        raise StartOver
    if known is None:
        lot = MaterialLot.objects.create(
            site_id=act.actor.site_id,
            item=item,
            number=wanted or act.order.number,
            state=states.IN_PROCESS,
            made_by=operation,
        )
    else:
        lot = locked[known.pk]
        if lot.made_by_id != operation.pk:
            raise Refused("lot_made_elsewhere", lot=lot.number, operation=str(operation))
        if lot.state == states.PLANNED:
            states.LOT.move(lot, "first output")
            lot.save(update_fields=["state"])
    if net:
        targets = {lot.pk} if known else {lot.pk, *mine}
        numbers = {pk: row.number for pk, row in locked.items()} | {lot.pk: lot.number}
        link(act.order.pk, act.actor.site_id, dict.fromkeys(targets, net), numbers, single=len(mine | {lot.pk}) == 1)
    place = _output_location(act)
    balances = lock_balances([lot.pk]) if known else {}
    where = {"order": act.order, "operation": operation}
    post([movement(MaterialMovement.OUTPUT, lot, place.pk, quantity, act.at, **where)], balances)
    events.lot_event(events.LOT_PRODUCED, lot, quantity, act.at, operation, location=place.code)
    return lot


def _known_lot(act: FloorAct, wanted: str | None, mine: set[int]) -> MaterialLot | None:
    """The lot to go on with: the named one, else the newest unfinished one of this operation, else the order's
    number.
    """
    rows = MaterialLot.objects.filter(site_id=act.actor.site_id, item_id=act.order.item_id)
    if wanted:
        return rows.filter(number=wanted).first()
    newest = rows.filter(pk__in=mine, state=states.IN_PROCESS).order_by("-pk").first()
    return newest or rows.filter(number=act.order.number).first()


def _output_location(act: FloorAct) -> StorageLocation:
    place = act.operation.work_center.location
    if place is None:
        place = StorageLocation.objects.filter(site_id=act.actor.site_id, is_default=True).first()
    if place is None:
        place = StorageLocation.objects.create(site_id=act.actor.site_id, code="MAIN", is_default=True)
    return place


def finish_lots(act: FloorAct) -> None:
    """IN_PROCESS → AVAILABLE for the lots of a completed operation."""
    ids = set(MaterialLot.objects.filter(made_by=act.operation, state=states.IN_PROCESS).values_list("pk", flat=True))
    for lot in _lock_lots(ids).values() if ids else ():
        if lot.state == states.IN_PROCESS:
            states.LOT.move(lot, "finish")
            lot.finished_by = current().command_id
            lot.save(update_fields=["state", "finished_by"])
