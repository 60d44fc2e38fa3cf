"""The floor at a glance: what runs, waits, is behind or on hold, and what each work center does. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from workorders import states
from workorders.models import Site, WorkCenter
from workorders.queries.dispatch import DispatchRow, lists_of
from workorders.queries.estimates import Estimate, estimates
from workorders.queries.holds import OpenHolds, open_holds
from workorders.queries.workload import OpenOperation, open_work
from workorders.shifts import NO_CALENDAR, OpenShift, WorkTimes, shift_at


@dataclass(frozen=True, slots=True)
class Unreleased:
    """An order that planning has not released although it is needed soon or already."""

    id: int
    number: str
    item_name: str
    need_date: datetime
    blocked: bool
    first_blocker: str


@dataclass(frozen=True, slots=True)
class SinceShiftStart:
    """What can be counted of the moment the shift opened, and of the time since."""

    running: int
    queued: int
    holds: int
    fell_due: int
    completed: int
    finished_orders: int


@dataclass(frozen=True, slots=True)
class Tile:
    """One work center: its job if it has one, the rows behind it, and how long its queue is by standard time."""

    center: WorkCenter
    rows: list[DispatchRow]
    worked_minutes: float
    ends: datetime | None
    stopped: "Stop | None"
    queue_minutes: float
    held: bool

    @property
    def jobs(self) -> list[DispatchRow]:
        """Running first, then in set-up."""
        found = [row for row in self.rows if row.is_running]
        return sorted(found, key=lambda row: row.work.state != states.RUNNING)

    @property
    def interrupted(self) -> list[DispatchRow]:
        return [row for row in self.rows if row.work.state == states.SUSPENDED]

    @property
    def waiting(self) -> list[DispatchRow]:
        return [row for row in self.rows if row.work.state == states.READY]


@dataclass(frozen=True, slots=True)
class Stop:
    """Since when an operation is suspended, and why if somebody said so."""

    operation_id: int
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything the floor page says about orders and work centers, from one reading."""

    now: datetime
    shift: OpenShift | None
    since: datetime
    rows: list[OpenOperation]
    estimates: dict[int, Estimate]
    holds: OpenHolds
    unreleased: list[Unreleased]
    tiles: list[Tile]
    change: SinceShiftStart
    times: WorkTimes

    def in_state(self, *wanted: str) -> list[OpenOperation]:
        return [row for row in self.rows if row.state in wanted]

    @property
    def behind(self) -> list[Estimate]:
        """Released orders that are or will be late, the latest first."""
        found = [one for one in self.estimates.values() if one.behind]
        return sorted(found, key=lambda one: one.slack or 0)

    @property
    def standing(self) -> list[Estimate]:
        """Released orders with a need date, the least slack first."""
        found = [one for one in self.estimates.values() if one.slack is not None]
        return sorted(found, key=lambda one: one.slack or 0)


def floor(site: Site, now: datetime) -> Floor:
    """The floor of SITE as it is at NOW: nine queries, whatever its size."""
    times = WorkTimes(site, now)
    shift = shift_at(site, now)
    since = shift.opened if shift else now - NO_CALENDAR
    rows = open_work(site.pk)
    holds = open_holds(site.pk)
    return Floor(
        now=now,
        shift=shift,
        since=since,
        rows=rows,
        estimates=estimates(rows, times.of()),
        holds=holds,
        unreleased=_unreleased(site.pk, now),
        tiles=tiles(site, rows, times, holds),
        change=_change(site.pk, since, now),
        times=times,
    )


def tiles(
    site: Site, rows: list[OpenOperation], times: WorkTimes, holds: OpenHolds, only: Iterable[int] | None = None
) -> list[Tile]:
    """The work centers in the order in which people walk past them."""
    wanted = WorkCenter.objects.filter(site=site, is_active=True).select_related("area")
    if only is not None:
        wanted = wanted.filter(pk__in=list(only))
    centers = list(wanted.order_by("area__sequence", "area__code", "sequence", "code"))
    lists = lists_of(rows, [center.pk for center in centers], times, holds)
    worked = worked_minutes(row.id for row in rows if row.state in (states.RUNNING, states.SETUP))
    stops = stops_of(row.id for row in rows if row.state == states.SUSPENDED)
    return [_tile(center, lists[center.pk], times, worked, stops, holds) for center in centers]


def _tile(
    center: WorkCenter,
    rows: list[DispatchRow],
    times: WorkTimes,
    worked: dict[int, float],
    stops: dict[int, Stop],
    holds: OpenHolds,
) -> Tile:
    job = next((row for row in rows if row.work.state == states.RUNNING), None)
    stopped = next((stops[row.work.id] for row in rows if row.work.id in stops), None)
    queued = sum(row.work.remaining for row in rows if row.work.state in (states.READY, states.SUSPENDED))
    return Tile(
        center=center,
        rows=rows,
        worked_minutes=worked.get(job.work.id, 0.0) if job else 0.0,
        ends=end_of(job.work, times, center.calendar_id) if job else None,
        stopped=stopped,
        queue_minutes=queued,
        held=center.pk in holds.work_centers,
    )


def end_of(work: OpenOperation, times: WorkTimes, calendar_id: int | None) -> datetime | None:
    """When a running operation ends by standard time. Whoever works outside the shifts works on, shift or not."""
    if not work.run_minutes_per_unit:
        return None
    time = times.of(calendar_id)
    if time.is_open:
        return time.after(work.remaining)
    return type(time)(time.now).after(work.remaining)


WORKED = """
SELECT operation_id, sum(extract(epoch FROM upper(span) - lower(span)) / 60)::float8
  FROM (SELECT operation_id,
               unnest(range_agg(tstzrange(started_at, coalesce(ended_at, greatest(now(), started_at))))) AS span
          FROM workorders_operationrun
         WHERE operation_id = ANY(%s) AND kind = 'RUN' AND voided_by IS NULL GROUP BY operation_id) spans
 GROUP BY operation_id
"""


def worked_minutes(operations: Iterable[int]) -> dict[int, float]:
    """The minutes during which anybody or anything was running each operation; two at once count once."""
    with connection.cursor() as cursor:
        cursor.execute(WORKED, [list(operations)])
        return dict(cursor.fetchall())


STOPS = """
SELECT DISTINCT ON (r.operation_id) r.operation_id, r.ended_at, coalesce(x.text, '')
  FROM workorders_operationrun r LEFT JOIN workorders_reason x ON x.id = r.suspend_reason_id
 WHERE r.operation_id = ANY(%s) AND r.ended_at IS NOT NULL AND r.voided_by IS NULL
 ORDER BY r.operation_id, r.ended_at DESC, r.id DESC
"""


def stops_of(operations: Iterable[int]) -> dict[int, Stop]:
    """Since when each suspended operation stands, and the reason given."""
    with connection.cursor() as cursor:
        cursor.execute(STOPS, [list(operations)])
        return {row[0]: Stop(*row) for row in cursor.fetchall()}


#: An operation ran at the moment when a run spanned it, and was queued when it was ready and not yet begun.
CHANGE = """
WITH ours AS (SELECT o.* FROM workorders_operation o JOIN workorders_workorder w ON w.id = o.order_id
               WHERE w.site_id = %(site)s)
SELECT (SELECT count(DISTINCT r.operation_id) FROM workorders_operationrun r JOIN ours o ON o.id = r.operation_id
         WHERE r.kind = 'RUN' AND r.voided_by IS NULL AND r.started_at <= %(since)s
           AND (r.ended_at IS NULL OR r.ended_at > %(since)s)),
       (SELECT count(*) FROM ours o WHERE o.ready_at <= %(since)s AND o.state = 'READY' AND o.started_at IS NULL)
       + (SELECT count(*) FROM ours o WHERE o.started_at > %(since)s AND o.ready_at <= %(since)s),
       (SELECT count(*) FROM workorders_hold h WHERE h.site_id = %(site)s AND h.placed_at <= %(since)s
           AND (h.released_at IS NULL OR h.released_at > %(since)s)),
       (SELECT count(*) FROM workorders_workorder w WHERE w.site_id = %(site)s
           AND w.state = ANY(%(open)s) AND w.need_date > %(since)s AND w.need_date <= %(now)s),
       (SELECT count(*) FROM ours o WHERE o.state = 'COMPLETED' AND o.completed_at >= %(since)s),
       (SELECT count(*) FROM workorders_workorder w WHERE w.site_id = %(site)s
           AND w.state IN ('DONE', 'CLOSED') AND w.finished_at >= %(since)s)
"""


def _change(site_id: int, since: datetime, now: datetime) -> SinceShiftStart:
    facts: dict[str, Any] = {"site": site_id, "since": since, "now": now, "open": list(states.OPEN_ORDERS)}
    with connection.cursor() as cursor:
        cursor.execute(CHANGE, facts)
        return SinceShiftStart(*cursor.fetchone())


UNRELEASED = """
SELECT w.id, w.number, i.name, w.need_date, w.state = 'RECEIVED', coalesce(w.blockers -> 0 ->> 'message', '')
  FROM workorders_workorder w JOIN workorders_item i ON i.id = w.item_id
 WHERE w.site_id = %s AND w.state IN ('RECEIVED', 'PLANNED') AND w.need_date < %s
 ORDER BY w.need_date, w.id LIMIT 500
"""


def _unreleased(site_id: int, now: datetime) -> list[Unreleased]:
    with connection.cursor() as cursor:
        cursor.execute(UNRELEASED, [site_id, now])
        return [Unreleased(*row) for row in cursor.fetchall()]
