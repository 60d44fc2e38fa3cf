"""Time on orders: who worked on which operation for how long, against the standard of what was made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from labor.models import LaborEntry


@dataclass(frozen=True, slots=True)
class LaborOfOperation:
    """One person's minutes on one operation, set-up and run apart; `open_since` while they are on it."""

    operation_id: int
    sequence: int
    name: str
    work_center: str
    person_id: int
    person: str
    setup_minutes: float
    run_minutes: float
    entries: int
    open_since: datetime | None


SQL = """
SELECT o.id, o.sequence, o.name, c.code, u.id, u.name,
       coalesce(sum(extract(epoch FROM coalesce(l.ended_at, greatest(now(), l.started_at)) - l.started_at) / 60)
                FILTER (WHERE l.kind = 'SETUP'), 0)::float8,
       coalesce(sum(extract(epoch FROM coalesce(l.ended_at, greatest(now(), l.started_at)) - l.started_at) / 60)
                FILTER (WHERE l.kind = 'RUN'), 0)::float8,
       count(*), max(l.started_at) FILTER (WHERE l.ended_at IS NULL)
  FROM labor_laborentry l JOIN workorders_operation o ON o.id = l.operation_id
  JOIN workorders_workcenter c ON c.id = o.work_center_id JOIN accounts_user u ON u.id = l.person_id
 WHERE o.order_id = %s AND l.voided_by IS NULL
 GROUP BY o.id, o.sequence, o.name, c.code, u.id, u.name
 ORDER BY o.sequence, u.name
"""


def labor_of_order(order_id: int) -> list[LaborOfOperation]:
    """The time booked on an order by operation and person. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, [order_id])
        return [LaborOfOperation(*row) for row in cursor.fetchall()]


def on_operations(operations: Iterable[int]) -> dict[int, list[LaborEntry]]:
    """Who is on each of OPERATIONS now. One query."""
    found: dict[int, list[LaborEntry]] = {}
    rows = LaborEntry.objects.filter(operation_id__in=list(operations), ended_at__isnull=True).select_related("person")
    for entry in rows.order_by("started_at"):
        found.setdefault(entry.operation_id, []).append(entry)
    return found
