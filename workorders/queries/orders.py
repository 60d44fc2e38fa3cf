"""The order board: filtered, paged by key, each order with how far it is, where it stands and how much slack it has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from mes.kernel.errors import Blocker
from workorders import states
from workorders.models import Hold, Operation, Site, WorkOrder
from workorders.queries.estimates import Estimate, estimates
from workorders.queries.holds import OpenHolds, open_holds
from workorders.queries.workload import open_work
from workorders.shifts import WorkTimes

PAGE = 50
SETTLED = (states.DONE, states.CLOSED, states.CANCELLED)
NOT_RELEASED = (states.RECEIVED, states.PLANNED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of orders is narrowed to. `state` is a state, `open`, `unreleased` or `all`."""

    state: str = "open"
    work_center: str = ""
    search: str = ""
    operation_state: str = ""
    behind: bool = False
    held: bool = False


class Totals(NamedTuple):
    """The pieces of an order over all its operations. `good` is that of its last operation that was not skipped."""

    good: Decimal
    scrap: Decimal
    earned: float
    settled: int
    operations: int


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of the board."""

    order: WorkOrder
    totals: Totals
    percent: float
    estimate: Estimate | None
    hold: Hold | None
    blockers: list[Blocker]
    slack: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Board:
    """One page of orders, and the key of the next one."""

    rows: list[OrderRow]
    next_key: str


def orders(site: Site, wanted: Wanted, now: datetime, after: str = "", limit: int = PAGE) -> Board:
    """One page: open ones by need date, settled ones newest first. Six queries, seven when narrowed to those behind."""
    times = WorkTimes(site, now)
    found = _narrowed(site, wanted, now, times)
    newest_first = wanted.state in (*SETTLED, "all")
    if newest_first:
        found = found.order_by("-id")
        if after.isdigit():
            found = found.filter(pk__lt=int(after))
    else:
        found = _after(found.order_by("need_date", "id"), after)
    page = list(found.select_related("item", "unit")[: limit + 1])
    rest, page = page[limit:], page[:limit]
    key = ""
    if rest:
        last = page[-1]
        key = str(last.pk) if newest_first else f"{last.need_date.isoformat() if last.need_date else ''}~{last.pk}"
    return Board(_rows(site, page, times), key)


def _after(found: "QuerySet[WorkOrder]", after: str) -> "QuerySet[WorkOrder]":
    moment, _tilde, pk = after.rpartition("~")
    if not pk.isdigit():
        return found
    need = parse_datetime(moment) if moment else None
    if need is None:
        return found.filter(need_date__isnull=True, pk__gt=int(pk))
    return found.filter(Q(need_date__gt=need) | Q(need_date=need, pk__gt=int(pk)) | Q(need_date__isnull=True))


def _narrowed(site: Site, wanted: Wanted, now: datetime, times: WorkTimes) -> "QuerySet[WorkOrder]":
    found = WorkOrder.objects.filter(site=site)
    if wanted.state == "open":
        found = found.filter(state__in=states.OPEN_ORDERS)
    elif wanted.state == "unreleased":
        found = found.filter(state__in=NOT_RELEASED)
    elif wanted.state != "all":
        found = found.filter(state=wanted.state)
    mine = Operation.objects.filter(order=OuterRef("pk"))
    if wanted.work_center:
        live = mine.filter(work_center__code=wanted.work_center, state__in=states.LIVE_OPERATIONS)
        found = found.filter(Exists(live))
    if wanted.operation_state:
        found = found.filter(Exists(mine.filter(state=wanted.operation_state)), state__in=states.OPEN_ORDERS)
    if wanted.held:
        found = found.filter(Exists(_holds_on_order()))
    if wanted.behind:
        found = found.filter(_behind(site, now, times))
    if wanted.search:
        text = wanted.search
        found = found.filter(
            Q(number__istartswith=text)
            | Q(customer_order__istartswith=text)
            | Q(item__code__istartswith=text)
            | Q(item__name__icontains=text)
        )
    return found


def _holds_on_order() -> "QuerySet[Hold]":
    return Hold.objects.filter(released_at__isnull=True).filter(
        Q(order=OuterRef("pk")) | Q(operation__order=OuterRef("pk")) | Q(item=OuterRef("item_id"))
    )


def _behind(site: Site, now: datetime, times: WorkTimes) -> Q:
    """Released orders that the standards say are late, and unreleased ones whose day has passed."""
    late = [one.order_id for one in estimates(open_work(site.pk), times.of()).values() if one.behind]
    return Q(pk__in=late) | Q(state__in=NOT_RELEASED, need_date__lt=now)


TOTALS = """
SELECT o.order_id,
       coalesce((array_agg(o.finished + o.moved ORDER BY o.sequence DESC)
                 FILTER (WHERE o.state <> 'SKIPPED'))[1], 0),
       coalesce(sum(o.scrap), 0),
       sum((o.finished + o.moved + o.scrap + o.passed) * o.run_minutes_per_unit
           + CASE WHEN o.started_at IS NULL THEN 0 ELSE o.setup_minutes END)::float8,
       count(*) FILTER (WHERE o.state IN ('COMPLETED', 'SKIPPED')), count(*)
  FROM workorders_operation o
 WHERE o.order_id = ANY(%s) AND o.state <> 'CANCELLED'
 GROUP BY o.order_id
"""


def totals_of(order_ids: Iterable[int]) -> dict[int, Totals]:
    """The pieces of each order. One query."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [list(order_ids)])
        return {row[0]: Totals(*row[1:]) for row in cursor.fetchall()}


NOTHING = Totals(Decimal(0), Decimal(0), 0.0, 0, 0)


def percent_done(order: WorkOrder, totals: Totals, remaining: float) -> float:
    """How much of an order's standard time is earned; without standards how many of its operations are settled."""
    if order.state in (states.DONE, states.CLOSED):
        return 100.0
    whole = totals.earned + remaining
    if whole:
        return min(totals.earned * 100 / whole, 100.0)
    return totals.settled * 100 / totals.operations if totals.operations else 0.0


def _rows(site: Site, page: list[WorkOrder], times: WorkTimes) -> list[OrderRow]:
    ids = [order.pk for order in page]
    known = estimates(open_work(site.pk, orders=ids), times.of())
    totals, holds = totals_of(ids), open_holds(site.pk)
    return [_row(order, totals.get(order.pk, NOTHING), known.get(order.pk), holds, times.now) for order in page]


def _row(order: WorkOrder, totals: Totals, known: Estimate | None, holds: OpenHolds, now: datetime) -> OrderRow:
    slack, verdict = (known.slack, known.verdict) if known else unreleased_slack(order, now)
    return OrderRow(
        order=order,
        totals=totals,
        percent=percent_done(order, totals, known.minutes if known else 0.0),
        estimate=known,
        hold=hold_of(order, holds),
        blockers=[Blocker(entry["reason"], entry["message"]) for entry in order.blockers or []],
        slack=slack,
        verdict=verdict,
    )


def unreleased_slack(order: WorkOrder, now: datetime) -> tuple[float | None, str]:
    """Of an order without operations only the day itself counts: late when it has passed."""
    if order.state not in NOT_RELEASED or order.need_date is None:
        return None, ""
    hours = (order.need_date - now).total_seconds() / 3600
    return hours, "late" if hours < 0 else "ok"


def hold_of(order: WorkOrder, holds: OpenHolds) -> Hold | None:
    """The hold on an order as a whole or on one of its operations."""
    if order.state in SETTLED:
        return None
    on_operation = (hold for hold in holds.rows if hold.operation and hold.operation.order_id == order.pk)
    return holds.on_order(order.pk, order.item_id) or next(on_operation, None)


COUNTS = """
SELECT count(*) FILTER (WHERE w.state IN ('RECEIVED', 'PLANNED', 'RELEASED', 'RUNNING')),
       count(*) FILTER (WHERE w.state IN ('RECEIVED', 'PLANNED')),
       count(*) FILTER (WHERE w.state = 'RELEASED'),
       count(*) FILTER (WHERE w.state = 'RUNNING'),
       count(*) FILTER (WHERE w.state = 'DONE')
  FROM workorders_workorder w WHERE w.site_id = %s AND w.state NOT IN ('CLOSED', 'CANCELLED')
"""


def counts(site_id: int) -> dict[str, int]:
    """How many orders each of the usual lists holds. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [site_id])
        return dict(zip(("open", "unreleased", "RELEASED", "RUNNING", "DONE"), cursor.fetchone(), strict=True))


def next_number(site_id: int) -> str:
    """The number after the highest plain one, as a proposal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(number::numeric) FROM workorders_workorder WHERE site_id = %s AND number ~ '^[0-9]{1,15}$'",
            [site_id],
        )
        (highest,) = cursor.fetchone()
    return str(int(highest) + 1) if highest is not None else ""
