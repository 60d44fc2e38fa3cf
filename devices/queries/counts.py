"""Counts of machines on their way to jobs: what ran when, what waits for whom."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from devices import states
from devices.models import CountEvent
from mes.kernel.quantities import ZERO
from workorders.models import Operation, OperationRun

#: Operations that pieces may still be reported on.
OPEN = ("RUNNING", "SUSPENDED")


def who_ran(count: CountEvent) -> list[Operation]:
    """The operations that ran on the count's work unit when it was read; after a gap, or when none did, while it grew.

    A run that names no work unit is taken to be on it: nobody tells the machines of that work center apart.
    """
    at_the_reading = Q(started_at__lte=count.ended_at) & (Q(ended_at__isnull=True) | Q(ended_at__gt=count.ended_at))
    meanwhile = Q(started_at__lte=count.ended_at) & (Q(ended_at__isnull=True) | Q(ended_at__gt=count.started_at))
    found = [] if count.in_gap else _operations(count, at_the_reading)
    return found or _operations(count, meanwhile)


def _operations(count: CountEvent, when: Q) -> list[Operation]:
    runs = OperationRun.objects.filter(
        when,
        Q(work_unit_id=count.work_unit_id) | Q(work_unit__isnull=True),
        operation__work_center_id=count.work_unit.work_center_id,
        kind=OperationRun.RUN,
        voided_by__isnull=True,
    ).values("operation_id")
    return list(Operation.objects.filter(pk__in=runs).select_related("order").order_by("pk"))


def pending() -> "QuerySet[CountEvent]":
    """Counts that are on their way, oldest first."""
    return CountEvent.objects.filter(posting=states.PENDING).select_related("tag__device").order_by("pk")


def proposed_too_late() -> "QuerySet[CountEvent]":
    """Proposals whose operation has ended."""
    return (
        CountEvent.objects.filter(posting=states.PROPOSED)
        .exclude(operation__state__in=[*OPEN, "SETUP"])
        .select_related("tag__device", "operation__order")
        .order_by("pk")
    )


def waiting_for_operator(site_id: int, operation_id: int) -> "QuerySet[CountEvent]":
    """What the machine proposes for an operation."""
    return (
        CountEvent.objects.filter(tag__device__site_id=site_id, operation_id=operation_id, posting=states.PROPOSED)
        .select_related("tag__device__work_unit", "tag__scrap_reason", "work_unit__work_center", "operation__order")
        .order_by("pk")
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a machine proposes for an operation: good pieces and rejects."""

    good: Decimal
    scrap: Decimal


def proposed_for(site_id: int, operation_id: int) -> Proposal | None:
    """The figures a machine proposes for an operation, or None where it proposes nothing."""
    counts = list(waiting_for_operator(site_id, operation_id))
    if not counts:
        return None
    scrap = sum((count.quantity for count in counts if count.is_scrap), ZERO)
    return Proposal(sum((count.quantity for count in counts if not count.is_scrap), ZERO), scrap)


def unassigned(site_id: int) -> "QuerySet[CountEvent]":
    """What waits for a lead, newest first."""
    return (
        CountEvent.objects.filter(tag__device__site_id=site_id, posting=states.UNASSIGNED)
        .select_related("tag__device", "work_unit__work_center", "operation__order")
        .order_by("-ended_at", "-pk")
    )


def assignable(work_center_ids: set[int]) -> dict[int, list[Any]]:
    """Per work center the operations that a count may still be reported on."""
    rows = (
        Operation.objects.filter(
            work_center_id__in=work_center_ids, state__in=OPEN, order__state__in=["RELEASED", "RUNNING"]
        )
        .select_related("order")
        .order_by("order__need_date", "pk")
    )
    found: dict[int, list[Any]] = {center: [] for center in work_center_ids}
    for row in rows:
        found[row.work_center_id].append(row)
    return found
