"""Coming in at a terminal: pairing, badge and PIN, leaving, and what none of them opens."""

import re

import pytest
from django.test import Client

from mes.accounts import terminals
from mes.accounts.actions.terminals import revoke_terminal
from mes.accounts.models import Terminal, User
from tests.builders import command_id
from tests.pages.floor_cast import PIN, Cast, cast, operations
from tests.screens.hands import do, page

pytestmark = pytest.mark.committed_db


@pytest.fixture
def floor(committed_db: None) -> Cast:
    return cast()


def test_a_browser_without_a_terminal_is_sent_to_pair(floor: Cast) -> None:
    client = Client()
    for path in ("/t/", "/t/home/"):
        assert client.get(path).headers["Location"] == "/t/setup/"
    assert "Pairing code" in page(client, "/t/setup/")


def test_a_supervisor_pairs_the_browser_at_once(floor: Cast) -> None:
    supervisor = floor.plant.person("supervisor")
    client = Client()
    client.force_login(User.objects.get(pk=supervisor.id))
    form = page(client, "/t/setup/")
    assert "PRESS-3" in form
    center = floor.terminal.work_center_id
    answer = client.post("/t/setup/", {"act": "here", "work_center": center, "name": "Left", "millimetre": "5.9"})
    assert answer.headers["Location"] == "/t/"
    cookie = client.cookies[terminals.COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    made = terminals.terminal_of(cookie.value)
    assert made is not None
    assert (made.name, str(made.millimetre)) == ("Left", "5.9")
    assert "Scan your badge" in page(client, "/t/")


def test_a_code_pairs_another_browser_once(floor: Cast) -> None:
    desk = Client()
    desk.force_login(User.objects.get(pk=floor.plant.person("supervisor").id))
    shown = desk.post("/t/setup/", {"act": "code", "work_center": floor.terminal.work_center_id}).content.decode()
    code = re.search(r'data-testid="pairing-code">(\w{6})<', shown)[1]
    assert "<svg" in shown
    terminal = Client()
    assert terminal.post("/t/setup/", {"code": code.lower()}).headers["Location"] == "/t/"
    assert terminals.COOKIE in terminal.cookies
    again = Client().post("/t/setup/", {"code": code})
    assert again.status_code == 422
    assert "not valid" in again.content.decode()


def test_an_operator_cannot_pair_and_a_foreign_work_center_is_unknown(floor: Cast) -> None:
    client = Client()
    client.force_login(floor.user)
    refused = client.post("/t/setup/", {"act": "here", "work_center": floor.terminal.work_center_id})
    assert refused.status_code == 422
    other = cast()
    client.force_login(User.objects.get(pk=floor.plant.person("supervisor").id))
    unknown = client.post("/t/setup/", {"act": "here", "work_center": other.terminal.work_center_id})
    assert unknown.status_code == 422
    assert not Terminal.objects.filter(site_id=floor.plant.site.pk, work_center_id=other.terminal.work_center_id)


def test_a_revoked_terminal_is_no_terminal(floor: Cast) -> None:
    client = floor.client()
    assert client.get("/t/home/").status_code == 200
    revoke_terminal(actor=floor.plant.person("supervisor"), terminal_id=floor.terminal.pk, command_id=command_id())
    assert client.get("/t/home/").headers["Location"] == "/t/setup/"


def test_the_badge_says_who_and_only_the_pin_lets_in(floor: Cast) -> None:
    client = floor.client(signed_in=False)
    assert client.get("/t/home/").headers["Location"].startswith("/t/?next=")
    client.post("/t/", {"badge": floor.badge})
    assert "Anna" in page(client, "/t/")
    assert client.get("/t/home/").status_code == 302
    wrong = client.post("/t/", {"pin": "0000"})
    assert wrong.status_code == 422
    assert "4 tries are left" in wrong.content.decode()
    assert client.get("/t/home/").status_code == 302
    assert client.post("/t/", {"pin": PIN}).headers["Location"] == "/t/home/"
    assert "Anna" in page(client, "/t/home/")


def test_five_wrong_pins_lock_the_badge(floor: Cast) -> None:
    client = floor.client(signed_in=False)
    client.post("/t/", {"badge": floor.badge})
    answers = [client.post("/t/", {"pin": "0000"}).content.decode() for _ in range(6)]
    assert "locked" in answers[-1]
    assert "locked" in client.post("/t/", {"pin": PIN}).content.decode()


def test_an_unknown_badge_is_refused_in_words(floor: Cast) -> None:
    client = floor.client(signed_in=False)
    refused = client.post("/t/", {"badge": "NOBODY"})
    assert refused.status_code == 422
    assert "not known here" in refused.content.decode()


def test_a_pin_opens_the_terminal_and_no_desk_page(floor: Cast) -> None:
    client = floor.client()
    assert client.get("/t/home/").status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_new_pin_ends_what_the_old_one_opened(floor: Cast) -> None:
    client = floor.client()
    User.objects.filter(pk=floor.user.pk).update(pin="another")
    assert client.get("/t/home/").status_code == 302


def test_an_idle_terminal_locks_itself_and_polling_does_not_keep_it_awake(
    floor: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mes.screens.terminal import access

    client = floor.client()
    now = access.time.time()
    monkeypatch.setattr(access.time, "time", lambda: now + access.IDLE_SECONDS - 60)
    assert client.get("/t/home/", headers={"X-Live-Region": "1", "HX-Request": "true"}).status_code == 200
    monkeypatch.setattr(access.time, "time", lambda: now + access.IDLE_SECONDS + 60)
    assert client.get("/t/home/", headers={"X-Live-Region": "1", "HX-Request": "true"}).status_code == 401
    assert client.get("/t/home/").status_code == 302


def test_leaving_locks_and_what_runs_goes_on(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    do(client, operation, act="start")
    assert client.post("/t/leave/").headers["Location"] == "/t/"
    assert client.get("/t/home/").status_code == 302
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
    assert str(operation) in page(client, "/t/")


def test_the_way_back_after_the_pin_stays_inside_the_terminal(floor: Cast) -> None:
    client = floor.client(signed_in=False)
    client.get("/t/?next=//evil.example/")
    client.post("/t/", {"badge": floor.badge})
    assert client.post("/t/", {"pin": PIN}).headers["Location"] == "/t/home/"
