"""What was written on paper while the terminals stood still, entered afterwards by somebody who may: one person's hour
on one operation, as one act with its true times.

The facts carry when it happened; when and by whom it was entered stands beside it on every event.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from mes.accounts.models import User
from mes.execution.output import complete_run, report_pieces
from mes.execution.runs import start_run, suspend_run
from mes.kernel.actors import PERSON, Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO, parse_non_negative
from mes.kernel.scope import approve, current
from workorders import events
from workorders.actions.floor import begin
from workorders.models import Operation


@command
def enter_paper_work(
    *,
    actor: Actor,
    operation_id: int,
    person_id: int,
    began: datetime,
    ended: datetime,
    good: Any = 0,
    scrap: Any = 0,
    reason: str | None = None,
    completes: bool = False,
    remainder: str | None = None,
    lot: str | None = None,
    command_id: UUID,
) -> Operation:
    """Book what PERSON did from BEGAN to ENDED, however long ago: a run with its labor, the pieces, perhaps the end.

    The right to enter is the approval that a late gesture needs. Whoever enters stands on the events, the labor is the
    person's. Raises `paper_times`, `paper_person`, and what starting, reporting and completing raise.
    """
    now = current().now
    if not began < ended <= now:
        raise Refused("paper_times")
    worker = _worker(actor, person_id)
    made = parse_non_negative(good or 0, "good") + parse_non_negative(scrap or 0, "scrap")
    approve()
    act = begin(actor=worker, operation_id=operation_id, at=began)
    start_run(act)
    events.operation_event(
        events.OPERATION_ENTERED,
        act.operation,
        began,
        person=worker.id,
        person_name=worker.name,
        began=began,
        ended=ended,
    )
    act.go_on(ended)
    pieces: dict[str, Any] = {"good": good or 0, "scrap": scrap or 0, "reason": reason, "lot": lot}
    if completes:
        return complete_run(act, **pieces, remainder=remainder)
    if made > ZERO:
        report_pieces(act, **pieces)
        act.go_on(ended)
    return suspend_run(act)


def _worker(actor: Actor, person_id: int) -> Actor:
    """The person whose hour it was, as the actor of the run; with the rights of whoever enters it."""
    person = User.objects.filter(pk=person_id, site_id=actor.site_id).first()
    if person is None:
        raise Refused("paper_person")
    return Actor(PERSON, person.pk, str(person), person.role, actor.site_id, also_role=actor.role)
