"""The one statement a flow ends with: facts, operations, order and report together, however many rows they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from mes.kernel.scope import current
from workorders.models import BUCKETS, Operation, WorkOrder

CHANGE = (
    "operation_id",
    "state_from",
    "state_to",
    "order_from",
    "order_to",
    *BUCKETS,
    "excess",
    "reverses_id",
)
_CHANGE_ROW = f"({', '.join(['%s'] * (len(CHANGE) + 2))})"
_CHANGE_COLUMNS = ", ".join((*CHANGE, "command_id", "occurred_at"))
_AMOUNTS = ", ".join(BUCKETS)
_SET = ", ".join(f"{bucket} = v.{bucket}" for bucket in BUCKETS)
_VALUE_ROW = f"(%s::bigint, %s, {', '.join(['%s::numeric'] * len(BUCKETS))}, {', '.join(['%s::timestamptz'] * 3)})"


@dataclass(frozen=True)
class Report:
    """A production report to be written with the flow."""

    operation_id: int
    good: Decimal
    scrap: Decimal
    rework: Decimal
    short: Decimal
    reason_id: int | None


def write(
    *,
    order: WorkOrder | None,
    order_fields: Sequence[str],
    changes: Sequence[tuple[Any, ...]],
    operations: Sequence[Operation],
    report: Report | None,
    at: datetime,
) -> None:
    """Insert CHANGES and REPORT, update OPERATIONS and the ORDER_FIELDS of ORDER."""
    scope = current()
    parts: list[str] = []
    values: list[Any] = []
    if changes:
        parts.append(
            f"change AS (INSERT INTO workorders_operationchange ({_CHANGE_COLUMNS}) "  # noqa: S608 - our own names
            f"VALUES {', '.join([_CHANGE_ROW] * len(changes))})"
        )
        for row in changes:
            values += [*row, scope.command_id, at]
        parts.append(
            f"operation AS (UPDATE workorders_operation o SET state = v.state, {_SET}, ready_at = v.ready_at, "  # noqa: S608
            "started_at = v.started_at, completed_at = v.completed_at "
            f"FROM (VALUES {', '.join([_VALUE_ROW] * len(operations))}) "
            f"AS v (id, state, {_AMOUNTS}, ready_at, started_at, completed_at) WHERE o.id = v.id)"
        )
        for one in operations:
            values += [one.pk, one.state, *(getattr(one, bucket) for bucket in BUCKETS)]
            values += [one.ready_at, one.started_at, one.completed_at]
    if report is not None:
        parts.append(
            "report AS (INSERT INTO workorders_productionreport (operation_id, good, scrap, rework, short, reason_id, "
            "actor_kind, person_id, occurred_at, command_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s))"
        )
        values += [report.operation_id, report.good, report.scrap, report.rework, report.short, report.reason_id]
        values += [scope.actor.kind, scope.actor.person_id, at, scope.command_id]
    last = "SELECT 1"
    if order is not None:
        assignments = ", ".join(f"{name} = %s" for name in order_fields)
        last = f"UPDATE workorders_workorder SET {assignments} WHERE id = %s"  # noqa: S608 - fields of the flow
        values += [_adapted(getattr(order, name)) for name in order_fields] + [order.pk]
    if not parts and order is None:
        return
    with connection.cursor() as cursor:
        cursor.execute((f"WITH {', '.join(parts)} " if parts else "") + last, values)


def _adapted(value: Any) -> Any:
    """JSON columns of the order are written as JSON, everything else as it is."""
    return Jsonb(value) if isinstance(value, list | dict) else value
