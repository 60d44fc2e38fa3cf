"""Races with real commits: whatever the order of events, every invariant holds and every client gets an answer."""

import random
from decimal import Decimal
from functools import partial

import pytest

from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import CommandReceipt, Event
from tests.builders import Doer, Plant, as_a_command, buckets, command_id, plant
from tests.concurrency.crowd import all_at_once
from traceability.actions.lots import hold_lot
from traceability.models import GenealogyLink, LotBalance, MaterialMovement
from workorders.models import Operation, OperationRun

pytestmark = [pytest.mark.committed_db, pytest.mark.heavy]


def users_of_one_lot(works: Plant, clients: int, balance: int) -> list[Operation]:
    works.item("RM")
    works.lot("RM", "HOT", balance)
    operations = []
    for _ in range(clients):
        operation = works.operation(works.order(quantity=10, materials=[{"item": "RM", "quantity_per": "1"}]))
        Doer(works.service()).start(operation)
        operations.append(operation)
    return operations


def test_32_clients_on_one_lot_take_exactly_what_is_there(long_run):
    for _ in range(10 if long_run else 3):
        works = plant()
        operations = users_of_one_lot(works, 32, 20)
        hands = [Doer(works.service()) for _ in operations]
        outcomes = all_at_once(
            [partial(hand.consume, operation, "HOT", 1) for hand, operation in zip(hands, operations, strict=True)]
        )
        assert outcomes.broken == []
        assert len(outcomes.done) + outcomes.refused.count("busy") >= 20
        assert len(outcomes.done) <= 20
        assert set(outcomes.refused) <= {"lot_short", "busy"}
        balance = LotBalance.objects.get(lot__number="HOT", lot__site=works.site)
        assert balance.quantity == 20 - len(outcomes.done)
    assert violations() == []


def test_12_clients_on_one_operation_report_no_more_than_was_ordered(long_run):
    for _ in range(10 if long_run else 3):
        works = plant()
        operation = works.operation(works.order(quantity=7))
        Doer(works.service()).start(operation)
        hands = [Doer(works.service()) for _ in range(12)]
        outcomes = all_at_once([partial(hand.report, operation, 1) for hand in hands])
        assert outcomes.broken == []
        assert len(outcomes.done) == 7
        assert outcomes.reasons() == {"more_than_open": 5}
        assert buckets(operation) == {"arrived": 7, "finished": 7}
    assert violations() == []


def test_two_terminals_completing_at_once_complete_once():
    works = plant()
    for _ in range(10):
        operation = works.operation(works.order(quantity=5))
        Doer(works.person(name="ana")).start(operation)
        hands = [Doer(works.person(name=name)) for name in ("ana", "ben")]
        outcomes = all_at_once([partial(hand.complete, operation, good=5) for hand in hands])
        assert outcomes.broken == []
        assert (len(outcomes.done), outcomes.reasons()) == (1, {"state_forbids": 1})
    assert violations() == []


def test_a_double_start_by_the_same_person_starts_once():
    works = plant()
    for _ in range(10):
        operation = works.operation(works.order())
        hand = Doer(works.person())
        outcomes = all_at_once([partial(hand.start, operation) for _ in range(6)])
        assert outcomes.broken == []
        assert (len(outcomes.done), outcomes.reasons()) == (1, {"already_on_it": 5})
        assert OperationRun.objects.filter(operation=operation, ended_at__isnull=True).count() == 1
    assert violations() == []


def test_the_same_command_sent_eight_times_at_once_counts_once():
    works = plant()
    operation = works.operation(works.order(quantity=10))
    hand = Doer(works.person())
    hand.start(operation)
    twin = command_id()
    outcomes = all_at_once([partial(hand.report, operation, 3, command_id=twin) for _ in range(8)])
    assert outcomes.broken == []
    assert len(outcomes.done) == 8
    assert buckets(operation) == {"arrived": 10, "in_process": 7, "finished": 3}
    assert Event.objects.filter(command_id=twin, name="operation.reported").count() == 1
    with pytest.raises(Refused, match="idempotency_key_reused"):
        hand.report(operation, 4, command_id=twin)
    assert CommandReceipt.objects.filter(pk=twin).count() == 1


def circle(works: Plant, size: int) -> list[tuple[Operation, str]]:
    """SIZE operations, each with an output lot, each about to draw the next one's: together they close a circle."""
    names = [f"{works.prefix}{size}C{place}" for place in range(size)]
    operations = []
    works.item("RING")
    for name in names:
        row = {"item": "RING", "quantity_per": "1"}
        operation = works.operation(works.order("RING", quantity=10, number=name, materials=[row]))
        hand = Doer(works.service())
        hand.start(operation)
        hand.report(operation, 5, lot=name)
        Operation.objects.get(pk=operation.pk)
        operations.append(operation)
    with as_a_command():
        operations[0].order.item.lots.filter(number__in=names).update(state="AVAILABLE")
    return [(operation, names[(place + 1) % size]) for place, operation in enumerate(operations)]


@pytest.mark.parametrize("size", [2, 3, 4, 6])
def test_lots_never_close_a_circle(size, long_run):
    for _ in range(10 if long_run else 3):
        works = plant()
        draws = circle(works, size)
        random.shuffle(draws)
        hands = [Doer(works.service()) for _ in draws]
        outcomes = all_at_once(
            [partial(hand.consume, operation, lot, 1) for hand, (operation, lot) in zip(hands, draws, strict=True)]
        )
        assert outcomes.broken == []
        assert len(outcomes.done) == size - 1 - outcomes.refused.count("busy")
        assert set(outcomes.refused) <= {"genealogy_cycle", "busy"}
        assert GenealogyLink.objects.filter(order__site=works.site).count() == len(outcomes.done)
    assert violations() == []


def test_completing_an_operation_beside_the_undo_of_the_one_before_leaves_nothing_half_done():
    works = plant()
    met = set()
    for _ in range(12):
        order = works.order(quantity=5, operations=2)
        first, second = works.operation(order, 10), works.operation(order, 20)
        hand, lead = Doer(works.person()), Doer(works.person("lead"))
        hand.start(first)
        done = hand.complete(first, good=5)
        hand.start(second)
        outcomes = all_at_once(
            [
                partial(hand.complete, second, good=5),
                partial(lead.undo, done, reason="wrong count"),
            ]
        )
        assert outcomes.broken == []
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, second.state) in {("COMPLETED", "COMPLETED"), ("SUSPENDED", "WAITING")}
        met.add(tuple(sorted(outcomes.refused)))
    assert met <= {("undo_depends",), ("state_forbids",), ("not_started",)}
    assert violations() == []


def test_a_lot_put_on_hold_while_it_is_scanned_is_used_before_the_hold_or_not_at_all():
    works = plant()
    works.item("RM")
    for turn in range(8):
        lot = works.lot("RM", f"H{turn}", 10)
        operation = works.operation(works.order(materials=[{"item": "RM", "quantity_per": "1"}]))
        hand, quality = Doer(works.person()), works.person("quality")
        hand.start(operation)
        outcomes = all_at_once(
            [
                partial(hand.consume, operation, lot.number, 1),
                partial(hold_lot, actor=quality, lot_id=lot.pk, reason="CHECK", command_id=command_id()),
            ]
        )
        assert outcomes.broken == []
        used = MaterialMovement.objects.filter(lot=lot, kind="CONSUME").exists()
        assert outcomes.refused == ([] if used else ["lot_on_hold"])
        if used:
            names = list(Event.objects.filter(subject=f"lot:{lot.pk}").order_by("seq").values_list("name", flat=True))
            assert names.index("material.consumed") < names.index("hold.placed")
    assert violations() == []


def test_a_balance_is_never_given_twice_when_it_is_counted_and_used_at_once():
    works = plant()
    operations = users_of_one_lot(works, 6, 6)
    hands = [Doer(works.service()) for _ in operations]
    all_at_once([partial(hand.consume, operation, "HOT", 2) for hand, operation in zip(hands, operations, strict=True)])
    left = LotBalance.objects.get(lot__number="HOT", lot__site=works.site).quantity
    assert left == Decimal(0)
    assert violations() == []
