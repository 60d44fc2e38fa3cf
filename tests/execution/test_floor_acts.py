"""The floor acts against real PostgreSQL: what each leaves behind, what each refuses, and what undo takes back."""

from decimal import Decimal

import pytest

from labor.models import LaborEntry
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from quality.actions.inspections import record_check
from tests.builders import Doer, Plant, buckets, command_id, plant
from traceability.models import GenealogyLink, LotBalance, MaterialLot
from traceability.queries import trace
from workorders.models import OperationRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def refusal(call, *args, **kwargs) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    assert caught.value.message
    return caught.value


def test_release_puts_the_ordered_quantity_before_the_first_operation(works):
    order = works.order(quantity=10, operations=2)
    assert order.state == "RELEASED"
    assert works.operation(order, 10).state == "READY"
    assert buckets(works.operation(order, 10)) == {"arrived": 10, "queue": 10}
    assert works.operation(order, 20).state == "WAITING"
    assert buckets(works.operation(order, 20)) == {}


def test_an_order_goes_from_release_to_done(works):
    order = works.order(quantity=10, operations=2)
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    order.refresh_from_db()
    assert order.state == "RUNNING"
    assert buckets(first) == {"arrived": 10, "in_process": 10}
    hand.report(first, 4)
    hand.complete(first, good=5, scrap=1, reason="CRACK")
    assert buckets(first) == {"arrived": 10, "moved": 9, "scrap": 1}
    assert first.state == "COMPLETED"
    assert buckets(second) == {"arrived": 9, "queue": 9}
    assert second.state == "READY"
    hand.start(second)
    hand.complete(second, good=9)
    order.refresh_from_db()
    second.refresh_from_db()
    assert (order.state, second.state, second.good) == ("DONE", "COMPLETED", Decimal(9))
    lot = MaterialLot.objects.get(item=order.item, number=order.number)
    assert lot.state == "AVAILABLE"
    assert LotBalance.objects.get(lot=lot).quantity == 9
    finished = Event.objects.get(name="order.finished", subject=f"order:{order.pk}")
    assert finished.payload["good"] == "9"
    assert violations() == []


def test_completing_with_pieces_open_needs_a_decision(works):
    order = works.order(quantity=10)
    operation = works.operation(order)
    hand = Doer(works.person())
    hand.start(operation)
    assert refusal(hand.complete, operation, good=7).reason == "remainder_undecided"
    hand.complete(operation, good=7, remainder="OPEN")
    assert (operation.state, buckets(operation)) == ("READY", {"arrived": 10, "in_process": 3, "finished": 7})
    assert operation.state == "SUSPENDED"
    hand.complete(operation, remainder="SHORT")
    assert buckets(operation) == {"arrived": 10, "finished": 7, "short": 3}
    order.refresh_from_db()
    assert order.state == "DONE"


def test_the_remainder_can_be_scrapped_only_with_a_reason(works):
    operation = works.operation(works.order(quantity=3))
    hand = Doer(works.person())
    hand.start(operation)
    assert refusal(hand.complete, operation, remainder="SCRAP").reason == "reason_needed"
    hand.complete(operation, remainder="SCRAP", reason="CRACK")
    assert buckets(operation) == {"arrived": 3, "scrap": 3}


def test_more_than_is_open_is_refused_beyond_the_tolerance_and_accepted_within(works):
    hand = Doer(works.person())
    strict = works.operation(works.order(quantity=10))
    hand.start(strict)
    assert refusal(hand.report, strict, 11).reason == "more_than_open"
    lenient = works.operation(works.order(quantity=10, over_percent="10"))
    hand.start(lenient)
    hand.report(lenient, 11)
    assert buckets(lenient) == {"arrived": 11, "finished": 11}
    assert refusal(hand.report, lenient, 1).reason == "more_than_open"
    assert violations() == []


@pytest.mark.parametrize("bad", ["0", "-1", "NaN", "Infinity", "1e400", "2.5", "x", "", None, True, [1]])
def test_quantities_that_are_no_pieces_are_refused(works, bad):
    operation = works.operation(works.order(quantity=10))
    hand = Doer(works.person())
    hand.start(operation)
    assert refusal(hand.report, operation, bad).code == "invalid"
    assert buckets(operation) == {"arrived": 10, "in_process": 10}


def test_rework_leaves_and_arrives_again(works):
    operation = works.operation(works.order(quantity=10))
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 6, rework=2)
    assert buckets(operation) == {"arrived": 12, "in_process": 4, "finished": 6, "rework": 2}
    hand.complete(operation, good=4)
    assert violations() == []


def test_consumption_moves_the_balance_and_links_the_output(works):
    works.item("RM")
    lot = works.lot("RM", "R1", 50)
    order = works.order(quantity=10, materials=[{"item": "RM", "quantity_per": "2"}])
    operation = works.operation(order)
    hand = Doer(works.person())
    assert refusal(hand.consume, operation, "R1", 5).reason == "not_started"
    hand.start(operation)
    hand.consume(operation, "R1", 15)
    hand.report(operation, 5)
    hand.consume(operation, {"item": "RM", "number": "R1"}, 5)
    assert LotBalance.objects.get(lot=lot).quantity == 30
    link = GenealogyLink.objects.get(source=lot)
    assert (link.quantity, link.target.number) == (Decimal(20), order.number)
    nodes, _links = trace(lot, "forward")
    assert [node.number for node in nodes] == ["R1", order.number]
    assert refusal(hand.consume, operation, "R1", 31).reason == "lot_short"
    assert violations() == []


def test_a_lot_of_something_else_is_refused_by_name(works):
    works.item("RM")
    works.item("OTHER")
    works.lot("OTHER", "X1")
    operation = works.operation(works.order(materials=[{"item": "RM", "quantity_per": "1"}]))
    hand = Doer(works.person())
    hand.start(operation)
    assert refusal(hand.consume, operation, "X1", 1).reason == "not_a_component"
    assert refusal(hand.consume, operation, "NOPE", 1).reason == "not_found"


def test_an_expired_lot_is_refused(works):
    works.item("RM")
    works.lot("RM", "OLD", expiry="2020-01-31")
    operation = works.operation(works.order(materials=[{"item": "RM", "quantity_per": "1"}]))
    hand = Doer(works.person())
    hand.start(operation)
    assert refusal(hand.consume, operation, "OLD", 1).reason == "lot_expired"


def test_a_mandatory_check_blocks_completion_until_it_passes(works):
    works.item("FG")
    works.plan("FG")
    operation = works.operation(works.order(quantity=2))
    operator = works.person()
    hand = Doer(operator)
    hand.start(operation)
    blocked = refusal(hand.complete, operation, good=2)
    assert (blocked.reason, blocked.blockers[0].reason) == ("checks_open", "check_due")
    record_check(actor=operator, operation_id=operation.pk, code="dia", value="12", command_id=command_id())
    assert refusal(hand.complete, operation, good=2).blockers[0].reason == "check_failed"
    record_check(actor=operator, operation_id=operation.pk, code="dia", value="10.5", command_id=command_id())
    hand.complete(operation, good=2)
    assert violations() == []


def test_labor_starts_and_stops_with_the_run(works):
    operation = works.operation(works.order())
    one, two = Doer(works.person(name="ana")), Doer(works.person(name="ben"))
    one.start(operation)
    two.start(operation)
    assert refusal(one.start, operation).reason == "already_on_it"
    assert LaborEntry.objects.filter(operation=operation, ended_at__isnull=True).count() == 2
    one.suspend(operation)
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
    two.suspend(operation)
    operation.refresh_from_db()
    assert operation.state == "SUSPENDED"
    assert LaborEntry.objects.filter(operation=operation, ended_at__isnull=True).count() == 0
    assert violations() == []


def test_a_service_runs_without_labor(works):
    operation = works.operation(works.order())
    Doer(works.service()).start(operation)
    assert OperationRun.objects.get(operation=operation).person is None
    assert not LaborEntry.objects.filter(operation=operation).exists()


def test_undo_takes_back_one_act_after_the_other_to_the_beginning(works):
    works.item("RM")
    works.lot("RM", "R1", 50)
    order = works.order(quantity=10, operations=2, materials=[{"item": "RM", "quantity_per": "2"}])
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    acts = [
        hand.start(first),
        hand.consume(first, "R1", 20),
        hand.report(first, 4),
        hand.complete(first, good=6),
        hand.start(second),
        hand.report(second, 3),
        hand.complete(second, good=6, scrap=1, reason="CRACK"),
    ]
    order.refresh_from_db()
    assert order.state == "DONE"
    assert refusal(hand.undo, acts[0]).reason == "undo_depends"
    assert refusal(hand.undo, acts[3]).reason == "undo_depends"
    hand.undo(acts[6])
    order.refresh_from_db()
    second.refresh_from_db()
    assert (order.state, second.state) == ("RUNNING", "SUSPENDED")
    assert buckets(second) == {"arrived": 10, "in_process": 7, "finished": 3}
    hand.undo(acts[5])
    assert buckets(second) == {"arrived": 10, "in_process": 10}
    assert MaterialLot.objects.get(made_by=second).state == "PLANNED"
    assert violations() == []
    assert Event.objects.filter(name="command.undone", subject=f"order:{order.pk}").count() == 2
    assert refusal(hand.undo, acts[6]).reason == "already_undone"


def test_undo_of_start_suspend_and_consume(works):
    works.item("RM")
    lot = works.lot("RM", "R1", 50)
    order = works.order(materials=[{"item": "RM", "quantity_per": "2"}])
    operation = works.operation(order)
    hand = Doer(works.person())
    start = hand.start(operation)
    consume = hand.consume(operation, "R1", 20)
    assert refusal(hand.undo, start).reason == "undo_depends"
    hand.undo(consume)
    assert LotBalance.objects.get(lot=lot).quantity == 50
    suspend = hand.suspend(operation)
    hand.undo(suspend)
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
    assert LaborEntry.objects.filter(operation=operation, ended_at__isnull=True).count() == 1
    hand.undo(start)
    operation.refresh_from_db()
    order.refresh_from_db()
    assert (operation.state, order.state) == ("READY", "RELEASED")
    assert buckets(operation) == {"arrived": 10, "queue": 10}
    assert violations() == []


def test_undo_of_a_completion_is_refused_once_its_lot_was_used_elsewhere(works):
    works.item("SUB")
    making = works.order("SUB", quantity=5, number=f"{works.prefix}-SUB")
    maker = works.operation(making)
    hand = Doer(works.person())
    hand.start(maker)
    done = hand.complete(maker, good=5)
    using = works.operation(works.order("FG", quantity=1, materials=[{"item": "SUB", "quantity_per": "1"}]))
    hand.start(using)
    hand.consume(using, making.number, 1)
    refused = refusal(hand.undo, done)
    assert refused.reason == "undo_depends"
    assert "was used on" in refused.facts["fact"]
    assert violations() == []


def test_an_operator_cannot_undo_what_somebody_else_did_but_a_lead_can_with_a_reason(works):
    operation = works.operation(works.order())
    start = Doer(works.person(name="ana")).start(operation)
    assert refusal(Doer(works.person(name="ben")).undo, start).reason == "undo_not_yours"
    lead = Doer(works.person("lead"))
    assert refusal(lead.undo, start).reason == "undo_needs_reason"
    lead.undo(start, reason="wrong job")
    operation.refresh_from_db()
    assert operation.state == "READY"
