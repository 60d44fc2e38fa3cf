"""Lots and traces as the contract shows them."""

from typing import Any

from mes.api.numbers import address, operation_url, order_url
from mes.api.shown.orders import hold_body
from mes.kernel.quantities import ZERO
from traceability.models import MaterialLot
from traceability.queries import balances_of, open_holds, trace, uses_without_lot
from workorders.models import Operation

Body = dict[str, Any]


def lot_body(lot: MaterialLot) -> Body:
    """One lot with where it lies and what stops it."""
    balances = balances_of(lot.pk)
    maker = Operation.objects.select_related("order").filter(pk=lot.made_by_id).first() if lot.made_by_id else None
    return {
        "id": lot.pk,
        "number": lot.number,
        "url": address("lots", lot.pk, lot.number),
        "item": lot.item.code,
        "state": lot.state,
        "unit": lot.item.unit.code,
        "quantity": sum((quantity for _place, quantity in balances), ZERO),
        "balances": [{"location": place, "quantity": quantity} for place, quantity in balances],
        "holds": [hold_body(hold) for hold in open_holds([lot.pk]).get(lot.pk, [])],
        "expiry": lot.expiry,
        "supplier_lot": lot.supplier_lot,
        "made_by": {
            "operation": maker.pk,
            "order": maker.order.number,
            "operation_url": operation_url(maker),
            "order_url": order_url(maker.order),
        }
        if maker
        else None,
    }


def trace_body(lot: MaterialLot, direction: str) -> Body:
    """Everything LOT went into (forward) or is made of (backward). Raises `invalid` for another direction."""
    nodes, links = trace(lot, direction)
    uses = uses_without_lot(node.id for node in nodes) if direction == "forward" else []
    return {
        "lot": lot.pk,
        "direction": direction,
        "nodes": [
            {
                "id": node.id,
                "number": node.number,
                "url": address("lots", node.id, node.number),
                "item": node.item,
                "name": node.name,
                "state": node.state,
                "depth": node.depth,
                "held": node.held,
                "expiry": node.expiry,
            }
            for node in nodes
        ],
        "edges": [
            {
                "source": link.source,
                "target": link.target,
                "order": link.order,
                "quantity": link.quantity,
                "unit": link.unit,
                "certainty": link.certainty,
            }
            for link in links
        ],
        "orders": [
            {
                "source": use.lot,
                "order": use.order,
                "order_url": address("orders", use.order_id, use.order),
                "state": use.state,
                "item": use.item,
                "quantity": use.quantity,
                "unit": use.unit,
            }
            for use in uses
        ],
    }
