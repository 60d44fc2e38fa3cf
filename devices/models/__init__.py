"""The tables of machines: what is read, who reads it, what was read, and what it means."""

from devices.models.device import Device, PollGroup, Tag
from devices.models.facts import CountEvent, EquipmentState, TelemetrySample
from devices.models.polling import DeviceHealth, LeaseEpoch, PollLease, TagValue

__all__ = [
    "CountEvent",
    "Device",
    "DeviceHealth",
    "EquipmentState",
    "LeaseEpoch",
    "PollGroup",
    "PollLease",
    "Tag",
    "TagValue",
    "TelemetrySample",
]
