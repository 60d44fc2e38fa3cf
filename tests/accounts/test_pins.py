"""PINs and passwords: what is taken, how wrong ones are counted, and how a lock ends."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mes.accounts.actions import people
from mes.accounts.badges import LOCKED_FOR, TRIES, hashed_pin, identify, prove
from mes.accounts.models import User
from mes.accounts.passwords import hashed_password
from mes.kernel.errors import Refused
from tests.builders import Plant, command_id


@pytest.fixture
def zoe(works: Plant) -> User:
    user = User.objects.get(pk=works.person("operator", "zoe").id)
    user.pin = hashed_pin("2468")
    user.save(update_fields=["pin"])
    return user


def refusal(user: User, pin: str) -> Refused:
    with pytest.raises(Refused) as refused:
        prove(user.pk, pin)
    return refused.value


@pytest.mark.parametrize("pin", ["1234", "00000000", "98765"])
def test_four_to_eight_digits_are_a_pin(pin):
    assert hashed_pin(pin).startswith("argon2")


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "12 34", "-123", "١٢٣٤", "①②③④", "1234\n"])
def test_anything_else_is_none(pin):
    with pytest.raises(Refused) as refused:
        hashed_pin(pin)
    assert "four to eight digits" in refused.value.message


@pytest.mark.parametrize("password", ["", "short", "x" * 201, " " * 12])
def test_a_password_has_a_length(password):
    with pytest.raises(Refused) as refused:
        hashed_password(password)
    assert "10 to 200 characters" in refused.value.message


def test_hashes_of_one_pin_differ_unless_the_same_form_makes_them():
    assert hashed_pin("2468") != hashed_pin("2468")
    assert hashed_pin("2468", "0123456789abcdef") == hashed_pin("2468", "0123456789abcdef")
    assert hashed_pin("2468", "0123456789abcdef") != hashed_pin("2469", "0123456789abcdef")


def test_wrong_pins_are_counted_and_a_right_one_forgets_them(zoe):
    assert refusal(zoe, "0000").facts["left"] == TRIES - 1
    assert refusal(zoe, "").facts["left"] == TRIES - 2
    assert prove(zoe.pk, "2468") == zoe
    assert refusal(zoe, "0000").facts["left"] == TRIES - 1


def test_five_wrong_pins_lock_even_the_right_one_until_the_time_is_over(zoe):
    for _try in range(TRIES):
        assert refusal(zoe, "0000").reason == "pin_wrong"
    assert refusal(zoe, "2468").reason == "pin_locked"
    zoe.refresh_from_db()
    assert timedelta(0) < zoe.locked_until - timezone.now() <= LOCKED_FOR
    zoe.locked_until = timezone.now() - timedelta(seconds=1)
    zoe.save(update_fields=["locked_until"])
    assert prove(zoe.pk, "2468") == zoe


def test_a_new_pin_ends_the_lock_and_the_old_pin(works, zoe):
    for _try in range(TRIES):
        refusal(zoe, "0000")
    people.reset_pin(
        actor=works.person("admin"), person_id=zoe.pk, pin_hash=hashed_pin("1357"), command_id=command_id()
    )
    assert prove(zoe.pk, "1357") == zoe
    assert refusal(zoe, "2468").reason == "pin_wrong"


def test_without_a_pin_nothing_proves_anything(works):
    nobody = works.person("operator", "blank")
    for pin in ("", "0000"):
        with pytest.raises(Refused) as refused:
            prove(nobody.id, pin)
        assert refused.value.reason == "pin_wrong"


@pytest.mark.parametrize("name", ["\0", "zoe\0", "zo\ne", "\u202eeoz"])
def test_a_user_name_that_nobody_can_have_is_wrong_and_breaks_nothing(db, name):
    answer = Client().post("/login/", {"username": name, "password": "x"})
    assert answer.status_code == 403
    assert "do not fit together" in answer.content.decode()


@pytest.mark.parametrize("badge", ["\0", "B-\0-X", "\u202e", "'; --"])
def test_a_badge_that_nobody_can_have_is_unknown(works, badge):
    with pytest.raises(Refused) as refused:
        identify(badge, works.site.pk)
    assert refused.value.reason == "badge_unknown"
