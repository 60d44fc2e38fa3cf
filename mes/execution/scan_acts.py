"""The acts a scan can lead to: using material that is due, and the command codes. Each is a plan first.

A plan knows what it would do, does it through the floor acts, and says afterwards what happened and what is next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.execution import output, runs, undo
from mes.execution.scan_answers import GOOD, QUESTION, REFUSED, UNKNOWN, Choice, ScanAnswer
from mes.execution.scan_matches import Match
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused, StartOver
from mes.kernel.models import CommandReceipt
from quality.models import Inspection
from quality.states import PASSED
from traceability.models import LotBalance, MaterialMovement
from traceability.queries import Need, needs_of
from workorders.models import Operation, OperationChange
from workorders.states import COMPLETED, RUNNING


@dataclass(frozen=True)
class Plan:
    """What a scan leads to: OFFER is the answer before it, `perform` does it and gives the answer after it."""

    offer: ScanAnswer
    perform: Callable[[UUID], ScanAnswer]


# -- material ------------------------------------------------------------------------------------------------------


def use(actor: Actor, operation: Operation, match: Match, location: str | None) -> ScanAnswer | Plan:
    """Use what is still required of a lot or an untracked item, or what there is of it. Raises `not_a_component`."""
    lot = match.row if match.kind == "lot" else None
    item = match.row.item if lot is not None else match.row
    needs = needs_of(operation.pk)
    need = next((one for one in needs if one.item_id == item.pk), None)
    if need is None:
        choices = ", ".join(one.item for one in needs) or "–"
        raise Refused("not_a_component", item=item.code, operation=str(operation), choices=choices)
    if lot is None and item.is_tracked:
        raise Refused("lot_needed", item=item.code)
    wanted = _whole(need.to_go, item.unit.decimals)
    if not wanted:
        return _enough(operation, match, need)
    stock = _stock(lot.pk, operation, location) if lot is not None else None
    amount = min(wanted, stock) if stock else wanted
    offer = ScanAnswer(
        verdict=GOOD,
        reason="lot_due" if lot is not None else "item_due",
        what=match.text,
        happened=_("Operation {operation} still needs {quantity} {unit} of it.").format(
            operation=operation, quantity=decimal_text(wanted), unit=need.unit
        ),
        next=_("Use {quantity} {unit} of it on operation {operation}.").format(
            operation=operation, quantity=decimal_text(amount), unit=need.unit
        ),
        subject=match.as_choice(),
        action="consume_material",
    )
    source: dict[str, Any] = {"lot": f"~{lot.pk}"} if lot is not None else {"item": item.code}

    def perform(command_id: UUID) -> ScanAnswer:
        try:
            output.consume_material(
                actor=actor,
                operation_id=operation.pk,
                quantity=amount,
                unit=need.unit,
                location=location,
                command_id=command_id,
                **source,
            )
        except Refused as refusal:
            if refusal.reason == "lot_short" and stock:  # somebody drew on it between the look and the lock
                raise StartOver from refusal
            raise
        return _used(offer, operation, need, amount, wanted - amount, command_id)

    return Plan(offer, perform)


def _whole(quantity: Decimal, decimals: int) -> Decimal:
    """Half a piece cannot be drawn: up to the unit's next step."""
    return quantity.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING)


def _stock(lot_id: int, operation: Operation, location: str | None) -> Decimal | None:
    """What lies where the consumption will draw from; None where that is for the consumption to refuse or to ask."""
    rows = {
        row.location.code: row
        for row in LotBalance.objects.filter(lot_id=lot_id, quantity__gt=0).select_related("location")
    }
    own = operation.work_center.location
    code = location or (own.code if own is not None and own.code in rows else None)
    if code is None and len(rows) == 1:
        code = next(iter(rows))
    return rows[code].quantity if code in rows else None


def _enough(operation: Operation, match: Match, need: Need) -> ScanAnswer:
    return ScanAnswer(
        verdict=QUESTION,
        reason="nothing_more_needed",
        what=match.text,
        happened=_("Operation {operation} has used {used} of {required} {unit} and needs no more.").format(
            operation=operation, used=decimal_text(need.used), required=decimal_text(need.required), unit=need.unit
        ),
        next=_("Enter a quantity if more of it is used all the same."),
        subject=match.as_choice(),
    )


def _used(
    offer: ScanAnswer, operation: Operation, need: Need, amount: Decimal, left: Decimal, command_id: UUID
) -> ScanAnswer:
    happened = _("{quantity} {unit} were used on operation {operation}.").format(
        quantity=decimal_text(amount), unit=need.unit, operation=operation
    )
    if left:
        nxt = _("{quantity} {unit} of {item} are still required: scan another lot.").format(
            quantity=decimal_text(left), unit=need.unit, item=need.item
        )
        return replace(offer, verdict=QUESTION, reason="consumed_part", happened=happened, next=nxt, undo=command_id)
    return replace(offer, reason="consumed", happened=happened, next=next_step(operation), undo=command_id)


def next_step(operation: Operation) -> str:
    """What an operation waits for, in one sentence: material, a check, pieces, or nothing."""
    for need in needs_of(operation.pk):
        if need.to_go:
            return _("Next: {quantity} {unit} of {item}.").format(
                quantity=decimal_text(need.to_go), unit=need.unit, item=need.item
            )
    state, left = Operation.objects.filter(pk=operation.pk).values_list("state", "queue").get()
    if state == COMPLETED:
        return _("Take the next job.")
    check = Inspection.objects.filter(operation=operation, is_mandatory=True).exclude(state=PASSED).first()
    if check is not None:
        return _("Next: record {check}.").format(check=check.name)
    return _("Report or complete the pieces.") if state == RUNNING or not left else _("Start the operation.")


# -- command codes -------------------------------------------------------------------------------------------------

#: Codes that only move the screen; the terminal that shows it does what they say.
PAGE_COMMANDS = ("SCRAP", "NEXT", "BACK", "CANCEL", "LOCK")
JOB_COMMANDS = ("DONE", "ONE", "START", "RESUME", "PAUSE", "UNDO")


def command(actor: Actor, operation: Operation | None, name: str) -> ScanAnswer | Plan:
    """What the command code NAME does to the job on the screen. It names its object, and one handler owns each."""
    what = _("Command {name}").format(name=name)
    subject = Choice("command", 0, name, what)
    if name in PAGE_COMMANDS:
        return ScanAnswer(GOOD, "command_page", what, next=_("The screen follows it."), subject=subject)
    if name not in JOB_COMMANDS:
        return ScanAnswer(
            UNKNOWN,
            "unknown_command",
            what,
            _("This command is not offered here."),
            _("Use the buttons on the screen."),
            subject=subject,
        )
    if operation is None:
        return ScanAnswer(
            REFUSED,
            "command_without_job",
            what,
            _("No job is open that it could apply to."),
            _("Open a job first, then scan the command."),
            subject=subject,
        )
    offer, act = _PLANS[name](actor, operation)
    prepared = replace(offer, what=what, subject=subject)

    def perform(command_id: UUID) -> ScanAnswer:
        happened = act(command_id)
        return replace(
            prepared,
            reason="command_done",
            happened=happened,
            next=next_step(operation),
            undo=None if name == "UNDO" else command_id,
        )

    return Plan(prepared, perform)


Act = Callable[[UUID], str]


def _offer(action: str, sentence: str) -> ScanAnswer:
    return ScanAnswer(GOOD, "command_ready", "", next=sentence, action=action)


def _done(actor: Actor, operation: Operation) -> tuple[ScanAnswer, Act]:
    left = operation.open_quantity
    quantity, unit = decimal_text(left), operation.order.unit.code

    def act(command_id: UUID) -> str:
        output.complete_operation(actor=actor, operation_id=operation.pk, good=left, command_id=command_id)
        return _("Operation {operation} was completed with {quantity} {unit} good.").format(
            operation=operation, quantity=quantity, unit=unit
        )

    sentence = _("Complete operation {operation} with {quantity} {unit} good.")
    return _offer("complete_operation", sentence.format(operation=operation, quantity=quantity, unit=unit)), act


def _one(actor: Actor, operation: Operation) -> tuple[ScanAnswer, Act]:
    unit = operation.order.unit.code

    def act(command_id: UUID) -> str:
        output.report_output(actor=actor, operation_id=operation.pk, good=1, command_id=command_id)
        return _("1 {unit} good was reported on operation {operation}.").format(operation=operation, unit=unit)

    sentence = _("Report 1 {unit} good on operation {operation}.").format(operation=operation, unit=unit)
    return _offer("report_output", sentence), act


def _start(actor: Actor, operation: Operation) -> tuple[ScanAnswer, Act]:
    def act(command_id: UUID) -> str:
        runs.start_operation(actor=actor, operation_id=operation.pk, command_id=command_id)
        return _("Operation {operation} was started.").format(operation=operation)

    return _offer("start_operation", _("Start operation {operation}.").format(operation=operation)), act


def _pause(actor: Actor, operation: Operation) -> tuple[ScanAnswer, Act]:
    def act(command_id: UUID) -> str:
        runs.suspend_operation(actor=actor, operation_id=operation.pk, command_id=command_id)
        return _("Work on operation {operation} was paused.").format(operation=operation)

    return _offer("suspend_operation", _("Pause the work on operation {operation}.").format(operation=operation)), act


def _undo(actor: Actor, operation: Operation) -> tuple[ScanAnswer, Act]:
    target = last_act(actor, operation)
    if target is None:
        raise Refused("nothing_to_undo", operation=str(operation))

    def act(command_id: UUID) -> str:
        undo.undo_command(actor=actor, target=target.command_id, command_id=command_id)
        return _("The last act on operation {operation} was taken back.").format(operation=operation)

    return _offer(
        "undo_command", _("Take back your last act on operation {operation}.").format(operation=operation)
    ), act


def last_act(actor: Actor, operation: Operation) -> CommandReceipt | None:
    """The actor's newest act on the operation that is not undone yet."""
    changes = OperationChange.objects.filter(operation=operation, reverses__isnull=True, reversed_by__isnull=True)
    moves = MaterialMovement.objects.filter(operation=operation, reverses__isnull=True, reversed_by__isnull=True)
    ids = [
        *changes.order_by("-pk").values_list("command_id", flat=True)[:20],
        *moves.order_by("-pk").values_list("command_id", flat=True)[:20],
    ]
    return (
        CommandReceipt.objects.filter(
            pk__in=ids, undone_by__isnull=True, name__in=undo.UNDOABLE, actor_kind=actor.kind, actor_id=actor.id
        )
        .order_by("-recorded_at")
        .first()
    )


_PLANS: dict[str, Callable[[Actor, Operation], tuple[ScanAnswer, Act]]] = {
    "DONE": _done,
    "ONE": _one,
    "START": _start,
    "RESUME": _start,
    "PAUSE": _pause,
    "UNDO": _undo,
}
