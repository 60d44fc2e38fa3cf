"""What every floor act on an operation needs first: the locks in rank order, and the answer to "may this be worked
on?".
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker, Refused
from mes.kernel.locking import lock_by_sql
from mes.kernel.rows import Columns
from mes.kernel.scope import occurred
from workorders import states
from workorders.actions.flow import Edge, Flow
from workorders.models import Hold, Item, Operation, Reason, Site, UnitOfMeasure, WorkCenter, WorkOrder


@dataclass
class FloorAct:
    """One act on one operation: the operation, its order and their flow, all locked, and the act's business time.

    `location_id` is where the work center keeps its material, or the site's default place.
    """

    actor: Actor
    operation: Operation
    order: WorkOrder
    flow: Flow
    at: datetime
    location_id: int | None = None
    #: The output lots this act has locked, for whoever finishes them.
    lots: dict[int, Any] = field(default_factory=dict)

    def go_on(self, at: datetime) -> None:
        """What follows happened AT a later time: the same locks, changes of their own."""
        self.at = self.flow.at = occurred(at)
        self.flow.begin_again()


ENTER = """
SELECT o.order_id, coalesce(c.location_id, (SELECT l.id FROM workorders_storagelocation l
                                             WHERE l.site_id = w.site_id AND l.is_default))
  FROM workorders_operation o
  JOIN workorders_workorder w ON w.id = o.order_id
  JOIN workorders_item i ON i.id = w.item_id
  JOIN workorders_workcenter c ON c.id = o.work_center_id
 WHERE o.id = %s AND w.site_id = %s
   FOR SHARE OF i, c
"""


def begin(*, actor: Actor, operation_id: int, at: datetime | None) -> FloorAct:
    """Lock item and work center (shared), order and operations, in this order.

    Raises `not_found` for an unknown or foreign operation, and what `occurred` raises.
    """
    found = lock_by_sql(ENTER, [operation_id, actor.site_id], "item", "work_center")
    if not found:
        raise Refused("not_found", what=_("Operation"), number=operation_id)
    order_id, location_id = found[0]
    flow = lock_order(order_id, occurred(at))
    return FloorAct(actor, flow.operations[operation_id], flow.order, flow, flow.at, location_id)


_ORDER = Columns(WorkOrder, "w", without=("definition", "blockers"))
_ITEM, _UNIT, _SITE = Columns(Item, "i"), Columns(UnitOfMeasure, "u"), Columns(Site, "s")
_OPERATION, _CENTER = Columns(Operation, "o"), Columns(WorkCenter, "c")

LOCK_ORDER = f"""
SELECT {_ORDER.sql}, {_ITEM.sql}, {_UNIT.sql}, {_SITE.sql}
  FROM workorders_workorder w
  JOIN workorders_item i ON i.id = w.item_id
  JOIN workorders_unitofmeasure u ON u.id = w.unit_id
  JOIN workorders_site s ON s.id = w.site_id
 WHERE w.id = %s
   FOR NO KEY UPDATE OF w
"""  # noqa: S608 - our own columns
#: The edges into each operation ride beside it: where from, and whether pieces overlap.
LOCK_OPERATIONS = f"""
SELECT {_OPERATION.sql}, {_CENTER.sql},
       ARRAY(SELECT e.pred_id FROM workorders_operationedge e WHERE e.succ_id = o.id ORDER BY e.id),
       ARRAY(SELECT e.overlap FROM workorders_operationedge e WHERE e.succ_id = o.id ORDER BY e.id)
  FROM workorders_operation o
  JOIN workorders_workcenter c ON c.id = o.work_center_id
 WHERE o.order_id = %s
 ORDER BY o.order_id, o.sequence, o.id
   FOR NO KEY UPDATE OF o
"""  # noqa: S608 - our own columns


def lock_order(order_id: int, at: datetime) -> Flow:
    """The order and all its operations, locked, as a flow."""
    found = lock_by_sql(LOCK_ORDER, [order_id], "order", key=order_id)
    if not found:
        raise Refused("not_found", what=_("Order"), number=order_id)
    order = _ORDER.make(found[0])
    order.item = _ITEM.make(found[0], _ORDER.width)
    order.unit = _UNIT.make(found[0], _ORDER.width + _ITEM.width)
    order.site = _SITE.make(found[0], _ORDER.width + _ITEM.width + _UNIT.width)
    if order.item.unit_id == order.unit_id:
        order.item.unit = order.unit
    operations, edges = [], []
    for row in lock_by_sql(LOCK_OPERATIONS, [order_id], "operation"):
        operation = _OPERATION.make(row)
        operation.work_center = _CENTER.make(row, _OPERATION.width)
        operations.append(operation)
        edges += [Edge(pred, operation.pk, overlap) for pred, overlap in zip(row[-2], row[-1], strict=True)]
    return Flow(order, operations, edges, at)


def require_workable(act: FloorAct) -> None:
    """The order is released and nothing that covers the operation is on hold. Raises `order_not_released`,
    `on_hold`.
    """
    if act.order.state not in (states.RELEASED, states.RUNNING):
        raise Refused("order_not_released", order=act.order.number, state=act.order.state)
    held = holds_on(act.operation)
    if held:
        raise Refused("on_hold", blockers=held, what=f"Operation {act.operation}", why=held[0].message)


HELD = """
SELECT 1 FROM workorders_hold
 WHERE site_id = %s AND released_at IS NULL
   AND (operation_id = %s OR order_id = %s OR item_id = %s OR work_center_id = %s) LIMIT 1
"""


def holds_on(operation: Operation) -> list[Blocker]:
    """Every open hold that covers OPERATION: its own, its order's, its item's, its work center's."""
    order = operation.order
    covers = (operation.pk, order.pk, order.item_id, operation.work_center_id)
    with connection.cursor() as cursor:
        cursor.execute(HELD, [order.site_id, *covers])
        if cursor.fetchone() is None:
            return []
    rows = (
        Hold.objects.filter(released_at__isnull=True, site_id=order.site_id)
        .filter(Q(operation_id=covers[0]) | Q(order_id=covers[1]) | Q(item_id=covers[2]) | Q(work_center_id=covers[3]))
        .select_related("reason", "order", "item", "work_center", "operation__order")
    )
    return [Blocker("on_hold", hold_text(hold)) for hold in rows]


def hold_text(hold: Hold) -> str:
    """What is held and why, in one line."""
    what = hold.order or hold.operation or hold.item or hold.work_center
    why = " · ".join(part for part in (hold.reason.text if hold.reason else "", hold.note) if part)
    return f"{what}: {why or '–'} ({hold.placed_by_name})"


def reason_of(site_id: int, kind: str, code: str | None, what: str) -> Reason:
    """The plant's reason CODE of KIND. Raises `reason_needed` or `reason_unknown`, each with the choices."""
    known = {reason.code: reason for reason in Reason.objects.filter(site_id=site_id, kind=kind, is_active=True)}
    choices = ", ".join(sorted(known)) or "–"
    if not code:
        raise Refused("reason_needed", what=what, choices=choices)
    if code not in known:
        raise Refused("reason_unknown", code=code[:40], choices=choices)
    return known[code]
