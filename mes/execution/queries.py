"""The dispatch list as the floor needs it: planning's order, with material and checks answered by the apps above."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker
from mes.kernel.quantities import shown
from traceability.queries.shortages import Shortage, shortages
from workorders import states
from workorders.models import Site
from workorders.queries.dispatch import DispatchRow, dispatch_lists

#: Material is asked for before an operation begins and while it is interrupted, not once it runs.
NOT_BEGUN = (states.WAITING, states.READY, states.SUSPENDED)


def dispatch(site: Site, work_centers: Iterable[int], now: datetime) -> dict[int, list[DispatchRow]]:
    """For each of WORK_CENTERS its open operations in dispatch order, with everything that keeps them from starting.

    Six queries, whatever the number of work centers and rows.
    """
    lists = dispatch_lists(site, work_centers, now)
    add_shortages(site, [row for rows in lists.values() for row in rows])
    return lists


def add_shortages(site: Site, rows: list[DispatchRow]) -> None:
    """Add to each of ROWS the material it is short of."""
    wanted = [row.work.id for row in rows if row.work.state in NOT_BEGUN]
    short = shortages(site.pk, wanted, timezone.localdate()) if wanted else {}
    for row in rows:
        row.blockers += [Blocker("material_short", shortage_text(one)) for one in short.get(row.work.id, [])]


def shortage_text(shortage: Shortage) -> str:
    return _("{item} {name} is short: {needed} {unit} needed, {available} in stock.").format(
        item=shortage.item,
        name=shortage.name,
        needed=shown(shortage.needed),
        available=shown(shortage.available),
        unit=shortage.unit,
    )
