"""What the machines of a work center did in the last day, for its page: the state now, a strip, counts, the sums."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.interpretation import FAULT, RUN, SETUP, UNKNOWN
from devices.queries.states import StateStretch, machine_states, pieces_of, units_with_devices
from mes.screens.desk.device_words import STATES
from mes.screens.templatetags.mes import minutes, quantity
from workorders.models import WorkCenter

A_DAY = timedelta(hours=24)
_LEGEND = (
    ("run", (RUN,)),
    ("setup", (SETUP,)),
    ("stop", ("STOP", "OFF")),
    ("down", (FAULT,)),
    ("warn", ("STARVED", "BLOCKED")),
    ("unknown", (UNKNOWN,)),
)


def machines_of(center: WorkCenter, now: datetime) -> list[dict[str, Any]]:
    """One entry per machine that is read here; none where no machine tells of itself."""
    units = units_with_devices(center.pk)
    if not units:
        return []
    start = now - A_DAY
    days = machine_states([unit.pk for unit in units], start, now)
    pieces = pieces_of([unit.pk for unit in units], start)
    return [
        {
            "id": unit.pk,
            "name": unit.code if unit.code != center.code else unit.name or unit.code,
            **_day(days[unit.pk], start, now),
            "pieces": _pieces(*pieces.get(unit.pk, (Decimal(0), Decimal(0), 0))),
            "waiting": pieces.get(unit.pk, (0, 0, 0))[2],
        }
        for unit in units
    ]


def _day(stretches: list[StateStretch], start: datetime, now: datetime) -> dict[str, Any]:
    lasted: dict[str, float] = defaultdict(float)
    for each in stretches:
        lasted[each.state] += each.minutes
    last = stretches[-1] if stretches else None
    stops = sum(1 for each in stretches if each.state == FAULT)

    def place(moment: datetime) -> str:
        return f"{(moment - start) / A_DAY * 100:.2f}"

    first = timezone.localtime(start).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    ticks = [first + timedelta(hours=hour) for hour in range(24) if (first.hour + hour) % 2 == 0]
    title = ngettext(
        "The machine ran {ran} h of the last 24 h, with {count} fault",
        "The machine ran {ran} h of the last 24 h, with {count} faults",
        stops,
    ).format(ran=minutes(lasted[RUN]), count=stops)
    return {
        "title": title,
        "now": (STATES[last.state][0], STATES[last.state][1]) if last else None,
        "since": last.start if last and last.start > start else None,
        "bars": [
            {"kind": STATES[each.state][2], "x": place(each.start), "width": f"{each.minutes / 14.4:.3f}"}
            for each in stretches
            if each.minutes > 0.3
        ],
        "ticks": [{"x": place(tick), "text": tick.strftime("%H:%M")} for tick in ticks if start <= tick <= now],
        "legend": [
            (key, str(STATES[names[0]][1]), minutes(sum(lasted[name] for name in names)))
            for key, names in _LEGEND
            if sum(lasted[name] for name in names) >= 0.5
        ],
        "table": [(each, str(STATES[each.state][1])) for each in reversed(stretches) if each.minutes >= 0.5][:40],
    }


def _pieces(good: Decimal, scrap: Decimal, waiting: int) -> str:
    text = _("Counted in 24 h: {good} good, {scrap} rejects.").format(good=quantity(good), scrap=quantity(scrap))
    if waiting:
        more = ngettext("{count} count waits for its job.", "{count} counts wait for their jobs.", waiting)
        text += " " + more.format(count=waiting)
    return text
