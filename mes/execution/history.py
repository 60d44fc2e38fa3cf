"""What happened to an order, a lot or a work center: their events, whichever chain they lie on. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from mes.kernel.models import Event

PAGE = 50
#: Kinds a timeline can be narrowed to, by the first word of an event's name.
KINDS = ("order", "operation", "material", "lot", "hold", "check", "labor", "command", "erp")

#: An order's own chain, and whatever else the same commands wrote: lots, labor, checks.
OF_ORDER = """
SELECT id FROM kernel_event WHERE site_id = %(site)s AND subject = %(subject)s
UNION
SELECT e.id FROM kernel_event e
  JOIN (SELECT c.command_id FROM workorders_operationchange c JOIN workorders_operation o ON o.id = c.operation_id
         WHERE o.order_id = %(pk)s
        UNION
        SELECT command_id FROM traceability_materialmovement WHERE order_id = %(pk)s) commands
    ON commands.command_id = e.command_id
 WHERE e.site_id = %(site)s
"""
OF_LOT = """
SELECT id FROM kernel_event WHERE site_id = %(site)s AND subject = %(subject)s
"""
#: What was done on the operations of a work center that are open or ended within a week, and holds upon itself.
OF_WORK_CENTER = """
SELECT id FROM kernel_event WHERE site_id = %(site)s AND subject = %(subject)s
UNION
SELECT e.id FROM kernel_event e
  JOIN (SELECT DISTINCT command_id FROM (
            SELECT c.command_id FROM workorders_operationchange c
              JOIN workorders_operation o ON o.id = c.operation_id AND o.work_center_id = %(pk)s
             WHERE o.state IN ('WAITING', 'READY', 'SETUP', 'RUNNING', 'SUSPENDED')
                OR o.completed_at > now() - interval '7 days'
             ORDER BY c.occurred_at DESC, c.id DESC LIMIT 60) newest) commands ON commands.command_id = e.command_id
 WHERE e.site_id = %(site)s AND e.name LIKE 'operation.%%'
   AND (e.payload ->> 'operation')::bigint IN (SELECT id FROM workorders_operation WHERE work_center_id = %(pk)s)
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `before` leads to the older ones."""

    events: list[Event]
    before: int | None


def events_of_order(
    site_id: int, order_id: int, *, kinds: Collection[str] = (), before: int | None = None, limit: int = PAGE
) -> Page:
    """What happened to an order and by its commands to lots, checks and labor. One query."""
    return _page(OF_ORDER, site_id, f"order:{order_id}", order_id, kinds, before, limit)


def events_of_lot(site_id: int, lot_id: int, *, before: int | None = None, limit: int = PAGE) -> Page:
    """What happened to a lot. One query."""
    return _page(OF_LOT, site_id, f"lot:{lot_id}", lot_id, (), before, limit)


def events_of_work_center(site_id: int, work_center_id: int, *, limit: int = 20) -> Page:
    """The newest operation events at a work center, and its holds. One query."""
    found = _page(OF_WORK_CENTER, site_id, f"work_center:{work_center_id}", work_center_id, (), None, 5 * limit).events
    newest = sorted(found, key=lambda event: (event.occurred_at, event.pk), reverse=True)
    return Page(newest[:limit], None)


def _page(
    sql: str, site_id: int, subject: str, pk: int, kinds: Collection[str], before: int | None, limit: int
) -> Page:
    conditions = ["id IN (" + sql + ")"]
    facts: dict[str, object] = {"site": site_id, "subject": subject, "pk": pk, "limit": limit + 1}
    if before is not None:
        conditions.append("id < %(before)s")
        facts["before"] = before
    if kinds:
        conditions.append("split_part(name, '.', 1) = ANY(%(kinds)s)")
        facts["kinds"] = list(kinds)
    text = f"SELECT * FROM kernel_event WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT %(limit)s"  # noqa: S608
    found = list(Event.objects.raw(text, facts))
    rest, shown = found[limit:], found[:limit]
    return Page(shown, shown[-1].pk if rest else None)


COUNT = f"SELECT count(*) FROM ({OF_ORDER}) x"  # noqa: S608 - our own text


def count_of_order(site_id: int, order_id: int) -> int:
    """How many events there are of an order. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"site": site_id, "subject": f"order:{order_id}", "pk": order_id})
        (count,) = cursor.fetchone()
    return int(count)
