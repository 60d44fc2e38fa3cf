"""Blocks of Modbus requests, and numbers out of registers."""

import math
import random
import struct

import pytest

from devices.drivers.base import BadConfig, Limits, Quality, TagSpec
from devices.drivers.decoding import ORDERS, TYPES, decode, judged, previews, width
from devices.drivers.modbus_plan import gaps, plan_blocks, size
from devices.drivers.modbus_tcp import ModbusTcp


def tag(address, data_type="UINT16", table="HOLDING", unit=1, **more):
    return TagSpec(more.pop("id", address), unit, table, address, data_type, **more)


def spans(blocks):
    return [(block.address, block.count) for block in blocks]


def test_near_tags_share_a_request_and_far_ones_do_not():
    assert spans(plan_blocks([tag(0), tag(1), tag(18), tag(36)], Limits(gap=16))) == [(0, 19), (36, 1)]


def test_units_and_tables_never_share_a_request():
    mixed = [tag(0), tag(1, unit=2), tag(2, table="INPUT"), tag(3, "BOOL", table="COIL")]
    assert len(plan_blocks(mixed, Limits())) == 4


def test_no_value_is_split_by_the_device_s_limit():
    blocks = plan_blocks([tag(place * 2, "FLOAT32") for place in range(40)], Limits(registers=15))
    assert all(block.count <= 15 and block.count % 2 == 0 for block in blocks)
    assert sum(len(block.tags) for block in blocks) == 40


def test_a_hole_is_not_read_across():
    tags = [tag(0), tag(4)]
    assert spans(plan_blocks(tags, Limits())) == [(0, 5)]
    assert spans(plan_blocks(tags, Limits(), holes=[(1, "HOLDING", 2)])) == [(0, 1), (4, 1)]
    assert spans(plan_blocks(tags, Limits(), alone=[0])) == [(0, 1), (4, 1)]
    assert list(gaps(plan_blocks(tags, Limits())[0])) == [(1, "HOLDING", place) for place in (1, 2, 3)]


def test_any_plan_reads_every_tag_once_and_keeps_to_the_limits():
    dice = random.Random(3)
    for _case in range(200):
        limits = Limits(registers=dice.choice([4, 16, 125]), gap=dice.choice([0, 5, 16]))
        tags = [
            tag(dice.randrange(600), dice.choice(list(TYPES)), unit=dice.randint(1, 2), id=place)
            for place in range(dice.randint(1, 60))
        ]
        holes = {(1, "HOLDING", dice.randrange(600)) for _hole in range(5)}
        blocks = plan_blocks(tags, limits, holes)
        assert sorted(one.id for block in blocks for one in block.tags) == sorted(one.id for one in tags)
        for block in blocks:
            assert block.count <= limits.registers
            assert not set(gaps(block)) & holes
            for one in block.tags:
                assert block.address <= one.address
                assert one.address + size(one) <= block.address + block.count


def test_ten_thousand_tags_take_as_few_requests_as_their_places_need():
    tags = [tag(place, id=place) for place in range(10_000)]
    assert len(plan_blocks(tags, Limits())) == 10_000 / 125


#: 60.5 as the four bytes A B C D, in each order.
FLOAT = {"ABCD": "42720000", "CDAB": "00004272", "BADC": "72420000", "DCBA": "00007242"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("data_type", "value"), [("FLOAT32", 60.5), ("INT32", -123456), ("UINT32", 3_000_000_000)])
def test_every_order_gives_the_number_back(order, data_type, value):
    a, b, c, d = struct.pack(TYPES[data_type][1], value)
    sent = {"ABCD": (a, b, c, d), "CDAB": (c, d, a, b), "BADC": (b, a, d, c), "DCBA": (d, c, b, a)}[order]
    assert decode(struct.unpack(">2H", bytes(sent)), data_type, order) == value
    if data_type == "FLOAT32":
        assert bytes(sent).hex() == FLOAT[order]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("data_type", ["INT64", "UINT64", "FLOAT64"])
def test_long_values_are_turned_as_whole_as_short_ones(order, data_type):
    words = list(struct.unpack(">4H", struct.pack(TYPES[data_type][1], 1_234_567)))
    words = words[::-1] if order in ("CDAB", "DCBA") else words
    words = [(word >> 8 | word << 8) & 0xFFFF for word in words] if order in ("BADC", "DCBA") else words
    assert decode(words, data_type, order) == 1_234_567
    assert width(data_type) == 4


def test_single_registers_and_bits():
    assert decode([0xFFFE], "INT16") == -2
    assert decode([0xFFFE], "UINT16") == 65534
    assert decode([0x0100], "UINT16", "BADC") == 1
    assert [decode([0b1010], "UINT16", bit=bit) for bit in range(4)] == [0, 1, 0, 1]
    assert decode([5], "BOOL") == 1


def test_what_is_no_number_is_not_good():
    for words in ([0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]):
        value = decode(words, "FLOAT32")
        assert not math.isfinite(value)
        assert judged(value) == (None, Quality.UNCERTAIN, "not_a_number")
    assert previews([0x7FC0, 0], "FLOAT32")["ABCD"] is None
    assert previews([0x4272, 0], "FLOAT32")["ABCD"] == 60.5


@pytest.mark.parametrize(
    "bad",
    [
        tag(65536),
        tag(65535, "UINT32"),
        tag(-1),
        tag(0, "TEXT"),
        tag(0, table="FILE"),
        tag(0, "UINT16", table="COIL"),
        tag(0, order="ACBD"),
        tag(0, unit=256),
        tag(0, bit=16),
        tag(0, "UINT32", bit=1),
    ],
)
def test_a_tag_that_can_never_be_read_is_refused_before_anybody_tries(bad):
    with pytest.raises(BadConfig):
        ModbusTcp.check(bad, Limits())


def test_a_value_wider_than_the_device_s_limit_is_refused():
    with pytest.raises(BadConfig):
        ModbusTcp.check(tag(0, "FLOAT64"), Limits(registers=2))
    ModbusTcp.check(tag(0, "FLOAT64"), Limits(registers=4))
