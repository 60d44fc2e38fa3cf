"""Which machines are read, and how: devices and tags added and changed. A change is taken up by whoever reads within
seconds, and nothing is stored under the old meaning after it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from devices import events
from devices.actions.fields import DEVICE, TAG, parsed
from devices.collector.setup import tag_spec
from devices.drivers.base import BadConfig, Limits
from devices.drivers.registry import driver_class
from devices.models import Device, PollGroup, PollLease, Tag, TagValue
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders.actions.masterdata import work_unit_for
from workorders.models import Reason, WorkCenter, WorkUnit

#: How many devices one lease covers, unless they share an address.
GROUP_SIZE = 25
#: Changes after which a counter or state must be seen anew before it means anything.
_NEW_MEANING = {"role", "table", "address", "data_type", "byte_order", "bit", "is_active"}


@command
def add_device(
    *,
    actor: Actor,
    work_center: str,
    work_unit: str = "",
    fields: Mapping[str, Any],
    command_id: UUID,
) -> Device:
    """Begin to read a machine. It stands at a work unit of WORK_CENTER, which is made where it is not there.

    Leaves the device in a poll group (that of its address, if anything else is read there) and `device.added`. Raises
    `device_name_taken`, `work_unit_has_device`, `invalid`, `not_found`.
    """
    values = parsed(DEVICE, {"driver": "modbus_tcp", **fields})
    for needed in ("name", "host"):
        if needed not in values:
            DEVICE[needed](needed, "")
    device = Device(site_id=actor.site_id, **values)
    device.work_unit = _work_unit(actor, work_center, work_unit)
    _check_device(device)
    device.group = _group_for(device)
    device.save()
    events.device_event(events.DEVICE_ADDED, device, settings=_told(values))
    return device


@command
def change_device(
    *,
    actor: Actor,
    device_id: int,
    work_center: str | None = None,
    work_unit: str = "",
    fields: Mapping[str, Any],
    command_id: UUID,
) -> Device:
    """Change how a device is reached, or switch it off and on. Nothing is forgotten; an idle device keeps its past.

    Leaves a new version and `device.changed` with what changed; nothing at all when nothing did.
    """
    device = locked_device(actor, device_id)
    values = parsed(DEVICE, fields)
    changed = {name: value for name, value in values.items() if getattr(device, name) != value}
    for name, value in changed.items():
        setattr(device, name, value)
    if work_center is not None:
        unit = _work_unit(actor, work_center, work_unit)
        if unit.pk != device.work_unit_id:
            device.work_unit, changed["work_unit"] = unit, unit.code
    if not changed:
        return device
    _check_device(device)
    for tag in device.tags.filter(is_active=True):
        _check_readable(device, tag)
    if {"host", "port", "driver"} & changed.keys():
        device.group = _group_for(device)
    if {"work_unit", "is_active", "host", "port", "unit"} & changed.keys():
        _see_anew(device.tags.all())
    device.version += 1
    device.save()
    events.device_event(events.DEVICE_CHANGED, device, tag=None, changes=_told(changed))
    return device


@command
def add_tag(
    *, actor: Actor, device_id: int, scrap_reason: str = "", fields: Mapping[str, Any], command_id: UUID
) -> Tag:
    """Read one more value of a device. Its first good reading is a baseline: nothing is counted by it.

    Raises `tag_cannot_be_read`, `second_state_tag`, `invalid`.
    """
    device = locked_device(actor, device_id)
    values = parsed(TAG, fields)
    for needed in ("name", "role", "address"):
        if needed not in values:
            TAG[needed](needed, "")
    tag = Tag(device=device, **values)
    return _put_tag(actor, device, tag, scrap_reason, values)


@command
def change_tag(
    *, actor: Actor, tag_id: int, scrap_reason: str | None = None, fields: Mapping[str, Any], command_id: UUID
) -> Tag:
    """Change how one value is read or what it means, or switch it off. Counting begins anew where the place changed."""
    found = Tag.objects.filter(pk=tag_id, device__site_id=actor.site_id).values_list("device_id", flat=True).first()
    if found is None:
        raise Refused("not_found", what=_("Tag"), number=tag_id)
    device = locked_device(actor, found)
    tag = Tag.objects.select_related("scrap_reason").get(pk=tag_id)
    values = parsed(TAG, fields)
    changed = {name: value for name, value in values.items() if getattr(tag, name) != value}
    before = tag.scrap_reason.code if tag.scrap_reason else ""
    if scrap_reason is not None and scrap_reason != before:
        changed["scrap_reason"] = scrap_reason
    if not changed:
        return tag
    for name, value in changed.items():
        if name != "scrap_reason":
            setattr(tag, name, value)
    return _put_tag(actor, device, tag, before if scrap_reason is None else scrap_reason, changed)


def _put_tag(actor: Actor, device: Device, tag: Tag, scrap_reason: str, changed: Mapping[str, Any]) -> Tag:
    tag.scrap_reason = _scrap_reason(actor, tag, scrap_reason)
    _check_tag(device, tag)
    is_new = tag.pk is None
    tag.save()
    if not is_new and _NEW_MEANING & changed.keys():
        _see_anew(device.tags.filter(pk=tag.pk))
    device.version += 1
    device.save(update_fields=["version"])
    events.device_event(events.DEVICE_CHANGED, device, tag=tag.name, changes=_told(changed))
    return tag


def locked_device(actor: Actor, device_id: int) -> Device:
    """The device of the actor's site, locked against whoever stores its readings. Raises `not_found`."""
    rows = Device.objects.select_related("work_unit__work_center").select_for_update(of=("self",), no_key=True)
    device = rows.filter(site_id=actor.site_id, pk=device_id).first()
    if device is None:
        raise Refused("not_found", what=_("Device"), number=device_id)
    return device


def _work_unit(actor: Actor, work_center: str, work_unit: str) -> WorkUnit:
    center = WorkCenter.objects.filter(site_id=actor.site_id, code=str(work_center).replace("\0", "")).first()
    if center is None:
        raise Refused("not_found", what=_("Work center"), number=str(work_center)[:64].replace("\0", ""))
    return work_unit_for(center, work_unit or center.code[:30])


def _check_device(device: Device) -> None:
    others = Device.objects.filter(site_id=device.site_id).exclude(pk=device.pk)
    if others.filter(name=device.name).exists():
        raise Refused("device_name_taken", name=device.name)
    if device.is_active:
        other = others.filter(work_unit_id=device.work_unit_id, is_active=True).first()
        if other is not None:
            raise Refused("work_unit_has_device", unit=device.work_unit.code, device=other.name)


def _check_readable(device: Device, tag: Tag) -> None:
    limits = Limits(registers=device.max_registers, gap=device.max_gap)
    try:
        driver_class(device.driver).check(tag_spec(tag, device.unit), limits)
    except BadConfig as error:
        raise Refused("tag_cannot_be_read", tag=tag.name, why=str(error)) from error


def _check_tag(device: Device, tag: Tag) -> None:
    others = device.tags.exclude(pk=tag.pk)
    if others.filter(name=tag.name).exists():
        raise Refused("invalid", field="name", why=_("{device} has a tag of this name").format(device=device.name))
    if tag.role in Tag.COUNTERS and tag.data_type not in Tag.COUNTER_TYPES:
        raise Refused("invalid", field="data_type", why=_("a counter is UINT16 or UINT32, so that its end is known"))
    if tag.role == Tag.STATE:
        if tag.data_type not in Tag.STATE_TYPES:
            raise Refused("invalid", field="data_type", why=_("a state is a whole number or a bit"))
        if not tag.state_codes:
            raise Refused("invalid", field="state_codes", why=_("say which code means which state"))
        other = others.filter(role=Tag.STATE, is_active=True).first() if tag.is_active else None
        if other is not None:
            raise Refused("second_state_tag", device=device.name, tag=other.name)
    _check_readable(device, tag)


def _scrap_reason(actor: Actor, tag: Tag, code: str) -> Reason | None:
    if tag.role != Tag.SCRAP:
        return None
    found = Reason.objects.filter(site_id=actor.site_id, kind="SCRAP", code=str(code).replace("\0", "")).first()
    if found is None:
        raise Refused("invalid", field="scrap_reason", why=_("choose why the machine's rejects are scrap"))
    return found


def _group_for(device: Device) -> PollGroup:
    """The group of whatever else is read at the same address, else one with room, else a new one."""
    with connection.cursor() as cursor:  # two that are added at once must not part an address
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('devices_pollgroup'), %s)", [device.site_id])
    others = Device.objects.filter(site_id=device.site_id).exclude(pk=device.pk)
    neighbour = others.filter(driver=device.driver, host=device.host, port=device.port).first()
    if neighbour is not None:
        return neighbour.group
    groups = PollGroup.objects.filter(site_id=device.site_id).annotate(size=Count("devices"))
    roomy = groups.filter(size__lt=GROUP_SIZE).order_by("-size", "pk").first()
    if roomy is not None:
        return roomy
    made = PollGroup.objects.create(site_id=device.site_id)
    PollLease.objects.create(group=made)
    return made


def _see_anew(tags: Any) -> None:
    """What these counters show next is a baseline."""
    TagValue.objects.filter(tag__in=tags).update(counter_raw=None, counter_at=None)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """VALUES as an event may carry them: whole numbers and texts."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, float):
            found[name] = f"{value:g}"
        elif value is None or isinstance(value, bool | int | str | dict):
            found[name] = value
        else:
            found[name] = decimal_text(value)
    return found
