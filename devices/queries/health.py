"""How reading goes: per device what was heard last and who reads it, in a handful of queries for any number of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count

from devices import states
from devices.models import CountEvent, Device, DeviceHealth, EquipmentState, PollLease, Tag, TagValue


@dataclass(slots=True)
class TagRow:
    """A tag with its last value; `last` is None where it was never read."""

    tag: Tag
    last: TagValue | None


@dataclass(slots=True)
class DeviceRow:
    """One device as the list of machines shows it."""

    device: Device
    health: DeviceHealth | None
    read_by: str
    lease_ends: datetime | None
    tags: list[TagRow] = field(default_factory=list)
    state: EquipmentState | None = None
    waiting: int = 0

    @property
    def active_tags(self) -> list[TagRow]:
        return [row for row in self.tags if row.tag.is_active]


def device_rows(site_id: int, device_id: int | None = None) -> list[DeviceRow]:
    """The devices of a site by name, or the one that is asked for."""
    devices = Device.objects.filter(site_id=site_id).select_related("work_unit__work_center", "health", "group__lease")
    if device_id is not None:
        devices = devices.filter(pk=device_id)
    found = {}
    for device in devices.order_by("name"):
        lease: PollLease = device.group.lease
        held = lease.owner if lease.owner else ""
        found[device.pk] = DeviceRow(device, getattr(device, "health", None), held, lease.expires_at if held else None)
    for tag in Tag.objects.filter(device_id__in=found).select_related("last", "scrap_reason").order_by("name"):
        found[tag.device_id].tags.append(TagRow(tag, getattr(tag, "last", None)))
    units = {row.device.work_unit_id: row for row in found.values() if row.device.is_active}
    for state in EquipmentState.objects.filter(work_unit_id__in=units, span__upper_inf=True):
        units[state.work_unit_id].state = state
    for device_pk, waiting in _waiting(list(found)).items():
        found[device_pk].waiting = waiting
    return list(found.values())


def _waiting(device_ids: list[int]) -> dict[int, int]:
    rows = (
        CountEvent.objects.filter(tag__device_id__in=device_ids, posting=states.UNASSIGNED)
        .values_list("tag__device_id")
        .annotate(count=Count("pk"))
    )
    found: dict[int, int] = defaultdict(int)
    found.update(dict(rows))
    return found


def waiting_counts(site_id: int) -> int:
    """How many counts wait for a lead."""
    return CountEvent.objects.filter(tag__device__site_id=site_id, posting=states.UNASSIGNED).count()
