"""One group while a collector holds it: its lines, its polls, and what was read and not yet stored. No database."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from devices.actions.ingest import Batch, Knowledge, Outcome
from devices.collector.line import Line
from devices.collector.meaning import Poll, Reading
from devices.collector.setup import DeviceSetup, TagMemory, TagSetup
from devices.drivers.base import Driver

#: Readings that wait in memory while the database is away; beyond it the oldest plain values go first.
LONGEST_WAIT = 200_000


class Group:
    """`valid_until` is on the monotonic clock. `mark` names the devices and versions that are read."""

    def __init__(self, group_id: int, fence: int, valid_until: float) -> None:
        self.id, self.fence, self.valid_until = group_id, fence, valid_until
        self.mark = ""
        self.is_ready = False
        self.readings: list[Reading] = []
        self.polls: list[Poll] = []
        self._devices: list[DeviceSetup] = []
        self._tags: dict[int, TagSetup] = {}
        self._memories: dict[int, TagMemory] = {}
        self._lines: dict[tuple[str, str, int], Line] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._batch: Batch | None = None
        self._number = 0

    @property
    def knowledge(self) -> Knowledge:
        return Knowledge(self._tags, self._memories)

    def learn(self, devices: list[DeviceSetup], memories: dict[int, TagMemory]) -> None:
        """Read DEVICES from now on. What is remembered of a device that did not change is kept."""
        versions = {device.id: device.version for device in self._devices}
        for device in devices:
            if versions.get(device.id) != device.version:
                for tag in device.tags:
                    numbered = self._memories.get(tag.id)
                    self._memories[tag.id] = memories[tag.id]
                    if numbered is not None:
                        self._memories[tag.id] = _numbered_on(memories[tag.id], numbered)
        self._devices = devices
        self._tags = {tag.id: tag for device in devices for tag in device.tags}
        self.mark = ",".join(f"{device.id}:{device.version}" for device in devices)

    def start(
        self, loop: asyncio.AbstractEventLoop, poll: Callable[["Group", DeviceSetup], Coroutine[Any, Any, None]]
    ) -> None:
        self._tasks = [loop.create_task(poll(self, device)) for device in self._devices if device.tags]
        self.is_ready = True

    def line(self, device: DeviceSetup, driver_for: Callable[[DeviceSetup], Driver]) -> Line:
        """The one line to the device's endpoint."""
        if device.endpoint not in self._lines:
            self._lines[device.endpoint] = Line(driver_for(device))
        return self._lines[device.endpoint]

    async def halt(self) -> None:
        """Stop reading; what was read stays."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lines, self._lines = self._lines, {}
        for line in lines.values():
            await line.close()

    def close_batch(self, now: float) -> Batch:
        """The batch to store now. One whose fate is unknown is sent again as it was, before any newer reading."""
        if self._batch is None:
            self._number += 1
            self._batch = Batch(self.id, self.fence, self._number, now, self.readings, self.polls)
            self.readings, self.polls = [], []
        return self._batch

    def settle(self, outcome: Outcome) -> None:
        """The batch is stored: its memories are the truth now."""
        self._batch = None
        self._memories |= outcome.memories

    def remains(self, now: float) -> list[Batch]:
        """What was not stored, for the new holder of the lease to be told of by its times."""
        found = [self._batch] if self._batch is not None else []
        if self.readings:
            found.append(Batch(self.id, self.fence, self._number + 1, now, self.readings, []))
        self._batch, self.readings, self.polls = None, [], []
        return found

    def trim(self) -> None:
        """Keep memory bounded: of plain values the older half goes; counters and states are few and stay."""
        if len(self.readings) <= LONGEST_WAIT:
            return
        half = len(self.readings) // 2
        kept = []
        for reading in self.readings[:half]:
            tag = self._tags.get(reading.tag_id)
            if tag is not None and (tag.counter is not None or tag.state is not None):
                kept.append(reading)
        self.readings = kept + self.readings[half:]
        self.polls = self.polls[-len(self._devices) :]


def _numbered_on(fresh: TagMemory, before: TagMemory) -> TagMemory:
    """A counter that is read anew under the same lease goes on with its numbers: none may come twice."""
    return replace(fresh, counter=replace(fresh.counter, sequence=before.counter.sequence))
