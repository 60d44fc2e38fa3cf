"""Lots apart from production: receive, adjust with a reason, hold and release, close and reopen."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.commands import command
from mes.kernel.errors import Blocker, Refused
from mes.kernel.locking import lock_one
from mes.kernel.quantities import ZERO, parse, require_scale
from mes.kernel.scope import current, occurred
from traceability import events, states
from traceability.actions.ledger import lock_balances, movement, post
from traceability.models import LotBalance, MaterialHold, MaterialLot, MaterialMovement
from workorders.actions.floor import reason_of
from workorders.actions.imports import (
    CREATED,
    UNCHANGED,
    Result,
    Results,
    Row,
    each_row,
    no_others,
    number_of,
    positive_of,
    text_of,
)
from workorders.actions.masterdata import item_of, unit_of
from workorders.conversion import convert
from workorders.events import HOLD_PLACED, HOLD_RELEASED
from workorders.models import Reason, Site, StorageLocation


def location_of(site_id: int, code: str | None) -> StorageLocation:
    """The location CODE, made on first use; without a code the site's default one."""
    if code:
        return StorageLocation.objects.get_or_create(site_id=site_id, code=code)[0]
    found = StorageLocation.objects.filter(site_id=site_id, is_default=True).first()
    return (
        found or StorageLocation.objects.get_or_create(site_id=site_id, code="MAIN", defaults={"is_default": True})[0]
    )


def _expiry(row: Row) -> date | None:
    value = row.get("expiry")
    if value in (None, ""):
        return None
    try:
        day = parse_date(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise Refused("invalid", field="expiry", why=_("a date such as 2027-03-31 is needed"))
    return day


@command
def receive_lot(*, actor: Actor, rows: list[Row], at: Any = None, command_id: UUID) -> Results:
    """Receive lots of tracked items into stock. A known number with equal fields is unchanged, with others rejected."""
    Site.objects.get(pk=actor.site_id)
    moment = occurred(at)

    def apply(row: Row) -> Result:
        no_others(row, "item", "number", "quantity", "unit", "location", "expiry", "supplier_lot")
        item = item_of(actor.site_id, row.get("item"))
        number = number_of(row, "number")
        if not item.is_tracked:
            raise Refused("invalid", field="item", why=_("item {item} is not tracked by lot").format(item=item.code))
        unit = unit_of(row.get("unit") or item.unit.code)
        quantity = convert(positive_of(row, "quantity"), item, unit, item.unit)
        require_scale(quantity, item.unit.decimals, item.unit.code)
        place = location_of(actor.site_id, text_of(row, "location", limit=30) or None)
        values = {
            "received_quantity": quantity,
            "expiry": _expiry(row),
            "supplier_lot": text_of(row, "supplier_lot", limit=64),
        }
        known = MaterialLot.objects.filter(item=item, number=number).first()
        if known is not None:
            return _known(known, values, place, row)
        lot = MaterialLot.objects.create(
            site_id=actor.site_id, item=item, number=number, state=states.AVAILABLE, **values
        )
        post([movement(MaterialMovement.RECEIVE, lot, place.pk, quantity, moment)])
        events.lot_event(events.LOT_RECEIVED, lot, quantity, moment, location=place.code)
        return Result(0, CREATED, extra=lot_reference(lot))

    return each_row(rows, apply)


def lot_reference(lot: MaterialLot) -> dict[str, Any]:
    return {"id": lot.pk, "number": lot.number, "item": lot.item.code}


def _known(known: MaterialLot, values: dict[str, Any], place: StorageLocation, row: Row) -> Result:
    differs = [name for name, value in values.items() if getattr(known, name) != value]
    receipt = known.movements.filter(kind=MaterialMovement.RECEIVE, reverses__isnull=True).first()
    if row.get("location") and receipt is not None and receipt.location_id != place.pk:
        differs.append("location")
    if differs or receipt is None:
        why = _("lot {lot} exists already with another {fields}").format(
            lot=known.number, fields=", ".join(differs) or _("origin")
        )
        raise Refused("invalid", field="number", why=why)
    return Result(0, UNCHANGED, extra=lot_reference(known))


def locked_lot(actor: Actor, lot_id: int) -> MaterialLot:
    """The lot, locked. Raises `not_found` for a foreign or unknown one."""
    lot = lock_one(MaterialLot.objects.filter(site_id=actor.site_id).select_related("item__unit"), "lot", lot_id)
    if lot is None:
        raise Refused("not_found", what=_("Lot"), number=lot_id)
    return lot


@command
def adjust_lot(
    *,
    actor: Actor,
    lot_id: int,
    delta: Any,
    unit: str | None = None,
    location: str | None = None,
    reason: str | None,
    at: Any = None,
    command_id: UUID,
) -> MaterialLot:
    """Correct the counted balance of a lot by DELTA, with a reason. Never below zero.

    Raises `adjust_below_zero`, `location_ambiguous`, `reason_needed`, `invalid`.
    """
    lot = locked_lot(actor, lot_id)
    amount = parse(delta, "delta")
    if unit and unit != lot.item.unit.code:
        amount = convert(amount, lot.item, unit_of(unit), lot.item.unit)
    require_scale(amount, lot.item.unit.decimals, lot.item.unit.code, "delta")
    if amount == 0:
        raise Refused("invalid", field="delta", why=_("a change other than zero is needed"))
    why = reason_of(actor.site_id, "ADJUST", reason, _("adjusting lot {lot}").format(lot=lot.number))
    balances = lock_balances([lot.pk])
    place = _place(lot, balances, location)
    row = balances.get((lot.pk, place.pk))
    balance = row.quantity if row else ZERO
    if balance + amount < 0:
        raise Refused(
            "adjust_below_zero",
            lot=lot.number,
            balance=decimal_text(balance),
            unit=lot.item.unit.code,
            location=place.code,
        )
    moment = occurred(at)
    post([movement(MaterialMovement.ADJUST, lot, place.pk, amount, moment, reason=why)])
    events.lot_event(events.MATERIAL_ADJUSTED, lot, amount, moment, location=place.code, reason=why.code)
    return lot


def _place(lot: MaterialLot, balances: dict[tuple[int, int], LotBalance], code: str | None) -> StorageLocation:
    if code:
        place = StorageLocation.objects.filter(site_id=lot.site_id, code=code).first()
        if place is None:
            raise Refused("location_unknown", location=str(code)[:30])
        return place
    used = [location_id for (_lot, location_id), row in balances.items() if row.quantity > 0] or [
        location_id for _lot, location_id in balances
    ]
    if len(used) == 1:
        return StorageLocation.objects.get(pk=used[0])
    if not used:
        return location_of(lot.site_id, None)
    places = StorageLocation.objects.filter(pk__in=used).order_by("code")
    raise Refused("location_ambiguous", blockers=[Blocker("choice", place.code) for place in places], lot=lot.number)


@command
def hold_lot(*, actor: Actor, lot_id: int, reason: str | None, note: str = "", command_id: UUID) -> MaterialHold:
    """Stop a lot from being used. Anybody on the floor may; only quality lifts it."""
    lot = locked_lot(actor, lot_id)
    why: Reason = reason_of(actor.site_id, "HOLD", reason, _("holding lot {lot}").format(lot=lot.number))
    hold = MaterialHold.objects.create(
        lot=lot,
        reason=why,
        note=note[:200],
        placed_by_id=actor.person_id,
        placed_by_name=actor.name,
        is_quality=True,
    )
    events.lot_event(HOLD_PLACED, lot, ZERO, hold=hold.pk, reason=why.code, note=hold.note)
    return hold


@command
def release_lot_hold(*, actor: Actor, hold_id: int, note: str = "", command_id: UUID) -> MaterialHold:
    """Lift the hold of a lot. A second release of the same hold is refused."""
    lot_id = (
        MaterialHold.objects.filter(pk=hold_id, lot__site_id=actor.site_id).values_list("lot_id", flat=True).first()
    )
    if lot_id is None:
        raise Refused("not_found", what=_("Hold"), number=hold_id)
    lot = locked_lot(actor, lot_id)
    hold = MaterialHold.objects.get(pk=hold_id)
    if hold.released_at is not None:
        raise Refused("not_found", what=_("Open hold"), number=hold_id)
    hold.released_at, hold.released_by_name, hold.release_note = current().now, actor.name, note[:200]
    hold.save(update_fields=["released_at", "released_by_name", "release_note"])
    events.lot_event(HOLD_RELEASED, lot, ZERO, hold=hold.pk, note=hold.release_note)
    return hold


@command
def close_lot(*, actor: Actor, lot_id: int, command_id: UUID) -> MaterialLot:
    """AVAILABLE → CLOSED by a person, once nothing of it is left. Raises `lot_has_stock`."""
    lot = locked_lot(actor, lot_id)
    lock_balances([lot.pk])
    left: Decimal = lot.balances.aggregate(total=Sum("quantity"))["total"] or ZERO
    if left:
        raise Refused("lot_has_stock", lot=lot.number, balance=decimal_text(left), unit=lot.item.unit.code)
    states.LOT.move(lot, "close")
    lot.save(update_fields=["state"])
    events.lot_event(events.LOT_CLOSED, lot, ZERO)
    return lot


@command
def reopen_lot(*, actor: Actor, lot_id: int, command_id: UUID) -> MaterialLot:
    """CLOSED → AVAILABLE, when material turns up after all."""
    lot = locked_lot(actor, lot_id)
    states.LOT.move(lot, "reopen")
    lot.save(update_fields=["state"])
    events.lot_event(events.LOT_REOPENED, lot, ZERO)
    return lot
