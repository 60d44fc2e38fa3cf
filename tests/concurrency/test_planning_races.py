"""Planning against the floor and against itself, with real commits: whatever comes first, all invariants hold."""

from functools import partial

import pytest

from mes.execution.paper import enter_paper_work
from mes.execution.release import cancel_order
from mes.kernel.invariants import violations
from tests.builders import Doer, buckets, command_id, plant
from tests.concurrency.crowd import all_at_once
from workorders.actions.orders import close_order, split_order
from workorders.actions.planning import correct_order, decide_change, request_change, resequence_order
from workorders.models import ChangeRequest, OrderCorrection, Resequencing, WorkOrder

pytestmark = [pytest.mark.committed_db, pytest.mark.heavy]


def by(action, **arguments):
    return partial(action, command_id=command_id(), **arguments)


def test_six_splits_at_once_take_no_more_than_stands_there():
    works = plant()
    boss = works.person("supervisor")
    for _ in range(5):
        order = works.order(quantity=10)
        outcomes = all_at_once([by(split_order, actor=boss, order_id=order.pk, quantity="3") for _ in range(6)])
        assert outcomes.broken == []
        assert outcomes.reasons() == {"split_too_large": 3}
        parts = WorkOrder.objects.filter(split_from=order)
        order.refresh_from_db()
        assert order.quantity + sum(part.quantity for part in parts) == 10
        assert len({part.number for part in parts}) == 3
    assert violations() == []


def test_a_smaller_order_beside_reports_keeps_every_piece_that_was_made():
    works = plant()
    boss = works.person("supervisor")
    for _ in range(8):
        order = works.order(quantity=10)
        operation = works.operation(order)
        hands = [Doer(works.service()) for _ in range(5)]
        hands[0].start(operation)
        asked = request_change(actor=boss, order_id=order.pk, wanted={"quantity": "6"}, command_id=command_id())
        outcomes = all_at_once(
            [
                by(decide_change, actor=boss, request_id=asked.pk, apply=True),
                *(partial(hand.report, operation, 2) for hand in hands),
            ]
        )
        assert outcomes.broken == []
        assert set(outcomes.reasons()) <= {"change_too_small", "more_than_open"}
        order.refresh_from_db()
        found = buckets(operation)
        assert found["arrived"] == order.quantity
        assert found["finished"] in (6, 10)
    assert violations() == []


def test_one_request_decided_by_two_people_is_decided_once():
    works = plant()
    people = [works.person("supervisor"), works.person("planner")]
    for _ in range(8):
        order = works.order(quantity=10)
        asked = request_change(actor=people[0], order_id=order.pk, wanted={"quantity": "14"}, command_id=command_id())
        outcomes = all_at_once(
            [
                by(decide_change, actor=person, request_id=asked.pk, apply=apply)
                for person, apply in zip(people, (True, False), strict=True)
            ]
        )
        assert outcomes.broken == []
        assert (len(outcomes.done), outcomes.reasons()) == (1, {"change_decided": 1})
        order.refresh_from_db()
        applied = ChangeRequest.objects.get(pk=asked.pk).state == "APPLIED"
        assert order.quantity == (14 if applied else 10)
    assert violations() == []


def test_two_requests_at_once_leave_one_open_and_a_cancelled_order_none():
    works = plant()
    boss = works.person("supervisor")
    for _ in range(5):
        order = works.order(quantity=10)
        outcomes = all_at_once(
            [
                by(request_change, actor=boss, order_id=order.pk, wanted={"quantity": "11"}),
                by(request_change, actor=boss, order_id=order.pk, wanted={"quantity": "12"}),
                by(cancel_order, actor=boss, order_id=order.pk, reason="CHECK"),
            ]
        )
        assert outcomes.broken == []
        assert set(outcomes.reasons()) <= {"state_forbids"}
        assert not ChangeRequest.objects.filter(order=order, state="REQUESTED").exists()
    assert violations() == []


def test_moves_of_one_order_form_a_line_and_a_move_beside_its_undo_is_settled():
    works = plant()
    boss = works.person("supervisor")
    order = works.order()
    outcomes = all_at_once([by(resequence_order, actor=boss, order_id=order.pk, rank=rank) for rank in range(1, 9)])
    assert outcomes.broken == []
    assert len(outcomes.done) == 8
    moves = list(Resequencing.objects.filter(order=order).order_by("pk"))
    assert [move.rank_from for move in moves[1:]] == [move.rank_to for move in moves[:-1]]
    made = command_id()
    resequence_order(actor=boss, order_id=order.pk, rank=100, command_id=made)
    outcomes = all_at_once(
        [partial(Doer(boss).undo, made), by(resequence_order, actor=boss, order_id=order.pk, rank=200)]
    )
    assert outcomes.broken == []
    assert set(outcomes.reasons()) <= {"undo_depends"}
    assert violations() == []


def test_the_same_hour_entered_by_two_people_at_once_is_booked_once():
    works = plant()
    order = works.order(quantity=10, operations=2)
    operation, worker = works.operation(order), works.person()
    began, ended = order.created_at, order.released_at
    arguments = {
        "operation_id": operation.pk,
        "person_id": worker.id,
        "began": began,
        "ended": ended,
        "good": 10,
        "completes": True,
    }
    outcomes = all_at_once(
        [by(enter_paper_work, actor=works.person(role), **arguments) for role in ("lead", "supervisor")]
    )
    assert outcomes.broken == []
    assert (len(outcomes.done), outcomes.reasons()) == (1, {"state_forbids": 1})
    assert violations() == []


def test_corrections_at_once_never_go_below_nothing():
    works = plant()
    boss, order = works.person("supervisor"), works.order(quantity=5)
    operation, hand = works.operation(order), Doer(works.person())
    hand.start(operation)
    hand.complete(operation, 5)
    close_order(actor=boss, order_id=order.pk, command_id=command_id())
    arguments = {"order_id": order.pk, "operation_id": operation.pk, "good": -2, "reason": "CRACK", "note": "recount"}
    outcomes = all_at_once([by(correct_order, actor=boss, **arguments) for _ in range(5)])
    assert outcomes.broken == []
    assert outcomes.reasons() == {"correction_below_zero": 3}
    assert sum(row.good for row in OrderCorrection.objects.filter(order=order)) == -4
    assert violations() == []
