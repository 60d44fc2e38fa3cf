"""Hours from paper: booked with their true times however late, by somebody who may, and taken back as one act."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labor.queries import labor_of_order
from mes.execution.paper import enter_paper_work
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.builders import Doer, Plant, buckets, command_id, plant
from workorders.models import WorkOrder

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def works() -> Plant:
    return plant()


def old_order(works, **fields) -> WorkOrder:
    return works.order(quantity=10, operations=2, **fields)


def enter(works, operation, hours_ago: float = 100, hours: float = 1, **fields):
    made = command_id()
    began = NOW - timedelta(hours=hours_ago)
    arguments = {
        "actor": works.person("lead"),
        "operation_id": operation.pk,
        "person_id": works.person().id,
        "began": began,
        "ended": began + timedelta(hours=hours),
        "command_id": made,
        **fields,
    }
    enter_paper_work(**arguments)
    return made


def test_an_hour_older_than_any_gesture_is_booked_with_its_true_times(works):
    order = old_order(works)
    first = works.operation(order)
    enter(works, first, good=4, scrap=1, reason="CRACK")
    assert buckets(first) == {"arrived": 10, "in_process": 5, "finished": 4, "scrap": 1}
    assert first.state == "SUSPENDED"
    (labor,) = labor_of_order(order.pk)
    assert (labor.person, labor.run_minutes) == ("Operator", 60.0)
    told = list(Event.objects.filter(subject=f"order:{order.pk}").order_by("seq"))[-6:]
    assert {event.name for event in told} >= {"operation.entered", "operation.started", "operation.reported"}
    assert {event.actor_name for event in told} == {"Lead"}
    assert all(event.recorded_at - event.occurred_at > timedelta(hours=90) for event in told)
    assert violations() == []


def test_a_completed_hour_hands_its_pieces_on_and_is_taken_back_as_one_act(works):
    order = old_order(works)
    first, second = works.operation(order, 10), works.operation(order, 20)
    made = enter(works, first, good=10, completes=True)
    assert first.pk
    assert buckets(second) == {"arrived": 10, "queue": 10}
    Doer(works.person("lead")).undo(made)
    assert buckets(first) == {"arrived": 10, "queue": 10}
    assert first.state == "SUSPENDED"
    assert buckets(second) == {}
    assert second.state == "WAITING"
    assert labor_of_order(order.pk) == []
    assert violations() == []


def test_an_hour_that_completed_nothing_is_taken_back_to_where_it_was(works):
    first = works.operation(old_order(works))
    made = enter(works, first, good=3)
    Doer(works.person("lead")).undo(made)
    assert buckets(first) == {"arrived": 10, "queue": 10}
    assert first.state == "READY"
    first.order.refresh_from_db()
    assert first.order.state == "RELEASED"
    assert violations() == []


def test_what_stands_on_an_hour_keeps_it(works):
    order = old_order(works)
    first, second = works.operation(order, 10), works.operation(order, 20)
    made = enter(works, first, good=10, completes=True)
    Doer(works.person()).start(second)
    with pytest.raises(Refused, match="undo_depends"):
        Doer(works.person("lead")).undo(made)


def test_times_people_and_states_that_cannot_be_are_refused(works):
    order = old_order(works)
    first, second = works.operation(order, 10), works.operation(order, 20)
    for fields, reason in (
        ({"hours": 0}, "paper_times"),
        ({"hours": -1}, "paper_times"),
        ({"hours_ago": 1, "hours": 2}, "paper_times"),
        ({"person_id": 0}, "paper_person"),
        ({"good": 11}, "more_than_open"),
        ({"scrap": 1}, "reason_needed"),
        ({"good": 4, "completes": True}, "remainder_undecided"),
    ):
        with pytest.raises(Refused) as refused:
            enter(works, first, **fields)
        assert refused.value.reason == reason, fields
    with pytest.raises(Refused, match="state_forbids"):
        enter(works, second)
    assert buckets(first) == {"arrived": 10, "queue": 10}
    with pytest.raises(Refused, match="forbidden"):
        enter(works, first, actor=works.person(name="ana"))


def test_a_person_of_another_plant_has_no_hours_here(works):
    stranger = plant().person()
    with pytest.raises(Refused, match="paper_person"):
        enter(works, works.operation(old_order(works)), person_id=stranger.id)


def test_an_hour_that_ended_its_order_is_taken_back_through_every_state(works):
    order = works.order(quantity=4)
    operation = works.operation(order)
    made = enter(works, operation, good=4, completes=True)
    order.refresh_from_db()
    assert order.state == "DONE"
    Doer(works.person("lead")).undo(made)
    order.refresh_from_db()
    assert (order.state, order.finished_at, order.started_at) == ("RELEASED", None, None)
    assert buckets(operation) == {"arrived": 4, "queue": 4}
    assert violations() == []
