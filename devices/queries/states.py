"""What state machines are and were in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, Sum

from devices import states
from devices.interpretation import UNKNOWN
from devices.models import CountEvent, Device, EquipmentState, Tag, TagValue
from workorders.models import WorkUnit


def untold(limit: int) -> Iterator[tuple[int, Device]]:
    """Intervals whose event was not written yet, with the device that tells them."""
    rows = list(EquipmentState.objects.filter(told=False).order_by("pk").values_list("pk", "tag__device_id")[:limit])
    devices = Device.objects.select_related("work_unit").in_bulk({device_id for _pk, device_id in rows if device_id})
    for pk, device_id in rows:
        if device_id in devices:
            yield pk, devices[device_id]


@dataclass(frozen=True, slots=True)
class StateStretch:
    """One stretch of one machine, cut to what was asked for."""

    state: str
    start: datetime
    end: datetime
    code: int | None = None

    @property
    def minutes(self) -> float:
        return (self.end - self.start).total_seconds() / 60


def machine_states(unit_ids: list[int], since: datetime, now: datetime) -> dict[int, list[StateStretch]]:
    """The states of machines from SINCE to NOW. Where nobody reads any more the last state is not stretched to now."""
    heard = {
        unit: max(moment for moment in (good, since) if moment is not None)
        for unit, good in TagValue.objects.filter(
            tag__device__work_unit_id__in=unit_ids,
            tag__role=Tag.STATE,
            tag__is_active=True,
            tag__device__is_active=True,
        ).values_list("tag__device__work_unit_id", "good_at")
    }
    stale = dict(
        Device.objects.filter(work_unit_id__in=unit_ids, is_active=True).values_list("work_unit_id", "stale_seconds")
    )
    found: dict[int, list[StateStretch]] = {unit: [] for unit in unit_ids}
    rows = EquipmentState.objects.filter(work_unit_id__in=unit_ids, span__overlap=(since, now)).order_by("span")
    for row in rows:
        start, end = max(row.span.lower, since), row.span.upper or now
        stretches = found[row.work_unit_id]
        last = heard.get(row.work_unit_id)
        silent = last is None or (now - last).total_seconds() > stale.get(row.work_unit_id, 0)
        if row.span.upper is None and row.state != UNKNOWN and silent:
            known_until = max(start, min(last or start, now))
            stretches += [
                StateStretch(row.state, start, known_until, row.code),
                StateStretch(UNKNOWN, known_until, now),
            ]
        else:
            stretches.append(StateStretch(row.state, start, min(end, now), row.code))
    return {unit: [one for one in stretches if one.end > one.start] for unit, stretches in found.items()}


def units_with_devices(work_center_id: int) -> list[WorkUnit]:
    """The work units of a work center that a machine tells of."""
    return list(
        WorkUnit.objects.filter(work_center_id=work_center_id, devices__is_active=True).distinct().order_by("code")
    )


def pieces_of(unit_ids: list[int], since: datetime) -> dict[int, tuple[Decimal, Decimal, int]]:
    """Per machine what it counted since then: good, rejects, and how many counts wait for a job."""
    rows = (
        CountEvent.objects.filter(work_unit_id__in=unit_ids, ended_at__gt=since)
        .values_list("work_unit_id")
        .annotate(
            good=Sum("quantity", filter=Q(is_scrap=False)),
            scrap=Sum("quantity", filter=Q(is_scrap=True)),
            waiting=Count("pk", filter=Q(posting=states.UNASSIGNED)),
        )
    )
    return {unit: (good or Decimal(0), scrap or Decimal(0), waiting) for unit, good, scrap, waiting in rows}
