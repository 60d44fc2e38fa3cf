"""The route of an order as bars: outline plan, solid actual, dashed by standard. Pure; places are in per cent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import formats

from workorders.queries.order import OrderDetail, Span, Step

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Ticks of the time axis: the first step that gives at most this many.
STEPS = (HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY)
MOST_TICKS = 6
#: A tick closer to the promise than this, in per cent, leaves its text to the flag.
NEAR = 7.0


@dataclass(frozen=True, slots=True)
class Tick:
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    place: str
    width: str


@dataclass(frozen=True, slots=True)
class StepBars:
    """The bars of one operation."""

    planned: Bar | None
    worked: list[Bar]
    ahead: Bar | None
    late: bool


class RouteChart:
    """The common time axis of an order's operations, and their places on it."""

    def __init__(self, detail: OrderDetail, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.need_date = detail.order.need_date
        moments = [detail.now]
        for step in detail.steps:
            for span in (step.planned, *step.worked, step.ahead):
                moments += span or ()
        first, last = min(moments), max(moments)
        # The promise is shown when it lies near; a far one would squeeze the work into a corner.
        if self.need_date and first - (last - first) <= self.need_date <= last + max(2 * (last - first), DAY):
            first, last = min(first, self.need_date), max(last, self.need_date)
        margin = max((last - first) * 0.04, timedelta(minutes=10))
        self.first, self.last = first - margin, last + margin
        self.now = self._place(detail.now)
        self.promise = self._place(self.need_date) if self.need_date and self._shows(self.need_date) else ""
        self.ticks = self._ticks()

    def _shows(self, moment: datetime) -> bool:
        return self.first <= moment <= self.last

    def _place(self, moment: datetime) -> str:
        return f"{(moment - self.first) / (self.last - self.first) * 100:.2f}"

    def _bar(self, span: Span | None) -> Bar | None:
        if span is None:
            return None
        width = (span[1] - span[0]) / (self.last - self.first) * 100
        return Bar(self._place(span[0]), f"{max(width, 0.4):.2f}")

    def bars(self, step: Step) -> StepBars:
        worked = [bar for bar in map(self._bar, step.worked) if bar]
        late = bool(step.ahead and self.need_date and step.ahead[1] > self.need_date)
        return StepBars(self._bar(step.planned), worked, self._bar(step.ahead), late)

    def _ticks(self) -> list[Tick]:
        whole = self.last - self.first
        step = next((step for step in STEPS if whole / step <= MOST_TICKS), STEPS[-1])
        local = self.first.astimezone(self.zone).replace(minute=0, second=0, microsecond=0, tzinfo=None)
        local = local.replace(hour=0) if step >= DAY else local.replace(hour=local.hour - local.hour % (step // HOUR))
        ticks: list[Tick] = []
        while True:
            local += step
            moment = local.replace(tzinfo=self.zone)
            if moment > self.last:
                return ticks
            if step < DAY and local.hour:
                text = local.strftime("%H:%M")
            else:
                text = formats.date_format(local, "D" if step <= DAY else "j M")
            place = self._place(moment)
            if self.promise and abs(float(place) - float(self.promise)) < NEAR:
                text = ""
            if moment >= self.first:
                ticks.append(Tick(place, text))
