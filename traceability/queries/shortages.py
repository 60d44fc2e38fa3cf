"""Which operations lack material: what they still need against what lies in the plant and may be used."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Shortage:
    """One component of one operation of which less is usable in the plant than the operation still needs."""

    operation_id: int
    item: str
    name: str
    needed: Decimal
    available: Decimal
    unit: str


#: Usable is what lies in available lots that are neither on hold nor expired. Items without lots are not counted.
SQL = """
WITH need AS (
    SELECT m.operation_id, m.item_id, m.required + coalesce(sum(v.quantity), 0) AS needed
      FROM workorders_ordermaterial m
      LEFT JOIN traceability_materialmovement v
             ON v.operation_id = m.operation_id AND v.item_id = m.item_id AND v.kind = 'CONSUME'
     WHERE m.operation_id = ANY(%(operations)s)
     GROUP BY m.id HAVING m.required + coalesce(sum(v.quantity), 0) > 0
), stock AS (
    SELECT l.item_id, sum(b.quantity) AS available
      FROM traceability_materiallot l JOIN traceability_lotbalance b ON b.lot_id = l.id AND b.quantity > 0
     WHERE l.site_id = %(site)s AND l.state = 'AVAILABLE' AND l.item_id IN (SELECT item_id FROM need)
       AND (l.expiry IS NULL OR l.expiry >= %(today)s)
       AND NOT EXISTS (SELECT 1 FROM traceability_materialhold h WHERE h.lot_id = l.id AND h.released_at IS NULL)
     GROUP BY l.item_id
)
SELECT n.operation_id, i.code, i.name, n.needed, coalesce(s.available, 0), u.code
  FROM need n JOIN workorders_item i ON i.id = n.item_id AND i.tracking <> 'NONE'
  JOIN workorders_unitofmeasure u ON u.id = i.unit_id
  LEFT JOIN stock s ON s.item_id = n.item_id
 WHERE n.needed > coalesce(s.available, 0)
 ORDER BY n.operation_id, i.code
"""


def shortages(site_id: int, operations: Iterable[int], today: date) -> dict[int, list[Shortage]]:
    """The components each of OPERATIONS is short of. One query."""
    facts: dict[str, Any] = {"site": site_id, "operations": list(operations), "today": today}
    found: dict[int, list[Shortage]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SQL, facts)
        for row in cursor.fetchall():
            found.setdefault(row[0], []).append(Shortage(*row))
    return found
