"""Counters and states against answers worked out by hand, and the rules that a machine's habits put to the test."""

import random
from itertools import pairwise

import pytest

from devices import interpretation as reading
from devices.interpretation import CounterMemory, CounterRules, StateMemory, StateRules
from tests.devices import counter_oracle, state_oracle


@pytest.mark.parametrize(("pair", "rules", "answer"), counter_oracle.CASES)
def test_a_step_of_a_counter_is_what_the_oracle_says(pair, rules, answer):
    given = dict(rules)
    seconds = given.pop("seconds", 1.0)
    assert reading.count_step(*pair, seconds, CounterRules(**given)) == answer


def counted(raws, rules, gap=5.0, start=None):
    memory, facts = start or CounterMemory(), []
    for at, raw in raws:
        memory, fact = reading.read_counter(memory, at, raw, rules, gap)
        facts += [fact] if fact else []
    return memory, facts


def test_every_piece_is_counted_through_any_number_of_rollovers():
    dice = random.Random(7)
    made, readings = 0, [(0.0, 65000)]
    for second in range(1, 2000):
        made += dice.randint(0, 90)
        readings.append((float(second), (65000 + made) % 65536))
    memory, facts = counted(readings, CounterRules(max_rate=100))
    assert sum(fact.counts for fact in facts) == made
    assert sum(fact.kind == reading.ROLLOVER for fact in facts) == (65000 + made) // 65536 >= 1
    assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
    assert memory.sequence == len(facts)
    assert all(before.end <= after.start for before, after in pairwise(facts))


def test_a_reset_right_after_a_reading_loses_nothing():
    _memory, facts = counted([(0, 500), (1, 507), (2, 4)], CounterRules(max_rate=10))
    assert [(fact.kind, fact.counts) for fact in facts] == [("NORMAL", 7), ("RESET", 4)]


def test_the_first_sight_counts_nothing_and_a_silence_is_marked():
    memory, facts = counted([(0, 40)], CounterRules())
    assert facts == []
    _memory, facts = counted([(300, 90), (301, 91)], CounterRules(max_rate=1), start=memory)
    assert [(fact.counts, fact.in_gap) for fact in facts] == [(50, True), (1, False)]


def test_a_jump_counts_nothing_and_is_where_counting_goes_on():
    _memory, facts = counted([(0, 10), (1, 30000), (2, 30002)], CounterRules(max_rate=5))
    assert [(fact.kind, fact.counts) for fact in facts] == [("JUMP", 0), ("NORMAL", 2)]


def test_readings_out_of_their_order_change_nothing():
    memory, _facts = counted([(5, 10)], CounterRules())
    assert reading.read_counter(memory, 4, 3, CounterRules(), 5) == (memory, None)


def intervals(samples, rules, end, tick=None):
    memory, changes = StateMemory(), []
    for at, code in samples:
        memory, told = reading.read_state(memory, at, code, rules)
        changes += told
        if tick is not None:
            memory, told = reading.be_silent(memory, at + tick, rules)
            changes += told
    _memory, told = reading.be_silent(memory, end, rules)
    changes += told
    return changes


@pytest.mark.parametrize("tick", [None, 0.4])
def test_a_shift_of_samples_is_the_intervals_drawn_by_hand(tick):
    rules = StateRules(state_oracle.CODES, stale=state_oracle.STALE, min_run=state_oracle.MIN_RUN)
    changes = intervals(state_oracle.samples(), rules, state_oracle.END, tick)
    ends = [change.since for change in changes[1:]] + [state_oracle.END]
    drawn = [(change.since, end, change.state) for change, end in zip(changes, ends, strict=True)]
    assert drawn == [(float(start), float(end), state) for start, end, state in state_oracle.INTERVALS]


RULES = StateRules({0: "STOP", 1: "RUN", 2: "FAULT"}, stale=3, min_run=2)


def test_a_short_run_before_another_stop_was_a_run():
    assert [change[:2] for change in intervals([(0, 0), (1, 1), (2, 2)], RULES, 2)] == [
        ("STOP", 0),
        ("RUN", 1),
        ("FAULT", 2),
    ]


def test_a_run_is_told_from_its_beginning_once_it_lasts():
    memory = StateMemory()
    told = []
    for at, code in [(0, 0), (1, 1), (2, 1)]:
        memory, changes = reading.read_state(memory, at, code, RULES)
        told += changes
    assert [change[:2] for change in told] == [("STOP", 0)]
    _memory, changes = reading.read_state(memory, 3, 1, RULES)
    assert changes == [("RUN", 1, 1)]


def test_silence_is_unknown_since_the_last_word_and_never_a_stop():
    changes = intervals([(0, 1), (2, 1), (9, 0)], RULES, 9)
    assert changes == [("RUN", 0, 1), ("UNKNOWN", 2, None), ("STOP", 9, 0)]
    memory, told = reading.be_silent(StateMemory("RUN", 10.0), 13.0, RULES)
    assert told == []
    assert reading.be_silent(memory, 13.1, RULES)[1] == [("UNKNOWN", 10.0, None)]


def test_a_run_comes_out_of_silence_without_being_held_back():
    changes = intervals([(0, 1), (2, 1), (9, 1)], StateRules({1: "RUN"}, stale=3), 9)
    assert changes == [("RUN", 0, 1), ("UNKNOWN", 2, None), ("RUN", 9, 1)]


def test_a_code_without_meaning_is_unknown_but_heard():
    memory, told = reading.read_state(StateMemory(), 0, 99, RULES)
    assert told == [("UNKNOWN", 0, 99)]
    assert memory.heard == 0


def test_samples_are_kept_when_they_say_something_new():
    assert reading.keeps_sample(None, 5, 0, 1, 600)
    assert not reading.keeps_sample(5, 6, 10, 1, 600)
    assert reading.keeps_sample(5, 6.1, 10, 1, 600)
    assert reading.keeps_sample(5, 5, 600, 1, 600)
