"""Which Modbus requests read a set of tags: near ones together, none across a hole, no value split. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from devices.drivers.base import Block, Limits, TagSpec
from devices.drivers.decoding import width

BIT_TABLES = frozenset({"COIL", "DISCRETE"})

#: (unit, table, address): a place that the device refuses to have read, not even in passing.
Hole = tuple[int, str, int]


def size(tag: TagSpec) -> int:
    """How many places TAG takes in its table."""
    return 1 if tag.table in BIT_TABLES else width(tag.data_type)


def limit(table: str, limits: Limits) -> int:
    return limits.bits if table in BIT_TABLES else limits.registers


def plan_blocks(
    tags: Iterable[TagSpec], limits: Limits, holes: Collection[Hole] = (), alone: Collection[int] = ()
) -> list[Block]:
    """As few requests as LIMITS allow. Tags whose id is in ALONE get a request of their own."""
    unreadable = set(holes)
    blocks: list[Block] = []
    group: list[TagSpec] = []
    start = end = 0
    for tag in sorted(tags, key=lambda each: (each.unit, each.table, each.address, each.id)):
        stop = tag.address + size(tag)
        fits = (
            bool(group)
            and (tag.unit, tag.table) == (group[0].unit, group[0].table)
            and tag.address - end <= limits.gap
            and max(stop, end) - start <= limit(tag.table, limits)
            and tag.id not in alone
            and group[0].id not in alone
            and not any((tag.unit, tag.table, place) in unreadable for place in range(end, tag.address))
        )
        if not fits:
            blocks += _closed(group, start, end)
            group, start, end = [], tag.address, tag.address
        group.append(tag)
        end = max(end, stop)
    return blocks + _closed(group, start, end)


def _closed(group: Sequence[TagSpec], start: int, end: int) -> list[Block]:
    return [Block(group[0].unit, group[0].table, start, end - start, tuple(group))] if group else []


def gaps(block: Block) -> Iterator[Hole]:
    """The places of BLOCK that no tag asked for."""
    wanted = {tag.address + place for tag in block.tags for place in range(size(tag))}
    for place in range(block.address, block.address + block.count):
        if place not in wanted:
            yield block.unit, block.table, place
