"""Machines for the tests: a device with a state, a counter and a value, and readings stored as a collector would. No
test.
"""

import itertools
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from devices.actions.configure import add_device, add_tag
from devices.actions.ingest import Batch, Knowledge, Outcome, store_batches
from devices.actions.leases import Claim, Holder, claim_group
from devices.collector.meaning import Reading
from devices.collector.setup import load_devices, load_memories
from devices.drivers.base import Quality
from devices.models import Device, Tag
from tests.builders import Plant, command_id

_numbers = itertools.count(1)
CODES = {"0": "STOP", "1": "RUN", "2": "FAULT", "3": "SETUP"}


def a_device(works: Plant, name: str = "M1", center: str = "WC1", source: str = "MACHINE", **fields: Any) -> Device:
    """A machine at a work center that counts by machine unless SOURCE says otherwise."""
    made = works.work_center(center, count_source=source)
    if made.count_source != source:
        made.count_source = source
        made.save()
    fields = {"name": name, "host": f"10.0.0.{next(_numbers)}", **fields}
    return add_device(actor=works.system, work_center=center, fields=fields, command_id=command_id())


def a_tag(works: Plant, device: Device, role: str = "GOOD", **fields: Any) -> Tag:
    place = next(_numbers)
    defaults: dict[str, Any] = {"name": f"{role.lower()} {place}", "role": role, "address": place}
    if role == "STATE":
        defaults["state_codes"] = CODES
    reason = fields.pop("scrap_reason", "CRACK" if role == "SCRAP" else "")
    fields = defaults | fields
    return add_tag(actor=works.system, device_id=device.pk, scrap_reason=reason, fields=fields, command_id=command_id())


@dataclass
class Reader:
    """Holds the lease of a device's group and stores what it is told was read. NOW is when the first reading was."""

    device: Device
    begun: float = field(default_factory=lambda: time.time() - 600)
    ttl: float = 30.0
    number: int = 0

    def __post_init__(self) -> None:
        self.holder = Holder(f"reader {next(_numbers)}", uuid.uuid4(), self.ttl)
        self.fence = 0

    def claim(self) -> Claim | None:
        claim = claim_group(self.device.group_id, self.holder)
        if claim is not None:
            self.fence, self.number = claim.fence, 0
        self.load()
        return claim

    def load(self) -> None:
        self.devices = load_devices(self.device.group_id)
        self.tags = {tag.id: tag for device in self.devices for tag in device.tags}
        self.memories = load_memories(self.tags.values())
        self.versions = {device.id: device.version for device in self.devices}

    def reading(self, tag: Tag, after: float, value: Any, quality: Quality = Quality.GOOD) -> Reading:
        version = self.versions[tag.device_id]
        return Reading(
            tag.device_id, version, tag.pk, self.begun + after, value, quality, "" if value is not None else "no_answer"
        )

    def batch(self, *readings: Reading, until: float | None = None) -> Batch:
        self.number += 1
        now = self.begun + until if until is not None else max((one.at for one in readings), default=self.begun)
        return Batch(self.device.group_id, self.fence, self.number, now, list(readings), [])

    def store(self, batch: Batch) -> Outcome:
        known = {batch.group_id: Knowledge(self.tags, self.memories)}
        outcome = store_batches([batch], known)[batch.group_id]
        self.memories = {**self.memories, **outcome.memories}
        return outcome

    def read(self, tag: Tag, *pairs: tuple[float, Any], until: float | None = None) -> Outcome:
        """Store one batch of good readings, (seconds after the beginning, value) each."""
        return self.store(self.batch(*(self.reading(tag, after, value) for after, value in pairs), until=until))

    def at(self, after: float) -> datetime:
        return datetime.fromtimestamp(self.begun + after, UTC)


def reader(device: Device, **more: Any) -> Reader:
    """A reader that holds the device's group."""
    device.refresh_from_db()
    made = Reader(device, **more)
    assert made.claim() is not None, "somebody else holds the group"
    return made
