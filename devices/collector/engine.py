"""The engine of a collect worker: polls the groups it holds on one asyncio loop, stores each second, renews leases.

Pacing and leases go by the monotonic clock, facts are dated by the database's. Two threads of its own talk to the
database, so that neither a slow store nor a lost connection keeps a device waiting or a lease from being renewed.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import uuid4

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from devices.actions.ingest import Batch, Knowledge, Outcome, store_batches
from devices.actions.leases import Claim, Holder, claim_group, free_groups, release_groups, renew_groups
from devices.collector.group import Group
from devices.collector.meaning import Poll, Reading
from devices.collector.setup import DeviceSetup, load_devices, load_memories
from devices.drivers.base import Driver, Quality
from devices.drivers.registry import driver_class
from mes import env
from mes.kernel.nudge import ring

log = logging.getLogger(__name__)

LEASE_SECONDS = env.number("MES_COLLECT_LEASE_SECONDS", 10)
#: Seconds for which reading goes on although the database, and with it the lease, is out of reach.
BLIND_SECONDS = env.number("MES_COLLECT_BLIND_SECONDS", 60)
FLUSH_SECONDS = 1.0
#: The holder stops at this part of a lease's life, before anybody else may begin.
SAFE = 0.8
_AWAY = (OperationalError, InterfaceError)
Result = TypeVar("Result")
Connect = Callable[[DeviceSetup], Driver]


def connect(device: DeviceSetup) -> Driver:
    """The driver of a device's endpoint."""
    kind: Any = driver_class(device.driver)
    driver: Driver = kind(device.host, device.port, timeout=device.timeout, limits=device.limits)
    return driver


class Collector:
    """Holds leases under NAME and reads what they cover. It looks for groups nobody reads every LOOK_AROUND seconds."""

    def __init__(
        self,
        name: str,
        *,
        ttl: float = LEASE_SECONDS,
        look_around: float | None = None,
        driver_for: Connect = connect,
    ) -> None:
        self.holder = Holder(name[:120], uuid4(), ttl)
        self._driver_for = driver_for
        self._look_around = look_around or 2 * ttl
        self._groups: dict[int, Group] = {}
        self._leaving: list[Batch] = []
        self._away = False
        self._offset: float | None = None
        self._stopping = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="collector", daemon=True)
        self._store = ThreadPoolExecutor(1, "collector-store")
        self._lease = ThreadPoolExecutor(1, "collector-lease")
        self._tasks: list[asyncio.Task[None]] = []

    # -- from any thread -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to store, renew and look around. Reading begins with the first group."""
        self._thread.start()
        self._loop.call_soon_threadsafe(self._begin_loops)

    def take(self, group_id: int) -> bool:
        """Claim a group and read it from now on. False when it is held already, by us or by somebody else."""
        if self._stopping or group_id in self._groups:
            return False
        begun = time.monotonic()
        claim = claim_group(group_id, self.holder)
        if claim is None:
            return False
        self._loop.call_soon_threadsafe(self._begin, group_id, claim, begun)
        return True

    def stop(self, seconds: float = 5.0) -> None:
        """Stop reading, store what was read, give the leases back. Bounded: what takes longer is left to run out."""
        if self._stopping or not self._thread.is_alive():
            return
        self._stopping = True
        ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            ended.result(seconds)
        except TimeoutError:
            log.warning("Not everything could be stored before stopping.")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1)

    @property
    def groups(self) -> list[int]:
        return sorted(self._groups)

    # -- groups --------------------------------------------------------------------------------------------------------

    def _begin(self, group_id: int, claim: Claim, begun: float) -> None:
        if group_id in self._groups or self._stopping:
            return
        self._set_clock(claim.database_time.timestamp(), begun)
        group = Group(group_id, claim.fence, begun + SAFE * self.holder.ttl)
        self._groups[group_id] = group
        self._loop.create_task(self._fill(group))

    async def _fill(self, group: Group) -> None:
        """Load what the group reads and begin. A group whose loading fails is given back by running out."""
        try:
            devices, memories = await self._in_thread(self._store, _load, group.id)
        except DatabaseError as error:
            log.warning("Group %s cannot be loaded: %s", group.id, error)
            self._groups.pop(group.id, None)
            return
        group.learn(devices, memories)
        group.start(self._loop, self._poll)

    async def _refill(self, group: Group, mark: str) -> None:
        """Take up a changed configuration. What changed is read from the database, the rest is remembered."""
        group.mark = mark
        devices, memories = await self._in_thread(self._store, _load, group.id)
        await group.halt()
        group.learn(devices, memories)
        if self._groups.get(group.id) is group and not self._stopping:
            group.start(self._loop, self._poll)

    async def _leave(self, group: Group) -> None:
        """Somebody else reads it now. What was read before he began may still be stored."""
        if self._groups.get(group.id) is group:
            del self._groups[group.id]
        await group.halt()
        self._leaving += group.remains(self._wall())

    async def _poll(self, group: Group, device: DeviceSetup) -> None:
        """Read one device at its pace. A slot that is missed is skipped and counted, never made up for."""
        line = group.line(device, self._driver_for)
        rounds = line.round([tag.spec for tag in device.tags])
        loop = self._loop
        due = loop.time() + device.id * 0.618034 % 1 * device.interval  # spread over the interval
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            lag, skipped = loop.time() - due, 0
            if self._may_read(group):
                samples = await rounds.read(self._wall())
                group.readings += [
                    Reading(device.id, device.version, one.tag_id, self._dated(one.at), one.value, one.quality, one.why)
                    for one in samples
                ]
                worst = next((one.why for one in samples if one.quality is not Quality.GOOD), "")
                answered = any(one.quality is Quality.GOOD for one in samples)
                due += device.interval
                if due < loop.time():
                    skipped = int((loop.time() - due) // device.interval) + 1
                    due += skipped * device.interval
                group.polls.append(Poll(device.id, self._wall(), answered, lag, skipped, worst))
            else:
                due = loop.time() + device.interval

    def _may_read(self, group: Group) -> bool:
        late = time.monotonic() - group.valid_until
        return late <= (BLIND_SECONDS if self._away else 0)

    # -- the clock -----------------------------------------------------------------------------------------------------

    def _set_clock(self, database_time: float, asked_at: float) -> None:
        offset = database_time - (asked_at + time.monotonic()) / 2
        if self._offset is None or abs(offset - self._offset) > 0.05:
            self._offset = offset

    def _wall(self) -> float:
        return time.monotonic() + (self._offset or 0.0)

    def _dated(self, at: float) -> float:
        """A driver dates by this machine's wall clock; what is stored is dated by the database's."""
        return at + self._wall() - time.time()

    # -- loops ---------------------------------------------------------------------------------------------------------

    def _begin_loops(self) -> None:
        for work, pause in (
            (self._flush, FLUSH_SECONDS),
            (self._renew, self.holder.ttl / 4),
            (self._look, self._look_around),
        ):
            self._tasks.append(self._loop.create_task(self._again_and_again(work, pause)))

    async def _again_and_again(self, work: Callable[[], Any], pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await work()
            except Exception:
                log.exception("The collector goes on after a failure of its own.")

    async def _renew(self) -> None:
        fences = {group.id: group.fence for group in self._groups.values()}
        if not fences:
            return
        begun = time.monotonic()
        try:
            renewed = await self._in_thread(self._lease, renew_groups, self.holder, fences)
        except _AWAY:
            self._away = True
            return
        self._away = False
        if renewed.database_time is not None:
            self._set_clock(renewed.database_time.timestamp(), begun)
        for group in list(self._groups.values()):
            if fences.get(group.id) != group.fence:
                continue
            if group.id not in renewed.marks:
                log.warning("Group %s is read by another collector now.", group.id)
                await self._leave(group)
                continue
            group.valid_until = begun + SAFE * self.holder.ttl
            if group.is_ready and group.mark != renewed.marks[group.id]:
                await self._refill(group, renewed.marks[group.id])

    async def _look(self) -> None:
        """Without a broker or a beat, groups that nobody reads are found all the same."""
        try:
            for group_id in await self._in_thread(self._lease, free_groups, self.holder.ttl):
                await self._in_thread(self._lease, self.take, group_id)
        except _AWAY:
            self._away = True

    async def _flush(self) -> None:
        groups = [group for group in self._groups.values() if group.is_ready]
        batches = [group.close_batch(self._wall()) for group in groups]
        known = {group.id: group.knowledge for group in groups}
        outcomes: dict[int, Outcome] = {}
        try:
            if batches:
                outcomes = await self._in_thread(self._store, _store_all, batches, known)
            await self._flush_leaving()
        except _AWAY:
            for group in groups:
                group.trim()
            return
        for group in groups:
            outcome = outcomes[group.id]
            group.settle(outcome)
            if outcome.refused:
                log.warning("%s readings of group %s came too late and were refused.", outcome.refused, group.id)
            if not outcome.held:
                await self._leave(group)
        if any(outcome.facts for outcome in outcomes.values()):
            await self._in_thread(self._lease, ring, "devices.tasks.settle", "devices")

    async def _flush_leaving(self) -> None:
        """One batch at a time: the same group may have been claimed, lost and claimed again meanwhile."""
        while self._leaving:
            batch = self._leaving[0]
            outcome = await self._in_thread(self._store, _store_all, [batch], {batch.group_id: Knowledge({}, {})})
            self._leaving.pop(0)
            refused = outcome[batch.group_id].refused
            if refused:
                log.warning("%s readings of group %s came too late and were refused.", refused, batch.group_id)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for group in self._groups.values():
            await group.halt()
        await self._flush()
        await self._flush()  # what a batch on its way had kept waiting
        held = self.groups
        if held:
            try:
                await self._in_thread(self._lease, release_groups, self.holder, held)
            except _AWAY:
                log.warning("The database is away; the leases run out by themselves.")
        self._groups.clear()

    async def _in_thread(self, pool: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
        def guarded() -> Result:
            try:
                return work(*arguments)
            except _AWAY:
                connection.close()  # the next try makes a new one
                raise

        return await self._loop.run_in_executor(pool, guarded)


def _load(group_id: int) -> tuple[list[DeviceSetup], dict[int, Any]]:
    devices = load_devices(group_id)
    return devices, load_memories(tag for device in devices for tag in device.tags)


def _store_all(batches: list[Batch], known: dict[int, Knowledge]) -> dict[int, Outcome]:
    """All in one transaction; where one cannot be stored whatever is tried, the others are stored without it."""
    try:
        return store_batches(batches, known)
    except _AWAY:
        raise
    except DatabaseError:
        found: dict[int, Outcome] = {}
        for batch in batches:
            try:
                found |= store_batches([batch], known)
            except _AWAY:
                raise
            except DatabaseError as error:
                log.error("A batch of group %s cannot be stored and is lost: %s", batch.group_id, error)
                found[batch.group_id] = Outcome(True, len(batch.readings))
        return found
