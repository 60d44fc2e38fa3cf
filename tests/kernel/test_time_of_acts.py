"""What the time an act claims is worth: believed, dated now, refused, approved, or loaded as history."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from mes.execution.undo import approve_late_command
from mes.kernel.actors import system
from mes.kernel.errors import Refused
from mes.kernel.models import CommandApproval, Event
from mes.kernel.scope import Scope, back_dating, current, is_approved, is_back_dating, occurred, running
from tests.builders import Doer, command_id
from workorders.models import OperationRun

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def at_noon():
    """Inside a command that began at noon, and was not approved."""
    token = running.set(Scope(uuid.uuid4(), system(1), NOW, approved=False))
    yield
    running.reset(token)


def test_without_a_time_the_act_is_dated_now(at_noon):
    assert occurred(None) == NOW


@pytest.mark.parametrize(
    "back", [timedelta(0), timedelta(seconds=1), timedelta(hours=71, minutes=59), timedelta(days=3)]
)
def test_a_gesture_of_the_last_72_hours_is_believed(at_noon, back):
    assert occurred(NOW - back) == NOW - back


@pytest.mark.parametrize("ahead", [timedelta(microseconds=1), timedelta(minutes=1), timedelta(minutes=15)])
def test_up_to_15_minutes_ahead_the_act_is_dated_now(at_noon, ahead):
    assert occurred(NOW + ahead) == NOW


def test_further_ahead_it_is_refused_with_how_far(at_noon):
    with pytest.raises(Refused) as caught:
        occurred(NOW + timedelta(minutes=15, microseconds=1))
    assert (caught.value.reason, caught.value.code) == ("in_future", "not_allowed")
    with pytest.raises(Refused, match="in_future"):
        occurred(NOW + timedelta(days=400))


def test_older_than_72_hours_is_refused(at_noon):
    with pytest.raises(Refused) as caught:
        occurred(NOW - timedelta(days=3, microseconds=1))
    assert (caught.value.reason, caught.value.code) == ("too_old", "not_allowed")
    assert "72" in caught.value.message


def test_an_approved_command_may_be_as_old_as_it_is(at_noon):
    current().approved = True
    assert occurred(NOW - timedelta(days=30)) == NOW - timedelta(days=30)
    with pytest.raises(Refused, match="in_future"):
        occurred(NOW + timedelta(hours=1))


def test_a_loader_of_history_may_date_back_freely_but_only_while_it_says_so(at_noon):
    assert not is_back_dating()
    with back_dating():
        assert is_back_dating()
        assert occurred(NOW - timedelta(days=900)) == NOW - timedelta(days=900)
        with pytest.raises(Refused, match="in_future"):
            occurred(NOW + timedelta(hours=1))
    assert not is_back_dating()
    with pytest.raises(Refused, match="too_old"):
        occurred(NOW - timedelta(days=900))


def test_there_is_no_running_command_outside_one():
    with pytest.raises(RuntimeError, match="inside a command"):
        occurred(None)


@pytest.mark.django_db
def test_a_late_gesture_waits_for_approval_and_is_then_sent_again_unchanged(works):
    operation = works.operation(works.order())
    operation.order.released_at -= timedelta(days=10)
    operation.order.save(update_fields=["released_at"])
    hand, made = Doer(works.person()), command_id()
    gesture = datetime.now(UTC) - timedelta(days=4)
    with pytest.raises(Refused, match="too_old"):
        hand.start(operation, at=gesture, command_id=made)
    with pytest.raises(Refused, match="forbidden"):
        approve_late_command(actor=works.person(), target=made, command_id=command_id())
    approve_late_command(actor=works.person("lead"), target=made, reason="terminal was off", command_id=command_id())
    with pytest.raises(Refused, match="too_old"):
        hand.start(operation, at=gesture)
    hand.start(operation, at=gesture, command_id=made)
    assert OperationRun.objects.get(operation=operation).started_at == gesture
    event = Event.objects.get(command_id=made, name="operation.started")
    assert event.occurred_at == gesture
    assert event.recorded_at - gesture > timedelta(days=3)
    approval = CommandApproval.objects.get(pk=made)
    assert (approval.approved_by, approval.reason) == (works.person("lead").id, "terminal was off")


@pytest.mark.django_db
def test_an_approval_is_asked_for_once_in_a_command(works, django_assert_num_queries):
    token = running.set(Scope(uuid.uuid4(), works.system, NOW))
    try:
        with django_assert_num_queries(1):
            assert not is_approved()
            assert not is_approved()
    finally:
        running.reset(token)


@pytest.mark.django_db
def test_an_act_dated_before_what_it_stands_on_contradicts_the_record(works):
    operation = works.operation(works.order())
    hand = Doer(works.person())
    with pytest.raises(Refused, match="contradicts_time"):
        hand.start(operation, at=datetime.now(UTC) - timedelta(hours=1))
    hand.start(operation)
    with pytest.raises(Refused, match="contradicts_time"):
        hand.suspend(operation, at=datetime.now(UTC) - timedelta(hours=1))
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
