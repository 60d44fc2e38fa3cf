"""What is undone here after it was told, or while it is told; what people decide about messages, and who may."""

from decimal import Decimal

import pytest

from erp_sync import outbound
from erp_sync.actions import leases
from erp_sync.actions.postings import post_again, retry_message, skip_message
from erp_sync.adapters.errors import (
    Ambiguous,
    Rejected,
)
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Delivery
from tests.builders import Doer, command_id
from tests.erp.engine import Works, works
from tests.erp.scripted import ScriptedAdapter
from workorders.actions.orders import close_order

pytestmark = pytest.mark.django_db


def test_undone_before_the_erp_heard_of_it_the_message_is_cancelled_and_a_new_finish_makes_a_new_one(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    person = site.plant.person()
    finished = site.finish(order, good=10, actor=person)
    site.deliver()
    Doer(person).undo(finished)
    site.work()
    assert [message.state for message in site.messages(order)] == ["CANCELLED"]
    assert scripted.ledger == {}

    site.finish(order, good=9, scrap=1, actor=person)
    site.work()
    assert [message.state for message in site.messages(order)] == ["CANCELLED", "POSTED"]
    assert site.state(order) == "CLOSED"
    assert violations() == []


def test_finish_and_undo_delivered_together_tell_the_erp_nothing(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    person = site.plant.person()
    Doer(person).undo(site.finish(order, actor=person))
    site.work()
    assert site.messages(order) == []
    assert scripted.ledger == {}
    assert violations() == []


def test_undone_after_posting_a_person_is_asked_and_later_messages_of_the_order_wait(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    person = site.plant.person()
    scripted.extra_scrap = Decimal(1)
    finished = site.finish(order, actor=person)
    site.work()
    assert site.state(order) == "DONE"
    Doer(person).undo(finished)
    site.work()

    posted, asked = site.messages(order)
    assert (posted.state, asked.state, asked.kind) == ("POSTED", "PARKED", "order_reversal")
    assert "reopened here" in asked.reason
    with pytest.raises(Refused):
        retry_message(actor=site.plant.person("erp"), message_id=asked.pk, command_id=command_id())

    scripted.extra_scrap = Decimal(0)
    scripted.ledger.clear()
    site.finish(order, good=9, scrap=1, actor=person)
    site.work()
    assert [message.state for message in site.messages(order)] == ["POSTED", "PARKED", "PENDING"]

    erp = site.plant.person("erp")
    with pytest.raises(Refused, match="skip_needs_reason"):
        skip_message(actor=erp, message_id=asked.pk, reason=" ", command_id=command_id())
    skip_message(actor=erp, message_id=asked.pk, reason="Cancelled there.", command_id=command_id())
    site.tell()
    assert [message.state for message in site.messages(order)] == ["POSTED", "SKIPPED", "POSTED"]
    assert site.state(order) == "CLOSED"
    assert violations() == []


def test_an_undo_while_the_message_is_on_its_way_waits_for_the_outcome(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    person = site.plant.person()
    finished = site.finish(order, actor=person)
    site.deliver()
    claimed = leases.claim_message()
    assert claimed is not None
    Doer(person).undo(finished)
    site.deliver()
    (message,) = site.messages(order)
    assert message.state == "PENDING"

    with outbound.Conversations() as conversations:
        outbound.send(claimed, conversations)
    Delivery.objects.filter(subscriber="erp", status="OPEN").update(not_before=leases.database_time())
    site.deliver()
    assert [(each.state, each.kind) for each in site.messages(order)] == [
        ("POSTED", "order_completion"),
        ("PARKED", "order_reversal"),
    ]
    assert site.state(order) == "RUNNING"


def test_undone_after_an_unclear_attempt_a_person_is_asked(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    person = site.plant.person()
    finished = site.finish(order, actor=person)
    scripted.script.append(Ambiguous("500"))
    site.work()
    Doer(person).undo(finished)
    site.work()
    assert [(each.state, each.kind) for each in site.messages(order)] == [
        ("CANCELLED", "order_completion"),
        ("PARKED", "order_reversal"),
    ]


def test_an_order_the_erp_waits_for_is_not_closed_by_hand_before_it_confirmed_or_was_skipped(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order)
    supervisor = site.plant.person("supervisor")
    with pytest.raises(Refused) as refusal:
        close_order(actor=supervisor, order_id=order.pk, command_id=command_id())
    assert refusal.value.blockers[0].message == f"{site.connection.name} has not confirmed the completion yet."

    scripted.script.append(Rejected("rule", "No."))
    site.work()
    skip_message(
        actor=site.plant.person("erp"), message_id=site.message(order).pk, reason="By hand.", command_id=command_id()
    )
    close_order(actor=supervisor, order_id=order.pk, command_id=command_id())
    assert site.state(order) == "CLOSED"


def test_after_a_restored_backup_a_posted_message_can_be_told_again_and_looks_first(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    order = site.erp_order()
    site.finish(order)
    site.work()
    scripted.ledger.clear()
    scripted.calls.clear()

    erp = site.plant.person("erp")
    post_again(actor=erp, message_id=site.message(order).pk, reason="Restored", command_id=command_id())
    site.tell()

    assert [call for call in scripted.calls if call != "close"] == [f"find {order.number}", f"push {order.number}"]
    assert site.message(order).state == "POSTED"


def test_operators_and_other_sites_decide_nothing_about_messages(site: Works, scripted: type[ScriptedAdapter]) -> None:
    order = site.erp_order()
    site.finish(order)
    scripted.script.append(Rejected("rule", "No."))
    site.work()
    message = site.message(order)
    stranger = works().plant.person("erp")
    for actor, reason in ((site.plant.person("operator"), "forbidden"), (stranger, "not_found")):
        with pytest.raises(Refused) as refusal:
            retry_message(actor=actor, message_id=message.pk, command_id=command_id())
        assert refusal.value.reason == reason
