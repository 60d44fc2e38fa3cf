"""Time of people: opened and closed with their runs, by `mes.execution`, in the same transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from labor import events
from labor.models import LaborEntry
from mes.kernel.scope import current
from workorders.events import operation_event
from workorders.models import Operation, OperationRun


def open_entry(operation: Operation, run: OperationRun) -> LaborEntry | None:
    """Start the time of the run's person; services and machines have none."""
    if run.person_id is None:
        return None
    entry = LaborEntry.objects.create(
        person_id=run.person_id,
        operation=operation,
        run=run,
        kind=run.kind,
        started_at=run.started_at,
        opened_by=run.opened_by,
    )
    operation_event(events.LABOR_STARTED, operation, run.started_at, person=run.person_id, kind=run.kind)
    return entry


def tell_stopped(operation: Operation, runs: Iterable[Any], at: datetime) -> None:
    """The events for the labor that ended with RUNS; the rows were closed in one statement with them."""
    for run in runs:
        if run.person_id is not None:
            seconds = int((at - run.started_at).total_seconds())
            operation_event(events.LABOR_STOPPED, operation, at, person=run.person_id, kind=run.kind, seconds=seconds)


def reopen_entries(operation: Operation, runs: Iterable[OperationRun], at: datetime) -> None:
    """Take back a stop: the time of RUNS goes on as if it had not been stopped."""
    people = [run for run in runs if run.person_id is not None]
    LaborEntry.objects.filter(run__in=people).update(ended_at=None, closed_by=None)
    for run in people:
        operation_event(events.LABOR_STARTED, operation, at, person=run.person_id, kind=run.kind, resumed=True)


def void_entries(operation: Operation, runs: Iterable[OperationRun], at: datetime) -> None:
    """Take back a start: the time of RUNS counts for nothing."""
    command_id = current().command_id
    people = [run for run in runs if run.person_id is not None]
    LaborEntry.objects.filter(run__in=people).update(ended_at=at, voided_by=command_id)
    for run in people:
        operation_event(
            events.LABOR_STOPPED, operation, at, person=run.person_id, kind=run.kind, seconds=0, voided=True
        )
