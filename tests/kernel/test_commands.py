"""A command with real commits: its receipt, its repetition, its rights, and what joins it."""

from functools import partial

import pytest
from django.db import transaction

from mes.kernel.canonical import digest
from mes.kernel.commands import Outcome, command
from mes.kernel.errors import Refused
from mes.kernel.models import CommandReceipt, Event
from mes.kernel.scope import current
from tests.builders import command_id
from tests.kernel.doing import go, note, noted

pytestmark = pytest.mark.committed_db


def test_the_receipt_is_the_first_thing_a_command_writes(works):
    made = command_id()

    def body():
        receipt = CommandReceipt.objects.get(pk=made)
        assert (receipt.name, receipt.outcome, receipt.actor_name) == ("place_hold", None, "system")
        note(works, "A")
        return Outcome(201, {"seen": True})

    assert go(works, body, made).body == {"seen": True}
    receipt = CommandReceipt.objects.get(pk=made)
    assert (receipt.status, receipt.outcome, receipt.site_id) == (201, {"seen": True}, works.site.pk)


def test_a_repetition_gets_the_stored_answer_and_changes_nothing(works):
    made = command_id()

    def body(text):
        note(works, text)
        return Outcome(201, {"answer": text})

    first = go(works, partial(body, "A"), made)
    again = go(works, partial(body, "B"), made)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.status, again.body) == (201, {"answer": "A"})
    assert noted(works) == ["A"]
    assert Event.objects.filter(command_id=made).count() == 1


def test_a_command_id_used_for_something_else_is_refused(works):
    made = command_id()
    go(works, lambda: Outcome(200, {}), made, mark=digest(["one"]))
    with pytest.raises(Refused, match="idempotency_key_reused"):
        go(works, lambda: Outcome(200, {}), made, mark=digest(["two"]))


def test_a_refused_command_leaves_nothing_and_may_succeed_later_with_the_same_id(works):
    made = command_id()

    def refuse():
        note(works, "A")
        raise Refused("stale")

    with pytest.raises(Refused, match="stale"):
        go(works, refuse, made)
    assert noted(works) == []
    assert not CommandReceipt.objects.filter(pk=made).exists()
    assert not Event.objects.filter(command_id=made).exists()

    def succeed():
        note(works, "A")
        return Outcome(200, {"done": True})

    assert not go(works, succeed, made).replayed
    assert noted(works) == ["A"]


def test_a_command_that_breaks_leaves_nothing(works):
    made = command_id()

    def body():
        note(works, "A")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(works, body, made)
    assert noted(works) == []
    assert not CommandReceipt.objects.filter(pk=made).exists()


def test_an_outcome_without_effect_leaves_no_receipt_and_no_trace(works):
    made = command_id()

    def body():
        note(works, "A")
        return Outcome(200, {"verdict": "good"}, effect=False)

    assert go(works, body, made).body == {"verdict": "good"}
    assert noted(works) == []
    assert not CommandReceipt.objects.filter(pk=made).exists()


def test_a_command_called_inside_another_joins_it(works):
    made, inner_id = command_id(), command_id()
    seen = []

    @command
    def release_hold(*, actor, command_id):
        seen.append(current().command_id)
        note(works, "INNER")
        return "inner result"

    @command
    def place_hold(*, actor, command_id):
        seen.append(current().command_id)
        assert release_hold(actor=actor, command_id=inner_id) == "inner result"
        note(works, "OUTER")
        return {"done": 2}

    assert place_hold(actor=works.system, command_id=made) == {"done": 2}
    assert seen == [made, made]
    assert not CommandReceipt.objects.filter(pk=inner_id).exists()
    assert list(Event.objects.filter(command_id=made).order_by("seq").values_list("label", flat=True)) == [
        "INNER",
        "OUTER",
    ]
    assert place_hold(actor=works.system, command_id=made) == {"done": 2}
    assert noted(works) == ["INNER", "OUTER"]


def test_a_nested_refusal_undoes_the_outer_command_too(works):
    @command
    def release_hold(*, actor, command_id):
        raise Refused("stale")

    @command
    def place_hold(*, actor, command_id):
        note(works, "OUTER")
        release_hold(actor=actor, command_id=command_id)

    with pytest.raises(Refused, match="stale"):
        place_hold(actor=works.system, command_id=command_id())
    assert noted(works) == []


def test_rights_are_asked_before_the_receipt_and_again_at_a_repetition(works):
    made = command_id()

    @command
    def release_lot_hold(*, actor, command_id):
        return {}

    release_lot_hold(actor=works.person("quality"), command_id=made)
    with pytest.raises(Refused, match="forbidden"):
        release_lot_hold(actor=works.person("operator"), command_id=made)


def test_the_fingerprint_covers_the_command_the_actor_and_every_argument_given(works):
    made = command_id()

    @command
    def place_hold(*, actor, command_id, quantity=None, note=None):
        return {}

    place_hold(actor=works.system, command_id=made, quantity=1)
    assert place_hold(actor=works.system, command_id=made, quantity=1, note=None) == {}
    for changed in ({"quantity": 2}, {"quantity": 1, "note": "x"}, {}):
        with pytest.raises(Refused, match="idempotency_key_reused"):
            place_hold(actor=works.system, command_id=made, **changed)
    with pytest.raises(Refused, match="idempotency_key_reused"):
        place_hold(actor=works.person("lead"), command_id=made, quantity=1)


def test_an_outermost_command_cannot_begin_inside_another(works):
    with pytest.raises(RuntimeError, match="inside another"):
        go(works, lambda: go(works, lambda: Outcome(200, {})))


def test_a_command_inside_a_foreign_transaction_is_refused(works):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        go(works, lambda: Outcome(200, {}))
