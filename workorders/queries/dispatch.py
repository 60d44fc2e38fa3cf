"""The dispatch list of a work center: what to do next, why a row stands where it stands, and why it cannot start.

Order: manual rank, need date, priority, id. Material and checks are added above, where they are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mes.kernel.errors import Blocker
from mes.kernel.quantities import shown
from workorders import states
from workorders.models import Hold, Site
from workorders.queries.estimates import Estimate, by_order, estimates
from workorders.queries.holds import OpenHolds, open_holds, why_held
from workorders.queries.workload import OpenOperation, open_work
from workorders.shifts import WorkTimes


@dataclass(slots=True)
class DispatchRow:
    """One operation in the queue of a work center. `blockers` empty and READY or SUSPENDED means it can be started."""

    place: int
    work: OpenOperation
    estimate: Estimate
    why: str
    blockers: list[Blocker] = field(default_factory=list)

    @property
    def can_start(self) -> bool:
        return self.work.state in (states.READY, states.SUSPENDED, states.SETUP) and not self.blockers

    @property
    def is_running(self) -> bool:
        return self.work.state in (states.RUNNING, states.SETUP)


def dispatch_lists(site: Site, work_centers: Iterable[int], now: datetime) -> dict[int, list[DispatchRow]]:
    """For each of WORK_CENTERS its operations in dispatch order, those that wait for earlier ones included."""
    wanted = list(work_centers)
    rows = open_work(site.pk, work_centers=wanted)
    return lists_of(rows, wanted, WorkTimes(site, now), open_holds(site.pk))


def lists_of(
    rows: list[OpenOperation], work_centers: Iterable[int], times: WorkTimes, holds: OpenHolds
) -> dict[int, list[DispatchRow]]:
    """The same from rows already read. ROWS must be in dispatch order and hold whole orders."""
    found: dict[int, list[DispatchRow]] = {center: [] for center in work_centers}
    known = estimates(rows, times.of())
    earlier = _before(rows)
    for row in rows:
        queue = found.get(row.work_center_id)
        if queue is None:
            continue
        standing = known[row.order_id]
        blockers = [Blocker("on_hold", _held(hold)) for hold in holds.on(row)]
        if row.state == states.WAITING:
            blockers.append(Blocker("waits_for_operation", waits_for(earlier.get(row.id))))
        queue.append(DispatchRow(len(queue) + 1, row, standing, why_here(standing, row), blockers))
    return found


def _held(hold: Hold) -> str:
    return _("On hold: {why}").format(why=why_held(hold))


def _before(rows: Iterable[OpenOperation]) -> dict[int, OpenOperation]:
    """For each operation the open one right before it in its order."""
    found: dict[int, OpenOperation] = {}
    for mine in by_order(rows).values():
        mine = sorted(mine, key=lambda row: row.sequence)
        found |= {after.id: before for before, after in pairwise(mine)}
    return found


def waits_for(before: OpenOperation | None) -> str:
    """What a WAITING operation waits for."""
    if before is None:
        return _("Waits for pieces.")
    done = before.good + before.scrap
    return _("Waits for operation {sequence} {name}, {done} of {expected} done.").format(
        sequence=before.sequence,
        name=before.name,
        done=shown(done),
        expected=shown(before.expected),
    )


def why_here(standing: Estimate, row: OpenOperation) -> str:
    """Why a row stands where it stands, in one sentence."""
    if row.manual_rank < 0:
        return _("Moved ahead by hand.")
    if row.manual_rank > 0:
        return _("Moved back by hand.")
    if row.need_date is None:
        return _("No need date; priority {priority}.").format(priority=row.priority)
    day = formats.date_format(timezone.localtime(row.need_date), "D j M H:i")
    if standing.slack is not None and standing.slack < 0:
        late = round(-standing.slack) or 1
        return ngettext(
            "Needed {day}; {count} hour late by standard time.",
            "Needed {day}; {count} hours late by standard time.",
            late,
        ).format(day=day, count=late)
    return _("Needed {day}.").format(day=day)
