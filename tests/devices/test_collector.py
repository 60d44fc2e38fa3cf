"""The collector in this process, on real connections and a real database: what the machine made is what is counted."""

import time
from collections.abc import Callable, Iterator

import pytest

from devices.actions.configure import change_tag
from devices.collector.engine import Collector
from devices.models import CountEvent, DeviceHealth, EquipmentState, LeaseEpoch, PollLease, TagValue
from tests.builders import Plant, command_id, plant
from tests.devices.machines import a_device, a_tag
from tests.devices.servers import ThreadedFaultServer

pytestmark = [pytest.mark.committed_db, pytest.mark.heavy]


@pytest.fixture
def works() -> Plant:
    return plant()


@pytest.fixture
def plc() -> Iterator[ThreadedFaultServer]:
    with ThreadedFaultServer() as server:
        yield server


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector("test", ttl=4, look_around=3600)
    made.start()
    yield made
    made.stop()


def until(condition: Callable[[], object], what: str, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)


def device_at(works, server, **fields):
    device = a_device(
        works,
        center=f"WC{server.port}",
        host="127.0.0.1",
        port=str(server.port),
        interval_ms="100",
        timeout_ms="300",
        stale_seconds="1",
        **fields,
    )
    server.registers |= {0: 1, 5: 65530}
    return device, a_tag(works, device, "STATE", address="0"), a_tag(works, device, address="5")


def heard(tag, value):
    return lambda: TagValue.objects.filter(tag=tag, value=value).exists()


def kinds(tag):
    return list(CountEvent.objects.filter(tag=tag).order_by("pk").values_list("kind", "counts", "in_gap"))


def test_rollover_reset_and_gap_are_what_they_are(works, plc, collector):
    device, _state, good = device_at(works, plc)
    assert collector.take(device.group_id)
    assert not collector.take(device.group_id)
    until(heard(good, 65530), "the first reading")
    plc.registers[5] = 2
    until(heard(good, 2), "the rollover")
    plc.registers[5] = 0
    until(heard(good, 0), "the reset")
    plc.registers[5] = 3
    until(heard(good, 3), "counting after it")
    plc.mode = "silent"
    until(lambda: EquipmentState.objects.filter(work_unit=device.work_unit, state="UNKNOWN").exists(), "not knowing")
    assert DeviceHealth.objects.get(device=device).why in {"no_answer", "unreachable"}
    plc.registers[5] = 40
    plc.mode = "ok"
    until(heard(good, 40), "the answer after the gap")
    until(lambda: len(kinds(good)) == 4, "the count of the gap")
    assert kinds(good) == [("ROLLOVER", 8, False), ("RESET", 0, False), ("NORMAL", 3, False), ("NORMAL", 37, True)]
    rows = list(EquipmentState.objects.filter(work_unit=device.work_unit).order_by("span"))
    assert [row.state for row in rows] == ["RUN", "UNKNOWN", "RUN"]
    assert rows[0].span.upper == rows[1].span.lower
    assert DeviceHealth.objects.get(device=device).failures == 0
    collector.stop()
    lease = PollLease.objects.get(group=device.group_id)
    assert lease.owner == "", "given back"
    assert LeaseEpoch.objects.get(group=device.group_id).ended_at is not None


def test_a_change_of_configuration_is_taken_up_while_reading(works, plc, collector):
    device, _state, good = device_at(works, plc)
    plc.registers[77] = 5
    collector.take(device.group_id)
    until(heard(good, 65530), "the first reading")
    change_tag(actor=works.system, tag_id=good.pk, fields={"address": "77"}, command_id=command_id())
    until(heard(good, 5), "the other register")
    plc.registers[77] = 9
    until(lambda: kinds(good), "a count from there")
    assert kinds(good) == [("NORMAL", 4, False)]


def test_devices_behind_one_address_share_one_connection(works, plc, collector):
    device, _state, good = device_at(works, plc)
    other = a_device(works, "M2", "OTHER", host="127.0.0.1", port=str(plc.port), unit="2", interval_ms="100")
    second = a_tag(works, other, address="9")
    collector.take(device.group_id)
    until(lambda: heard(good, 65530)() and heard(second, 9)(), "both")
    assert plc.connections == 1


def test_a_slow_device_is_skipped_not_queued_and_holds_up_nobody(works, plc, collector):
    device, _state, good = device_at(works, plc)
    plc.mode, plc.delay = "slow", 0.25
    with ThreadedFaultServer() as quick:
        fast = a_device(works, "FAST", "FASTWC", host="127.0.0.1", port=str(quick.port), interval_ms="100")
        tag = a_tag(works, fast, address="1")
        collector.take(device.group_id)
        until(lambda: heard(good, 65530)() and heard(tag, 1)(), "both")
        until(lambda: DeviceHealth.objects.get(device=device).skipped >= 2, "skipped slots")
        assert len(quick.asked) > 2 * len(plc.asked)
