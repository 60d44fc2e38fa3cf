"""Lots on hold: what lies still, why, and how many open orders still need that item."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection


@dataclass(frozen=True, slots=True)
class HeldLot:
    """An open hold on a lot."""

    hold_id: int
    lot_id: int
    number: str
    item: str
    item_name: str
    unit: str
    quantity: Decimal
    reason: str
    note: str
    placed_by: str
    placed_at: datetime
    orders: int


SQL = """
SELECT h.id, l.id, l.number, i.code, i.name, u.code, coalesce(b.quantity, 0), coalesce(r.text, ''), h.note,
       h.placed_by_name, h.placed_at, coalesce(n.orders, 0)
  FROM traceability_materialhold h
  JOIN traceability_materiallot l ON l.id = h.lot_id AND l.site_id = %(site)s
  JOIN workorders_item i ON i.id = l.item_id JOIN workorders_unitofmeasure u ON u.id = i.unit_id
  LEFT JOIN workorders_reason r ON r.id = h.reason_id
  LEFT JOIN LATERAL (SELECT sum(quantity) AS quantity FROM traceability_lotbalance WHERE lot_id = l.id) b ON true
  LEFT JOIN (
        SELECT m.item_id, count(DISTINCT m.order_id) AS orders
          FROM workorders_ordermaterial m JOIN workorders_operation o ON o.id = m.operation_id
          JOIN workorders_workorder w ON w.id = o.order_id AND w.site_id = %(site)s
         WHERE w.state IN ('RELEASED', 'RUNNING') AND o.state IN ('WAITING', 'READY', 'SETUP', 'RUNNING', 'SUSPENDED')
         GROUP BY m.item_id
  ) n ON n.item_id = l.item_id
 WHERE h.released_at IS NULL
 ORDER BY h.placed_at, h.id
"""


def held_lots(site_id: int) -> list[HeldLot]:
    """All open holds on lots of a site, oldest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"site": site_id})
        return [HeldLot(*row) for row in cursor.fetchall()]
