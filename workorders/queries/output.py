"""Good pieces by hour: what was reported against what the standard allows for the time worked and the work queued."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from workorders import states
from workorders.models import Site
from workorders.queries.workload import OpenOperation

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourOfShift:
    """One clock hour. `plan` is by standard time, `due` what of it is over; `good` is None before the hour begins."""

    starts: datetime
    ends: datetime
    good: float | None
    due: float
    plan: float
    is_now: bool

    @property
    def difference(self) -> float | None:
        return None if self.good is None else self.good - self.due


GOOD = """
SELECT date_trunc('hour', r.occurred_at, %(zone)s), sum(r.good)::float8
  FROM workorders_productionreport r JOIN workorders_operation o ON o.id = r.operation_id
  JOIN workorders_workorder w ON w.id = o.order_id
 WHERE r.occurred_at >= %(since)s AND r.occurred_at <= %(now)s AND w.site_id = %(site)s
 GROUP BY 1
"""
#: The spans in which each operation was worked on, and how many pieces there were to work on at all: those made since,
#: and those still open.
RUNS = """
SELECT operation_id, lower(span), upper(span), minutes, had
  FROM (SELECT unnest(range_agg(tstzrange(greatest(r.started_at, %(since)s),
                                          least(coalesce(r.ended_at, %(now)s), %(now)s)))) AS span, r.operation_id,
               max(o.run_minutes_per_unit)::float8 AS minutes,
               (max(o.queue + o.in_process) + coalesce((
                    SELECT sum(p.good + p.scrap) FROM workorders_productionreport p
                     WHERE p.operation_id = r.operation_id AND p.occurred_at >= %(since)s), 0))::float8 AS had
          FROM workorders_operationrun r JOIN workorders_operation o ON o.id = r.operation_id
          JOIN workorders_workorder w ON w.id = o.order_id
         WHERE w.site_id = %(site)s AND r.kind = 'RUN' AND r.voided_by IS NULL AND r.started_at < %(now)s
           AND (r.ended_at IS NULL OR r.ended_at > %(since)s) AND o.run_minutes_per_unit > 0
         GROUP BY r.operation_id) spans
 ORDER BY operation_id, lower(span)
"""


def hours_of(
    site: Site, since: datetime, ends: datetime, now: datetime, rows: list[OpenOperation]
) -> list[HourOfShift]:
    """The hours from SINCE to ENDS in the site's clock hours. ROWS is the open work in dispatch order.

    Hours that have passed plan what the standard gives for the minutes worked; hours to come plan the running jobs and
    the queue behind them, one after the other at each work center.
    """
    facts: dict[str, Any] = {"site": site.pk, "since": since, "now": now, "zone": site.time_zone}
    with connection.cursor() as cursor:
        cursor.execute(GOOD, facts)
        good = dict(cursor.fetchall())
        cursor.execute(RUNS, facts)
        due = _spread(_worked(cursor.fetchall()))
    ahead = _spread(_ahead(rows, now, ends))
    zone = ZoneInfo(site.time_zone)
    hour = _hour_of(since.astimezone(zone))
    found = []
    while hour < ends:
        begun = hour <= now
        found.append(
            HourOfShift(
                starts=hour,
                ends=hour + HOUR,
                good=good.get(hour, 0.0) if begun else None,
                due=due.get(hour, 0.0),
                plan=due.get(hour, 0.0) + ahead.get(hour, 0.0),
                is_now=begun and now < hour + HOUR,
            )
        )
        hour += HOUR
    return found


def _worked(
    spans: Iterable[tuple[int, datetime, datetime, float, float]],
) -> Iterable[tuple[datetime, datetime, float]]:
    """What the standard gives for the time worked, never more than there was to work on."""
    left: dict[int, float] = {}
    for operation, start, end, minutes, had in spans:
        pieces = left.get(operation, had)
        stop = min(end, start + timedelta(minutes=pieces * minutes))
        left[operation] = pieces - (stop - start).total_seconds() / 60 / minutes
        yield start, stop, 1 / minutes


def _hour_of(moment: datetime) -> datetime:
    """The beginning of the clock hour as an instant; halves and quarters of an hour of offset are kept."""
    past = timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
    return (moment - past).astimezone(ZoneInfo("UTC"))


def _spread(spans: Iterable[tuple[datetime, datetime, float]]) -> dict[datetime, float]:
    """Pieces per clock hour of spans with a rate in pieces per minute."""
    found: dict[datetime, float] = defaultdict(float)
    for start, end, rate in spans:
        hour = _hour_of(start)
        while hour < end:
            minutes = (min(end, hour + HOUR) - max(start, hour)).total_seconds() / 60
            found[hour] += max(minutes, 0.0) * rate
            hour += HOUR
    return found


def _ahead(rows: list[OpenOperation], now: datetime, ends: datetime) -> Iterable[tuple[datetime, datetime, float]]:
    """What each work center would make until the shift ends: its running job, then its queue, at standard rate."""
    free: dict[int, datetime] = {}
    workable = (states.RUNNING, states.SETUP, states.SUSPENDED, states.READY)
    lined_up = sorted((row for row in rows if row.state in workable), key=lambda row: workable.index(row.state))
    for row in lined_up:
        start = free.get(row.work_center_id, now)
        if start >= ends or not row.open_quantity:
            continue
        run = float(row.open_quantity * row.run_minutes_per_unit)
        begin = start + timedelta(minutes=float(row.setup_minutes) if row.started_at is None else 0.0)
        end = begin + timedelta(minutes=run)
        free[row.work_center_id] = end
        if run and begin < ends:
            yield begin, min(end, ends), 1 / float(row.run_minutes_per_unit)
