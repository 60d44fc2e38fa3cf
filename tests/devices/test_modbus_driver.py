"""The Modbus driver against servers nobody here wrote, and against one that misbehaves."""

import asyncio

import pytest

from devices.drivers.base import Limits, Quality, TagSpec, Unreachable
from devices.drivers.modbus_tcp import ModbusTcp
from devices.drivers.registry import UnknownDriver, driver_class, drivers
from tests.devices.servers import FaultServer, Missing, free_port, in_a_loop_of_its_own, libmodbus, modbus_serial


def tag(address, data_type="UINT16", table="HOLDING", **more):
    return TagSpec(more.pop("id", address), 1, table, address, data_type, **more)


async def read_all(driver, *tags):
    found = {}
    for block in driver.plan(tags):
        for sample in await driver.read(block):
            found[sample.tag_id] = sample
    return found


def against(port, work, **more):
    """Run WORK(driver) against PORT and close the driver whatever comes."""

    async def session():
        driver = ModbusTcp("127.0.0.1", port, timeout=more.pop("timeout", 1.0), **more)
        await driver.open()
        try:
            return await work(driver)
        finally:
            await driver.close()

    return in_a_loop_of_its_own(session())


@pytest.fixture(scope="module")
def libmodbus_port():
    try:
        with libmodbus() as port:
            yield port
    except Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def modbus_serial_port():
    try:
        with modbus_serial() as port:
            yield port
    except Missing as why:
        pytest.skip(str(why))


def test_libmodbus_is_read_in_all_tables_and_up_to_the_longest_request(libmodbus_port):
    longest = [tag(place) for place in range(100, 225)]
    others = [tag(3, table="INPUT", id=1), tag(4, "BOOL", "COIL", id=2), tag(5, "BOOL", "COIL", id=3)]

    async def work(driver):
        assert len(driver.plan(longest)) == 1
        return await read_all(driver, *longest, *others)

    found = against(libmodbus_port, work)
    assert all(sample.quality is Quality.GOOD for sample in found.values())
    assert [found[place].value for place in (100, 224, 1, 2, 3)] == [100, 224, 10, 1, 0]


def test_libmodbus_floats_are_right_in_each_order_it_can_write(libmodbus_port):
    """Its names for the orders are not everybody's: what counts is that one of the four previews is the number."""

    async def work(driver):
        return await read_all(
            driver,
            *(tag(address, "FLOAT32", order=order, id=address * 10 + place)
              for address in (6, 8, 10, 12)
              for place, order in enumerate(("ABCD", "CDAB", "BADC", "DCBA"))),
        )  # fmt: skip

    found = against(libmodbus_port, work)
    fitting = [[place for place in range(4) if found[address * 10 + place].value == 60.5] for address in (6, 8, 10, 12)]
    assert all(len(one) == 1 for one in fitting), fitting
    assert sorted(one[0] for one in fitting) == [0, 1, 2, 3]


def test_libmodbus_refuses_an_address_and_only_that_tag_is_bad(libmodbus_port):
    async def work(driver):
        tags = [tag(998), tag(999), tag(1000)]
        first = await read_all(driver, *tags)
        asked = driver.traffic.requests
        again = await read_all(driver, *tags)
        return first, again, driver.traffic.requests - asked

    first, again, asked = against(libmodbus_port, work)
    for found in (first, again):
        assert [found[place].value for place in (998, 999)] == [998, 999]
        assert (found[1000].quality, found[1000].why) == (Quality.BAD_CONFIG, "address_refused")
    assert asked == 2, "the refused address is left alone for a while"


def test_modbus_serial_answers_the_same_questions(modbus_serial_port):
    async def work(driver):
        block = [tag(place) for place in range(125)]
        found = await read_all(driver, *block, tag(1000), tag(7, table="INPUT", id=2000))
        return found

    found = against(modbus_serial_port, work)
    assert [found[place].value for place in (0, 124, 2000)] == [0, 124, 8]
    assert found[1000].quality is Quality.BAD_CONFIG


def with_faults(work, **more):
    async def session():
        server = FaultServer()
        await server.start()
        driver = ModbusTcp("127.0.0.1", server.port, timeout=0.2, retries=0, **more)
        await driver.open()
        try:
            return await work(driver, server)
        finally:
            await driver.close()
            await server.stop()

    return in_a_loop_of_its_own(session())


@pytest.mark.parametrize("mode", ["silent", "garbage", "wrong_transaction", "wrong_unit", "reset", "slow", "half_open"])
def test_what_is_no_answer_is_bad_and_after_two_the_connection_is_made_anew(mode):
    async def work(driver, server):
        (good,) = (await read_all(driver, tag(3))).values()
        assert (good.value, good.quality) == (3, Quality.GOOD)
        server.mode = mode
        for _time in range(2):
            (bad,) = (await read_all(driver, tag(3))).values()
            assert (bad.value, bad.quality) == (None, Quality.BAD_COMM)
        assert not driver.is_open
        (away,) = (await read_all(driver, tag(3))).values()
        assert away.why == "not_connected"
        server.mode = "ok"
        await driver.open()
        (good,) = (await read_all(driver, tag(3))).values()
        return good.value, server.connections

    assert with_faults(work) == (3, 2)


def test_a_single_slip_does_not_cost_the_connection():
    async def work(driver, server):
        server.mode = "wrong_transaction"
        (bad,) = (await read_all(driver, tag(3))).values()
        server.mode = "ok"
        (good,) = (await read_all(driver, tag(3))).values()
        return bad.quality, good.value, server.connections

    assert with_faults(work) == (Quality.BAD_COMM, 3, 1)


def test_a_short_answer_is_not_taken_for_the_whole():
    async def work(driver, server):
        server.mode = "short"
        return [(sample.value, sample.why) for sample in (await read_all(driver, tag(1), tag(2))).values()]

    assert with_faults(work) == [(None, "short_answer")] * 2


@pytest.mark.parametrize(
    ("code", "quality"),
    [(1, "BAD_CONFIG"), (2, "BAD_CONFIG"), (3, "BAD_CONFIG"), (4, "BAD_DEVICE"), (5, "BAD_DEVICE"), (6, "BAD_DEVICE"),
     (10, "BAD_COMM"), (11, "BAD_COMM"), (99, "BAD_DEVICE")],
)  # fmt: skip
def test_each_exception_code_means_what_it_says_and_keeps_the_connection(code, quality):
    async def work(driver, server):
        server.mode, server.code = "exception", code
        (sample,) = (await read_all(driver, tag(1))).values()
        return sample.quality.name, driver.is_open, server.connections

    assert with_faults(work) == (quality, True, 1)


def test_an_answer_in_single_bytes_is_an_answer():
    async def work(driver, server):
        server.mode = "dribble"
        return [sample.value for sample in (await read_all(driver, tag(1), tag(2))).values()]

    assert with_faults(work) == [1, 2]


def test_a_hole_in_a_block_is_found_once_and_never_read_again():
    async def work(driver, server):
        server.absent = {3}
        found = await read_all(driver, tag(1), tag(5), tag(6))
        assert [found[place].value for place in (1, 5, 6)] == [1, 5, 6]
        assert driver.lessons == 1
        server.asked.clear()
        await read_all(driver, tag(1), tag(5), tag(6))
        return server.asked

    assert with_faults(work) == [(1, 1), (5, 2)]


def test_limits_of_a_small_device_are_kept():
    async def work(driver, server):
        await read_all(driver, *(tag(place) for place in range(40)))
        return server.asked

    assert with_faults(work, limits=Limits(registers=16)) == [(0, 16), (16, 16), (32, 8)]


def test_an_unplugged_device_is_told_at_once_and_comes_back():
    async def work(driver, server):
        await server.stop()
        await asyncio.sleep(0.05)
        (bad,) = (await read_all(driver, tag(1))).values()
        with pytest.raises(Unreachable):
            await driver.open()
        await server.start()
        await driver.open()
        (good,) = (await read_all(driver, tag(1))).values()
        return bad.quality, good.value

    assert with_faults(work) == (Quality.BAD_COMM, 1)


def test_a_connection_test_tells_each_step_up_to_the_one_that_fails():
    async def work(driver, server):
        steps = await driver.probe([tag(1), tag(90)])
        server.mode, server.code = "exception", 2
        refused = await driver.probe([tag(1)])
        return [(one.code, one.good) for one in steps], steps[-1].facts["values"], refused[-1]

    told, values, refused = with_faults(work)
    assert told == [("name", True), ("connect", True), ("read", True), ("read", True)]
    assert values == {90: 90}
    assert (refused.good, refused.facts["why"]) == (False, "address_refused")

    async def nobody():
        closed = ModbusTcp("127.0.0.1", free_port(), timeout=0.2)
        nameless = ModbusTcp("no-such-host.invalid", timeout=0.2)
        return [(await closed.probe([tag(1)]))[-1].code, (await nameless.probe([tag(1)]))[-1].code]

    assert in_a_loop_of_its_own(nobody()) == ["connect", "name"]


def test_opening_and_closing_leaves_no_connection_behind():
    async def work(driver, server):
        for _time in range(50):
            await driver.open()
            await driver.close()
            await driver.close()
        await asyncio.sleep(0.1)
        return len(server._writers)

    assert with_faults(work) == 0


def test_keepalive_is_on_and_drivers_are_found_by_name():
    import socket

    async def work(driver, server):
        connection = driver._client.ctx.transport.get_extra_info("socket")
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    assert with_faults(work) == 1
    assert driver_class("modbus_tcp") is ModbusTcp
    assert set(drivers()) == {"modbus_tcp"}
    with pytest.raises(UnknownDriver):
        driver_class("abacus")
