"""Events as lines of a timeline: a sign, a sentence and who did it. An unknown event shows its name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mes.kernel.models import Event
from mes.kernel.quantities import shown
from mes.screens.desk.change_words import change_text
from mes.screens.templatetags.mes import clock, hours_text, signed
from workorders.models import Operation, Reason

#: Filters of a timeline: the first word of an event's name, and what people call it.
KINDS = {
    "order": gettext_lazy("Order"),
    "operation": gettext_lazy("Operations"),
    "material": gettext_lazy("Material used"),
    "lot": gettext_lazy("Lots"),
    "hold": gettext_lazy("Holds"),
    "check": gettext_lazy("Checks"),
    "labor": gettext_lazy("Labor"),
    "command": gettext_lazy("Undone"),
    "erp": gettext_lazy("ERP"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event, ready to be shown."""

    id: int
    at: datetime
    recorded_at: datetime
    icon: str
    state: str
    text: str
    by: str


class _Facts:
    """The payload of one event with its codes spelled out."""

    def __init__(
        self, event: Event, operations: dict[int, Operation], reasons: dict[str, str], *, with_order: bool
    ) -> None:
        self.payload: dict[str, Any] = event.payload
        self.name = event.name
        self._operation = operations.get(self.payload.get("operation") or 0)
        self._reasons = reasons
        self._with_order = with_order

    def number(self, key: str) -> Decimal:
        return Decimal(str(self.payload.get(key) or 0))

    def quantity(self, key: str = "quantity") -> str:
        return f"{shown(self.number(key))} {self.payload.get('unit') or ''}".strip()

    @property
    def operation(self) -> str:
        if self._operation is None:
            return str(self.payload.get("sequence") or "")
        order = f"{self._operation.order.number}-" if self._with_order else ""
        return f"{order}{self._operation.sequence} {self._operation.name}"

    @property
    def place(self) -> str:
        return self._operation.work_center.code if self._operation else ""

    @property
    def reason(self) -> str:
        code = str(self.payload.get("reason") or "")
        return self._reasons.get(code, code)

    def text(self, key: str) -> str:
        return str(self.payload.get(key) or "")


def lines(events: Iterable[Event], site_id: int, *, with_order: bool = False) -> list[Line]:
    """EVENTS in words, operations named WITH their ORDER or without. Two queries for the names in them."""
    found = list(events)
    ids = {event.payload.get("operation") for event in found} - {None}
    rows = Operation.objects.filter(pk__in=ids, order__site_id=site_id).select_related("work_center", "order")
    operations = {row.pk: row for row in rows}
    reasons = dict(Reason.objects.filter(site_id=site_id).values_list("code", "text"))
    return [_line(event, _Facts(event, operations, reasons, with_order=with_order)) for event in found]


def _line(event: Event, facts: _Facts) -> Line:
    icon, state, text = _WORDS.get(event.name, _other)(facts)
    by = " · ".join(part for part in (event.actor_name, facts.place) if part)
    return Line(event.pk, event.occurred_at, event.recorded_at, icon, state, text, by)


Words = tuple[str, str, str]


def _other(facts: _Facts) -> Words:
    return "info", "", facts.name


def _with_note(text: str, *notes: str) -> str:
    return " · ".join([text, *(note for note in notes if note)])


def _received(facts: _Facts) -> Words:
    split = facts.text("split_from")
    if split:
        return "split", "", _("Split off order {number}: {quantity}").format(number=split, quantity=facts.quantity())
    if facts.payload.get("blockers"):
        return "inbox", "late", _("Changed; it cannot be made yet")
    return "inbox", "", _("Received: {quantity}").format(quantity=facts.quantity())


def _planned(facts: _Facts) -> Words:
    split = facts.text("split_off")
    if split:
        text = _("Order {number} split off; {quantity} stay here")
        return "split", "", text.format(number=split, quantity=facts.quantity())
    return "calendar-check", "", _("Complete and ready to be released")


def _released(facts: _Facts) -> Words:
    routing = facts.text("routing")
    text = _("Released with routing {version}").format(version=routing) if routing else _("Released")
    return "flag", "", text


def _finished(facts: _Facts) -> Words:
    text = _("Finished with {good} good, {scrap} scrap")
    return "circle-check", "", text.format(good=shown(facts.number("good")), scrap=shown(facts.number("scrap")))


def _cancelled(facts: _Facts) -> Words:
    return "ban", "late", _with_note(_("Cancelled"), facts.reason)


def _closed(facts: _Facts) -> Words:
    return "lock", "", _with_note(_("Closed"), facts.text("note"))


def _resequenced(facts: _Facts) -> Words:
    rank = facts.number("rank_to")
    text = _("Moved ahead in the queues") if rank < 0 else _("Moved back in the queues")
    return "list", "", _with_note(text if rank else _("Stands by its need date again"), facts.text("note"))


def _asked(facts: _Facts) -> Words:
    return "pencil", "warn", _with_note(_("Asked for: {what}").format(what=_change(facts)), facts.text("note"))


def _changed(facts: _Facts) -> Words:
    return "pencil", "", _with_note(_("Changed: {what}").format(what=_change(facts)), facts.text("note"))


def _not_changed(facts: _Facts) -> Words:
    return "x", "", _with_note(_("Change rejected: {what}").format(what=_change(facts)), facts.text("note"))


def _change(facts: _Facts) -> str:
    return change_text(facts.payload.get("changes") or {})


def _corrected(facts: _Facts) -> Words:
    text = _("Corrected after closing, op {operation}: good {good}, scrap {scrap}").format(
        operation=facts.operation, good=signed(facts.number("good")), scrap=signed(facts.number("scrap"))
    )
    return "pencil", "warn", _with_note(text, facts.reason, facts.text("note"))


def _started(facts: _Facts) -> Words:
    text = _("Op {operation}: set-up started") if facts.text("kind") == "SETUP" else _("Op {operation} started")
    return "play", "", text.format(operation=facts.operation)


def _entered(facts: _Facts) -> Words:
    began, ended = (clock(parse_datetime(facts.text(key))) for key in ("began", "ended"))
    text = _("Op {operation}: hour of {name} from {began} to {ended} entered from paper")
    return (
        "file-text",
        "",
        text.format(operation=facts.operation, name=facts.text("person_name"), began=began, ended=ended),
    )


def _suspended(facts: _Facts) -> Words:
    return "pause", "", _with_note(_("Op {operation} interrupted").format(operation=facts.operation), facts.reason)


def _reported(facts: _Facts) -> Words:
    parts = []
    for key, words in (("good", _("{count} good")), ("scrap", _("{count} scrap")), ("rework", _("{count} rework"))):
        if facts.number(key):
            parts.append(words.format(count=shown(facts.number(key)).replace("-", "−")))
    text = _("{what} on op {operation}").format(what=", ".join(parts) or "0", operation=facts.operation)
    scrap = facts.number("scrap") > 0
    return ("trash-2" if scrap else "plus"), ("late" if scrap else ""), _with_note(text, facts.reason)


def _completed(facts: _Facts) -> Words:
    text = _("Op {operation} completed, {good} good")
    return "check", "", text.format(operation=facts.operation, good=shown(facts.number("total_good")))


def _reopened(facts: _Facts) -> Words:
    return "rotate-ccw", "", _("Op {operation} opened again").format(operation=facts.operation)


def _skipped(facts: _Facts) -> Words:
    return "arrow-right", "", _with_note(_("Op {operation} skipped").format(operation=facts.operation), facts.reason)


def _undone(facts: _Facts) -> Words:
    return (
        "undo-2",
        "",
        _with_note(_("Undone: {what}").format(what=facts.text("command").replace("_", " ")), facts.reason),
    )


def _held(facts: _Facts) -> Words:
    what = facts.text("lot") or facts.operation
    text = _("{what} put on hold").format(what=what) if what else _("Put on hold")
    return "octagon-pause", "hold", _with_note(text, facts.reason, facts.text("note"))


def _lifted(facts: _Facts) -> Words:
    what = facts.text("lot") or facts.operation
    text = _("Hold on {what} lifted").format(what=what) if what else _("Hold lifted")
    return "circle-play", "", _with_note(text, facts.text("note"))


def _lot_received(facts: _Facts) -> Words:
    text = _("Lot {lot} received: {quantity} to {place}")
    return "truck", "", text.format(lot=facts.text("lot"), quantity=facts.quantity(), place=facts.text("location"))


def _produced(facts: _Facts) -> Words:
    return "package", "", _("Lot {lot}: {quantity} made").format(lot=facts.text("lot"), quantity=facts.quantity())


def _consumed(facts: _Facts) -> Words:
    what = facts.text("lot") or facts.text("item")
    amount = facts.number("quantity")
    text = _("{what}: {quantity} given back") if amount < 0 else _("{what}: {quantity} used")
    shown_amount = f"{shown(abs(amount))} {facts.text('unit')}"
    where = _("on op {operation}").format(operation=facts.operation) if facts.operation else ""
    return (
        "package-check",
        "",
        " ".join(part for part in (text.format(what=what, quantity=shown_amount), where) if part),
    )


def _adjusted(facts: _Facts) -> Words:
    amount = facts.number("quantity")
    change = f"{'−' if amount < 0 else '+'}{shown(abs(amount))} {facts.text('unit')}"
    text = _("Lot {lot} adjusted by {change} at {place}")
    return (
        "pencil",
        "",
        _with_note(text.format(lot=facts.text("lot"), change=change, place=facts.text("location")), facts.reason),
    )


def _lot_closed(facts: _Facts) -> Words:
    return "lock", "", _("Lot {lot} closed").format(lot=facts.text("lot"))


def _lot_reopened(facts: _Facts) -> Words:
    return "rotate-ccw", "", _("Lot {lot} opened again").format(lot=facts.text("lot"))


def _checked(facts: _Facts) -> Words:
    passed = bool(facts.payload.get("passed"))
    value = f"{shown(facts.number('value'))} {facts.text('unit')}".strip()
    text = _("Check {name}: {value}, passed") if passed else _("Check {name}: {value}, failed")
    text = text.format(name=facts.text("characteristic"), value=value)
    return "clipboard-check", ("" if passed else "late"), text


def _check_failed(facts: _Facts) -> Words:
    text = _("Op {operation} waits: check {name} failed")
    return "shield-alert", "late", text.format(operation=facts.operation, name=facts.text("characteristic"))


def _labor_started(facts: _Facts) -> Words:
    return "user", "", _("Began work on op {operation}").format(operation=facts.operation)


def _labor_stopped(facts: _Facts) -> Words:
    hours = hours_text(facts.number("seconds") / 3600)
    text = _("Ended work on op {operation} after {hours}")
    return "user", "", text.format(operation=facts.operation, hours=hours)


def _posted(_facts: _Facts) -> Words:
    return "send", "", _("Told to the ERP")


def _parked(facts: _Facts) -> Words:
    return "triangle-alert", "late", _with_note(_("The ERP did not take it"), facts.reason)


_WORDS = {
    "order.received": _received,
    "order.planned": _planned,
    "order.released": _released,
    "order.finished": _finished,
    "order.closed": _closed,
    "order.cancelled": _cancelled,
    "order.resequenced": _resequenced,
    "order.change_requested": _asked,
    "order.changed": _changed,
    "order.change_rejected": _not_changed,
    "order.corrected": _corrected,
    "operation.started": _started,
    "operation.entered": _entered,
    "operation.suspended": _suspended,
    "operation.reported": _reported,
    "operation.completed": _completed,
    "operation.reopened": _reopened,
    "operation.skipped": _skipped,
    "command.undone": _undone,
    "hold.placed": _held,
    "hold.released": _lifted,
    "lot.received": _lot_received,
    "lot.produced": _produced,
    "lot.closed": _lot_closed,
    "lot.reopened": _lot_reopened,
    "material.consumed": _consumed,
    "material.adjusted": _adjusted,
    "check.recorded": _checked,
    "check.failed": _check_failed,
    "labor.started": _labor_started,
    "labor.stopped": _labor_stopped,
    "erp.posted": _posted,
    "erp.parked": _parked,
}


def count_text(count: int) -> str:
    return ngettext("{count} event", "{count} events", count).format(count=count)
