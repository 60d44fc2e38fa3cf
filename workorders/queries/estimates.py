"""When an order will be done by standard time, and how that stands against the day it is needed. Pure: works on rows.

The estimate is plain on purpose: the standard minutes of all open operations, one after the other, in the hours of the
shifts, without any wait in a queue. It is therefore the earliest end that the standards allow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from workorders import states
from workorders.queries.workload import OpenOperation
from workorders.worktime import WorkTime

#: Less slack than one shift is a risk: nothing may go wrong any more.
TIGHT_HOURS = 8.0
LATE, PREDICTED, RISK, ON_TRACK = "late", "pred", "risk", "ok"
_STANDING = {states.RUNNING: 0, states.SETUP: 1, states.SUSPENDED: 2, states.READY: 3, states.WAITING: 4}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where an order stands. `slack` is in hours, negative when late; None without a need date."""

    order_id: int
    minutes: float
    finish: datetime
    need_date: datetime | None
    slack: float | None
    verdict: str
    current: OpenOperation

    @property
    def behind(self) -> bool:
        return self.verdict in (LATE, PREDICTED)

    @property
    def at_risk(self) -> bool:
        return self.verdict == RISK


def slack_of(need_date: datetime | None, finish: datetime) -> float | None:
    return None if need_date is None else (need_date - finish).total_seconds() / 3600


def verdict_of(now: datetime, need_date: datetime | None, slack: float | None) -> str:
    """late: the day has passed. pred: by standard time it will be late. risk: less than one shift to spare."""
    if need_date is None or slack is None:
        return ON_TRACK
    if need_date < now:
        return LATE
    if slack < 0:
        return PREDICTED
    return RISK if slack < TIGHT_HOURS else ON_TRACK


def estimate(order_id: int, rows: list[OpenOperation], need_date: datetime | None, time: WorkTime) -> Estimate:
    """The estimate of one order from its open operations, of which there must be one."""
    minutes = sum(row.remaining for row in rows)
    finish = time.after(minutes)
    slack = slack_of(need_date, finish)
    current = min(rows, key=lambda row: (_STANDING[row.state], row.sequence))
    return Estimate(order_id, minutes, finish, need_date, slack, verdict_of(time.now, need_date, slack), current)


def by_order(rows: Iterable[OpenOperation]) -> dict[int, list[OpenOperation]]:
    """The rows of each order in their sequence."""
    found: dict[int, list[OpenOperation]] = {}
    for row in rows:
        found.setdefault(row.order_id, []).append(row)
    return found


def estimates(rows: Iterable[OpenOperation], time: WorkTime) -> dict[int, Estimate]:
    """The estimate of every order among ROWS."""
    return {order_id: estimate(order_id, mine, mine[0].need_date, time) for order_id, mine in by_order(rows).items()}
