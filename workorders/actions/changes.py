"""What a change request may change, as text that can be kept and shown, and how it is carried out on a released order.

Called by `planning.py`; commands live there.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO, require_scale
from workorders.actions.flow import Flow
from workorders.actions.imports import no_others, percent_of, positive_of, text_of, whole_of
from workorders.actions.orders import first_operations, scale_materials
from workorders.actions.receiving import instant_of
from workorders.models import WorkOrder

CHANGEABLE = ("quantity", "need_date", "priority", "over_percent", "customer_order")
Changes = dict[str, dict[str, str | None]]


def difference(order: WorkOrder, wanted: dict[str, Any]) -> Changes:
    """What of WANTED differs from ORDER. Raises `invalid` for another field or a value that cannot be."""
    no_others(wanted, *CHANGEABLE)
    changes: Changes = {}
    for name in CHANGEABLE:
        if name in wanted:
            value = _read(order, wanted, name)
            if value != getattr(order, name):
                changes[name] = {"from": _text(getattr(order, name)), "to": _text(value)}
    return changes


def _read(order: WorkOrder, row: dict[str, Any], name: str) -> Any:
    if name == "quantity":
        quantity = positive_of(row, name)
        require_scale(quantity, order.unit.decimals, order.unit.code)
        return quantity
    if name == "need_date":
        return instant_of(row, name, order.site.time_zone)
    if name == "priority":
        return whole_of(row, name, 0)
    if name == "over_percent":
        return percent_of(row, name) or ZERO
    return text_of(row, name, limit=64)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def apply_changes(flow: Flow, changes: Changes) -> None:
    """Write CHANGES on the locked order of FLOW. Raises `change_outdated`, `change_too_small`, `invalid`."""
    order = flow.order
    wanted = {name: change["to"] for name, change in changes.items()}
    for name, change in changes.items():
        if _text(getattr(order, name)) != change["from"]:
            raise Refused("change_outdated", order=order.number, field=name)
    for name in changes:
        value = _read(order, wanted, name)
        if name == "quantity":
            _change_quantity(flow, value)
        else:
            setattr(order, name, value)
            flow.order_fields.add(name)
    flow.write()


def _change_quantity(flow: Flow, quantity: Decimal) -> None:
    """More pieces arrive at the first operations; fewer are taken from those that stand there open."""
    order, delta = flow.order, quantity - flow.order.quantity
    first = first_operations(flow)
    if delta < 0:
        open_there = min((operation.open_quantity for operation in first), default=ZERO)
        if -delta > open_there:
            least = order.quantity - open_there
            raise Refused("change_too_small", order=order.number, least=decimal_text(least), unit=order.unit.code)
    for operation in first:
        if delta > 0:
            flow.arrive(operation, delta)
        else:
            from_queue = min(operation.queue, -delta)
            flow.shift(operation, arrived=delta, queue=-from_queue, in_process=delta + from_queue)
    scale_materials(order, delta)
    order.quantity = quantity
    flow.order_fields.add("quantity")


def readable(name: str) -> str:
    """The field NAME as a person says it."""
    return {
        "quantity": _("Quantity"),
        "need_date": _("Need date"),
        "priority": _("Priority"),
        "over_percent": _("Over-tolerance"),
        "customer_order": _("Customer order"),
    }[name]
