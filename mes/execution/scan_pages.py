"""What a thing means on the screen it was scanned at: the table of kinds and pages. Changes nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from mes.execution.scan_acts import Plan, use
from mes.execution.scan_answers import GOOD, QUESTION, REFUSED, Choice, ScanAnswer
from mes.execution.scan_matches import Match, operation_match
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused
from traceability.queries import balances_of
from workorders.models import Operation
from workorders.states import LIVE_OPERATIONS, WAITING

LOCK, HOME, JOB, MATERIALS, CHECK, DESK = "lock", "home", "job", "materials", "check", "desk"
PAGES = (LOCK, HOME, JOB, MATERIALS, CHECK, DESK)
#: Pages that show one job.
ON_A_JOB = (JOB, MATERIALS, CHECK)


@dataclass(frozen=True)
class Context:
    """Where a scan was made: who, on which page, with which job open, at which work center, drawing from where."""

    actor: Actor
    page: str
    operation: Operation | None = None
    work_center_id: int | None = None
    location: str | None = None
    expect: Collection[str] = ()
    command_id: UUID | None = None


def meaning(context: Context, match: Match) -> ScanAnswer | Plan:
    """What follows from the one thing that was scanned, on this page."""
    return _TABLE[match.kind](context, match)


def _plain(match: Match, reason: str = "recognised", happened: str = "", nxt: str = "") -> ScanAnswer:
    return ScanAnswer(GOOD, reason, match.text, happened, nxt, subject=match.as_choice())


def _not_here(match: Match, happened: str, nxt: str) -> ScanAnswer:
    return ScanAnswer(REFUSED, "not_here", match.text, happened, nxt, subject=match.as_choice())


def _badge(context: Context, match: Match) -> ScanAnswer:
    if context.page == DESK:
        return _not_here(match, _("A badge says nothing here."), _("Scan it at a terminal to work there."))
    return _plain(match, "identified", nxt=_("Enter the PIN that belongs to it."))


def _order(context: Context, match: Match) -> ScanAnswer:
    order = match.row
    state = _("The order is {state}.").format(state=order.state)
    if context.page == LOCK:
        return _plain(match, happened=state, nxt=_("Scan your badge to work on it."))
    if context.page == DESK:
        return _plain(match, happened=state, nxt=_("Open the order."))
    if context.operation is not None and context.operation.order_id == order.pk:
        return _plain(match, "on_screen", state, _("This is the job on the screen."))
    live = (
        Operation.objects.filter(order=order, state__in=LIVE_OPERATIONS)
        .exclude(state=WAITING)
        .select_related("order__unit", "work_center")
        .order_by("sequence")
    )
    here = [row for row in live if context.work_center_id in (None, row.work_center_id)]
    found = [operation_match(row) for row in here or live]
    if not found:
        return _plain(match, happened=state, nxt=_("No operation of it can be worked on now."))
    if len(found) == 1:
        return _operation(context, found[0])
    return ScanAnswer(
        QUESTION,
        "choose_operation",
        match.text,
        state,
        _("Choose the operation."),
        tuple(one.as_choice() for one in found[:8]),
        match.as_choice(),
    )


def _operation(context: Context, match: Match) -> ScanAnswer:
    operation = match.row
    state = _("The operation is {state}, at {center}.").format(state=operation.state, center=operation.work_center)
    if context.page == LOCK:
        return _plain(match, happened=state, nxt=_("Scan your badge to work on it."))
    if context.operation is not None and context.operation.pk == operation.pk:
        return _plain(match, "on_screen", state, _("This is the job on the screen."))
    if context.page in ON_A_JOB and context.operation is not None:
        return ScanAnswer(
            QUESTION,
            "other_job",
            match.text,
            state,
            _("Open it, or stay with operation {operation}?").format(operation=context.operation),
            (match.as_choice(), operation_match(context.operation).as_choice()),
            match.as_choice(),
        )
    return _plain(match, "job", state, _("Open operation {operation}.").format(operation=operation))


def _lot(context: Context, match: Match) -> ScanAnswer | Plan:
    if context.operation is not None and context.page in (JOB, MATERIALS):
        return use(context.actor, context.operation, match, context.location)
    stock = ", ".join(
        f"{decimal_text(quantity)} {match.row.item.unit.code} {place}" for place, quantity in balances_of(match.row.pk)
    )
    state = _("The lot is {state}; in stock: {stock}.").format(state=match.row.state, stock=stock or "–")
    hints = {LOCK: _("Scan your badge to work with it."), DESK: _("Open the lot and its trace.")}
    return _plain(match, happened=state, nxt=hints.get(context.page, _("Open a job to use it.")))


def _item(context: Context, match: Match) -> ScanAnswer | Plan:
    if context.operation is not None and context.page in (JOB, MATERIALS):
        return use(context.actor, context.operation, match, context.location)
    return _plain(match, nxt=_("Open a job to use it."))


def _work_center(context: Context, match: Match) -> ScanAnswer:
    if context.page == LOCK:
        return _not_here(match, _("Nobody is signed in."), _("Scan your badge first."))
    if context.page in ON_A_JOB and context.operation is not None:
        happened = _("The job on the screen is at work center {code}.").format(code=context.operation.work_center)
        return _plain(match, happened=happened, nxt=_("Go back to the list to see the jobs of another work center."))
    return _plain(match, nxt=_("Show its jobs."))


def _location(context: Context, match: Match) -> ScanAnswer:
    if context.page in (JOB, MATERIALS):
        return _plain(match, "source_location", _("Material is drawn from here."), _("Scan the lot."))
    if context.page == DESK:
        return _plain(match)
    return _not_here(match, _("A location says nothing on this page."), _("Open a job, then scan it."))


def _gauge(context: Context, match: Match) -> ScanAnswer:
    gauge = match.row
    until = gauge.calibrated_until
    if not gauge.is_active:
        raise Refused("gauge_unknown", code=gauge.code)
    if until is not None and until < timezone.now().date():
        raise Refused("gauge_expired", code=gauge.code, date=formats.date_format(until, "SHORT_DATE_FORMAT"))
    happened = _("Calibrated until {date}.").format(date=formats.date_format(until)) if until else ""
    if context.page in (LOCK, HOME):
        return _not_here(match, happened, _("Open a check, then scan it."))
    return _plain(match, "gauge", happened, _("Enter the value that was measured with it."))


def _reason(context: Context, match: Match) -> ScanAnswer:
    if context.operation is None:
        return _not_here(match, _("A reason says nothing without a job."), _("Open a job, then scan it."))
    hints = {
        "SCRAP": _("Enter how many pieces are scrapped for it."),
        "DOWNTIME": _("Pause the job for it?"),
    }
    return ScanAnswer(
        QUESTION,
        "reason_code",
        match.text,
        next=hints.get(match.row.kind, _("Choose what it is the reason for.")),
        subject=match.as_choice(),
    )


def quantity(context: Context, text: str) -> ScanAnswer:
    """A quantity code sets the field that waits for one."""
    subject = Choice("quantity", 0, text, text)
    what = _("Quantity {quantity}").format(quantity=text)
    if context.page not in ON_A_JOB:
        nxt = _("Open a job, then scan it.")
        return ScanAnswer(REFUSED, "not_here", what, _("A quantity says nothing on this page."), nxt, subject=subject)
    return ScanAnswer(GOOD, "quantity", what, next=_("It stands in the field for quantities."), subject=subject)


_TABLE: dict[str, Callable[[Context, Match], ScanAnswer | Plan]] = {
    "badge": _badge,
    "order": _order,
    "operation": _operation,
    "lot": _lot,
    "item": _item,
    "work_center": _work_center,
    "location": _location,
    "gauge": _gauge,
    "reason": _reason,
}
