"""More pieces than were ordered: within the order's tolerance, once for the whole order, and given back by an undo."""

import pytest

from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from tests.builders import Doer, buckets, command_id, plant
from workorders.actions.orders import split_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def works():
    return plant()


def test_the_tolerance_is_used_up_by_several_reports_together(works):
    operation = works.operation(works.order(quantity=10, over_percent="20"))
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 11)
    hand.report(operation, 1)
    with pytest.raises(Refused, match="more_than_open"):
        hand.report(operation, 1)
    assert buckets(operation) == {"arrived": 12, "finished": 12}
    assert violations() == []


def test_an_order_gets_its_tolerance_once_and_not_at_every_operation(works):
    order = works.order(quantity=10, operations=2, over_percent="10")
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    hand.complete(first, 11)
    hand.start(second)
    with pytest.raises(Refused, match="more_than_open"):
        hand.complete(second, 12)
    hand.complete(second, 11)
    assert violations() == []


def test_what_was_scrapped_before_may_not_be_made_up_beyond_the_tolerance(works):
    order = works.order(quantity=10, operations=2, over_percent="10")
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    hand.complete(first, 7, scrap=3, reason="CRACK")
    hand.start(second)
    with pytest.raises(Refused, match="more_than_open"):
        hand.report(second, 9)
    hand.report(second, 8)
    assert violations() == []


def test_an_undo_gives_the_tolerance_back(works):
    operation = works.operation(works.order(quantity=10, over_percent="10"))
    hand = Doer(works.person())
    hand.start(operation)
    wrong = hand.report(operation, 11)
    hand.undo(wrong)
    assert buckets(operation) == {"arrived": 10, "in_process": 10}
    hand.report(operation, 11)
    assert buckets(operation) == {"arrived": 11, "finished": 11}
    assert violations() == []


def test_rework_that_comes_back_is_not_taken_for_excess(works):
    operation = works.operation(works.order(quantity=10, over_percent="10"))
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 5, rework=5)
    hand.report(operation, 6)
    assert buckets(operation) == {"arrived": 16, "finished": 11, "rework": 5}
    assert violations() == []


def test_the_tolerance_shrinks_with_the_order(works):
    order = works.order(quantity=20, over_percent="10")
    operation = works.operation(order)
    split_order(actor=works.person("supervisor"), order_id=order.pk, quantity="10", command_id=command_id())
    hand = Doer(works.person())
    hand.start(operation)
    with pytest.raises(Refused, match="more_than_open"):
        hand.report(operation, 12)
    hand.report(operation, 11)
    assert violations() == []
