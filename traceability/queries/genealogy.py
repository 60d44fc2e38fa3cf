"""Which material became which: the walk through the links, forward and backward, to any depth."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from traceability.models import MaterialLot
from traceability.queries.lots import open_holds


@dataclass(frozen=True)
class Node:
    id: int
    number: str
    item: str
    name: str
    state: str
    depth: int
    held: bool
    expiry: date | None = None


@dataclass(frozen=True)
class Link:
    source: int
    target: int
    order: str
    quantity: Decimal
    unit: str
    certainty: str


@dataclass(frozen=True)
class Use:
    """What one order holds of a lot without having made a lot of it (yet): pieces in work, or not tracked ones."""

    lot: int
    order_id: int
    order: str
    state: str
    item: str
    quantity: Decimal
    unit: str


#: UNION, not UNION ALL: reconverging paths are visited once. Depth is found breadth first in the same walk.
TRACE = """
WITH RECURSIVE reached(id) AS (
    SELECT unnest(%(lots)s::bigint[])
    UNION
    SELECT l.{far} FROM reached r JOIN traceability_genealogylink l ON l.{near} = r.id
)
SELECT l.source_id, l.target_id, o.number, l.quantity, u.code, l.certainty
  FROM reached r JOIN traceability_genealogylink l ON l.{near} = r.id
  JOIN workorders_workorder o ON o.id = l.order_id
  JOIN traceability_materiallot s ON s.id = l.source_id
  JOIN workorders_item i ON i.id = s.item_id
  JOIN workorders_unitofmeasure u ON u.id = i.unit_id
"""


def trace(lot: MaterialLot, direction: str) -> tuple[list[Node], list[Link]]:
    """Everything LOT went into (`forward`) or was made of (`backward`), to any depth, with its links.

    Raises `invalid` for another direction.
    """
    return trace_from([lot.pk], direction)


def trace_from(lots: Iterable[int], direction: str) -> tuple[list[Node], list[Link]]:
    """The same for several lots at once; they are the nodes of depth 0. Three queries. Raises `invalid`."""
    if direction not in ("forward", "backward"):
        raise Refused("invalid", field="direction", why=_("choose forward or backward"))
    starts = list(lots)
    near, far = ("source_id", "target_id") if direction == "forward" else ("target_id", "source_id")
    with connection.cursor() as cursor:
        cursor.execute(TRACE.format(near=near, far=far), {"lots": starts})
        links = [Link(*row) for row in cursor.fetchall()]
    depth = _depths(starts, links, forward=direction == "forward")
    held = open_holds(depth)
    rows = MaterialLot.objects.filter(pk__in=depth).select_related("item")
    nodes = [
        Node(row.pk, row.number, row.item.code, row.item.name, row.state, depth[row.pk], row.pk in held, row.expiry)
        for row in rows
    ]
    return sorted(nodes, key=lambda node: (node.depth, node.item, node.number)), links


def _depths(starts: list[int], links: list[Link], *, forward: bool) -> dict[int, int]:
    """The least number of steps from any of STARTS to every lot reached."""
    onward: dict[int, list[int]] = {}
    for link in links:
        near, far = (link.source, link.target) if forward else (link.target, link.source)
        onward.setdefault(near, []).append(far)
    depth, layer = dict.fromkeys(starts, 0), set(starts)
    while layer:
        layer = {far for near in layer for far in onward.get(near, [])} - depth.keys()
        step = max(depth.values(), default=0) + 1
        depth |= dict.fromkeys(layer, step)
    return depth


#: Net consumption that no link shows, since links lead to lots: the order has made none, or none is tracked.
USES = """
SELECT m.lot_id, o.id, o.number, o.state, p.code, -sum(m.quantity), u.code
  FROM traceability_materialmovement m
  JOIN workorders_workorder o ON o.id = m.order_id
  JOIN workorders_item p ON p.id = o.item_id
  JOIN workorders_item i ON i.id = m.item_id
  JOIN workorders_unitofmeasure u ON u.id = i.unit_id
 WHERE m.lot_id = ANY(%(lots)s) AND m.kind = 'CONSUME'
   AND NOT EXISTS (SELECT FROM traceability_genealogylink l WHERE l.source_id = m.lot_id AND l.order_id = m.order_id)
 GROUP BY m.lot_id, o.id, p.code, u.code
HAVING sum(m.quantity) < 0
 ORDER BY o.number, m.lot_id
"""


def uses_without_lot(lots: Iterable[int]) -> list[Use]:
    """Where else LOTS went: orders that consumed of them and made no lot of it, with what they hold. One query."""
    with connection.cursor() as cursor:
        cursor.execute(USES, {"lots": list(lots)})
        return [Use(*row) for row in cursor.fetchall()]
