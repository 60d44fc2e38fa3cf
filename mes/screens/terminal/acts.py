"""The acts of a job's buttons: reads the form, calls the floor act, says what happened. Judges nothing itself."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from devices.actions.counts import accept_counts
from mes.execution import output, runs, undo
from mes.execution.scan_acts import next_step
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO, parse_non_negative
from mes.screens.templatetags.mes import quantity
from mes.screens.terminal.band import GOOD, REFUSED, Band, BandChoice, done, refused
from quality.actions.inspections import record_check
from workorders import states
from workorders.models import Operation


@dataclass(frozen=True)
class Gesture:
    """What a form of the terminal says: its fields, the id made at the gesture and its time."""

    fields: dict[str, str]
    command_id: UUID
    at: datetime | None

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def number(self, name: str) -> str:
        """A number as it was typed on the pad, which knows point and comma."""
        return self.text(name).replace(",", ".") or "0"


def gesture_of(request: HttpRequest) -> Gesture:
    """Raises `unparseable` for a form without a command id."""
    fields = {name: str(value) for name, value in request.POST.items()}
    try:
        command_id = uuid.UUID(fields.get("command_id", ""))
    except ValueError:
        raise Refused("unparseable", why=_("the command id is missing")) from None
    at = parse_datetime(fields["at"]) if fields.get("at") else None
    return Gesture(fields, command_id, at)


Act = Callable[[Any, Operation, Gesture], tuple[Band, str]]


def perform(request: HttpRequest, actor: Any, operation: Operation, page: str) -> HttpResponse:
    """Do what the form's `act` names to OPERATION, and lead on; PAGE is where a refusal leaves the person."""
    what = f"{operation} · {operation.name}"
    gesture: Gesture | None = None
    try:
        gesture = gesture_of(request)
        act = ACTS.get(gesture.text("act"))
        if act is None:
            raise Refused("unparseable", why=_("the form names no act"))
        band, go = act(actor, operation, gesture)
    except Refused as refusal:
        return refused(request, refusal, what, page, _choices(refusal, operation, gesture))
    return done(request, band, go)


def _job(operation: Operation) -> str:
    return f"/t/job/{operation.pk}/"


def _what(operation: Operation) -> str:
    return f"{operation} · {operation.name}"


def start(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    kind = gesture.text("kind") or "RUN"
    runs.start_operation(
        actor=actor, operation_id=operation.pk, kind=kind, at=gesture.at, command_id=gesture.command_id
    )
    happened = _("Set-up of {job} has begun") if kind == "SETUP" else _("{job} has been started")
    return Band(GOOD, _what(operation), happened.format(job=operation), next_step(operation)), _job(operation)


def suspend(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    runs.suspend_operation(
        actor=actor,
        operation_id=operation.pk,
        reason=gesture.text("reason") or None,
        at=gesture.at,
        command_id=gesture.command_id,
    )
    return Band(GOOD, _what(operation), _("{job} is paused").format(job=operation)), _job(operation)


def report(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    """Report without completing: good pieces, or scrap with its reason, or pieces to rework."""
    kind = gesture.text("kind") or "good"
    amount = gesture.number("quantity")
    output.report_output(
        actor=actor,
        operation_id=operation.pk,
        good=amount if kind == "good" else 0,
        scrap=amount if kind == "scrap" else 0,
        rework=amount if kind == "rework" else 0,
        reason=gesture.text("reason") or None,
        at=gesture.at,
        command_id=gesture.command_id,
    )
    sentences = {
        "good": _("{count} {unit} good reported"),
        "scrap": _("{count} {unit} scrap reported"),
        "rework": _("{count} {unit} to rework reported"),
    }
    happened = sentences.get(kind, sentences["good"]).format(count=quantity(amount), unit=operation.order.unit.code)
    return Band(GOOD, _what(operation), happened, next_step(operation)), _job(operation)


def complete(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    """Report the quantity as good and complete; what is still open then needs a decision."""
    amount = gesture.number("quantity")
    output.complete_operation(
        actor=actor,
        operation_id=operation.pk,
        good=amount,
        reason=gesture.text("reason") or None,
        remainder=gesture.text("remainder") or None,
        at=gesture.at,
        command_id=gesture.command_id,
    )
    operation.refresh_from_db()
    unit = operation.order.unit.code
    if operation.state != states.COMPLETED:
        happened = _("{count} {unit} good reported, the rest stays open").format(count=quantity(amount), unit=unit)
        return Band(GOOD, _what(operation), happened), _job(operation)
    happened = _("Completed with {count} {unit} good").format(count=quantity(operation.good), unit=unit)
    return Band(GOOD, _what(operation), happened, _("Take the next job.")), "/t/home/"


def check(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    """Keep a measured value. One out of its limits is kept too, and says so."""
    code = gesture.text("code")
    kept = record_check(
        actor=actor,
        operation_id=operation.pk,
        code=code,
        value=gesture.number("value"),
        gauge=gesture.text("gauge") or None,
        at=gesture.at,
        command_id=gesture.command_id,
    )
    # A repeated command gives the stored outcome, which knows only the row.
    passed = kept.passed if hasattr(kept, "passed") else _passed(kept)
    what = f"{operation} · {code}"
    value = quantity(gesture.number("value"))
    if passed:
        happened = _("{value} is inside the limits").format(value=value)
        return Band(GOOD, what, happened, next_step(operation)), _job(operation)
    happened = _("{value} is outside the limits").format(value=value)
    following = _("The value is kept. Measure again, or put the piece aside and call quality.")
    return Band(REFUSED, what, happened, following), _job(operation)


def _passed(outcome: Any) -> bool:
    from quality.models import Measurement

    return Measurement.objects.get(pk=outcome["id"]).passed


def take_back(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    undo_act(actor, gesture)
    return Band(GOOD, _what(operation), _("Taken back")), _job(operation)


def accept(actor: Any, operation: Operation, gesture: Gesture) -> tuple[Band, str]:
    """Confirm the figure that the machine proposes, as it stood on the screen."""
    good = gesture.number("quantity")
    accept_counts(actor=actor, operation_id=operation.pk, good=good, command_id=gesture.command_id)
    happened = _("{count} {unit} confirmed as the machine counted them").format(
        count=quantity(good), unit=operation.order.unit.code
    )
    return Band(GOOD, _what(operation), happened, next_step(operation)), _job(operation)


def undo_act(actor: Any, gesture: Gesture) -> None:
    """Undo the command that the form names. Raises what the undo raises, `undo_unknown` for no id at all."""
    try:
        target = uuid.UUID(gesture.text("target"))
    except ValueError:
        raise Refused("undo_unknown", number=gesture.text("target")[:40]) from None
    undo.undo_command(actor=actor, target=target, reason=gesture.text("reason") or None, command_id=gesture.command_id)


ACTS: dict[str, Act] = {
    "start": start,
    "suspend": suspend,
    "report": report,
    "complete": complete,
    "check": check,
    "undo": take_back,
    "accept": accept,
}


def _choices(refusal: Refused, operation: Operation, gesture: Gesture | None) -> list[BandChoice]:
    """The answers a refusal asks for: what is to become of the pieces that are still open."""
    if refusal.reason != "remainder_undecided" or gesture is None:
        return []
    amount = parse_non_negative(gesture.number("quantity"))
    left = max(operation.open_quantity - amount, ZERO)
    unit = operation.order.unit.code
    fields = (("act", "complete"), ("quantity", gesture.number("quantity")))
    count = quantity(left)
    return [
        BandChoice(
            _("{count} {unit} stay open").format(count=count, unit=unit),
            action=_job(operation),
            fields=(*fields, ("remainder", "OPEN")),
        ),
        BandChoice(
            _("{count} {unit} will not be made").format(count=count, unit=unit),
            action=_job(operation),
            fields=(*fields, ("remainder", "SHORT")),
        ),
        BandChoice(_("{count} {unit} are scrap").format(count=count, unit=unit), href=f"{_job(operation)}scrap/"),
    ]
