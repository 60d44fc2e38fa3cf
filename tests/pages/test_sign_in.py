"""Signing in at a desk: who gets in, where they land, and what stops guessing."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mes.accounts.models import SignInFailure, User
from tests.builders import Plant, plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


@pytest.fixture
def sam(works: Plant) -> User:
    return User.objects.get(pk=works.person("supervisor", "sam").id)


def attempt(client: Client, user: User, password: str = "secret", **fields: str):
    if not user.has_usable_password():
        user.set_password("secret")
        user.save(update_fields=["password"])
    return client.post("/login/", {"username": user.username, "password": password, **fields})


def test_a_person_signs_in_and_lands_on_the_floor(client, sam):
    answer = attempt(client, sam)
    assert (answer.status_code, answer["Location"]) == (302, "/floor/")
    assert client.get("/floor/").status_code == 200


def test_the_page_that_was_asked_for_comes_after_signing_in(client, sam):
    asked = client.get("/floor/?area=A&behind=1")
    assert asked["Location"] == "/login/?next=/floor/%3Farea%3DA%26behind%3D1"
    assert 'value="/floor/?area=A&amp;behind=1"' in client.get(asked["Location"]).content.decode()
    assert attempt(client, sam, next="/floor/?area=A")["Location"] == "/floor/?area=A"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_no_address_of_another_place_is_followed(client, sam, wanted):
    assert attempt(client, sam, next=wanted)["Location"] == "/floor/"


def test_a_wrong_password_is_said_in_plain_words_and_the_name_is_kept(client, sam):
    answer = attempt(client, sam, "wrong")
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "User name and password do not fit together." in text
    assert f'value="{sam.username}"' in text
    assert "wrong" not in text.replace("wrong tries", "")
    assert client.get("/floor/").status_code == 302


def test_an_unknown_name_is_answered_like_a_wrong_password(client, sam):
    nobody = User(username="nobody-of-this-name")
    known, unknown = attempt(client, sam, "wrong"), attempt(client, nobody, "wrong")
    strip = lambda answer, user: answer.content.decode().replace(user.username, "").count("do not fit together")  # noqa: E731
    assert (known.status_code, strip(known, sam)) == (unknown.status_code, strip(unknown, nobody))


def test_five_wrong_passwords_make_a_pause_even_for_the_right_one(client, sam):
    for _try in range(5):
        last = attempt(client, sam, "wrong")
    assert last.status_code == 429
    answer = attempt(client, sam)
    assert answer.status_code == 429
    assert "too many wrong passwords" in answer.content.decode()
    SignInFailure.objects.filter(username=sam.username).update(locked_until=timezone.now() - timedelta(seconds=1))
    assert attempt(client, sam).status_code == 302
    assert not SignInFailure.objects.filter(username=sam.username).exists()


def test_the_pause_does_not_reach_another_address(client, sam):
    for _try in range(6):
        attempt(client, sam, "wrong")
    elsewhere = Client(REMOTE_ADDR="10.1.2.3")
    assert attempt(elsewhere, sam).status_code == 302


def test_whoever_left_cannot_sign_in_and_loses_the_session(client, sam):
    attempt(client, sam)
    User.objects.filter(pk=sam.pk).update(is_active=False)
    assert client.get("/floor/").status_code == 302
    assert attempt(client, sam).status_code == 403


def test_signing_out_is_a_post_and_ends_the_session(client, sam):
    attempt(client, sam)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/floor/").status_code == 302


def test_the_bare_address_leads_to_the_floor(client):
    assert client.get("/")["Location"] == "/floor/"


def test_times_are_those_of_the_plant_and_words_those_of_the_person(client):
    works = plant(time_zone="Asia/Tokyo")
    user = User.objects.get(pk=works.person("supervisor").id)
    User.objects.filter(pk=user.pk).update(language="de")
    attempt(client, user)
    answer = client.get("/floor/")
    assert 'content="Asia/Tokyo"' in answer.content.decode()
    assert 'lang="de"' in answer.content.decode()
    assert works.site.name in answer.content.decode()
