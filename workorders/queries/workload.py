"""The open work of a site: every operation still to be done on released orders, with what it needs by standard time.

One query, in dispatch order. Everything the floor, the dispatch lists and the estimates say is derived from these rows.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from workorders import states


class OpenOperation(NamedTuple):
    """One operation that is not settled, with its order. `to_go` counts what is still to come from before it, too."""

    id: int
    order_id: int
    sequence: int
    name: str
    work_center_id: int
    state: str
    setup_minutes: Decimal
    run_minutes_per_unit: Decimal
    arrived: Decimal
    open_quantity: Decimal
    good: Decimal
    scrap: Decimal
    expected: Decimal
    to_go: Decimal
    remaining: float
    ready_at: datetime | None
    started_at: datetime | None
    number: str
    item_id: int
    item: str
    item_name: str
    unit: str
    quantity: Decimal
    need_date: datetime | None
    priority: int
    manual_rank: int
    order_state: str
    customer_order: str
    work_center: str

    @property
    def label(self) -> str:
        """Order and sequence, as people name an operation."""
        return f"{self.number}-{self.sequence}"


#: Pieces expected: what was ordered less what was lost before, or exactly what arrived once nothing before it is open.
#: Set-up is still owed until the first run began. Steps of an order follow one another by sequence.
SQL = """
SELECT x.id, x.order_id, x.sequence, x.name, x.work_center_id, x.state, x.setup_minutes, x.run_minutes_per_unit,
       x.arrived, x.queue + x.in_process, x.finished + x.moved, x.scrap, x.expected, x.to_go,
       (x.to_go * x.run_minutes_per_unit
        + CASE WHEN x.started_at IS NULL AND x.to_go > 0 THEN x.setup_minutes ELSE 0 END)::float8,
       x.ready_at, x.started_at, x.number, x.item_id, i.code, i.name, u.code, x.quantity, x.need_date, x.priority,
       x.manual_rank, x.order_state, x.customer_order, c.code
  FROM (
    SELECT y.*,
           CASE WHEN y.open_before = 0 THEN y.arrived
                ELSE greatest(y.quantity - y.lost_before, y.arrived) END AS expected,
           CASE WHEN y.open_before = 0 THEN y.queue + y.in_process + y.held
                ELSE greatest(y.quantity - y.lost_before - (y.finished + y.moved + y.scrap + y.short + y.passed),
                              y.queue + y.in_process) END AS to_go
      FROM (
        SELECT o.*, w.number, w.item_id, w.quantity, w.unit_id, w.need_date, w.priority, w.manual_rank,
               w.state AS order_state, w.customer_order,
               coalesce(sum(o.scrap + o.short) OVER earlier, 0) AS lost_before,
               count(*) FILTER (WHERE o.state = ANY(%(live)s)) OVER earlier AS open_before
          FROM workorders_workorder w JOIN workorders_operation o ON o.order_id = w.id AND o.state <> 'CANCELLED'
         WHERE w.site_id = %(site)s AND w.state IN ('RELEASED', 'RUNNING') {where}
        WINDOW earlier AS (PARTITION BY o.order_id ORDER BY o.sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
      ) y
     WHERE y.state = ANY(%(live)s)
  ) x
  JOIN workorders_item i ON i.id = x.item_id
  JOIN workorders_unitofmeasure u ON u.id = x.unit_id
  JOIN workorders_workcenter c ON c.id = x.work_center_id
 ORDER BY x.manual_rank, x.need_date NULLS LAST, x.priority, x.order_id, x.sequence
"""
AT_WORK_CENTER = """AND w.id IN (SELECT order_id FROM workorders_operation
                                  WHERE work_center_id = ANY(%(centers)s) AND state = ANY(%(live)s))"""
OF_ORDERS = "AND w.id = ANY(%(orders)s)"


def open_work(
    site_id: int, *, work_centers: Iterable[int] | None = None, orders: Iterable[int] | None = None
) -> list[OpenOperation]:
    """The open operations of released orders in dispatch order: manual rank, need date, priority, id.

    With WORK_CENTERS only the orders that have open work there, whole; with ORDERS only those.
    """
    where = ""
    facts: dict[str, Any] = {"site": site_id, "live": list(states.LIVE_OPERATIONS)}
    if work_centers is not None:
        where, facts["centers"] = AT_WORK_CENTER, list(work_centers)
    elif orders is not None:
        where, facts["orders"] = OF_ORDERS, list(orders)
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(where=where), facts)
        return [OpenOperation._make(row) for row in cursor.fetchall()]
