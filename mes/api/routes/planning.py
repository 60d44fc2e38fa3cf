"""What planning does to orders that are already released: places in the queue, changes, corrections, paper hours."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mes.accounts.tokens import person_of_badge
from mes.api.doors import acts
from mes.api.routes.operations import act_on_operation
from mes.api.routes.orders import Body, act_on_order
from mes.api.schemas import Change, Correct, Decide, Paper, Resequence
from mes.execution.paper import enter_paper_work
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from workorders.actions import planning
from workorders.actions.changes import CHANGEABLE
from workorders.models import ChangeRequest, Operation

TAG = "orders"
_RESEQUENCE, _CHANGE, _PAPER = Resequence(), Change(), Paper()


@acts("/orders/{number}/resequence", "resequence_order", tag=TAG, versioned=True)
def post_resequence(request: HttpRequest, number: str, data: Resequence = _RESEQUENCE) -> HttpResponse:
    """Another place in every queue: `to` FIRST, LAST or NORMAL, or a `rank`, lower before higher."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        planning.resequence_order(
            actor=actor,
            order_id=pk,
            to=data.to,
            rank=data.rank,
            note=data.note or "",
            at=data.at,
            command_id=command_id,
        )

    return act_on_order(request, number, data, act)


def change_body(made: ChangeRequest) -> Body:
    """A change request as the contract shows it."""
    return {
        "request": made.pk,
        "order": made.order.number,
        "state": made.state,
        "changes": made.changes,
        "note": made.note,
        "requested_by": made.requested_by_name,
        "decided_by": made.decided_by_name or None,
        "decision_note": made.decision_note,
    }


@acts("/orders/{number}/change", "request_change", tag=TAG, versioned=True)
def post_change(request: HttpRequest, number: str, data: Change = _CHANGE) -> HttpResponse:
    """Ask for a change of a released order; it is carried out when somebody with the right decides so."""
    wanted: dict[str, Any] = {name: getattr(data, name) for name in CHANGEABLE if name in data.model_fields_set}

    def act(actor: Actor, pk: int, command_id: UUID) -> Body:
        made = planning.request_change(
            actor=actor, order_id=pk, wanted=wanted, note=data.note or "", source="api", command_id=command_id
        )
        return change_body(made) | {"command_id": command_id}

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/decide-change", "decide_change", tag=TAG, versioned=True)
def post_decide(request: HttpRequest, number: str, data: Decide) -> HttpResponse:
    """Carry a requested change out (`apply` true) or reject it."""

    def act(actor: Actor, pk: int, command_id: UUID) -> Body:
        if not ChangeRequest.objects.filter(pk=data.request, order_id=pk).exists():
            raise Refused("not_found", what=_("Change request"), number=data.request)
        made = planning.decide_change(
            actor=actor,
            request_id=data.request,
            apply=data.apply,
            note=data.note or "",
            at=data.at,
            command_id=command_id,
        )
        return change_body(made) | {"command_id": command_id}

    return act_on_order(request, number, data, act)


@acts("/orders/{number}/correct", "correct_order", tag=TAG, versioned=True)
def post_correct(request: HttpRequest, number: str, data: Correct) -> HttpResponse:
    """Correct what a CLOSED order made: `good` and `scrap` are differences, up or down."""

    def act(actor: Actor, pk: int, command_id: UUID) -> None:
        planning.correct_order(
            actor=actor,
            order_id=pk,
            operation_id=data.operation,
            good=data.good,
            scrap=data.scrap,
            reason=data.reason,
            note=data.note or "",
            at=data.at,
            command_id=command_id,
        )

    return act_on_order(request, number, data, act)


@acts("/operations/{operation}/paper", "enter_paper_work", tag=TAG, versioned=True)
def post_paper(request: HttpRequest, operation: str, data: Paper = _PAPER) -> HttpResponse:
    """Enter one person's hour from paper, with the times at which it was worked."""

    def act(*, actor: Actor, operation_id: int, command_id: UUID, **_at: Any) -> Operation:
        if data.began is None or data.ended is None:
            raise Refused("paper_times")
        made: Operation = enter_paper_work(
            actor=actor,
            person_id=_person(actor, data.person),
            began=data.began,
            ended=data.ended,
            good=data.good,
            scrap=data.scrap,
            reason=data.reason,
            completes=data.completes,
            remainder=data.remainder,
            lot=data.lot,
            operation_id=operation_id,
            command_id=command_id,
        )
        return made

    return act_on_operation(request, operation, data, act)


def _person(actor: Actor, named: str | int | None) -> int:
    if isinstance(named, int):
        return named
    found = person_of_badge(named, actor.site_id) if named else None
    if found is None:
        raise Refused("paper_person")
    return found.user_id
