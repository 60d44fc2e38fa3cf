"""Starting and suspending: runs of people, machines and services on an operation, and the labor that goes with them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from labor import actions as labor
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.scope import current, is_approved, is_back_dating
from workorders import events, states
from workorders.actions.floor import FloorAct, begin, reason_of, require_workable
from workorders.gates import BEFORE_START
from workorders.models import Operation, OperationRun, Reason, WorkUnit


@command
def start_operation(
    *,
    actor: Actor,
    operation_id: int,
    kind: str = OperationRun.RUN,
    work_unit: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """Begin a run of KIND RUN or SETUP. On a RUNNING operation another person or machine joins in.

    Leaves an open run, labor for a person, the queue in process, the order RUNNING. Raises `already_on_it`,
    `order_not_released`, `on_hold`, `state_forbids`, and what the start gate finds.
    """
    return start_run(begin(actor=actor, operation_id=operation_id, at=at), kind, work_unit)


def start_run(act: FloorAct, kind: str = OperationRun.RUN, work_unit: str | None = None) -> Operation:
    """`start_operation` on an act that has its locks already."""
    require_workable(act)
    actor, operation = act.actor, act.operation
    if kind not in OperationRun.KINDS:
        raise Refused("invalid", field="kind", why=_("choose RUN or SETUP"))
    open_runs = list(OperationRun.objects.filter(operation=operation, ended_at__isnull=True))
    mine = [run for run in open_runs if run.source == actor.source]
    if mine and mine[0].kind == kind:
        raise Refused("already_on_it", who=actor.name, operation=str(operation))
    if kind == OperationRun.SET_UP and operation.state == states.RUNNING:
        states.OPERATION.require(operation, "set up")
    BEFORE_START.pass_or_refuse("blocked_start", {"operation": operation}, operation_id=operation.pk, actor=actor)
    _not_before_history(act)
    if kind == OperationRun.RUN and operation.state == states.SETUP:
        close_runs(act)
    run = OperationRun.objects.create(
        operation=operation,
        work_unit=_work_unit(operation, work_unit),
        kind=kind,
        source=actor.source,
        person_id=actor.person_id,
        started_at=act.at,
        opened_by=current().command_id,
    )
    act.flow.start(operation, set_up=kind == OperationRun.SET_UP)
    act.flow.write()
    labor.open_entry(operation, run)
    events.operation_event(
        events.OPERATION_STARTED, operation, act.at, kind=kind, work_center=operation.work_center.code
    )
    return operation


def _work_unit(operation: Operation, code: str | None) -> WorkUnit | None:
    if not code:
        return None
    unit = WorkUnit.objects.filter(work_center_id=operation.work_center_id, code=code).first()
    if unit is None:
        raise Refused(
            "invalid", field="work_unit", why=_("work unit {code} is not known here").format(code=str(code)[:30])
        )
    return unit


def _not_before_history(act: FloorAct) -> None:
    """An act dated before the release of its order contradicts what is recorded."""
    released = act.order.released_at
    if released is not None and act.at < released and not (is_back_dating() or is_approved()):
        raise Refused("contradicts_time", fact=_("order {order} was released later").format(order=act.order.number))


CLOSE = """
WITH run AS (
    UPDATE workorders_operationrun
       SET ended_at = greatest(%(at)s, started_at), closed_by = %(command)s, suspend_reason_id = %(reason)s
     WHERE operation_id = %(operation)s AND ended_at IS NULL AND (%(source)s::text IS NULL OR source = %(source)s)
    RETURNING id, kind, source, person_id, started_at
), labor AS (
    UPDATE labor_laborentry l SET ended_at = greatest(%(at)s, run.started_at), closed_by = %(command)s
      FROM run WHERE l.run_id = run.id AND l.ended_at IS NULL
)
SELECT id, kind, person_id, started_at FROM run ORDER BY id
"""


class ClosedRun(NamedTuple):
    """A run that was just ended, as far as its end is told."""

    id: int
    kind: str
    person_id: int | None
    started_at: datetime


def close_runs(act: FloorAct, reason: Reason | None = None, source: str | None = None) -> list[ClosedRun]:
    """End the operation's open runs (of SOURCE, else all), and their labor with them, at the act's time; tell of the
    labor.

    One statement for both tables, as it stands in every completion. Raises `contradicts_time` for a time before the
    start.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CLOSE,
            {
                "at": act.at,
                "command": current().command_id,
                "reason": reason.pk if reason else None,
                "operation": act.operation.pk,
                "source": source,
            },
        )
        closed = [ClosedRun(*row) for row in cursor.fetchall()]
    for run in closed:
        if act.at < run.started_at:
            time = run.started_at.isoformat()
            raise Refused("contradicts_time", fact=_("the run was started later, at {time}").format(time=time))
    labor.tell_stopped(act.operation, closed, act.at)
    return closed


@command
def suspend_operation(
    *,
    actor: Actor,
    operation_id: int,
    reason: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """End the actor's own run; with the last open run the operation is SUSPENDED. Its pieces stay in process.

    Leads, supervisors and services end all runs where they have none of their own. Raises `no_open_run`.
    """
    return suspend_run(begin(actor=actor, operation_id=operation_id, at=at), reason)


def suspend_run(act: FloorAct, reason: str | None = None) -> Operation:
    """`suspend_operation` on an act that has its locks already."""
    actor, operation = act.actor, act.operation
    states.OPERATION.require(operation, "suspend")
    open_runs = list(OperationRun.objects.filter(operation=operation, ended_at__isnull=True))
    mine = [run for run in open_runs if run.source == actor.source]
    closing = mine or ([] if actor.role == "operator" and actor.person_id else open_runs)
    if not closing:
        raise Refused("no_open_run", operation=str(operation))
    why = reason_of(actor.site_id, "DOWNTIME", reason, _("a pause")) if reason else None
    close_runs(act, why, actor.source if mine else None)
    if len(closing) == len(open_runs):
        act.flow.move(operation, "suspend")
        act.flow.write()
    events.operation_event(
        events.OPERATION_SUSPENDED,
        operation,
        act.at,
        reason=why.code if why else None,
        open_runs=len(open_runs) - len(closing),
    )
    return operation
