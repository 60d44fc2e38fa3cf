"""Orders and operations as the contract shows them. Set-based: a list costs as many queries as one row."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from mes.api.numbers import operation_url, order_url
from mes.kernel.quantities import ZERO
from quality.models import Inspection
from workorders import states
from workorders.models import BUCKETS, Hold, HoldBase, Operation, OperationEdge, Site, WorkOrder
from workorders.queries.estimates import estimates
from workorders.queries.workload import open_work
from workorders.shifts import WorkTimes

#: What changes by itself as time passes; it does not count for the entity tag.
ESTIMATES = ("predicted_finish",)
Body = dict[str, Any]

_INSPECTIONS = Prefetch("inspections", Inspection.objects.order_by("sequence", "id"))


def operation_rows() -> "QuerySet[Operation]":
    """Operations with everything their representation reads: two queries for any number of rows."""
    return Operation.objects.select_related("order", "work_center").prefetch_related(_INSPECTIONS)


def operation_body(operation: Operation) -> Body:
    """One operation. Checks are read if the caller has not prefetched them."""
    return {
        "id": operation.pk,
        "url": operation_url(operation),
        "number": str(operation),
        "order": operation.order.number,
        "sequence": operation.sequence,
        "name": operation.name,
        "state": operation.state,
        "work_center": operation.work_center.code,
        "buckets": {bucket: getattr(operation, bucket) for bucket in BUCKETS},
        "good": operation.good,
        "checks": [_check(row) for row in _inspections(operation)],
    }


def _inspections(operation: Operation) -> Iterable[Inspection]:
    prefetched = getattr(operation, "_prefetched_objects_cache", {})
    if "inspections" in prefetched:
        return list(operation.inspections.all())
    return operation.inspections.order_by("sequence", "id")


def _check(row: Inspection) -> Body:
    return {
        "characteristic": row.code,
        "name": row.name,
        "unit": row.unit,
        "lower": row.lower,
        "upper": row.upper,
        "state": row.state,
    }


def order_rows() -> "QuerySet[WorkOrder]":
    """Orders with everything their representation reads but the estimate: five queries for any number of rows."""
    operations = (
        Operation.objects.filter(~Q(state=states.CANCELLED) | Q(order__state=states.CANCELLED))
        .select_related("work_center")
        .prefetch_related(_INSPECTIONS, Prefetch("edges_out", OperationEdge.objects.only("pred_id", "succ_id")))
        .order_by("sequence", "id")
    )
    holds = Hold.objects.filter(released_at__isnull=True).select_related("reason").order_by("id")
    return WorkOrder.objects.select_related("item", "unit", "split_from").prefetch_related(
        Prefetch("operations", operations), Prefetch("holds", holds)
    )


def order_bodies(site_id: int, rows: Iterable[WorkOrder]) -> list[Body]:
    """The representations of ROWS, read by `order_rows`, with their predicted finish: three queries more."""
    orders = list(rows)
    finishes = _finishes(site_id, orders)
    return [_order_body(order, finishes.get(order.pk)) for order in orders]


def order_body(site_id: int, order_id: int) -> Body:
    """One order as it is now. The caller has made sure that it is the site's."""
    return order_bodies(site_id, order_rows().filter(pk=order_id))[0]


def counted(body: Body) -> Body:
    """What of an order's representation its entity tag is made of: everything but estimates."""
    return {key: value for key, value in body.items() if key not in ESTIMATES}


def _finishes(site_id: int, orders: list[WorkOrder]) -> dict[int, datetime]:
    """By standard time, for orders that are being worked on; the real time for those that are done."""
    known = {order.pk: order.finished_at for order in orders if order.finished_at is not None}
    live = [order.pk for order in orders if order.state in (states.RELEASED, states.RUNNING)]
    if live:
        site = Site.objects.get(pk=site_id)
        found = estimates(open_work(site_id, orders=live), WorkTimes(site, timezone.now()).of())
        known |= {order_id: one.finish for order_id, one in found.items()}
    return known


def _order_body(order: WorkOrder, finish: datetime | None) -> Body:
    operations = list(order.operations.all())
    for operation in operations:
        operation.order = order
    live = [operation for operation in operations if operation.state != states.CANCELLED]
    final = [operation for operation in live if not operation.edges_out.all()]
    good = sum((operation.good + operation.passed for operation in final), ZERO)
    short = sum((operation.short for operation in operations), ZERO)
    return {
        "id": order.pk,
        "number": order.number,
        "url": order_url(order),
        "state": order.state,
        "item": order.item.code,
        "unit": order.unit.code,
        "ordered": order.quantity,
        "good": good,
        "scrap": sum((operation.scrap for operation in operations), ZERO),
        "short": short,
        "remaining": max(order.quantity - good - short, ZERO),
        "need_date": order.need_date,
        "customer_order": order.customer_order,
        "priority": order.priority,
        "rank": order.manual_rank,
        "routing": order.routing_version,
        "bom": order.bom_version,
        "split_from": order.split_from.number if order.split_from else None,
        "released_at": order.released_at,
        "started_at": order.started_at,
        "finished_at": order.finished_at,
        "closed_at": order.closed_at,
        "predicted_finish": finish,
        "blockers": order.blockers,
        "holds": [hold_body(hold) for hold in order.holds.all()],
        "operations": [operation_body(operation) for operation in operations],
    }


def hold_body(hold: HoldBase) -> Body:
    return {
        "id": hold.pk,
        "reason": hold.reason.code if hold.reason else None,
        "note": hold.note,
        "placed_by": hold.placed_by_name,
        "placed_at": hold.placed_at,
        "quality": hold.is_quality,
    }
