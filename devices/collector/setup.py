"""What a collector must know of a group to read it: plain values, loaded once and again when something changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from devices.drivers.base import Limits, TagSpec
from devices.interpretation import CounterMemory, CounterRules, StateMemory, StateRules
from devices.models import Device, EquipmentState, Tag, TagValue

_NO_COUNTER, _NO_STATE = CounterMemory(), StateMemory()
_BITS = {"UINT16": 16, "UINT32": 32}


@dataclass(frozen=True, slots=True)
class TagSetup:
    """One tag with its rules; of `counter` and `state` at most one is there."""

    id: int
    device_id: int
    work_unit_id: int
    work_center_id: int
    site_id: int
    spec: TagSpec
    scale: float
    offset: float
    dead_band: float
    longest: float
    gap: float
    counter: CounterRules | None
    is_scrap: bool
    pieces_per_count: Decimal
    state: StateRules | None


@dataclass(frozen=True, slots=True)
class DeviceSetup:
    """One device as it is polled. Devices of the same driver, host and port share one connection."""

    id: int
    site_id: int
    version: int
    driver: str
    host: str
    port: int
    interval: float
    timeout: float
    limits: Limits
    tags: tuple[TagSetup, ...]

    @property
    def endpoint(self) -> tuple[str, str, int]:
        return self.driver, self.host, self.port


@dataclass(frozen=True, slots=True)
class TagMemory:
    """What is remembered of a tag between two batches; the stored one is the truth, this is its copy."""

    counter: CounterMemory = _NO_COUNTER
    state: StateMemory = _NO_STATE
    stored: float | None = None
    stored_at: float = 0.0
    quality: int | None = None
    written_at: float = 0.0


def load_devices(group_id: int) -> list[DeviceSetup]:
    """The active devices of a group with their active tags."""
    rows = Device.objects.filter(group_id=group_id, is_active=True).select_related("work_unit").order_by("pk")
    tags: dict[int, list[Tag]] = {}
    for tag in Tag.objects.filter(device__in=rows, is_active=True).order_by("pk"):
        tags.setdefault(tag.device_id, []).append(tag)
    return [device_setup(device, tags.get(device.pk, [])) for device in rows]


def device_setup(device: Device, tags: Iterable[Tag]) -> DeviceSetup:
    interval = device.interval_ms / 1000
    return DeviceSetup(
        id=device.pk,
        site_id=device.site_id,
        version=device.version,
        driver=device.driver,
        host=device.host,
        port=device.port,
        interval=interval,
        timeout=device.timeout_ms / 1000,
        limits=Limits(registers=device.max_registers, gap=device.max_gap),
        tags=tuple(_tag_setup(tag, device, interval) for tag in tags),
    )


def tag_spec(tag: Tag, unit: int) -> TagSpec:
    return TagSpec(tag.pk, unit, tag.table, tag.address, tag.data_type, tag.byte_order, tag.bit)


def _tag_setup(tag: Tag, device: Device, interval: float) -> TagSetup:
    counter = state = None
    if tag.role in Tag.COUNTERS:
        counter = CounterRules(_BITS[tag.data_type], tag.max_rate, tag.on_reset)
    if tag.role == Tag.STATE:
        codes = {int(code): str(name) for code, name in tag.state_codes.items()}
        state = StateRules(codes, float(device.stale_seconds), tag.min_run_seconds)
    return TagSetup(
        id=tag.pk,
        device_id=device.pk,
        work_unit_id=device.work_unit_id,
        work_center_id=device.work_unit.work_center_id,
        site_id=device.site_id,
        spec=tag_spec(tag, device.unit),
        scale=tag.scale,
        offset=tag.offset,
        dead_band=tag.dead_band,
        longest=float(tag.longest_seconds),
        gap=max(float(device.stale_seconds), 3 * interval),
        counter=counter,
        is_scrap=tag.role == Tag.SCRAP,
        pieces_per_count=tag.pieces_per_count,
        state=state,
    )


def load_memories(setups: Iterable[TagSetup]) -> dict[int, TagMemory]:
    """Where counting and states stand in the database. Sequences begin anew: each lease is an epoch of its own."""
    tags = {setup.id: setup for setup in setups}
    values = {value.tag_id: value for value in TagValue.objects.filter(tag_id__in=tags)}
    units = {setup.work_unit_id: setup.id for setup in tags.values() if setup.state is not None}
    open_states = {
        units[row.work_unit_id]: row
        for row in EquipmentState.objects.filter(work_unit_id__in=units, span__upper_inf=True)
    }
    found = {}
    for tag_id in tags:
        value, state = values.get(tag_id), open_states.get(tag_id)
        counter, heard = CounterMemory(), 0.0
        if value is not None and value.counter_raw is not None and value.counter_at is not None:
            counter = CounterMemory(value.counter_raw, value.counter_at.timestamp())
        if value is not None and value.good_at is not None:
            heard = value.good_at.timestamp()
        memory = StateMemory()
        if state is not None:
            memory = StateMemory(state.state, max(heard, state.span.lower.timestamp()))
        found[tag_id] = TagMemory(
            counter,
            memory,
            value.stored_value if value else None,
            value.stored_at.timestamp() if value and value.stored_at else 0.0,
            value.quality if value else None,
        )
    return found
