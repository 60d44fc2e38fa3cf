"""One line to an endpoint: its driver, opened again with growing, spread pauses. Knows no lease and no database."""

import asyncio
import random
import time

from devices.drivers.base import Block, Driver, Quality, Sample, TagSpec, Unreachable

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


class Line:
    """What several devices behind one address share. One request at a time is the driver's own rule."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._opening = asyncio.Lock()
        self._next_try = 0.0
        self._pause = FIRST_PAUSE

    async def ready(self) -> bool:
        """Whether a read may be tried now. Tries to connect, but not before the pause after the last failure."""
        if self._is_open():
            return True
        async with self._opening:
            if self._is_open():  # somebody else on this line opened it while we waited
                return True
            if time.monotonic() < self._next_try:
                return False
            try:
                await self.driver.open()
            except Unreachable:
                # Spread out: a thousand devices that come back together must not be called together.
                self._next_try = time.monotonic() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                return False
            self._pause = FIRST_PAUSE
            return True

    def _is_open(self) -> bool:
        return self.driver.is_open

    def round(self, tags: list[TagSpec]) -> "Round":
        return Round(self, tags)

    async def close(self) -> None:
        await self.driver.close()


class Round:
    """The requests of one device, planned anew only when the driver learned something of it."""

    def __init__(self, line: Line, tags: list[TagSpec]) -> None:
        self.line, self.tags = line, tags
        self._lessons = -1
        self._blocks: list[Block] = []

    async def read(self, now: float) -> list[Sample]:
        """One sample per tag. After a request without answer the rest is not even tried."""
        driver = self.line.driver
        if not await self.line.ready():
            return [Sample(tag.id, None, now, Quality.BAD_COMM, "unreachable") for tag in self.tags]
        lessons = getattr(driver, "lessons", 0)
        if lessons != self._lessons:
            self._blocks, self._lessons = driver.plan(self.tags), lessons
        found: list[Sample] = []
        for place, block in enumerate(self._blocks):
            samples = await driver.read(block)
            found += samples
            silent = samples and all(one.why in ("no_answer", "not_connected") for one in samples)
            if silent:
                for left in self._blocks[place + 1 :]:
                    found += [Sample(tag.id, None, now, Quality.BAD_COMM, "no_answer") for tag in left.tags]
                break
        return found
