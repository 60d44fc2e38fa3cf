"""Orders in: from the API, CSV files and the ERP. Validated at once; what is not released may still be replaced."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.canonical import plain
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.locking import lock
from mes.kernel.quantities import require_scale
from workorders import events, states
from workorders.actions.imports import (
    CREATED,
    UNCHANGED,
    UPDATED,
    Result,
    Results,
    Row,
    each_row,
    list_of,
    no_others,
    number_of,
    percent_of,
    positive_of,
    text_of,
    whole_of,
)
from workorders.actions.masterdata import item_of, steps_of, unit_of
from workorders.actions.orders import revalidate
from workorders.conversion import convert
from workorders.models import Site, WorkOrder

FIELDS = (
    "number",
    "item",
    "quantity",
    "unit",
    "need_date",
    "customer_order",
    "priority",
    "over_percent",
    "routing",
    "bom",
    "operations",
    "materials",
)


def instant_of(row: Row, field: str, zone: str) -> datetime | None:
    """A time with offset, or a date, which means the end of that day in the site's zone."""
    value = row.get(field)
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value
    try:
        # The day first: a bare date would else be read as its midnight, and be missed by a whole day.
        day = parse_date(value) if isinstance(value, str) else None
        moment = parse_datetime(value) if isinstance(value, str) and day is None else None
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=ZoneInfo(zone))
    if moment is None or not 1970 <= moment.year < 2200:
        raise Refused("invalid", field=field, why=_("a date or an ISO 8601 time is needed"))
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _materials(row: Row) -> list[Row]:
    lines = []
    for line in list_of(row, "materials"):
        no_others(line, "item", "quantity_per", "unit", "operation")
        entry: Row = {"item": number_of(line, "item"), "quantity_per": positive_of(line, "quantity_per")}
        if line.get("unit"):
            entry["unit"] = unit_of(line["unit"], "materials.unit").code
        if line.get("operation") is not None:
            entry["operation"] = whole_of(line, "operation")
        lines.append(entry)
    return lines


def _definition(row: Row) -> Row:
    definition: Row = {}
    if row.get("operations") is not None:
        definition["operations"] = steps_of(row)
    if row.get("materials") is not None:
        definition["materials"] = _materials(row)
    for name in ("routing", "bom"):
        if row.get(name):
            definition[name] = text_of(row, name, limit=30)
    return dict(plain(definition))


def _objects(rows: list[Any]) -> list[Row]:
    return [row for row in rows if isinstance(row, dict)]


@command
def import_orders(*, actor: Actor, rows: list[Row], source: str = "api", command_id: UUID) -> Results:
    """Create orders, or replace those not released yet. Each becomes PLANNED, or RECEIVED with its blockers.

    A released order sent again unchanged is `unchanged`; with other values it is rejected, never silently changed.
    """
    site = Site.objects.get(pk=actor.site_id)
    numbers = [row["number"] for row in _objects(rows) if isinstance(row.get("number"), str)]
    known = {
        order.number: order
        for order in lock(
            WorkOrder.objects.filter(site=site, number__in=numbers).select_related("item__unit", "unit", "site"),
            "order",
        )
    }

    def apply(row: Row) -> Result:
        no_others(row, *FIELDS)
        number = number_of(row, "number")
        item = item_of(site.pk, row.get("item"))
        unit = unit_of(row.get("unit") or item.unit.code)
        quantity = convert(positive_of(row, "quantity"), item, unit, item.unit)
        require_scale(quantity, item.unit.decimals, item.unit.code)
        over = percent_of(row, "over_percent")
        values: dict[str, Any] = {
            "item": item,
            "quantity": quantity,
            "unit": item.unit,
            "need_date": instant_of(row, "need_date", site.time_zone),
            "customer_order": text_of(row, "customer_order", limit=64),
            "priority": whole_of(row, "priority", 0),
            "over_percent": item.over_percent if over is None else over,
            "definition": _definition(row),
        }
        order = known.get(number) or WorkOrder(site=site, number=number, source=source)
        changed = [name for name, value in values.items() if number not in known or getattr(order, name) != value]
        if number in known and not changed:
            return _answer(order, UPDATED if _became_whole(order) else UNCHANGED)
        if number in known and order.state not in (states.RECEIVED, states.PLANNED):
            why = _("order {number} is {state}; it changes only through its actions").format(
                number=number, state=order.state
            )
            raise Refused("invalid", field=", ".join(changed), why=why)
        outcome = UPDATED if number in known else CREATED
        for name, value in values.items():
            setattr(order, name, value)
        _store(order, outcome)
        known[number] = order
        return _answer(order, outcome)

    return each_row(rows, apply)


def _became_whole(order: WorkOrder) -> bool:
    """A RECEIVED order sent again unchanged: what it lacked may have come since."""
    if order.state != states.RECEIVED:
        return False
    before = order.blockers
    revalidate(order)
    if order.state == states.PLANNED:
        events.order_event(events.ORDER_PLANNED, order, blockers=[])
    if order.blockers != before:
        order.save(update_fields=["state", "blockers"])
    return order.state == states.PLANNED


def _store(order: WorkOrder, outcome: str) -> None:
    before = order.state if outcome == UPDATED else None
    if outcome == CREATED:
        order.save()
        events.order_event(
            events.ORDER_RECEIVED, order, item=order.item.code, quantity=order.quantity, unit=order.unit.code
        )
    revalidate(order)
    order.save()
    if order.state == states.PLANNED and before != states.PLANNED:
        events.order_event(events.ORDER_PLANNED, order, blockers=[])
    elif outcome == UPDATED:
        events.order_event(events.ORDER_RECEIVED, order, quantity=order.quantity, blockers=order.blockers)


def _answer(order: WorkOrder, outcome: str) -> Result:
    return Result(
        0,
        outcome,
        extra={"id": order.pk, "number": order.number, "state": order.state, "blockers": order.blockers},
    )
