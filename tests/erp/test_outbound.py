"""What becomes of a finished order on its way to an ERP: one message, one fact, one posting."""

from decimal import Decimal

import pytest

from mes.kernel.invariants import violations
from mes.kernel.models import Delivery, Event
from tests.builders import Doer, command_id
from tests.erp.engine import Works
from tests.erp.scripted import ScriptedAdapter
from workorders.actions.orders import split_order

pytestmark = pytest.mark.django_db


def test_a_finished_order_is_told_and_closed_and_both_are_events(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    site.finish(order, good=9, scrap=1)
    site.work()

    message = site.message(order)
    assert (message.state, message.attempts, message.differences) == ("POSTED", 1, [])
    assert site.state(order) == "CLOSED"
    fact = scripted.ledger[str(order.pk)]
    assert [(line.disposition, line.quantity, line.lot) for line in fact.outputs] == [
        ("GOOD", Decimal(9), order.number),
        ("SCRAP", Decimal(1), None),
    ]
    told = Event.objects.get(name="erp.posted", subject=f"order:{order.pk}")
    assert (told.payload["good"], told.payload["scrap"], told.payload["erp_order"]) == ("9", "1", order.number)
    assert Event.objects.filter(name="order.closed", subject=f"order:{order.pk}").count() == 1
    assert violations() == []


def test_the_fact_carries_net_consumption_by_lot_and_the_time_somebody_worked(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    site.plant.item("RM")
    site.plant.item("BULK", tracking="NONE")
    for lot in ("R1", "R2"):
        site.plant.lot("RM", lot, 50)
    materials = [{"item": "RM", "quantity_per": "2"}, {"item": "BULK", "quantity_per": "1"}]
    order = site.erp_order(materials=materials)
    operation = site.plant.operation(order)
    first, second = Doer(site.plant.person()), Doer(site.plant.person(name="second"))
    first.start(operation)
    second.start(operation)
    first.consume(operation, "R1", 15)
    wrong = first.consume(operation, "R2", 9)
    first.undo(wrong)
    first.consume(operation, "R2", 5)
    first.consume(operation, None, 10, item="BULK")
    first.complete(operation, good=10)
    site.work()

    fact = scripted.ledger[str(order.pk)]
    assert [(line.item, line.lot, line.quantity) for line in fact.consumed] == [
        ("BULK", None, Decimal(10)),
        ("RM", "R1", Decimal(15)),
        ("RM", "R2", Decimal(5)),
    ]
    (time,) = fact.operations
    run = operation.runs.order_by("started_at").first()
    assert run is not None
    assert run.ended_at is not None
    assert (time.sequence, time.duration) == (10, run.ended_at - run.started_at)


def test_an_order_that_no_erp_knows_is_told_to_nobody(site: Works) -> None:
    order = site.plant.order()
    site.finish(order)
    site.work()
    assert site.messages(order) == []
    assert site.state(order) == "DONE"


def test_a_delivery_that_comes_three_times_makes_one_message(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    site.finish(order)
    for _ in range(3):
        site.work()
        Delivery.objects.filter(subscriber="erp").update(status="OPEN", settled_at=None)
    site.work()

    assert len(site.messages(order)) == 1
    assert scripted.calls.count(f"push {order.number}") == 1


def test_split_off_pieces_are_told_together_when_the_last_of_them_is_done(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order(quantity=10)
    _order, part = split_order(actor=site.plant.system, order_id=order.pk, quantity="4", command_id=command_id())
    from mes.execution.release import release_order

    release_order(actor=site.plant.system, order_id=part.pk, command_id=command_id())
    site.finish(order, good=6)
    site.work()
    assert site.messages(order) == []

    site.finish(part, good=3, scrap=1)
    site.work()
    fact = scripted.ledger[str(order.pk)]
    assert {(line.disposition, line.quantity) for line in fact.outputs} == {
        ("GOOD", Decimal(6)),
        ("GOOD", Decimal(3)),
        ("SCRAP", Decimal(1)),
    }
    assert (site.state(order), site.state(part)) == ("CLOSED", "CLOSED")
