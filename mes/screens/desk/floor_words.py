"""The floor page in words: prepared tiles, rows and sentences from the readings of the apps. Decides nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mes.kernel.quantities import shown
from mes.screens.desk.links import lot_url, order_url, work_center_url
from mes.screens.templatetags.mes import clock, hours_text
from quality.queries.checks import FailedCheck
from traceability.queries.holds import HeldLot
from workorders import states
from workorders.queries.dispatch import DispatchRow
from workorders.queries.estimates import Estimate
from workorders.queries.floor import Floor, Tile, Unreleased
from workorders.queries.holds import why_held
from workorders.queries.workload import OpenOperation

#: Standing still longer than this without anybody on it asks for a supervisor.
STANDS_TOO_LONG = timedelta(minutes=30)
NEEDS_SHOWN = 3
#: A queue longer than one shift is worth a mark on its work center.
LONG_QUEUE = 480.0


@dataclass(frozen=True, slots=True)
class Need:
    """One row of "needs you": a mark, a sentence about a thing with a page, since when, and the one next step."""

    key: str
    state: str
    mark: str
    said: str
    name: str
    url: str
    what: str
    text: str
    impact: str
    owner: str
    since: datetime | None
    step: str
    step_url: str
    icon: str


@dataclass(frozen=True, slots=True)
class TileText:
    """One work center as its tile says it."""

    id: int
    code: str
    name: str
    url: str
    state: str
    mark_state: str
    mark: str
    mark_said: str
    mark_since: datetime | None
    job: str
    item: str
    more: int
    percent: float | None
    standard: float | None
    ends: str
    note: str
    behind: bool


def signed_hours(slack: float) -> str:
    """Slack as it is read at a glance: −9 h, +2 h."""
    return f"{'−' if slack < 0 else '+'}{hours_text(abs(slack))}"


def when(moment: datetime | None) -> str:
    """The hour today, with the weekday on other days of this week, else the date."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate()).days
    if days == 0:
        return local.strftime("%H:%M")
    if abs(days) < 7:
        return f"{formats.date_format(local, 'D')} {local:%H:%M}"
    return formats.date_format(local, "j M")


# -- tiles -----------------------------------------------------------------------------------------------------------


def tile_text(tile: Tile, floor: Floor, longest_queue: float) -> TileText:
    """The tile of one work center: its job with progress against the standard, or why there is none."""
    jobs = tile.jobs
    job = jobs[0] if jobs else None
    stands = job or (tile.interrupted[0] if tile.interrupted else None)
    mark_state, mark, said, since = _mark(tile, job, longest_queue)
    percent = _percent(stands.work) if stands else None
    return TileText(
        id=tile.center.pk,
        code=tile.center.code,
        name=tile.center.name,
        url=work_center_url(tile.center.code, tile.center.pk),
        state=_state(tile, job),
        mark_state=mark_state,
        mark=mark,
        mark_said=said,
        mark_since=since,
        job=stands.work.label if stands else "",
        item=stands.work.item if stands else "",
        more=max(len(jobs) - 1, 0),
        percent=percent if job and job.work.state == states.RUNNING else None,
        standard=_standard(job.work, tile.worked_minutes) if job else None,
        ends=when(tile.ends),
        note=_note(tile, job, floor),
        behind=any(row.estimate.behind for row in (jobs or [stands] if stands else [])),
    )


def _state(tile: Tile, job: DispatchRow | None) -> str:
    if tile.held:
        return "hold"
    if job is not None:
        return "setup" if job.work.state == states.SETUP else "run"
    return "idle"


def _mark(tile: Tile, job: DispatchRow | None, longest_queue: float) -> tuple[str, str, str, datetime | None]:
    if tile.held:
        return "hold", _("hold"), _("Work center on hold"), None
    if job is not None and job.work.state == states.SETUP:
        return "setup", _("setup"), "", None
    if job is None and tile.stopped is not None:
        return "risk", "", _("Stands since"), tile.stopped.since
    if tile.queue_minutes >= LONG_QUEUE and tile.queue_minutes == longest_queue:
        hours = hours_text(tile.queue_minutes / 60)
        return "risk", hours, _("The longest queue: {hours}").format(hours=hours), None
    if job is None:
        return "idle", _("idle"), "", None
    return "", "", "", None


def _percent(work: OpenOperation) -> float | None:
    if not work.expected:
        return None
    return min(float((work.good + work.scrap) * 100 / work.expected), 100.0)


def _standard(work: OpenOperation, worked: float) -> float | None:
    """How far the standard would be after the minutes worked."""
    total = float(work.run_minutes_per_unit * work.expected)
    return min(worked * 100 / total, 100.0) if total else None


def _note(tile: Tile, job: DispatchRow | None, floor: Floor) -> str:
    if tile.held:
        return why_held(floor.holds.work_centers[tile.center.pk])
    if job is not None:
        return _("setting up") if job.work.state == states.SETUP else ""
    if tile.stopped is not None:
        return tile.stopped.reason or _("no reason given")
    if tile.waiting:
        first = tile.waiting[0]
        blocked = first.blockers[0].message if first.blockers else ""
        return blocked or _("next {job}").format(job=first.work.label)
    if tile.rows:
        return _("waits for {number}").format(number=tile.rows[0].work.number)
    return _("nothing queued")


# -- needs you -------------------------------------------------------------------------------------------------------


def needs(floor: Floor, held: list[HeldLot], failed: list[FailedCheck]) -> list[Need]:
    """Everything that waits for a supervisor: the worst of each kind first, then the rest by order impact."""
    groups = [
        [_behind(one) for one in floor.behind],
        [_failed(one) for one in failed],
        [*_holds(floor), *(_held_lot(one) for one in held)],
        _standing(floor),
        [_unreleased(one) for one in floor.unreleased],
    ]
    first = [group[0] for group in groups if group]
    return first + [need for group in groups for need in group[1:]]


def _behind(one: Estimate) -> Need:
    work = one.current
    late = one.verdict == "late"
    hours = hours_text(abs(one.slack or 0))
    said = (_("{hours} late") if late else _("Will be {hours} late")).format(hours=hours)
    needed = when(one.need_date)
    text = (
        _("was needed {day} and still takes {hours} by standard time")
        if late
        else _("is needed {day} and takes {hours} by standard time")
    ).format(day=needed, hours=hours_text(one.minutes / 60))
    url = order_url(work.number, one.order_id)
    return Need(
        key=f"order-{one.order_id}",
        state=one.verdict,
        mark=signed_hours(one.slack or 0),
        said=said,
        name=work.number,
        url=url,
        what=_("{item}, {quantity} {unit}").format(item=work.item_name, quantity=shown(work.quantity), unit=work.unit),
        text=text,
        impact=stands_at(work),
        owner=work.customer_order,
        since=None,
        step=_("Open order"),
        step_url=url,
        icon="route",
    )


def stands_at(work: OpenOperation) -> str:
    """Where an order stands, in two or three words."""
    words = {
        states.RUNNING: _("runs at {operation}"),
        states.SETUP: _("set up at {operation}"),
        states.SUSPENDED: _("interrupted at {operation}"),
        states.READY: _("queued at {operation}"),
        states.WAITING: _("waits for {operation}"),
    }
    return words[work.state].format(operation=_("op {sequence} {name}").format(sequence=work.sequence, name=work.name))


def _failed(one: FailedCheck) -> Need:
    url = order_url(one.number, one.order_id)
    value = f"{shown(one.value)} {one.unit}".strip() if one.value is not None else ""
    return Need(
        key=f"check-{one.order_id}-{one.sequence}-{one.name}",
        state="late",
        mark=_("check"),
        said=_("Check failed"),
        name=f"{one.number}-{one.sequence}",
        url=f"{url}?tab=quality",
        what=one.name,
        text=_("failed with {value}").format(value=value) if value else _("failed"),
        impact=_("the operation cannot be completed"),
        owner=one.measured_by,
        since=one.failed_at,
        step=_("Open check"),
        step_url=f"{url}?tab=quality",
        icon="clipboard-check",
    )


def _holds(floor: Floor) -> list[Need]:
    numbers = {row.order_id: row.number for row in floor.rows}
    found = []
    for hold in floor.holds.rows:
        order = hold.order or (hold.operation.order if hold.operation else None)
        if order is not None and order.pk not in numbers:
            continue
        if order is not None:
            name, url = str(hold.operation or order), order_url(order.number, order.pk)
            step, step_url = _("Decide hold"), f"{url}?act=release-hold"
        elif hold.work_center is not None:
            name, url = hold.work_center.code, work_center_url(hold.work_center.code, hold.work_center.pk)
            step, step_url = _("Decide hold"), url
        else:
            name = str(hold.item)
            url = f"/orders/?q={name}"
            step, step_url = _("See orders"), url
        found.append(
            Need(
                key=f"hold-{hold.pk}",
                state="hold",
                mark=_("Hold"),
                said="",
                name=name,
                url=url,
                what="",
                text=_("is on hold: {why}").format(why=why_held(hold)),
                impact="",
                owner=hold.placed_by_name,
                since=hold.placed_at,
                step=step,
                step_url=step_url,
                icon="octagon-pause",
            )
        )
    return found


def _held_lot(held: HeldLot) -> Need:
    why = " · ".join(part for part in (held.reason, held.note) if part) or "–"
    impact = (
        ngettext("{count} open order needs this item", "{count} open orders need this item", held.orders).format(
            count=held.orders
        )
        if held.orders
        else ""
    )
    url = lot_url(held.number, held.lot_id)
    return Need(
        key=f"lot-hold-{held.hold_id}",
        state="hold",
        mark=_("Hold"),
        said="",
        name=held.number,
        url=url,
        what=_("{item}, {quantity} {unit}").format(item=held.item_name, quantity=shown(held.quantity), unit=held.unit),
        text=_("is on hold: {why}").format(why=why),
        impact=impact,
        owner=held.placed_by,
        since=held.placed_at,
        step=_("Open lot"),
        step_url=url,
        icon="package-search",
    )


def _standing(floor: Floor) -> list[Need]:
    found = []
    for tile in floor.tiles:
        if tile.jobs or tile.stopped is None or floor.now - tile.stopped.since < STANDS_TOO_LONG:
            continue
        work = tile.interrupted[0].work
        url = work_center_url(tile.center.code, tile.center.pk)
        found.append(
            Need(
                key=f"stand-{tile.center.pk}",
                state="risk",
                mark=clock(tile.stopped.since),
                said=_("Stands since {time}").format(time=clock(tile.stopped.since)),
                name=tile.center.code,
                url=url,
                what="",
                text=_("stands with {operation}: {why}").format(
                    operation=work.label, why=tile.stopped.reason or _("no reason given")
                ),
                impact="",
                owner="",
                since=tile.stopped.since,
                step=_("Open queue"),
                step_url=url,
                icon="list",
            )
        )
    return found


def _unreleased(one: Unreleased) -> Need:
    url = order_url(one.number, one.id)
    return Need(
        key=f"unreleased-{one.id}",
        state="late",
        mark=_("not released"),
        said="",
        name=one.number,
        url=url,
        what=one.item_name,
        text=_("was needed {day} and is not released").format(day=when(one.need_date)),
        impact=one.first_blocker,
        owner="",
        since=None,
        step=_("Open order"),
        step_url=url,
        icon="route",
    )
