"""The material of one order: what each operation needs and used, from which lots, and into which lots it reported."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from traceability.queries.shortages import Shortage, shortages


@dataclass(frozen=True, slots=True)
class LotUsed:
    """How much of a lot an operation used, net of what was taken back."""

    lot_id: int
    number: str
    quantity: Decimal
    held: bool


@dataclass(frozen=True, slots=True)
class MaterialOfOrder:
    """One component of one operation."""

    operation_id: int
    sequence: int
    operation: str
    item_id: int
    item: str
    name: str
    tracking: str
    unit: str
    required: Decimal
    used: Decimal
    lots: list[LotUsed]
    shortage: Shortage | None

    @property
    def to_go(self) -> Decimal:
        return max(self.required - self.used, Decimal(0))


@dataclass(frozen=True, slots=True)
class LotMade:
    """A lot that an order made, with what came into it and what of it lies where."""

    lot_id: int
    number: str
    state: str
    item: str
    unit: str
    made: Decimal
    in_stock: Decimal
    held: bool


USED = """
SELECT v.operation_id, v.item_id, v.lot_id, coalesce(l.number, ''), -sum(v.quantity),
       EXISTS (SELECT 1 FROM traceability_materialhold h WHERE h.lot_id = v.lot_id AND h.released_at IS NULL)
  FROM traceability_materialmovement v LEFT JOIN traceability_materiallot l ON l.id = v.lot_id
 WHERE v.order_id = %s AND v.kind = 'CONSUME'
 GROUP BY v.operation_id, v.item_id, v.lot_id, l.number HAVING sum(v.quantity) <> 0
 ORDER BY l.number
"""
NEEDS = """
SELECT o.id, o.sequence, o.name, i.id, i.code, i.name, i.tracking, u.code, m.required
  FROM workorders_ordermaterial m
  JOIN workorders_operation o ON o.id = m.operation_id AND o.state <> 'CANCELLED'
  JOIN workorders_item i ON i.id = m.item_id JOIN workorders_unitofmeasure u ON u.id = m.unit_id
 WHERE m.order_id = %s ORDER BY o.sequence, m.id
"""
LIVE = ("WAITING", "READY", "SETUP", "RUNNING", "SUSPENDED")


def materials_of(site_id: int, order_id: int, today: date) -> list[MaterialOfOrder]:
    """The components of an order by operation, with the lots used so far. Three queries."""
    with connection.cursor() as cursor:
        cursor.execute(NEEDS, [order_id])
        needs = cursor.fetchall()
        cursor.execute(USED, [order_id])
        used = cursor.fetchall()
    lots: dict[tuple[int, int], list[LotUsed]] = defaultdict(list)
    sums: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for operation, item, lot, number, quantity, held in used:
        sums[operation, item] += quantity
        if lot is not None:
            lots[operation, item].append(LotUsed(lot, number, quantity, held))
    short = {
        (operation, one.item): one
        for operation, rows in shortages(site_id, {row[0] for row in needs}, today).items()
        for one in rows
    }
    return [
        MaterialOfOrder(
            operation_id=row[0],
            sequence=row[1],
            operation=row[2],
            item_id=row[3],
            item=row[4],
            name=row[5],
            tracking=row[6],
            unit=row[7],
            required=row[8],
            used=sums[row[0], row[3]],
            lots=lots[row[0], row[3]],
            shortage=short.get((row[0], row[4])),
        )
        for row in needs
    ]


MADE = """
SELECT l.id, l.number, l.state, i.code, u.code,
       coalesce((SELECT sum(quantity) FROM traceability_materialmovement
                  WHERE lot_id = l.id AND order_id = %(order)s AND kind = 'OUTPUT'), 0),
       coalesce((SELECT sum(quantity) FROM traceability_lotbalance WHERE lot_id = l.id), 0),
       EXISTS (SELECT 1 FROM traceability_materialhold h WHERE h.lot_id = l.id AND h.released_at IS NULL)
  FROM traceability_materiallot l JOIN workorders_item i ON i.id = l.item_id
  JOIN workorders_unitofmeasure u ON u.id = i.unit_id
 WHERE l.made_by_id IN (SELECT id FROM workorders_operation WHERE order_id = %(order)s)
 ORDER BY l.number
"""


def lots_made_by(order_id: int) -> list[LotMade]:
    """The lots an order reported into. One query."""
    with connection.cursor() as cursor:
        cursor.execute(MADE, {"order": order_id})
        return [LotMade(*row) for row in cursor.fetchall()]
