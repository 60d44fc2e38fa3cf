"""Labor goes with the runs: who is written down, for how long, and what an undo leaves of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labor.models import LaborEntry
from labor.queries import labor_of_order, on_operations
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from mes.kernel.scope import back_dating
from tests.builders import Doer, Plant, plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


NOW = timezone.now()


def hours_ago(count: float):
    return NOW - timedelta(hours=count)


def minutes(order):
    return [(row.person, row.setup_minutes, row.run_minutes) for row in labor_of_order(order.pk)]


def test_time_counts_from_start_to_suspend_for_each_person_and_kind(works):
    order = works.order(quantity=4)
    operation = works.operation(order)
    ana, ben = (Doer(works.person(name=name)) for name in ("ana", "ben"))
    with back_dating():
        ana.start(operation, kind="SETUP", at=hours_ago(5))
        ana.start(operation, at=hours_ago(4.5))
        ben.start(operation, at=hours_ago(3))
        ben.suspend(operation, at=hours_ago(2))
        ana.complete(operation, 4, at=hours_ago(1))
    assert minutes(order) == [("Ana", 30.0, 210.0), ("Ben", 0.0, 60.0)]
    assert on_operations([operation.pk]) == {}
    stopped = Event.objects.filter(name="labor.stopped", subject=f"order:{order.pk}").order_by("seq")
    assert [event.payload["seconds"] for event in stopped] == [1800, 3600, 12600]
    assert violations() == []


def test_one_person_leaving_does_not_stop_the_others_clock(works):
    operation = works.operation(works.order())
    ana, ben = (Doer(works.person(name=name)) for name in ("ana", "ben"))
    ana.start(operation)
    ben.start(operation)
    ana.suspend(operation)
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
    assert [entry.person.name for entry in on_operations([operation.pk])[operation.pk]] == ["Ben"]


def test_one_person_may_be_on_two_jobs_and_is_written_on_both(works):
    first, second = works.operation(works.order()), works.operation(works.order())
    ana = Doer(works.person())
    ana.start(first)
    ana.start(second)
    assert set(on_operations([first.pk, second.pk])) == {first.pk, second.pk}


def test_an_undone_start_counts_for_nothing_and_an_undone_suspend_goes_on(works):
    order = works.order()
    operation = works.operation(order)
    ana = Doer(works.person())
    started = ana.start(operation)
    ana.undo(started)
    assert minutes(order) == []
    assert LaborEntry.objects.get(operation=operation).voided_by is not None
    ana.start(operation)
    stopped = ana.suspend(operation)
    ana.undo(stopped)
    (entry,) = on_operations([operation.pk])[operation.pk]
    assert entry.ended_at is None
    assert violations() == []


def test_the_undo_of_a_completion_leaves_the_time_that_was_worked(works):
    order = works.order(quantity=2)
    operation = works.operation(order)
    ana = Doer(works.person())
    with back_dating():
        ana.start(operation, at=hours_ago(2))
        done = ana.complete(operation, 2, at=hours_ago(1))
    ana.undo(done)
    assert minutes(order) == [("Operator", 0.0, 60.0)]
    assert on_operations([operation.pk]) == {}


def test_services_and_machines_write_no_labor(works):
    order = works.order()
    Doer(works.service()).start(works.operation(order))
    assert minutes(order) == []
    assert not LaborEntry.objects.filter(operation__order=order).exists()
