"""Planning after release: places in the queue, changes, parts of a split, phantoms, corrections."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from mes.execution.queries import dispatch
from mes.execution.release import cancel_order, release_order
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.builders import Doer, Plant, buckets, command_id, plant
from workorders.actions.masterdata import import_boms, import_items
from workorders.actions.orders import close_order, split_order
from workorders.actions.planning import correct_order, decide_change, request_change, resequence_order
from workorders.actions.receiving import import_orders
from workorders.models import ChangeRequest, OrderMaterial, Resequencing

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def refused(expected: str, act, **arguments) -> Refused:
    with pytest.raises(Refused) as found:
        act(command_id=command_id(), **arguments)
    assert found.value.reason == expected
    return found.value


def days(count: int) -> str:
    return (timezone.now() + timedelta(days=count)).isoformat()


# -- places in the queue ------------------------------------------------------------------------------------------


def queue(works) -> list[str]:
    center = works.work_center()
    return [row.work.number for row in dispatch(works.site, [center.pk], timezone.now())[center.pk]]


def test_an_order_moves_to_the_front_the_back_and_home_again(works):
    first, second, third = (works.order(need_date=days(day)).number for day in (1, 2, 3))
    rows = {row.number: row for row in works.site.orders.all()}
    boss = works.person("supervisor")

    def move(number, **to):
        made = command_id()
        resequence_order(actor=boss, order_id=rows[number].pk, command_id=made, **to)
        return made

    assert queue(works) == [first, second, third]
    move(third, to="FIRST")
    assert queue(works) == [third, first, second]
    move(second, to="FIRST")
    assert queue(works) == [second, third, first]
    move(second, to="LAST")
    assert queue(works) == [third, first, second]
    move(third, to="NORMAL")
    assert queue(works) == [first, third, second]
    moved = move(first, rank=7)
    assert queue(works) == [third, second, first]
    Doer(boss).undo(moved)
    assert queue(works) == [first, third, second]
    kept = Resequencing.objects.filter(order=rows[first]).order_by("pk")
    assert [(row.rank_from, row.rank_to) for row in kept] == [(0, 7), (7, 0)]
    assert kept[1].reverses == kept[0]
    told = Event.objects.filter(name="order.resequenced", subject=f"order:{rows[first].pk}")
    assert told.count() == 2
    assert violations() == []


def test_a_move_that_moves_nothing_or_goes_nowhere_is_refused(works):
    order = works.order()
    boss = works.person("supervisor")
    arguments = {"actor": boss, "order_id": order.pk}
    refused("same_place", resequence_order, to="NORMAL", **arguments)
    refused("invalid", resequence_order, to="SIDEWAYS", **arguments)
    refused("invalid", resequence_order, **arguments)
    refused("invalid", resequence_order, to="FIRST", rank=1, **arguments)
    refused("invalid", resequence_order, rank=1_000_001, **arguments)
    cancel_order(actor=boss, order_id=order.pk, reason="CHECK", command_id=command_id())
    refused("state_forbids", resequence_order, to="FIRST", **arguments)


def test_a_move_with_a_later_move_on_it_is_not_undone(works):
    order = works.order()
    boss = works.person("supervisor")
    made = command_id()
    resequence_order(actor=boss, order_id=order.pk, to="FIRST", command_id=made)
    resequence_order(actor=boss, order_id=order.pk, rank=5, command_id=command_id())
    with pytest.raises(Refused, match="undo_depends"):
        Doer(boss).undo(made)


# -- changes ------------------------------------------------------------------------------------------------------


def change(works, order, **wanted) -> ChangeRequest:
    return request_change(
        actor=works.person("planner"), order_id=order.pk, wanted=wanted, note="customer", command_id=command_id()
    )


def decide(works, request, apply=True):
    return decide_change(actor=works.person("supervisor"), request_id=request.pk, apply=apply, command_id=command_id())


def made_of(works, quantity=10, operations=2):
    works.item("RM")
    row = {"item": "RM", "quantity_per": "0.333333", "operation": 10}
    return works.order(quantity=quantity, operations=operations, materials=[row])


def required(order) -> Decimal:
    return OrderMaterial.objects.get(order=order).required


def test_nothing_changes_before_the_decision_and_everything_with_it(works):
    order = made_of(works)
    first = works.operation(order)
    hand = Doer(works.person())
    hand.start(first)
    hand.report(first, 4)
    asked = change(works, order, quantity="13", priority=2, customer_order="C-9", need_date="2030-01-31")
    assert asked.changes["quantity"] == {"from": "10", "to": "13"}
    order.refresh_from_db()
    assert (order.quantity, order.priority) == (10, 0)
    decide(works, asked)
    order.refresh_from_db()
    assert (order.quantity, order.priority, order.customer_order) == (13, 2, "C-9")
    assert order.need_date.isoformat() == "2030-01-31T23:59:59+00:00"
    assert buckets(first) == {"arrived": 13, "in_process": 9, "finished": 4}
    assert required(order) == Decimal("4.333329")
    names = list(Event.objects.filter(subject=f"order:{order.pk}").order_by("seq").values_list("name", flat=True))
    assert names[-2:] == ["order.change_requested", "order.changed"]
    assert violations() == []


def test_fewer_pieces_come_out_of_what_was_not_worked_on(works):
    order = made_of(works)
    first = works.operation(order)
    hand = Doer(works.person())
    hand.start(first)
    hand.report(first, 4)
    too_few = change(works, order, quantity="3")
    answer = refused(
        "change_too_small", decide_change, actor=works.person("supervisor"), request_id=too_few.pk, apply=True
    )
    assert "4 pc" in answer.message
    decide(works, change(works, order, quantity="4"))
    assert buckets(first) == {"arrived": 4, "finished": 4}
    hand.complete(first, 0)
    order.refresh_from_db()
    assert order.quantity == 4
    assert violations() == []


def test_more_pieces_open_a_completed_first_operation_again(works):
    order = made_of(works)
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    hand.complete(first, 10)
    decide(works, change(works, order, quantity="12"))
    assert buckets(first) == {"arrived": 12, "queue": 2, "moved": 10}
    assert first.state == "SUSPENDED"
    hand.start(first)
    hand.complete(first, 2)
    assert buckets(second) == {"arrived": 12, "queue": 12}
    assert violations() == []


def test_a_newer_request_takes_the_place_of_the_open_one_and_a_rejected_one_does_nothing(works):
    order = made_of(works)
    older = change(works, order, quantity="11")
    newer = change(works, order, quantity="12")
    older.refresh_from_db()
    assert (older.state, bool(older.decision_note)) == ("REJECTED", True)
    assert refused("change_decided", decide_change, actor=works.person("supervisor"), request_id=older.pk, apply=True)
    decide(works, newer, apply=False)
    order.refresh_from_db()
    assert order.quantity == 10


def test_a_request_that_the_order_has_outrun_is_not_carried_out(works):
    order = made_of(works)
    asked = change(works, order, quantity="12")
    split_order(actor=works.person("supervisor"), order_id=order.pk, quantity="3", command_id=command_id())
    refused("change_outdated", decide_change, actor=works.person("supervisor"), request_id=asked.pk, apply=True)


def test_what_cannot_be_asked_for_is_refused_with_its_reason(works):
    order = made_of(works)
    planner = works.person("planner")
    for wanted, reason in (
        ({}, "nothing_to_change"),
        ({"quantity": "10"}, "nothing_to_change"),
        ({"quantity": "0"}, "invalid"),
        ({"quantity": "10.5"}, "invalid"),
        ({"quantity": "NaN"}, "invalid"),
        ({"item": "RM"}, "invalid"),
        ({"need_date": "soon"}, "invalid"),
        ({"over_percent": "101"}, "invalid"),
    ):
        refused(reason, request_change, actor=planner, order_id=order.pk, wanted=wanted)
    planned = works.order(released=False)
    refused("state_forbids", request_change, actor=planner, order_id=planned.pk, wanted={"quantity": "5"})


def test_the_end_of_an_order_rejects_what_was_still_asked_for(works):
    order = made_of(works)
    asked = change(works, order, quantity="12")
    cancel_order(actor=works.person("supervisor"), order_id=order.pk, reason="CHECK", command_id=command_id())
    asked.refresh_from_db()
    assert asked.state == "REJECTED"
    assert violations() == []


# -- split --------------------------------------------------------------------------------------------------------


def test_what_the_parts_of_a_split_need_sums_up_exactly(works):
    order = made_of(works, quantity=10)
    whole, boss = required(order), works.person("supervisor")
    parts = []
    for amount in ("3", "3", "3"):
        _old, new = split_order(actor=boss, order_id=order.pk, quantity=amount, command_id=command_id())
        release_order(actor=boss, order_id=new.pk, command_id=command_id())
        parts.append(required(new))
    order.refresh_from_db()
    assert order.quantity == 1
    assert sum(parts, required(order)) == whole
    assert violations() == []


# -- phantoms -----------------------------------------------------------------------------------------------------


def bill(works, item, *lines):
    rows = [
        {
            "item": item,
            "version": "1",
            "lines": [{"item": code, "quantity_per": per, **more} for code, per, more in lines],
        }
    ]
    result = import_boms(actor=works.system, rows=rows, command_id=command_id())
    assert result.rows[0].outcome == "created", result.rows[0].errors


def phantom(works, *codes):
    rows = [{"code": code, "name": code, "unit": "pc", "phantom": True} for code in codes]
    import_items(actor=works.system, rows=rows, command_id=command_id())


def by_the_bill(works, item, quantity):
    """A released order with operations of its own that names no materials: the item's bill is taken."""
    steps = [{"sequence": sequence, "work_center": "WC1"} for sequence in (10, 20)]
    row = {"number": f"{works.prefix}-P", "item": item, "quantity": str(quantity), "operations": steps}
    works.work_center()
    import_orders(actor=works.system, rows=[row], command_id=command_id())
    order = works.site.orders.get(number=row["number"])
    release_order(actor=works.system, order_id=order.pk, command_id=command_id())
    return order


def test_phantoms_are_exploded_at_release_with_the_path_they_came_by(works):
    phantom(works, "KIT", "SUBKIT")
    for code in ("BOLT", "SEAL", "PUMP"):
        works.item(code)
    bill(works, "SUBKIT", ("BOLT", "4", {}), ("SEAL", "1", {}))
    bill(works, "KIT", ("SUBKIT", "2", {}), ("BOLT", "3", {}))
    bill(works, "PUMP", ("KIT", "1", {"operation": 20}), ("SEAL", "5", {"operation": 10}))
    order = by_the_bill(works, "PUMP", 10)
    found = {
        (need.operation.sequence, need.item.code): (need.quantity_per, need.required, need.path)
        for need in order.materials.select_related("item", "operation")
    }
    assert found == {
        (20, "BOLT"): (Decimal(11), Decimal(110), "KIT › SUBKIT · KIT"),
        (20, "SEAL"): (Decimal(2), Decimal(20), "KIT › SUBKIT"),
        (10, "SEAL"): (Decimal(5), Decimal(50), ""),
    }


def test_a_phantom_without_a_bill_or_in_a_circle_keeps_the_order_from_release(works):
    phantom(works, "EMPTY", "HEN", "EGG")
    bill(works, "HEN", ("EGG", "1", {}))
    bill(works, "EGG", ("HEN", "1", {}))
    for item, reason in (("EMPTY", "phantom_without_bom"), ("HEN", "bom_circle")):
        order = works.order(materials=[{"item": item, "quantity_per": "1"}], released=False)
        assert (order.state, [one["reason"] for one in order.blockers]) == ("RECEIVED", [reason])


# -- corrections --------------------------------------------------------------------------------------------------


def test_a_closed_order_is_corrected_beside_its_records(works):
    order = works.order(quantity=5)
    operation, hand, boss = works.operation(order), Doer(works.person()), works.person("supervisor")
    arguments = {
        "actor": boss,
        "order_id": order.pk,
        "operation_id": operation.pk,
        "reason": "CRACK",
        "note": "recount",
    }
    hand.start(operation)
    hand.complete(operation, 5)
    refused("order_not_closed", correct_order, good=-1, **arguments)
    close_order(actor=boss, order_id=order.pk, command_id=command_id())
    correct_order(good=-1, scrap=1, command_id=command_id(), **arguments)
    assert buckets(operation) == {"arrived": 5, "finished": 5}
    refused("correction_below_zero", correct_order, good=-5, **arguments)
    refused("nothing_reported", correct_order, **arguments)
    refused("invalid", correct_order, good=1, **{**arguments, "note": " "})
    refused("reason_needed", correct_order, good=1, **{**arguments, "reason": None})
    elsewhere = works.operation(works.order())
    refused("not_found", correct_order, good=1, **{**arguments, "operation_id": elsewhere.pk})
    told = Event.objects.get(name="order.corrected", subject=f"order:{order.pk}").payload
    assert (told["good"], told["scrap"], told["reason"]) == ("-1", "1", "CRACK")
    assert violations() == []
