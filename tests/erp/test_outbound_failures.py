"""Each kind of failure has its own answer: wait, look first, stop the connection, or ask a person readably."""

from datetime import timedelta
from decimal import Decimal

import pytest

from erp_sync import outbound
from erp_sync.actions import leases
from erp_sync.actions.postings import retry_message
from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    AuthExpired,
    ContractError,
    ErpError,
    Locked,
    NeedsDecision,
    Rejected,
    Stale,
    Throttled,
    UnitMismatch,
    UnknownReference,
    Unreachable,
)
from erp_sync.facts import OrderCompletion
from erp_sync.models import SyncJob
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.builders import command_id
from tests.erp.engine import Works
from tests.erp.scripted import ScriptedAdapter

pytestmark = pytest.mark.django_db


def unwritten(failure: ErpError) -> ErpError:
    failure.nothing_written = True
    return failure


def test_an_erp_that_cannot_be_reached_costs_no_attempt_and_opens_the_breaker(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    first, second = site.erp_order(), site.erp_order()
    site.finish(first)
    site.finish(second)
    scripted.script.append(unwritten(Unreachable("The ERP cannot be reached.")))
    site.work()

    assert [(site.message(each).state, site.message(each).attempts) for each in (first, second)] == [
        ("PENDING", 0),
        ("PENDING", 0),
    ]
    site.connection.refresh_from_db()
    assert site.connection.failures == 1
    assert site.connection.resume_at is not None
    assert site.tell() == 0, "the breaker is open"

    site.hurry()
    site.tell()
    assert [site.state(each) for each in (first, second)] == ["CLOSED", "CLOSED"]
    site.connection.refresh_from_db()
    assert (site.connection.failures, site.connection.resume_at) == (0, None)
    assert violations() == []


def test_after_an_ambiguous_outcome_the_engine_looks_before_it_repeats(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order)

    def lose_the_answer(fact: OrderCompletion) -> None:
        scripted.ledger[fact.order_key] = fact
        raise Ambiguous("The connection broke.")

    scripted.script.append(lose_the_answer)
    site.work()
    assert (site.message(order).state, site.message(order).touched) == ("PENDING", True)

    site.hurry()
    site.tell()
    assert site.message(order).state == "POSTED"
    assert [call for call in scripted.calls if not call.startswith("close")] == [
        f"push {order.number}",
        f"find {order.number}",
    ]
    assert [attempt.outcome for attempt in site.message(order).history.order_by("pk")] == [
        "Ambiguous",
        "ALREADY_POSTED",
    ]


@pytest.mark.parametrize("failure", [Locked("Busy."), Stale("Changed."), AuthExpired("Session."), Ambiguous("500.")])
def test_what_may_pass_is_tried_twelve_times_and_then_waits_for_a_person(
    site: Works, scripted: type[ScriptedAdapter], failure: ErpError
) -> None:
    order = site.erp_order()
    site.finish(order)
    site.deliver()
    for attempt in range(outbound.ATTEMPTS):
        scripted.script.append(failure)
        site.hurry()
        assert site.tell() == 1, f"attempt {attempt}"

    message = site.message(order)
    assert (message.state, message.attempts) == ("PARKED", 12)
    assert message.reason == f"Given up after 12 attempts. {failure.text}"
    parked = Event.objects.get(name="erp.parked", subject=f"order:{order.pk}")
    assert parked.payload["reason"] == message.reason


def test_a_request_to_wait_is_granted_and_costs_no_attempt(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    site.finish(order)
    scripted.script.append(Throttled("Wait.", timedelta(minutes=7)))
    before = leases.database_time()
    site.work()

    message = site.message(order)
    assert (message.state, message.attempts) == ("PENDING", 0)
    assert timedelta(minutes=6) < message.not_before - before < timedelta(minutes=8)
    site.connection.refresh_from_db()
    assert site.connection.failures == 0


@pytest.mark.parametrize("failure", [AuthDenied("The ERP refuses our user."), ContractError("No such field.")])
def test_what_only_a_person_can_cure_stops_the_connection_and_keeps_the_message(
    site: Works, scripted: type[ScriptedAdapter], failure: ErpError
) -> None:
    order = site.erp_order()
    site.finish(order)
    scripted.script.append(failure)
    site.work()

    site.connection.refresh_from_db()
    assert (site.connection.state, site.connection.state_reason) == ("STOPPED", failure.text)
    assert (site.message(order).state, site.message(order).attempts) == ("PENDING", 0)
    site.hurry()
    assert site.tell() == 0

    from erp_sync.actions.connections import resume_connection

    resume_connection(actor=site.plant.person("erp"), connection_id=site.connection.pk, command_id=command_id())
    site.tell()
    assert site.state(order) == "CLOSED"


@pytest.mark.parametrize(
    "failure", [Rejected("bad_lot", "In the ERP lot R is of another item."), UnitMismatch("kg is no number of pieces.")]
)
def test_a_poison_message_is_parked_at_once_and_stops_only_its_own_order(
    site: Works, scripted: type[ScriptedAdapter], failure: ErpError
) -> None:
    poison, healthy = site.erp_order(), site.erp_order()
    site.finish(poison)
    site.finish(healthy)
    scripted.script.append(failure)
    site.work()

    message = site.message(poison)
    assert (message.state, message.attempts, message.reason) == ("PARKED", 1, failure.text)
    assert site.state(healthy) == "CLOSED"
    assert site.state(poison) == "DONE"

    retry_message(actor=site.plant.person("erp"), message_id=message.pk, command_id=command_id())
    site.tell()
    assert site.state(poison) == "CLOSED"
    assert violations() == []


def test_an_unknown_reference_asks_for_it_and_is_parked_when_it_never_comes(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order)
    job = SyncJob.objects.get(connection=site.connection, entity="lot")
    SyncJob.objects.filter(pk=job.pk).update(next_due_at=leases.database_time() + timedelta(hours=1))
    scripted.script.append(UnknownReference("lot", "R-9", "The ERP knows no lot R-9."))
    site.work()

    job.refresh_from_db()
    assert job.next_due_at <= leases.database_time()
    assert site.message(order).state == "PENDING"
    for _ in range(2):
        scripted.script.append(UnknownReference("lot", "R-9", "The ERP knows no lot R-9."))
        site.hurry()
        site.tell()
    assert (site.message(order).state, site.message(order).error_code) == ("PARKED", "unknown_lot")


def test_a_question_is_answered_by_a_person_and_the_answer_is_sent_along(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order)
    scripted.script.append(NeedsDecision("under_tolerance", "Less resin than planned. Accept?"))
    site.work()
    message = site.message(order)
    assert message.state == "PARKED"

    retry_message(actor=site.plant.person("erp"), message_id=message.pk, accept=True, command_id=command_id())
    site.tell()

    assert f"push {order.number} under_tolerance" in scripted.calls
    message.refresh_from_db()
    assert (message.state, message.accepted) == ("POSTED", ["under_tolerance"])
    assert [step.outcome for step in message.history.order_by("pk")] == ["NeedsDecision", "accepted", "POSTED"]


def test_a_bug_in_an_adapter_is_kept_retried_and_shown(
    site: Works, scripted: type[ScriptedAdapter], caplog: pytest.LogCaptureFixture
) -> None:
    order = site.erp_order()
    site.finish(order)

    def stumble(fact: OrderCompletion) -> None:
        raise ZeroDivisionError("secret detail")

    scripted.script.append(stumble)
    site.work()
    message = site.message(order)
    assert (message.state, message.error_class) == ("PENDING", "Bug")
    assert "ZeroDivisionError" in message.reason
    site.hurry()
    site.tell()
    assert site.state(order) == "CLOSED"


def test_figures_that_differ_in_the_erp_keep_the_order_open_and_are_shown(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order, good=10)
    scripted.extra_scrap = Decimal(1)
    site.work()

    message = site.message(order)
    assert message.state == "POSTED"
    assert message.differences == [{"what": "scrap", "here": "0", "there": "1", "unit": "pc"}]
    assert site.state(order) == "DONE"
