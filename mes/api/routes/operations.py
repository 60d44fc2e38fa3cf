"""Operations: the list, one of them, and the floor acts on it. Each act answers the operation as it then is."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mes.api.answers import read
from mes.api.calls import call_of, perform
from mes.api.doors import acts, reads
from mes.api.numbers import find, operation_id
from mes.api.paging import only, page
from mes.api.schemas import Act, Check, Complete, Consume, Report, Skip, Start, Suspend
from mes.api.shown.orders import operation_body, operation_rows
from mes.api.versions import require_operation_unchanged
from mes.execution import output, release, runs
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from quality.actions.inspections import record_check
from workorders import states
from workorders.models import Operation, WorkCenter, WorkOrder

TAG = "operations"
_START, _SUSPEND, _CONSUME, _REPORT = Start(), Suspend(), Consume(), Report()
_COMPLETE, _CHECK, _SKIP = Complete(), Check(), Skip()


def states_of(query: dict[str, str], known: list[str]) -> list[str]:
    """The states a list asks for, separated by commas; none means all. Raises `invalid`."""
    wanted = [one for one in query.get("state", "").split(",") if one]
    for one in wanted:
        if one not in known:
            why = _("choose one of {choices}").format(choices=", ".join(known))
            raise Refused("invalid", field="state", why=why)
    return wanted


@reads("/operations", "view_floor", tag=TAG)
def list_operations(request: HttpRequest) -> HttpResponse:
    """Operations of released orders, by `state` (several with commas), `work_center` and `order`."""
    query = only(request, "state", "work_center", "order", "limit", "cursor")
    site_id = call_of(request).token.site_id
    rows = operation_rows().filter(order__site_id=site_id)
    wanted = states_of(query, states.OPERATION.states)
    if wanted:
        rows = rows.filter(state__in=wanted)
    if "work_center" in query:
        centers = WorkCenter.objects.filter(site_id=site_id)
        rows = rows.filter(work_center=find(centers, "code", query["work_center"], _("Work center")))
    if "order" in query:
        orders = WorkOrder.objects.filter(site_id=site_id)
        rows = rows.filter(order=find(orders, "number", query["order"], _("Order")))
    return read(request, page(query, rows, lambda found: [operation_body(one) for one in found]))


@reads("/operations/{operation}", "view_floor", tag=TAG)
def get_operation(request: HttpRequest, operation: str) -> HttpResponse:
    """One operation with its buckets and checks."""
    only(request)
    pk = operation_id(operation)
    row = operation_rows().filter(pk=pk, order__site_id=call_of(request).token.site_id).first()
    if row is None:
        raise Refused("not_found", what=_("Operation"), number=pk)
    return read(request, operation_body(row))


def act_on_operation(
    request: HttpRequest, named: str, sent: Act, act: Callable[..., Operation], **more: Any
) -> HttpResponse:
    """One floor act; the answer is the operation after it."""
    pk = operation_id(named)

    def body(actor: Actor, command_id: UUID) -> dict[str, Any]:
        confirm = require_operation_unchanged(request, pk)
        row = act(actor=actor, operation_id=pk, at=sent.at, command_id=command_id, **more)
        confirm(command_id)
        return operation_body(row) | {"command_id": command_id}

    return perform(request, sent, body)


@acts("/operations/{operation}/start", "start_operation", tag=TAG, versioned=True)
def start(request: HttpRequest, operation: str, data: Start = _START) -> HttpResponse:
    """Begin a run. On a RUNNING operation another person or machine joins in."""
    return act_on_operation(request, operation, data, runs.start_operation, kind=data.kind, work_unit=data.work_unit)


@acts("/operations/{operation}/suspend", "suspend_operation", tag=TAG, versioned=True)
def suspend(request: HttpRequest, operation: str, data: Suspend = _SUSPEND) -> HttpResponse:
    """End the actor's run; with the last run the operation is SUSPENDED."""
    return act_on_operation(request, operation, data, runs.suspend_operation, reason=data.reason)


@acts("/operations/{operation}/consume", "consume_material", tag=TAG, versioned=True)
def consume(request: HttpRequest, operation: str, data: Consume = _CONSUME) -> HttpResponse:
    """Use material of a lot, or of an item without lots."""
    lot: Any = data.lot if data.lot is None or isinstance(data.lot, str) else data.lot.model_dump()
    return act_on_operation(
        request,
        operation,
        data,
        output.consume_material,
        lot=lot,
        item=data.item,
        quantity=data.quantity,
        unit=data.unit,
        location=data.location,
    )


@acts("/operations/{operation}/report", "report_output", tag=TAG, versioned=True)
def report(request: HttpRequest, operation: str, data: Report = _REPORT) -> HttpResponse:
    """Report pieces as increments."""
    amounts = {"good": data.good, "scrap": data.scrap, "rework": data.rework}
    return act_on_operation(request, operation, data, output.report_output, reason=data.reason, lot=data.lot, **amounts)


@acts("/operations/{operation}/complete", "complete_operation", tag=TAG, versioned=True)
def complete(request: HttpRequest, operation: str, data: Complete = _COMPLETE) -> HttpResponse:
    """Book increments and complete. What is still open then needs `remainder`: OPEN, SHORT or SCRAP."""
    return act_on_operation(
        request,
        operation,
        data,
        output.complete_operation,
        good=data.good,
        scrap=data.scrap,
        reason=data.reason,
        remainder=data.remainder,
        lot=data.lot,
    )


@acts("/operations/{operation}/skip", "skip_operation", tag=TAG, versioned=True)
def skip(request: HttpRequest, operation: str, data: Skip = _SKIP) -> HttpResponse:
    """Let the pieces pass by an operation that was not begun and has no mandatory check."""
    return act_on_operation(request, operation, data, release.skip_operation, reason=data.reason)


@acts("/operations/{operation}/checks/{characteristic}", "record_check", tag=TAG, versioned=True)
def check(request: HttpRequest, operation: str, characteristic: str, data: Check = _CHECK) -> HttpResponse:
    """Record one value; out of its limits it is kept too, and fails the check."""

    def act(*, operation_id: int, **more: Any) -> Operation:
        record_check(operation_id=operation_id, code=characteristic, value=data.value, gauge=data.gauge, **more)
        return operation_rows().get(pk=operation_id)

    return act_on_operation(request, operation, data, act)
