"""From a batch of readings to what is stored: samples, last values, changes of state, counts. Pure: rows go out, and
the memory with which the next batch is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from devices.collector.setup import TagMemory, TagSetup
from devices.drivers.base import Quality
from devices.interpretation import Change, Counted, be_silent, keeps_sample, read_counter, read_state

#: Seconds after which a last value is written although nothing changed, so that "heard" stays true.
HEARD = 5.0


class Reading(NamedTuple):
    """One sample with the version of the configuration under which it was read."""

    device_id: int
    version: int
    tag_id: int
    at: float
    value: int | float | None
    quality: int
    why: str


class Poll(NamedTuple):
    """How one round of a device went. `lag` is how late it began, in seconds."""

    device_id: int
    at: float
    answered: bool
    lag: float
    skipped: int
    why: str


class SampleRow(NamedTuple):
    tag_id: int
    at: float
    value: float | None
    quality: int


@dataclass(slots=True)
class LastValue:
    """The row of a tag's last value after the batch. `good_at` None: no good reading in this batch."""

    at: float
    quality: int
    why: str
    value: float | None
    good_at: float | None


@dataclass(slots=True)
class Meaning:
    """All that a batch says."""

    samples: list[SampleRow] = field(default_factory=list)
    values: dict[int, LastValue] = field(default_factory=dict)
    changes: list[tuple[TagSetup, Change]] = field(default_factory=list)
    counts: list[tuple[TagSetup, Counted]] = field(default_factory=list)
    memories: dict[int, TagMemory] = field(default_factory=dict)
    #: Tags whose quality is another than before the batch.
    turned: set[int] = field(default_factory=set)


def interpret(
    tags: Mapping[int, TagSetup], memories: Mapping[int, TagMemory], readings: Sequence[Reading], now: float
) -> Meaning:
    """What READINGS, in the order in which they were taken, and the silence until NOW say."""
    found = Meaning()
    for reading in readings:
        tag = tags.get(reading.tag_id)
        if tag is None:
            continue
        memory = found.memories.get(tag.id) or memories.get(tag.id) or TagMemory()
        found.memories[tag.id] = _one(tag, memory, reading, found)
    _forget_what_is_known(tags, memories, found)
    for tag in tags.values():
        if tag.state is not None:
            memory = found.memories.get(tag.id) or memories.get(tag.id) or TagMemory()
            state, changes = be_silent(memory.state, now, tag.state)
            if changes:
                found.changes += [(tag, change) for change in changes]
                found.memories[tag.id] = replace(memory, state=state)
    return found


def _forget_what_is_known(tags: Mapping[int, TagSetup], memories: Mapping[int, TagMemory], found: Meaning) -> None:
    """A last value that says nothing new is not written, for at most HEARD seconds; those of states always are."""
    news = found.turned | {row.tag_id for row in found.samples} | {tag.id for tag, _fact in found.counts}
    for tag_id, last in list(found.values.items()):
        memory = memories.get(tag_id)
        known = memory is not None and last.at - memory.written_at < HEARD
        if known and tag_id not in news and tags[tag_id].state is None:
            del found.values[tag_id]
        else:
            found.memories[tag_id] = replace(found.memories[tag_id], written_at=last.at)


def _one(tag: TagSetup, memory: TagMemory, reading: Reading, found: Meaning) -> TagMemory:
    good = reading.quality == Quality.GOOD and reading.value is not None
    value: float | None = None
    if good and reading.value is not None:
        value = float(reading.value) if tag.counter or tag.state else reading.value * tag.scale + tag.offset
    before = found.values.get(tag.id)
    good_at = reading.at if good else before.good_at if before else None
    found.values[tag.id] = LastValue(reading.at, reading.quality, reading.why, value, good_at)
    turned = memory.quality != reading.quality
    if turned:
        found.turned.add(tag.id)
        memory = replace(memory, quality=reading.quality)
    if value is None:
        if turned:
            found.samples.append(SampleRow(tag.id, reading.at, None, reading.quality))
            memory = replace(memory, stored=None, stored_at=reading.at)
        return memory
    if turned or keeps_sample(memory.stored, value, reading.at - memory.stored_at, tag.dead_band, tag.longest):
        found.samples.append(SampleRow(tag.id, reading.at, value, reading.quality))
        memory = replace(memory, stored=value, stored_at=reading.at)
    if tag.counter is not None:
        counter, fact = read_counter(memory.counter, reading.at, int(value), tag.counter, tag.gap)
        if fact is not None:
            found.counts.append((tag, fact))
        memory = replace(memory, counter=counter)
    if tag.state is not None:
        state, changes = read_state(memory.state, reading.at, int(value), tag.state)
        found.changes += [(tag, change) for change in changes]
        memory = replace(memory, state=state)
    return memory
