"""The machines of the demo plant: devices for their controllers, a day of states behind them, jobs that they make."""

import asyncio
import random
import time
from collections.abc import Iterator
from uuid import uuid4

from django.db import OperationalError, close_old_connections

from devices.actions.configure import add_device, add_tag, change_device
from devices.actions.ingest import Batch, Knowledge, store_batches
from devices.actions.leases import Holder, claim_group, release_groups
from devices.collector.meaning import Reading
from devices.collector.setup import load_devices, load_memories
from devices.models import CountEvent, Device, EquipmentState
from mes.demo import catalog, plc
from mes.kernel.actors import system
from workorders import states
from workorders.models import Operation, Site

#: Seconds between two looks at what the plant makes; pieces come this many times faster than in a real plant.
LOOK, HURRY = 2.0, 8.0
_DAY = 86_400.0
_STOPS = [(plc.STOP, 40, 400), (plc.STARVED, 120, 900), (plc.FAULT, 180, 1500), (plc.STOP, 30, 90)]
_TAGS = [
    {"name": "State", "role": "STATE", "address": plc.STATE, "state_codes": plc.CODES},
    {"name": "Good pieces", "role": "GOOD", "address": plc.GOOD, "max_rate": "2"},
    {"name": "Rejects", "role": "SCRAP", "address": plc.SCRAP, "max_rate": "2"},
    {
        "name": "Load", "role": "VALUE", "address": plc.LOAD, "data_type": "FLOAT32", "byte_order": "CDAB",
        "unit_text": "%", "dead_band": "2",
    },
    {
        "name": "Oil temperature", "role": "VALUE", "address": plc.TEMPERATURE, "scale": "0.1", "unit_text": "°C",
        "dead_band": "0.5",
    },
]  # fmt: skip


def lay_out(site: Site, code: str, port: int) -> Device:
    """The device of one simulated controller, at the port where it listens this time."""
    actor = system(site.pk, "demo")
    found = Device.objects.filter(site=site, name=code).first()
    if found is not None:
        return change_device(
            actor=actor, device_id=found.pk, fields={"host": "127.0.0.1", "port": port}, command_id=uuid4()
        )
    made = add_device(
        actor=actor,
        work_center=code,
        fields={"name": code, "host": "127.0.0.1", "port": port, "timeout_ms": 500},
        command_id=uuid4(),
    )
    for fields in _TAGS:
        add_tag(actor=actor, device_id=made.pk, scrap_reason="SETUP", fields=fields, command_id=uuid4())
    return made


def remember_a_day(devices: list[Device], dice: random.Random) -> None:
    """What the machines did until now, read as a collector would have read it. Nothing where anything is known."""
    holder = Holder("the demo's past", uuid4(), 60.0)
    for group_id in sorted({device.group_id for device in devices}):
        ids = {device.pk for device in devices if device.group_id == group_id}
        if EquipmentState.objects.filter(tag__device__in=ids).exists():
            continue
        claim = claim_group(group_id, holder)
        if claim is None:
            continue
        found = [device for device in load_devices(group_id) if device.id in ids]
        tags = {tag.id: tag for device in found for tag in device.tags}
        now = claim.database_time.timestamp()
        readings = [
            Reading(device.id, device.version, tag.id, at, code, 0, "")
            for device in found
            for tag in device.tags
            if tag.state is not None
            for at, code in _a_day(dice, now, tag.state.stale)
        ]
        readings.sort(key=lambda reading: reading.at)
        batch = Batch(group_id, claim.fence, 1, now, readings, [])
        store_batches([batch], {group_id: Knowledge(tags, load_memories(tags.values()))})
        release_groups(holder, [group_id])


def _a_day(dice: random.Random, now: float, stale: float) -> Iterator[tuple[float, int]]:
    """Set up, run with stops, wait for the next job; read often enough to be believed."""
    clock = now - _DAY
    while clock < now - stale / 2:
        plan = [(plc.SETUP, dice.uniform(700, 1500))]
        for _stretch in range(dice.randint(2, 5)):
            plan.append((plc.RUN, dice.uniform(1200, 4200)))
            code, shortest, longest = dice.choice(_STOPS)
            plan.append((code, dice.uniform(shortest, longest)))
        plan.append((plc.STOP, dice.uniform(300, 2400)))
        for code, length in plan:
            end = min(clock + length, now - stale / 2)
            while clock < end:
                yield clock, code
                clock += stale * 0.9
            clock = end


class Floor:
    """Controllers that listen, machines that work on what the plant has running on them."""

    def __init__(self, site: Site, seed: int | None = None) -> None:
        self.site = site
        self.dice = random.Random(seed)  # noqa: S311 - a believable plant, not a secret
        self.controllers = {
            code: plc.Controller(plc.Machine(random.Random(self.dice.random()), good=65_500 - 7 * place))  # noqa: S311
            for place, code in enumerate(catalog.MACHINES)
        }

    async def run(self, seconds: float | None = None) -> None:
        """Listen and work until stopped, or for SECONDS."""
        for controller in self.controllers.values():
            controller.machine.tick(0)
            await controller.start()
        await asyncio.to_thread(self._begin)
        begun = looked = time.monotonic()
        await asyncio.to_thread(self._look)
        before = begun
        while seconds is None or time.monotonic() - begun < seconds:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            for controller in self.controllers.values():
                controller.machine.tick(now - before)
            before = now
            if now - looked > LOOK:
                looked = now
                await asyncio.to_thread(self._look)
        for controller in self.controllers.values():
            await controller.stop()

    def _begin(self) -> None:
        devices = [lay_out(self.site, code, each.port) for code, each in self.controllers.items()]
        remember_a_day(devices, self.dice)

    def _look(self) -> None:
        """Give each machine the job that runs at its work center; the old one goes on where the database is away."""
        try:
            self._hand_out_jobs()
        except OperationalError:
            close_old_connections()

    def _hand_out_jobs(self) -> None:
        rows = Operation.objects.filter(
            work_center__site=self.site,
            work_center__code__in=self.controllers,
            state__in=[states.RUNNING, states.SETUP],
        ).select_related("work_center")
        jobs = {row.work_center.code: row for row in rows.order_by("-pk")}
        waiting = set(
            CountEvent.objects.filter(tag__device__site=self.site, posting="PENDING").values_list(
                "work_unit__work_center__code", flat=True
            )
        )
        for code, controller in self.controllers.items():
            machine, row = controller.machine, jobs.get(code)
            if row is None:
                machine.job = None
                continue
            known = machine.job is not None and machine.job.id == row.pk and machine.job.left > 0
            if code in waiting or (known and row.state == states.RUNNING and machine.job and not machine.job.set_up):
                continue
            seconds = min(max(float(row.run_minutes_per_unit) * 60 / HURRY, 3.0), 9.0)
            machine.job = plc.Job(row.pk, int(row.open_quantity), seconds, row.state == states.SETUP)
