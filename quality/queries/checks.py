"""Checks of orders: those that failed and still stop something, and every check of an order with its values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from quality.models import Inspection, Measurement


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A failed check on an order that is still open."""

    order_id: int
    number: str
    sequence: int
    name: str
    value: Decimal | None
    unit: str
    failed_at: datetime | None
    measured_by: str


FAILED = """
SELECT w.id, w.number, o.sequence, i.name, m.value, i.unit, m.occurred_at, coalesce(m.actor_name, '')
  FROM quality_inspection i JOIN workorders_operation o ON o.id = i.operation_id AND o.state <> 'CANCELLED'
  JOIN workorders_workorder w ON w.id = o.order_id AND w.state IN ('RELEASED', 'RUNNING')
  LEFT JOIN LATERAL (SELECT value, occurred_at, actor_name FROM quality_measurement
                      WHERE inspection_id = i.id ORDER BY id DESC LIMIT 1) m ON true
 WHERE i.state = 'FAILED' AND w.site_id = %s
 ORDER BY m.occurred_at LIMIT 200
"""


def failed_checks(site_id: int) -> list[FailedCheck]:
    """Failed checks of open orders, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, [site_id])
        return [FailedCheck(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class CheckOfOrder:
    """One check with the values found for it, newest first."""

    inspection: Inspection
    values: list[Measurement]


def checks_of(order_id: int) -> list[CheckOfOrder]:
    """Every check of an order by operation, with all its values. Two queries."""
    found = list(
        Inspection.objects.filter(operation__order_id=order_id)
        .exclude(operation__state="CANCELLED")
        .select_related("operation__work_center")
        .order_by("operation__sequence", "sequence", "id")
    )
    values: dict[int, list[Measurement]] = {}
    rows = Measurement.objects.filter(inspection__in=[row.pk for row in found]).select_related("gauge")
    for value in rows.order_by("-id"):
        values.setdefault(value.inspection_id, []).append(value)
    return [CheckOfOrder(row, values.get(row.pk, [])) for row in found]
