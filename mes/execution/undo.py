"""Undo by command: everything written under one command id is answered by reversing rows, or nothing is.

Refused, with the dependent fact by name, where something later stands on it. Undo of a completion ends in SUSPENDED:
runs and labor stay closed at their time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from labor import actions as labor
from mes.accounts.policies import may
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Blocker, Refused
from mes.kernel.events import emit
from mes.kernel.locking import lock
from mes.kernel.models import CommandApproval, CommandReceipt
from mes.kernel.scope import current, occurred
from traceability.actions.undoing import reverse_movements
from traceability.models import MaterialMovement
from workorders import events, states
from workorders.actions.floor import lock_order
from workorders.actions.flow import Flow
from workorders.actions.planning import take_back_resequencing
from workorders.models import (
    BUCKETS,
    Operation,
    OperationChange,
    OperationRun,
    ProductionReport,
    Site,
    WorkOrder,
)
from workorders.shifts import shift_start

#: Acts that complete: what they ended stays ended when they are taken back.
COMPLETING = {"complete_operation", "enter_paper_work"}
#: What can be taken back. Release, split, cancel and checks have verbs of their own.
UNDOABLE = {
    "start_operation",
    "suspend_operation",
    "consume_material",
    "report_output",
    "complete_operation",
    "skip_operation",
    "receive_lot",
    "adjust_lot",
    "resequence_order",
    "enter_paper_work",
    "post_count",
    "assign_count",
    "accept_counts",
}


@command
def undo_command(
    *, actor: Actor, target: UUID, reason: str | None = None, at: datetime | None = None, command_id: UUID
) -> CommandReceipt:
    """Take back everything the command TARGET did.

    One's own act of the running shift needs nothing; leads and supervisors also take back others' and older ones, with
    a reason, until the order is CLOSED. Leaves reversing rows and events, the receipt marked. Raises `undo_unknown`,
    `not_undoable`, `already_undone`, `undo_not_yours`, `undo_needs_reason`, `undo_depends`, `undo_after_close`.
    """
    found = lock(CommandReceipt.objects.filter(pk=target, site_id=actor.site_id), "receipt")
    if not found:
        raise Refused("undo_unknown", number=str(target))
    receipt = found[0]
    if receipt.name not in UNDOABLE:
        raise Refused("not_undoable", command=receipt.name)
    if receipt.undone_by is not None:
        raise Refused("already_undone")
    _require_right(actor, receipt, reason)
    moment = occurred(at)
    if receipt.name == "resequence_order":
        _settle(receipt)
        _tell_order(receipt, take_back_resequencing(actor, target, moment), moment, reason)
        return receipt
    changes = list(OperationChange.objects.filter(command_id=target).order_by("pk"))
    movements = list(
        MaterialMovement.objects.filter(command_id=target)
        .select_related("item__unit", "unit", "operation__order")
        .order_by("pk")
    )
    runs = list(OperationRun.objects.filter(opened_by=target) | OperationRun.objects.filter(closed_by=target))
    flow = _flow_of(changes, movements, runs, moment)
    if flow is not None:
        _reverse_operations(receipt, changes, runs, flow)
    reverse_movements(movements, flow, moment, target)
    _settle(receipt)
    _tell(receipt, flow, movements, moment, reason)
    return receipt


@command
def approve_late_command(*, actor: Actor, target: UUID, reason: str = "", command_id: UUID) -> CommandApproval:
    """Let the refused late gesture TARGET through when it is sent again unchanged. For those with the right to back-
    enter.
    """
    approval, _created = CommandApproval.objects.get_or_create(
        command_id=target, defaults={"approved_by": actor.id, "reason": (reason or "")[:200]}
    )
    return approval


def _require_right(actor: Actor, receipt: CommandReceipt, reason: str | None) -> None:
    own = (receipt.actor_kind, receipt.actor_id) == (actor.kind, actor.id)
    site = Site.objects.get(pk=actor.site_id)
    this_shift = receipt.recorded_at >= shift_start(site, current().now)
    if own and this_shift:
        return
    if not may(actor.role, "undo_of_others"):
        raise Refused("undo_not_yours", who=receipt.actor_name)
    if not own and not (reason or "").strip():
        raise Refused("undo_needs_reason")


def _flow_of(
    changes: Sequence[OperationChange],
    movements: Sequence[MaterialMovement],
    runs: Sequence[OperationRun],
    at: datetime,
) -> Flow | None:
    """The order the command worked on, locked, or None where it touched none."""
    operation_ids = (
        [change.operation_id for change in changes]
        + [run.operation_id for run in runs]
        + [move.operation_id for move in movements if move.operation_id]
    )
    if not operation_ids:
        return None
    order_id = Operation.objects.values_list("order_id", flat=True).get(pk=operation_ids[0])
    flow = lock_order(order_id, at)
    if flow.order.state not in (states.RELEASED, states.RUNNING, states.DONE):
        raise Refused("undo_after_close", order=flow.order.number, state=flow.order.state)
    return flow


def _reverse_operations(
    receipt: CommandReceipt,
    changes: Sequence[OperationChange],
    runs: Sequence[OperationRun],
    flow: Flow,
) -> None:
    target = receipt.command_id
    *earlier, newest = _generations(changes)
    for change in newest:
        _take_back(change, flow, receipt)
    _reverse_runs(receipt, runs, flow)
    _reverse_reports(target, flow)
    _order_back(newest, flow)
    if flow.deltas or flow.order_fields:
        flow.write(reverses={change.operation_id: change.pk for change in newest})
    for generation in reversed(earlier):
        flow.begin_again()
        for change in generation:
            _take_back(change, flow, receipt, reopened=True)
        _order_back(generation, flow)
        flow.write(reverses={change.operation_id: change.pk for change in generation})
    if receipt.name in COMPLETING:
        for change in changes:
            if change.state_to == states.COMPLETED:
                operation = flow.operations[change.operation_id]
                events.operation_event(events.OPERATION_REOPENED, operation, flow.at, state=operation.state)


def _generations(changes: Sequence[OperationChange]) -> list[list[OperationChange]]:
    """The changes in the order they were written, no operation twice in one list: an act may be made of several."""
    found: list[list[OperationChange]] = [[]]
    for change in changes:
        if any(one.operation_id == change.operation_id for one in found[-1]):
            found.append([])
        found[-1].append(change)
    return found


def _take_back(change: OperationChange, flow: Flow, receipt: CommandReceipt, *, reopened: bool = False) -> None:
    """Turn the signs of one change and step its state back, if nothing since stands on it.

    REOPENED: a completion of the same command was taken back before, and its operation waits SUSPENDED.
    """
    operation = flow.operations[change.operation_id]
    moved_state = change.state_from != change.state_to and not (reopened and operation.state == states.SUSPENDED)
    if moved_state and operation.state != change.state_to:
        raise _depends(change, _("{operation} is {state} by now.").format(operation=operation, state=operation.state))
    if moved_state and change.state_from in (states.READY, states.WAITING) and receipt.name == "start_operation":
        _require_untouched(change, operation)
    flow.shift(operation, **{bucket: -getattr(change, bucket) for bucket in BUCKETS})
    if any(getattr(operation, bucket) < 0 for bucket in BUCKETS):
        raise _depends(change, _("pieces of {operation} were reported or moved on since.").format(operation=operation))
    if not moved_state:
        return
    if change.state_to == states.COMPLETED:
        flow.move(operation, "reopen")
    else:
        states.OPERATION.step_back(operation, change.state_from)
    if operation.state in (states.READY, states.WAITING) and operation.in_process > 0:
        flow.shift(operation, queue=operation.in_process, in_process=-operation.in_process)


def _require_untouched(change: OperationChange, operation: Operation) -> None:
    """Material drawn or another's run since the start stand on it."""
    others = OperationRun.objects.filter(operation=operation, ended_at__isnull=True)
    later = others.exclude(opened_by=change.command_id).first()
    if later is not None:
        raise _depends(
            change,
            _("{who} is working on {operation} too.").format(who=later.person or later.source, operation=operation),
        )
    used = MaterialMovement.objects.filter(operation=operation, reverses__isnull=True, reversed_by__isnull=True).first()
    if used is not None:
        raise _depends(change, _("material was used on {operation} since.").format(operation=operation))


def _depends(change: OperationChange, fact: str) -> Refused:
    """The refusal with the newest later act on the operation, by name."""
    later = (
        OperationChange.objects.filter(operation_id=change.operation_id, pk__gt=change.pk, reverses__isnull=True)
        .filter(reversed_by__isnull=True)
        .exclude(command_id=change.command_id)
        .order_by("-pk")
        .first()
    )
    blockers = []
    if later is not None:
        act = CommandReceipt.objects.filter(pk=later.command_id).first()
        if act is not None:
            when = timezone.localtime(act.recorded_at).strftime("%H:%M")
            text = _("{command} by {who} at {time}").format(command=act.name, who=act.actor_name, time=when)
            blockers = [Blocker("undo_depends", text)]
    return Refused("undo_depends", blockers=blockers, fact=fact)


def _reverse_runs(receipt: CommandReceipt, runs: Sequence[OperationRun], flow: Flow) -> None:
    """A run the command opened is void; a run it closed goes on, except after a completion."""
    target, at = receipt.command_id, flow.at
    by_operation: dict[int, tuple[list[OperationRun], list[OperationRun]]] = {}
    for run in runs:
        void, resume = by_operation.setdefault(run.operation_id, ([], []))
        if run.opened_by == target and run.voided_by is None:
            if run.ended_at is not None and run.closed_by != target:
                fact = _("the run was ended at {time}.").format(time=timezone.localtime(run.ended_at).strftime("%H:%M"))
                raise Refused("undo_depends", fact=fact)
            void.append(run)
        elif run.closed_by == target and receipt.name not in COMPLETING:
            resume.append(run)
    for operation_id, (void, resume) in by_operation.items():
        operation = flow.operations[operation_id]
        if void:
            OperationRun.objects.filter(pk__in=[run.pk for run in void]).update(
                ended_at=max([at, *(run.started_at for run in void)]), voided_by=current().command_id
            )
            labor.void_entries(operation, void, max([at, *(run.started_at for run in void)]))
        if resume:
            _require_nobody_back(operation, resume)
            OperationRun.objects.filter(pk__in=[run.pk for run in resume]).update(
                ended_at=None, closed_by=None, suspend_reason=None
            )
            labor.reopen_entries(operation, resume, at)


def _require_nobody_back(operation: Operation, resume: Sequence[OperationRun]) -> None:
    again = OperationRun.objects.filter(
        operation=operation, ended_at__isnull=True, source__in=[run.source for run in resume]
    ).first()
    if again is not None:
        fact = _("{who} has started {operation} again.").format(who=again.person or again.source, operation=operation)
        raise Refused("undo_depends", fact=fact)


def _reverse_reports(target: UUID, flow: Flow) -> None:
    scope = current()
    for report in ProductionReport.objects.filter(command_id=target).select_related("reason"):
        ProductionReport.objects.create(
            operation_id=report.operation_id,
            good=-report.good,
            scrap=-report.scrap,
            rework=-report.rework,
            short=-report.short,
            reason=report.reason,
            actor_kind=scope.actor.kind,
            person_id=scope.actor.person_id,
            occurred_at=flow.at,
            command_id=scope.command_id,
            reverses=report,
        )
        events.operation_event(
            events.OPERATION_REPORTED,
            flow.operations[report.operation_id],
            flow.at,
            good=-report.good,
            scrap=-report.scrap,
            rework=-report.rework,
            reason=report.reason.code if report.reason else None,
        )


def _order_back(changes: Sequence[OperationChange], flow: Flow) -> None:
    """DONE goes back to RUNNING with its operation; RUNNING to RELEASED only when no other run was ever made."""
    order = flow.order
    moved = {change.order_to for change in changes if change.order_from != change.order_to}
    if states.DONE in moved and order.state == states.DONE:
        states.ORDER.step_back(order, states.RUNNING)
        order.finished_at = None
        flow.order_fields |= {"state", "finished_at"}
    if states.RUNNING not in moved or order.state != states.RUNNING:
        return
    if not OperationRun.objects.filter(operation__order=order, voided_by__isnull=True).exists():
        states.ORDER.step_back(order, states.RELEASED)
        order.started_at = None
        flow.order_fields |= {"state", "started_at"}


def _settle(receipt: CommandReceipt) -> None:
    receipt.undone_by = current().command_id
    receipt.save(update_fields=["undone_by"])


def _told(receipt: CommandReceipt, reason: str | None) -> dict[str, Any]:
    return {"undone": receipt.command_id, "command": receipt.name, "reason": reason or ""}


def _tell_order(receipt: CommandReceipt, order: WorkOrder, at: datetime, reason: str | None) -> None:
    facts = _told(receipt, reason)
    events.order_event(events.COMMAND_UNDONE, order, at, **facts, order_state=order.state)


def _tell(
    receipt: CommandReceipt,
    flow: Flow | None,
    movements: Sequence[MaterialMovement],
    at: datetime,
    reason: str | None,
) -> None:
    if flow is not None:
        _tell_order(receipt, flow.order, at, reason)
        return
    payload = _told(receipt, reason)
    for lot in {move.lot for move in movements if move.lot is not None}:
        emit(
            events.COMMAND_UNDONE,
            subject=f"lot:{lot.pk}",
            label=f"lot:{lot.number}",
            payload=payload | {"lot": lot.number},
            occurred_at=at,
            topics=[f"lot:{lot.pk}"],
        )
