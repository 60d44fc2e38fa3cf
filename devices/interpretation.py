"""What readings mean: how many pieces a counter stands for, and when a machine was in which state. Pure.

Times are seconds on one clock. What is remembered between two readings is a value that goes in and comes out, so that a
batch which could not be stored is interpreted again from where the stored ones ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

BASELINE, SAME, NORMAL, ROLLOVER, RESET, JUMP = "BASELINE", "SAME", "NORMAL", "ROLLOVER", "RESET", "JUMP"
COUNT, IGNORE = "COUNT", "IGNORE"

RUN, SETUP, STOP, FAULT, STARVED, BLOCKED, OFF, UNKNOWN = (
    "RUN", "SETUP", "STOP", "FAULT", "STARVED", "BLOCKED", "OFF", "UNKNOWN",
)  # fmt: skip
STATES = (RUN, SETUP, STOP, FAULT, STARVED, BLOCKED, OFF, UNKNOWN)

#: How much faster than its highest rate a counter may be seen to run before it is not believed.
ALLOWANCE = 1.5
#: Without a known rate a wrap is believed only when it is small against the counter's range.
SMALL_WRAP = 128


@dataclass(frozen=True, slots=True)
class CounterRules:
    """How one counter behaves. `bits` None: it never wraps. `max_rate`: counts per second at most, None: unknown.

    `on_reset` says whether what stands in a counter after a reset was made since, or is ignored.
    """

    bits: int | None = 16
    max_rate: float | None = None
    on_reset: str = COUNT


class Step(NamedTuple):
    """What became of a counter between two readings: so many more counts, and why we think so."""

    counts: int
    kind: str


def count_step(before: int | None, now: int, seconds: float, rules: CounterRules) -> Step:
    """How many counts lie between two good readings that are SECONDS apart.

    The first sight is a baseline. A fall is a rollover when the wrapped way is credible, else a reset when what stands
    there now is, else a jump. A jump counts nothing: it is for a person to look at.
    """
    if before is None:
        return Step(0, BASELINE)
    if now == before:
        return Step(0, SAME)
    most = None if rules.max_rate is None else rules.max_rate * max(seconds, 0.0) * ALLOWANCE + 1
    if now > before:
        return Step(now - before, NORMAL) if most is None or now - before <= most else Step(0, JUMP)
    if rules.bits:
        wrapped = now + (1 << rules.bits) - before
        if wrapped <= (most if most is not None else (1 << rules.bits) // SMALL_WRAP):
            return Step(wrapped, ROLLOVER)
    if most is None or now <= most:
        return Step(now if rules.on_reset == COUNT else 0, RESET)
    return Step(0, JUMP)


@dataclass(frozen=True, slots=True)
class CounterMemory:
    """The last good reading of a counter, and how many counts it was given a number in its epoch."""

    raw: int | None = None
    at: float = 0.0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts between two readings. `in_gap`: nothing was heard in between for longer than usual."""

    kind: str
    counts: int
    raw_from: int
    raw_to: int
    start: float
    end: float
    sequence: int
    in_gap: bool


def read_counter(
    memory: CounterMemory, at: float, raw: int, rules: CounterRules, gap: float
) -> tuple[CounterMemory, Counted | None]:
    """One good reading. A reading that is older than the last changes nothing."""
    if memory.raw is not None and at < memory.at:
        return memory, None
    step = count_step(memory.raw, raw, at - memory.at, rules)
    if memory.raw is None or step.kind == SAME:
        return replace(memory, raw=raw, at=at), None
    after = CounterMemory(raw, at, memory.sequence + 1)
    fact = Counted(step.kind, step.counts, memory.raw, raw, memory.at, at, after.sequence, at - memory.at > gap)
    return after, fact


@dataclass(frozen=True, slots=True)
class StateRules:
    """`codes` maps what the machine says to a state; a code it lacks is UNKNOWN, and heard all the same.

    After `stale` seconds without a good reading nothing is known. A RUN shorter than `min_run` between two equal states
    is none.
    """

    codes: Mapping[int, str]
    stale: float = 10.0
    min_run: float = 0.0


@dataclass(frozen=True, slots=True)
class StateMemory:
    """The state told last, when a reading was last good, and a RUN that is not yet long enough to be told."""

    state: str | None = None
    heard: float = 0.0
    held: float | None = None
    held_code: int | None = None


class Change(NamedTuple):
    """From SINCE on the machine is in STATE, because it said CODE (None: it said nothing)."""

    state: str
    since: float
    code: int | None


def read_state(memory: StateMemory, at: float, code: int, rules: StateRules) -> tuple[StateMemory, list[Change]]:
    """One good reading of a state. Readings that are older than the last change nothing."""
    if memory.state is not None and at <= memory.heard:
        return memory, []
    memory, told = be_silent(memory, at, rules)
    state = rules.codes.get(code, UNKNOWN)
    held = memory.held
    if held is not None:
        if state == RUN:
            if at - held >= rules.min_run:
                told.append(Change(RUN, held, memory.held_code))
                memory = replace(memory, state=RUN, held=None, held_code=None)
            return replace(memory, heard=at), told
        if state == memory.state:
            if at - held >= rules.min_run:
                told += [Change(RUN, held, memory.held_code), Change(state, at, code)]
            return replace(memory, heard=at, held=None, held_code=None), told
        told.append(Change(RUN, held, memory.held_code))
        memory = replace(memory, state=RUN, held=None, held_code=None)
    if state == memory.state:
        return replace(memory, heard=at), told
    if state == RUN and memory.state is not None and rules.min_run > 0:
        return replace(memory, heard=at, held=at, held_code=code), told
    told.append(Change(state, at, code))
    return replace(memory, state=state, heard=at), told


def be_silent(memory: StateMemory, now: float, rules: StateRules) -> tuple[StateMemory, list[Change]]:
    """Nothing good was heard until NOW. Past the stale limit the state is UNKNOWN since the last good reading."""
    if memory.state is None or now - memory.heard <= rules.stale:
        return memory, []
    told: list[Change] = []
    if memory.held is not None:
        if memory.heard > memory.held:
            told.append(Change(RUN, memory.held, memory.held_code))
        memory = replace(memory, state=RUN if told else memory.state, held=None, held_code=None)
    if memory.state != UNKNOWN:
        told.append(Change(UNKNOWN, memory.heard, None))
    return replace(memory, state=UNKNOWN), told


def keeps_sample(before: float | None, value: float, since_stored: float, dead_band: float, longest: float) -> bool:
    """Whether a reading is worth storing: it left the dead band, or nothing was stored for LONGEST seconds."""
    return before is None or abs(value - before) > dead_band or since_stored >= longest
