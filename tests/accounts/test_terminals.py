"""Terminals: pairing by a code that works once and dies soon, recognition, and an end that holds at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mes.accounts import terminals
from mes.accounts.actions.terminals import revoke_terminal
from mes.accounts.models import ROLES, Terminal, digest_of
from mes.kernel.errors import Refused
from mes.kernel.models import Event
from tests.builders import Plant, command_id, plant


def opened(works: Plant) -> Terminal:
    return terminals.open_pairing(actor=works.person("supervisor"), name="Bench", work_center_id=works.work_center().pk)


def reason_of(call) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.reason


def test_a_code_pairs_one_browser_and_then_no_other(works):
    waiting = opened(works)
    assert terminals.terminal_of(waiting.pairing_code) is None
    terminal, secret = terminals.pair(f" {waiting.pairing_code.lower()} ")
    assert terminal == waiting
    assert terminals.terminal_of(secret) == terminal
    assert Terminal.objects.get(pk=terminal.pk).token == digest_of(secret)
    assert secret not in str(Terminal.objects.filter(pk=terminal.pk).values().get())
    assert reason_of(lambda: terminals.pair(waiting.pairing_code)) == "pairing_code_wrong"


def test_a_code_dies_after_ten_minutes(works):
    waiting = opened(works)
    assert timedelta(minutes=9) < waiting.pairing_until - timezone.now() <= terminals.CODE_LIFE
    Terminal.objects.filter(pk=waiting.pk).update(pairing_until=timezone.now() - timedelta(seconds=1))
    assert reason_of(lambda: terminals.pair(waiting.pairing_code)) == "pairing_code_wrong"


@pytest.mark.parametrize("code", ["", " ", "WRONG1", "%", "\0"])
def test_no_code_and_a_wrong_one_pair_nothing(works, code):
    terminals.enrol_here(actor=works.person("supervisor"), name="A", work_center_id=1)
    assert reason_of(lambda: terminals.pair(code)) == "pairing_code_wrong"


@pytest.mark.parametrize("role", [code for code, _name in ROLES])
def test_only_supervisors_and_administrators_enrol_and_revoke(works, role):
    terminal, _secret = terminals.enrol_here(
        actor=works.person("supervisor"), name="A", work_center_id=works.work_center().pk
    )
    actor = works.person(role, f"one-{role}")

    def enrol():
        terminals.enrol_here(actor=actor, name="B", work_center_id=terminal.work_center_id)

    def revoke():
        revoke_terminal(actor=actor, terminal_id=terminal.pk, command_id=command_id())

    for act in (enrol, revoke):
        if role in ("supervisor", "admin"):
            act()
        else:
            assert reason_of(act) == "forbidden"


def test_a_revoked_terminal_is_none_from_the_next_request_on(works):
    boss = works.person("supervisor")
    terminal, secret = terminals.enrol_here(actor=boss, name="A", work_center_id=works.work_center().pk)
    revoke_terminal(actor=boss, terminal_id=terminal.pk, command_id=command_id())
    assert terminals.terminal_of(secret) is None
    revoke_terminal(actor=boss, terminal_id=terminal.pk, command_id=command_id())
    told = Event.objects.filter(subject=f"terminal:{terminal.pk}")
    assert [event.name for event in told] == ["terminal.revoked"]


def test_a_code_that_waits_is_void_once_its_terminal_is_revoked(works):
    waiting = opened(works)
    revoke_terminal(actor=works.person("admin"), terminal_id=waiting.pk, command_id=command_id())
    assert reason_of(lambda: terminals.pair(waiting.pairing_code)) == "pairing_code_wrong"


def test_terminals_of_another_plant_are_not_there(works):
    terminal, secret = terminals.enrol_here(
        actor=works.person("supervisor"), name="A", work_center_id=works.work_center().pk
    )
    elsewhere = plant().person("admin")
    refused = reason_of(lambda: revoke_terminal(actor=elsewhere, terminal_id=terminal.pk, command_id=command_id()))
    assert refused == "not_found"
    assert terminals.terminal_of(secret) == terminal


def test_the_last_sight_is_noted_but_not_at_every_request(works, django_assert_num_queries):
    terminal, secret = terminals.enrol_here(
        actor=works.person("supervisor"), name="A", work_center_id=works.work_center().pk
    )
    terminals.terminal_of(secret)
    seen = Terminal.objects.get(pk=terminal.pk).last_seen_at
    assert timezone.now() - seen < timedelta(seconds=10)
    with django_assert_num_queries(1):
        terminals.terminal_of(secret)
    assert terminals.terminal_of(None) is None
    assert terminals.terminal_of("mes_guessed") is None
