"""Opening the checks of a released order and recording their values. Every value is kept; the newest decides."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils import formats
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.locking import lock_one
from mes.kernel.quantities import parse, require_scale
from mes.kernel.scope import current
from quality import events, states
from quality.evaluation import passes
from quality.models import Characteristic, Gauge, Inspection, Measurement
from workorders.actions.floor import FloorAct, begin, require_workable
from workorders.events import operation_event
from workorders.models import Operation, WorkOrder
from workorders.states import READY, RUNNING, SETUP, SUSPENDED


def open_inspections(order: WorkOrder, operations: Iterable[Operation]) -> None:
    """Copy the active plan's characteristics, with their limits as they are now, onto the order's operations."""
    by_sequence = {operation.sequence: operation for operation in operations}
    rows = Characteristic.objects.filter(
        plan__item_id=order.item_id, plan__is_active=True, plan__operation__in=list(by_sequence)
    ).select_related("plan")
    copied = (
        "code",
        "name",
        "unit",
        "nominal",
        "lower",
        "upper",
        "decimals",
        "is_mandatory",
        "gauge_required",
        "sequence",
    )
    Inspection.objects.bulk_create(
        Inspection(
            operation=by_sequence[row.plan.operation],
            characteristic=row,
            **{name: getattr(row, name) for name in copied},
        )
        for row in rows
    )


@command
def record_check(
    *,
    actor: Actor,
    operation_id: int,
    code: str,
    value: Any,
    gauge: str | None = None,
    at: Any = None,
    command_id: UUID,
) -> Measurement:
    """Keep one value for a check and judge it. A value out of its limits is kept too, and fails the check.

    The operation must be READY or being worked on, its order released and not on hold. Raises `check_unknown`,
    `gauge_needed`, `gauge_unknown`, `gauge_expired`, `state_forbids`, `invalid`.
    """
    act = begin(actor=actor, operation_id=operation_id, at=at)
    require_workable(act)
    operation = act.operation
    if operation.state not in (READY, SETUP, RUNNING, SUSPENDED):
        raise Refused("not_started", operation=str(operation), state=operation.state)
    known = dict(Inspection.objects.filter(operation=operation).values_list("code", "pk"))
    if code not in known:
        raise Refused(
            "check_unknown", operation=str(operation), code=str(code)[:40], choices=", ".join(sorted(known)) or "–"
        )
    inspection = lock_one(Inspection.objects.all(), "inspection", known[code])
    if inspection is None:
        raise Refused("check_unknown", operation=str(operation), code=code, choices="–")
    number = parse(value, "value")
    require_scale(number, inspection.decimals, inspection.unit or _("This value"), "value")
    passed = passes(number, inspection.lower, inspection.upper)
    measurement = Measurement.objects.create(
        inspection=inspection,
        value=number,
        passed=passed,
        gauge=_gauge(act, inspection, gauge),
        actor_kind=actor.kind,
        person_id=actor.person_id,
        actor_name=actor.name,
        occurred_at=act.at,
        command_id=current().command_id,
    )
    states.INSPECTION.move(inspection, "pass" if passed else "fail")
    inspection.save(update_fields=["state"])
    facts = {
        "characteristic": inspection.code,
        "value": number,
        "unit": inspection.unit,
        "lower": inspection.lower,
        "upper": inspection.upper,
        "passed": passed,
        "gauge": measurement.gauge.code if measurement.gauge else None,
    }
    operation_event(events.CHECK_RECORDED, operation, act.at, **facts)
    if not passed:
        operation_event(events.CHECK_FAILED, operation, act.at, **facts)
    return measurement


def _gauge(act: FloorAct, inspection: Inspection, code: str | None) -> Gauge | None:
    if not code:
        if inspection.gauge_required:
            raise Refused("gauge_needed", code=inspection.code)
        return None
    gauge = Gauge.objects.filter(site_id=act.actor.site_id, code=code, is_active=True).first()
    if gauge is None:
        raise Refused("gauge_unknown", code=str(code)[:40])
    if gauge.calibrated_until is not None and gauge.calibrated_until < act.order.site.day_of(current().now):
        raise Refused(
            "gauge_expired", code=gauge.code, date=formats.date_format(gauge.calibrated_until, "SHORT_DATE_FORMAT")
        )
    return gauge
