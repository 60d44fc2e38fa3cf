"""Consuming, reporting and completing: pieces and material of one operation."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.execution.runs import close_runs
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO, parse_non_negative, require_scale
from traceability.actions import production
from workorders import events, states
from workorders.actions.floor import FloorAct, begin, reason_of, require_workable
from workorders.actions.flow_sql import Report
from workorders.gates import BEFORE_COMPLETE
from workorders.models import Operation, Reason

WORKED_ON = (states.SETUP, states.RUNNING, states.SUSPENDED)
REMAINDERS = ("OPEN", "SHORT", "SCRAP")


@command
def consume_material(
    *,
    actor: Actor,
    operation_id: int,
    lot: Any = None,
    item: str | None = None,
    quantity: Any,
    unit: str | None = None,
    location: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """Take material of a component's lot (or of an untracked item) into an operation that was started.

    Leaves a movement, the balance, and links to the order's output lots. Raises what `production.consume` raises,
    `not_started`, `on_hold`, `order_not_released`.
    """
    act = begin(actor=actor, operation_id=operation_id, at=at)
    require_workable(act)
    _require_started(act)
    production.consume(act, lot=lot, item=item, quantity=quantity, unit=unit, location=location)
    return act.operation


def _require_started(act: FloorAct) -> None:
    if act.operation.state not in WORKED_ON:
        raise Refused("not_started", operation=str(act.operation), state=act.operation.state)


@dataclass(frozen=True)
class _Amounts:
    good: Decimal
    scrap: Decimal
    rework: Decimal

    @property
    def total(self) -> Decimal:
        return self.good + self.scrap + self.rework


def _amounts(act: FloorAct, good: Any, scrap: Any, rework: Any) -> _Amounts:
    read = {}
    for name, value in (("good", good), ("scrap", scrap), ("rework", rework)):
        number = parse_non_negative(0 if value is None else value, name)
        require_scale(number, act.order.unit.decimals, act.order.unit.code, name)
        read[name] = number
    return _Amounts(**read)


@command
def report_output(
    *,
    actor: Actor,
    operation_id: int,
    good: Any = 0,
    scrap: Any = 0,
    rework: Any = 0,
    reason: str | None = None,
    lot: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """Report pieces as increments. Nothing is closed by it.

    Leaves a report, the buckets moved, good pieces in a lot where one is due. Raises `more_than_open`,
    `nothing_reported`, `reason_needed`, `not_started` and what `production.output` raises.
    """
    act = begin(actor=actor, operation_id=operation_id, at=at)
    return report_pieces(act, good=good, scrap=scrap, rework=rework, reason=reason, lot=lot)


def report_pieces(
    act: FloorAct,
    *,
    good: Any = 0,
    scrap: Any = 0,
    rework: Any = 0,
    reason: str | None = None,
    lot: str | None = None,
) -> Operation:
    """`report_output` on an act that has its locks already."""
    require_workable(act)
    if act.operation.state not in (states.RUNNING, states.SUSPENDED):
        raise Refused("not_started", operation=str(act.operation), state=act.operation.state)
    amounts = _amounts(act, good, scrap, rework)
    if not amounts.total:
        raise Refused("nothing_reported")
    act.flow.write(_book(act, amounts, ZERO, reason, lot))
    return act.operation


def _book(act: FloorAct, amounts: _Amounts, short: Decimal, reason: str | None, lot: str | None) -> Report:
    """Move the pieces, put the good ones into their lot, tell of it; the report is written with the flow."""
    why = _scrap_reason(act, amounts, reason)
    act.flow.book(act.operation, good=amounts.good, scrap=amounts.scrap, rework=amounts.rework, short=short)
    production.output(act, amounts.good, lot)
    if amounts.total:
        events.operation_event(
            events.OPERATION_REPORTED,
            act.operation,
            act.at,
            good=amounts.good,
            scrap=amounts.scrap,
            rework=amounts.rework,
            reason=why.code if why else None,
        )
    return Report(act.operation.pk, amounts.good, amounts.scrap, amounts.rework, short, why.pk if why else None)


def _scrap_reason(act: FloorAct, amounts: _Amounts, reason: str | None) -> Reason | None:
    if amounts.scrap or reason:
        return reason_of(act.actor.site_id, "SCRAP", reason, _("scrap"))
    return None


@command
def complete_operation(
    *,
    actor: Actor,
    operation_id: int,
    good: Any = 0,
    scrap: Any = 0,
    reason: str | None = None,
    remainder: str | None = None,
    lot: str | None = None,
    at: datetime | None = None,
    command_id: UUID,
) -> Operation:
    """Book increments and complete. What is still open then needs a decision: OPEN, SHORT or SCRAP.

    COMPLETED hands the good pieces on, finishes the lots and perhaps the order; OPEN leaves it SUSPENDED. Runs and
    labor end either way. Raises `checks_open`, `remainder_undecided`, `upstream_open` and what reporting raises.
    """
    act = begin(actor=actor, operation_id=operation_id, at=at)
    return complete_run(act, good=good, scrap=scrap, reason=reason, remainder=remainder, lot=lot)


def complete_run(
    act: FloorAct,
    *,
    good: Any = 0,
    scrap: Any = 0,
    reason: str | None = None,
    remainder: str | None = None,
    lot: str | None = None,
) -> Operation:
    """`complete_operation` on an act that has its locks already."""
    operation = act.operation
    states.OPERATION.require(operation, "complete")
    require_workable(act)
    if remainder is not None and remainder not in REMAINDERS:
        raise Refused("invalid", field="remainder", why=_("choose OPEN, SHORT or SCRAP"))
    amounts = _amounts(act, good, scrap, 0)
    left = max(operation.open_quantity - amounts.total, ZERO)
    if left and remainder is None:
        raise Refused(
            "remainder_undecided", open=decimal_text(left), unit=act.order.unit.code, operation=str(operation)
        )
    completes = not left or remainder != "OPEN"
    if completes:
        BEFORE_COMPLETE.pass_or_refuse("checks_open", {"operation": operation}, operation_id=operation.pk)
    short = ZERO
    if left and remainder == "SHORT":
        short = left
    elif left and remainder == "SCRAP":
        amounts = _Amounts(amounts.good, amounts.scrap + left, ZERO)
    report = _book(act, amounts, short, reason, lot) if amounts.total or short else None
    close_runs(act)
    if completes:
        act.flow.complete(operation)
        production.finish_lots(act)
    elif operation.state == states.RUNNING:
        act.flow.move(operation, "suspend")
    act.flow.write(report)
    _tell(act, completes)
    return operation


def _tell(act: FloorAct, completed: bool) -> None:
    operation = act.operation
    if not completed:
        events.operation_event(events.OPERATION_SUSPENDED, operation, act.at, reason=None, open_runs=0)
        return
    events.operation_event(
        events.OPERATION_COMPLETED,
        operation,
        act.at,
        total_good=operation.good,
        total_scrap=operation.scrap,
        short=operation.short,
    )
    if act.order.state == states.DONE and act.flow.order_from != states.DONE:
        final = [one for one in act.flow.operations.values() if act.flow.is_final(one)]
        events.order_event(
            events.ORDER_FINISHED,
            act.order,
            act.at,
            good=sum((one.good + one.passed for one in final), ZERO),
            scrap=sum((one.scrap for one in act.flow.operations.values()), ZERO),
            unit=act.order.unit.code,
        )
