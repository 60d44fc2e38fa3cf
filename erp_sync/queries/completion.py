"""Reads across the core: what an order's completion is, in the words of the border, and whom it concerns."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from erp_sync.adapters.registry import UnknownAdapter, adapter_class
from erp_sync.facts import ConsumedLine, Disposition, OperationTime, OrderCompletion, OutputLine
from erp_sync.messages import Entity
from erp_sync.models import ErpConnection, ExternalRef
from traceability.models import MaterialMovement
from workorders import states
from workorders.models import Operation, OperationRun, WorkOrder

ZERO = Decimal(0)


def root_of(order: WorkOrder) -> WorkOrder:
    """The order that the ERP knows: where ours was split, the one it was split from."""
    while order.split_from is not None:
        order = order.split_from
    return order


def family_of(root: WorkOrder) -> list[WorkOrder]:
    """The order and everything split off it, oldest first."""
    found, fresh = [root], [root]
    while fresh:
        fresh = list(WorkOrder.objects.filter(split_from__in=fresh).select_related("item__unit", "unit").order_by("pk"))
        found += fresh
    return sorted(found, key=lambda order: order.pk)


def connections_for(root: WorkOrder) -> list[ErpConnection]:
    """The ERPs to be told of the order: the one it came from, and those that only listen and therefore hear of all."""
    known = set(
        ExternalRef.objects.filter(entity=Entity.ORDER, local_id=root.pk, connection__site_id=root.site_id).values_list(
            "connection_id", flat=True
        )
    )
    connections = ErpConnection.objects.filter(site_id=root.site_id).order_by("pk")
    return [connection for connection in connections if connection.pk in known or _hears_of(connection, root)]


def _hears_of(connection: ErpConnection, root: WorkOrder) -> bool:
    """A listener hears of all orders, or of those from the `sources` its settings name."""
    sources = connection.settings.get("sources")
    return _only_listens(connection) and (not sources or root.source in sources)


def _only_listens(connection: ErpConnection) -> bool:
    try:
        capabilities = adapter_class(connection.adapter).capabilities
    except UnknownAdapter:
        return False
    return bool(capabilities.push) and Entity.ORDER not in capabilities.pull


def completion_of(connection: ErpConnection, root: WorkOrder, key: UUID) -> OrderCompletion:
    """The finished order and its splits as one fact for the ERP. The caller has locked them."""
    family = [order for order in family_of(root) if order.state != states.CANCELLED]
    ref = ExternalRef.objects.filter(connection=connection, entity=Entity.ORDER, local_id=root.pk).first()
    ids = [order.pk for order in family]
    return OrderCompletion(
        key=str(key),
        order=ref.facts.get("number", ref.code) if ref else root.number,
        order_key=ref.key if ref else root.number,
        item=root.item.code,
        finished_at=max(order.finished_at for order in family if order.finished_at),
        consumed=_consumed(connection, ids),
        operations=_times(ids),
        outputs=_outputs(root, family),
    )


def _consumed(connection: ErpConnection, order_ids: list[int]) -> tuple[ConsumedLine, ...]:
    """Net consumption by item and lot; what was given back in full is not told."""
    rows = (
        MaterialMovement.objects.filter(order_id__in=order_ids, kind=MaterialMovement.CONSUME)
        .values("item__code", "lot_id", "lot__number", "unit__code")
        .annotate(taken=Sum("quantity"))
        .order_by("item__code", "lot__number")
    )
    keys = dict(
        ExternalRef.objects.filter(
            connection=connection, entity=Entity.LOT, local_id__in=[row["lot_id"] for row in rows if row["lot_id"]]
        ).values_list("local_id", "key")
    )
    return tuple(
        ConsumedLine(
            item=row["item__code"],
            quantity=-row["taken"],
            unit=row["unit__code"],
            lot=row["lot__number"],
            lot_key=keys.get(row["lot_id"]),
        )
        for row in rows
        if row["taken"] < 0
    )


def _times(order_ids: list[int]) -> tuple[OperationTime, ...]:
    """How long somebody or something worked at each operation; two people at once are not twice the time there."""
    spans: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    runs = OperationRun.objects.filter(
        operation__order_id__in=order_ids, voided_by__isnull=True, ended_at__isnull=False
    ).values_list("operation_id", "started_at", "ended_at")
    for operation_id, started_at, ended_at in runs:
        if ended_at is not None:
            spans[operation_id].append((started_at, ended_at))
    total: dict[tuple[int, str], timedelta] = {}
    for operation in Operation.objects.filter(order_id__in=order_ids).order_by("sequence", "pk"):
        place = (operation.sequence, operation.name)
        total[place] = total.get(place, timedelta()) + union_of(spans[operation.pk])
    return tuple(OperationTime(sequence, name, took) for (sequence, name), took in total.items())


def union_of(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """The time covered by at least one of the spans."""
    covered, until = timedelta(), None
    for start, end in sorted(spans):
        if until is None or start > until:
            covered, until = covered + (end - start), end
        elif end > until:
            covered, until = covered + (end - until), end
    return covered


def _outputs(root: WorkOrder, family: list[WorkOrder]) -> tuple[OutputLine, ...]:
    """Good pieces by lot, scrap without one: scrapped pieces never entered a lot."""
    ids = [order.pk for order in family]
    lots = (
        MaterialMovement.objects.filter(order_id__in=ids, kind=MaterialMovement.OUTPUT, item=root.item)
        .values("lot__number")
        .annotate(made=Sum("quantity"))
        .order_by("lot__number")
    )
    lines = [_made(root, row["made"], Disposition.GOOD, row["lot__number"]) for row in lots if row["made"] > 0]
    rest = _good_of(ids) - sum((line.quantity for line in lines), ZERO)
    if rest > 0:
        lines.append(_made(root, rest, Disposition.GOOD, None))
    scrap = Operation.objects.filter(order_id__in=ids).aggregate(total=Sum("scrap"))["total"] or ZERO
    if scrap > 0:
        lines.append(_made(root, scrap, Disposition.SCRAP, None))
    return tuple(lines)


def _made(root: WorkOrder, quantity: Decimal, disposition: Disposition, lot: str | None) -> OutputLine:
    return OutputLine(root.item.code, quantity, root.unit.code, disposition, lot)


def _good_of(order_ids: list[int]) -> Decimal:
    """What the last operations delivered, or let pass where they were skipped."""
    final = (
        Operation.objects.filter(order_id__in=order_ids)
        .exclude(state=states.CANCELLED)
        .exclude(
            pk__in=Operation.objects.filter(order_id__in=order_ids, edges_out__succ__isnull=False)
            .exclude(edges_out__succ__state=states.CANCELLED)
            .values("pk")
        )
    )
    return sum((operation.good + operation.passed for operation in final), ZERO)
