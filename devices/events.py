"""The events this app emits, on the chain of a device. `docs/events.md` describes each."""

from datetime import datetime
from typing import Any

from devices.models import Device
from mes.kernel.events import emit

DEVICE_ADDED = "device.added"
DEVICE_CHANGED = "device.changed"
STATE_CHANGED = "machine.state_changed"
COUNTED = "machine.counted"


def device_event(name: str, device: Device, at: datetime | None = None, **payload: Any) -> None:
    """Told on the device's chain; the list of machines and its work center's page hear of it."""
    emit(
        name,
        subject=f"device:{device.pk}",
        label=f"device:{device.name}",
        payload={"device": device.name, "work_unit": device.work_unit.code, **payload},
        occurred_at=at,
        topics=[f"devices:{device.site_id}", f"wc:{device.work_unit.work_center_id}"],
    )
