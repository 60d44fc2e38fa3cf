"""One order in full: its operations with what was planned and done when, what it needs, its holds and its estimate."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from workorders import states
from workorders.models import Hold, Operation, Site, WorkOrder
from workorders.queries.estimates import Estimate, estimate
from workorders.queries.holds import open_holds
from workorders.queries.orders import NOTHING, Totals, percent_done, totals_of, unreleased_slack
from workorders.queries.workload import OpenOperation, open_work
from workorders.shifts import WorkTimes
from workorders.worktime import WorkTime

Span = tuple[datetime, datetime]


def find_order(site_id: int, reference: str) -> WorkOrder:
    """The order of a number, or of `~ID`. Raises `not_found`."""
    rows = WorkOrder.objects.filter(site_id=site_id).select_related("item__unit", "unit", "site", "split_from")
    if reference.startswith("~"):
        found = rows.filter(pk=int(reference[1:])).first() if reference[1:].isdecimal() else None
    else:
        found = rows.filter(number=reference).first() if "\0" not in reference else None
    if found is None:
        raise Refused("not_found", what=_("Order"), number=reference[:64].replace("\0", ""))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One operation with the spans in which it was planned from the release on, worked on, and is still to be done."""

    operation: Operation
    work: OpenOperation | None
    planned: Span | None
    worked: list[Span]
    ahead: Span | None
    standard_minutes: float
    actual_minutes: float
    holds: list[Hold]


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order as its page shows it."""

    order: WorkOrder
    steps: list[Step]
    totals: Totals
    estimate: Estimate | None
    holds: list[Hold]
    slack: float | None
    verdict: str
    percent: float
    now: datetime

    @property
    def to_go(self) -> Decimal:
        """What still has to become good: the ordered quantity less what is good already and what was lost."""
        if self.order.state in (states.DONE, states.CLOSED, states.CANCELLED):
            return Decimal(0)
        lost = sum((step.operation.scrap + step.operation.short for step in self.steps), Decimal(0))
        return max(self.order.quantity - self.totals.good - lost, Decimal(0))

    @property
    def begun(self) -> Decimal:
        """Pieces that left the first operation's queue."""
        first = next((step.operation for step in self.steps if step.operation.state != states.SKIPPED), None)
        return max(first.arrived - first.queue, Decimal(0)) if first else Decimal(0)


def order_detail(site: Site, order: WorkOrder, now: datetime) -> OrderDetail:
    """Everything the head and the route of an order's page say. Six queries."""
    operations = list(
        order.operations.exclude(state=states.CANCELLED).select_related("work_center").order_by("sequence", "id")
    )
    times = WorkTimes(site, now)
    works = {row.id: row for row in open_work(site.pk, orders=[order.pk])}
    holds = open_holds(site.pk)
    spans = worked_spans(operation.pk for operation in operations)
    totals = totals_of([order.pk]).get(order.pk, NOTHING)
    known = estimate(order.pk, list(works.values()), order.need_date, times.of()) if works else None
    slack, verdict = (known.slack, known.verdict) if known else unreleased_slack(order, now)
    mine = [
        hold
        for hold in holds.rows
        if hold.order_id == order.pk
        or hold.item_id == order.item_id
        or (hold.operation and hold.operation.order_id == order.pk)
    ]
    steps = _steps(order, operations, works, spans, times, holds.operations)
    return OrderDetail(
        order=order,
        steps=steps,
        totals=totals,
        estimate=known,
        holds=mine if order.state in states.OPEN_ORDERS else [],
        slack=slack,
        verdict=verdict,
        percent=percent_done(order, totals, known.minutes if known else 0.0),
        now=now,
    )


def _steps(
    order: WorkOrder,
    operations: list[Operation],
    works: dict[int, OpenOperation],
    spans: dict[int, list[Span]],
    times: WorkTimes,
    held: dict[int, Hold],
) -> list[Step]:
    planned = WorkTimes(order.site, order.released_at).of() if order.released_at else None
    laid, ahead = 0.0, 0.0
    steps = []
    for operation in operations:
        standard = float(operation.setup_minutes + operation.run_minutes_per_unit * order.quantity)
        work = works.get(operation.pk)
        remaining = work.remaining if work else 0.0
        worked = spans.get(operation.pk, [])
        steps.append(
            Step(
                operation=operation,
                work=work,
                planned=_span(planned, laid, standard),
                worked=worked,
                ahead=_span(times.of(), ahead, remaining) if remaining else None,
                standard_minutes=standard,
                actual_minutes=sum((end - start).total_seconds() / 60 for start, end in worked),
                holds=[held[operation.pk]] if operation.pk in held else [],
            )
        )
        laid, ahead = laid + standard, ahead + remaining
    return steps


def _span(time: WorkTime | None, before: float, minutes: float) -> Span | None:
    if time is None or not minutes:
        return None
    start, end = time.after(before), time.after(before + minutes)
    return start, end


SPANS = """
SELECT operation_id, lower(span), upper(span)
  FROM (SELECT operation_id,
               unnest(range_agg(tstzrange(started_at, coalesce(ended_at, greatest(now(), started_at))))) AS span
          FROM workorders_operationrun WHERE operation_id = ANY(%s) AND voided_by IS NULL GROUP BY operation_id) x
 ORDER BY operation_id, lower(span)
"""


def worked_spans(operations: Iterable[int]) -> dict[int, list[Span]]:
    """When anybody or anything was on each operation, set-up included; two at once count once."""
    found: dict[int, list[Span]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(SPANS, [list(operations)])
        for operation, start, end in cursor.fetchall():
            found[operation].append((start, end))
    return found


def skippable(detail: OrderDetail) -> list[Operation]:
    """The operations that can be skipped by their state."""
    return [step.operation for step in detail.steps if step.operation.state in (states.WAITING, states.READY)]
