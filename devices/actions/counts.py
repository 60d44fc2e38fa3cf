"""What becomes of a machine's count: posted to the job that runs there, proposed, set aside, assigned, dismissed.

A count that is posted is a report like any other, made by `mes.execution` under the command that is named in the count.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from devices import events, states
from devices.models import CountEvent
from devices.queries.counts import waiting_for_operator, who_ran
from mes.execution.output import report_output
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.commands import command
from mes.kernel.errors import Refused, StartOver
from mes.kernel.quantities import ZERO, parse_positive
from mes.kernel.scope import OLDEST, current
from workorders.models import Operation, WorkCenter


@command
def post_count(*, actor: Actor, count_id: int, command_id: UUID) -> CountEvent:
    """The machine's own act: report its pieces on the job that ran there, or propose them to the operator.

    Leaves the report and `machine.counted`. Raises `nobody_runs`, `several_run`, `operator_counts`, `count_settled` and
    what reporting raises.
    """
    count = _count(actor, count_id)
    states.COUNT.require(count, "post")
    source = count.work_unit.work_center.count_source
    if source == WorkCenter.OPERATOR:
        raise Refused("operator_counts", unit=count.work_unit.code)
    operation = _running(count)
    if source == WorkCenter.MACHINE_PROPOSES:
        _settle(count, "propose", operation=operation)
    else:
        _report(actor, count, operation, command_id)
        _settle(count, "post", operation=operation, posted_command=command_id)
    _tell(count)
    return count


@command
def set_aside_count(*, actor: Actor, count_id: int, reason: str, text: str, command_id: UUID) -> CountEvent:
    """No job could take the count: it waits for a lead, with the refusal that says why. Leaves `machine.counted`."""
    count = _count(actor, count_id)
    _settle(count, "set aside", refused=reason[:60], refused_text=text)
    _tell(count)
    return count


@command
def assign_count(*, actor: Actor, count_id: int, operation_id: int, command_id: UUID) -> CountEvent:
    """Report a count that waits on a job of its work center, as of the time of the count.

    Raises `count_settled`, `count_not_here` and what reporting raises.
    """
    count = _count(actor, count_id)
    _require(count, "assign")
    operation = _operation_here(actor, count, operation_id)
    _report(actor, count, operation, command_id)
    _settle(count, "assign", operation=operation, posted_command=command_id, settled_reason="")
    _tell(count)
    return count


@command
def dismiss_count(*, actor: Actor, count_id: int, reason: str, command_id: UUID) -> CountEvent:
    """Settle a count without booking it, because it made no pieces. Raises `dismiss_needs_reason`, `count_settled`."""
    count = _count(actor, count_id)
    _require(count, "dismiss")
    why = "".join(letter for letter in str(reason or "").strip() if letter.isprintable())[:200]
    if not why:
        raise Refused("dismiss_needs_reason")
    _settle(count, "dismiss", settled_reason=why)
    _tell(count)
    return count


@command
def accept_counts(*, actor: Actor, operation_id: int, good: Any, command_id: UUID) -> Operation:
    """The operator confirms what the machine proposes for an operation; GOOD is the figure that was on the screen.

    Leaves one report and the proposed counts posted; scrap of a second reason waits for the next time, as a report has
    one. Raises `nothing_proposed`, `count_changed` and what reporting raises.
    """
    counts = list(waiting_for_operator(actor.site_id, operation_id))
    if not counts:
        raise Refused("nothing_proposed", operation=operation_id)
    total = sum((count.quantity for count in counts if not count.is_scrap), ZERO)
    if total and parse_positive(good, "good") != total:
        raise Refused("count_changed", now=decimal_text(total), then=str(good)[:30])
    reason = next((_scrap_reason(count) for count in counts if count.is_scrap), None)
    counts = [count for count in counts if not count.is_scrap or _scrap_reason(count) == reason]
    scrap = sum((count.quantity for count in counts if count.is_scrap), ZERO)
    operation = report_output(
        actor=actor, operation_id=operation_id, good=total, scrap=scrap, reason=reason, command_id=command_id
    )
    for count in counts:
        _settle(count, "accept", posted_command=command_id)
        _tell(count)
    return operation


@command
def take_back_counts(*, actor: Actor, undone: UUID, command_id: UUID) -> list[CountEvent]:
    """The report of these counts was undone: they wait again for a person to say where they belong."""
    counts = list(_rows(actor.site_id).filter(posted_command=undone, posting=states.POSTED).order_by("pk"))
    for count in counts:
        refusal = Refused("count_taken_back", operation=str(count.operation))
        _settle(count, "take back", posted_command=None, refused=refusal.reason, refused_text=refusal.message)
        _tell(count)
    return counts


def _rows(site_id: int) -> Any:
    return CountEvent.objects.filter(tag__device__site_id=site_id).select_related(
        "tag__device__work_unit", "tag__scrap_reason", "work_unit__work_center", "operation__order"
    )


def _count(actor: Actor, count_id: int) -> CountEvent:
    found: CountEvent | None = _rows(actor.site_id).filter(pk=count_id).first()
    if found is None:
        raise Refused("not_found", what=_("Machine count"), number=count_id)
    return found


def _require(count: CountEvent, move: str) -> None:
    if not states.COUNT.may(count.posting, move):
        raise Refused("count_settled", state=count.posting)


def _running(count: CountEvent) -> Operation:
    """The one operation that ran where and when the machine counted."""
    found = who_ran(count)
    unit, quantity = count.work_unit.code, decimal_text(count.quantity)
    if not found:
        raise Refused("nobody_runs", unit=unit, quantity=quantity)
    if len(found) > 1:
        jobs = ", ".join(str(each) for each in found)
        raise Refused("several_run", jobs=jobs, unit=unit, quantity=quantity)
    return found[0]


def _operation_here(actor: Actor, count: CountEvent, operation_id: int) -> Operation:
    rows = Operation.objects.select_related("order").filter(order__site_id=actor.site_id, pk=operation_id)
    operation = rows.first()
    if operation is None:
        raise Refused("not_found", what=_("Operation"), number=operation_id)
    if operation.work_center_id != count.work_unit.work_center_id:
        raise Refused("count_not_here", operation=str(operation), unit=count.work_unit.code)
    return operation


def _scrap_reason(count: CountEvent) -> str:
    return count.tag.scrap_reason.code if count.tag.scrap_reason else ""


def _report(actor: Actor, count: CountEvent, operation: Operation, command_id: UUID) -> None:
    amounts = {"scrap": count.quantity, "reason": _scrap_reason(count)} if count.is_scrap else {"good": count.quantity}
    report_output(actor=actor, operation_id=operation.pk, at=_dated(count), command_id=command_id, **amounts)


def _dated(count: CountEvent) -> datetime | None:
    """The time of the count; one that is too old to be booked as of then is booked as of now."""
    return count.ended_at if current().now - count.ended_at < OLDEST else None


def _settle(count: CountEvent, move: str, **fields: Any) -> None:
    """Move the count, if it still is where it was read: whoever else settled it meanwhile was first."""
    _require(count, move)
    before = states.COUNT.move(count, move)
    for name, value in fields.items():
        setattr(count, name, value)
    changed = CountEvent.objects.filter(pk=count.pk, posting=before).update(posting=count.posting, **fields)
    if not changed:
        raise StartOver


def _tell(count: CountEvent) -> None:
    operation = count.operation
    events.device_event(
        events.COUNTED,
        count.tag.device,
        count.ended_at if count.ended_at <= current().now else None,
        tag=count.tag.name,
        count=count.pk,
        quantity=count.quantity,
        scrap=count.is_scrap,
        kind=count.kind,
        in_gap=count.in_gap,
        outcome=count.posting,
        operation=operation.pk if operation else None,
        order=operation.order.number if operation else None,
        reason=count.refused or count.settled_reason or None,
    )
