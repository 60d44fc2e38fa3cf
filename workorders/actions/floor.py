"""What every floor act on an operation needs first: the locks in rank order, and the answer to "may this be worked
on?".
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker, Refused
from mes.kernel.locking import lock, lock_by_sql, lock_one
from mes.kernel.scope import occurred
from workorders import states
from workorders.actions.flow import Edge, Flow
from workorders.models import Hold, Operation, OperationEdge, Reason, WorkOrder


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


#: The operations before each one and whether they overlap, beside the operation itself: one statement for both.
FED_BY = ArraySubquery(
    OperationEdge.objects.filter(succ_id=OuterRef("pk")).values(edge=JSONObject(pred="pred_id", overlap="overlap"))
)


def lock_order(order_id: int, at: datetime) -> Flow:
    """The order and all its operations, locked, as a flow."""
    order = lock_one(WorkOrder.objects.select_related("item__unit", "unit", "site"), "order", order_id)
    if order is None:
        raise Refused("not_found", what=_("Order"), number=order_id)
    operations = lock(
        Operation.objects.filter(order_id=order_id).select_related("work_center__location").annotate(fed_by=FED_BY),
        "operation",
        order_by=("order_id", "sequence", "pk"),
    )
    edges = [
        Edge(row["pred"], operation.pk, row["overlap"])
        for operation in operations
        for row in getattr(operation, "fed_by")  # noqa: B009 - an annotation, unknown to the type checker
    ]
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


def holds_on(operation: Operation) -> list[Blocker]:
    """Every open hold that covers OPERATION: its own, its order's, its item's, its work center's."""
    order = operation.order
    rows = (
        Hold.objects.filter(released_at__isnull=True, site_id=order.site_id)
        .filter(
            Q(operation_id=operation.pk)
            | Q(order_id=order.pk)
            | Q(item_id=order.item_id)
            | Q(work_center_id=operation.work_center_id)
        )
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
