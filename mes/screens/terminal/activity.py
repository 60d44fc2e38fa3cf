"""What a person did last and can take back, in words. Reads receipts and events."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from mes.execution.undo import UNDOABLE
from mes.kernel.models import CommandReceipt, Event
from mes.kernel.quantities import ZERO
from mes.screens.templatetags.mes import quantity
from mes.screens.terminal.access import Station
from workorders.models import Operation
from workorders.shifts import shift_start


@dataclass(frozen=True)
class LastAct:
    """The newest act of the shift that is not undone: its id, what it did, and the job it was done on."""

    command_id: UUID
    text: str
    operation_id: int | None


def last_act(station: Station) -> LastAct | None:
    """The person's newest act of this shift that can be taken back. Three queries."""
    actor = station.actor
    since = shift_start(station.work_center.site, timezone.now())
    receipt = (
        CommandReceipt.objects.filter(
            actor_kind=actor.kind,
            actor_id=actor.id,
            site_id=actor.site_id,
            name__in=UNDOABLE,
            undone_by__isnull=True,
            recorded_at__gte=since,
        )
        .order_by("-recorded_at")
        .first()
    )
    if receipt is None:
        return None
    events = list(Event.objects.filter(command_id=receipt.command_id).order_by("id"))
    found = next((event.payload.get("operation") for event in events if event.payload.get("operation")), None)
    operation = Operation.objects.select_related("order").filter(pk=found).first() if found else None
    text = _text(receipt.name, events, str(operation or ""))
    return LastAct(receipt.command_id, text, operation.pk if operation else None)


def _text(name: str, events: list[Event], job: str) -> str:
    facts: dict[str, Any] = {}
    good, scrap = ZERO, ZERO
    for event in events:
        facts |= event.payload
        if event.name == "operation.reported":
            good += Decimal(str(event.payload.get("good") or 0))
            scrap += Decimal(str(event.payload.get("scrap") or 0))
    if name == "consume_material":
        return _("{quantity} {unit} of {lot} used on {job}").format(
            quantity=quantity(facts.get("quantity")),
            unit=facts.get("unit", ""),
            lot=facts.get("lot") or facts.get("item", ""),
            job=job,
        )
    if name == "complete_operation":
        return _("{job} completed with {good} good").format(job=job, good=quantity(good))
    if name == "report_output":
        if scrap:
            return _("{scrap} scrap reported on {job}").format(scrap=quantity(scrap), job=job)
        return _("{good} good reported on {job}").format(good=quantity(good), job=job)
    sentences = {
        "start_operation": _("{job} started"),
        "suspend_operation": _("{job} paused"),
        "skip_operation": _("{job} skipped"),
    }
    return sentences.get(name, _("the last act")).format(job=job)
