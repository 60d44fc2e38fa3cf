"""The ERP pages: health in words, messages with their attempts, and what a person may do about them."""

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import expect

from erp_sync.adapters.errors import AuthDenied, NeedsDecision, Rejected, Unreachable
from erp_sync.models import ErpConnection, InboundRecord, OutboundMessage
from tests.browser import DESK, TERMINAL, WALL, looks_right
from tests.erp.conftest import scripted, site
from tests.erp.engine import Works
from tests.erp.scripted import ScriptedAdapter

__all__ = ["scripted", "site"]

QUERIES = {"/integrations/": 12, "/integrations/messages/": 13}


def desk(site: Works, role: str = "erp") -> Client:
    client = Client()
    client.force_login(get_user_model().objects.get(pk=site.plant.person(role).id))
    return client


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def parked(site: Works, scripted: type[ScriptedAdapter], failure: Exception) -> OutboundMessage:
    order = site.erp_order()
    site.finish(order, good=9, scrap=1)
    scripted.script.append(failure)
    site.work()
    return site.message(order)


def post(client: Client, path: str, **fields: str) -> int:
    return client.post(path, {"command_id": str(uuid.uuid4()), **fields}).status_code


def test_a_connection_says_how_it_is_in_words(site: Works, scripted: type[ScriptedAdapter]) -> None:
    client = desk(site)
    assert "not tried yet" in text_of(client, "/integrations/")

    order = site.erp_order()
    site.finish(order)
    site.work()
    page = text_of(client, "/integrations/")
    assert "healthy" in page
    assert "Everything that was finished is confirmed." in page

    parked(site, scripted, Rejected("bad_lot", "In the ERP lot R is of another item."))
    assert "1 message needs a person." in text_of(client, "/integrations/")

    scripted.script.append(Unreachable("The ERP cannot be reached at http://erp."))
    site.finish(site.erp_order())
    site.work()
    assert "The ERP cannot be reached at http://erp. The floor goes on" in text_of(client, "/integrations/")

    site.hurry()
    scripted.script.append(AuthDenied("The ERP refuses the user mes."))
    site.tell()
    page = text_of(client, "/integrations/")
    assert "stopped" in page
    assert "The ERP refuses the user mes." in page


def test_an_empty_page_says_how_a_connection_is_made(site: Works) -> None:
    from tests.builders import plant

    other = plant()
    client = Client()
    client.force_login(get_user_model().objects.get(pk=other.person("erp").id))
    assert "connect_erp" in text_of(client, "/integrations/")
    assert "No messages here" in text_of(client, "/integrations/messages/")


def test_a_connection_is_paused_with_a_reason_and_resumed(site: Works) -> None:
    client, path = desk(site), f"/integrations/{site.connection.pk}"
    assert post(client, f"{path}/pause/", reason=" ") == 422
    assert post(client, f"{path}/pause/", reason="New server") == 302
    assert "New server" in text_of(client, "/integrations/")
    assert post(client, f"{path}/resume/") == 302
    assert ErpConnection.objects.get(pk=site.connection.pk).state == "ACTIVE"


def test_a_message_shows_its_cause_its_attempts_and_what_is_told_and_no_secret(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    message = parked(site, scripted, Rejected("bad_lot", "In the ERP lot R is of another item."))
    page = text_of(desk(site), "/integrations/messages/")

    assert page.count('data-testid="message-row"') == 1
    assert "In the ERP lot R is of another item." in page
    assert "No automatic try: this needs a person." in page
    assert f"{message.label}, 9 pc good" in page
    assert "Scrap" in page
    assert "s3cret-password" not in page


def test_retry_sends_it_again_and_skip_settles_it_with_its_reason(site: Works, scripted: type[ScriptedAdapter]) -> None:
    client = desk(site)
    first = parked(site, scripted, Rejected("bad_lot", "No."))
    second = parked(site, scripted, Rejected("bad_lot", "No."))
    assert post(client, f"/integrations/messages/{first.pk}/retry/") == 302
    site.tell()
    assert OutboundMessage.objects.get(pk=first.pk).state == "POSTED"

    assert post(client, f"/integrations/messages/{second.pk}/skip/", reason="") == 422
    assert post(client, f"/integrations/messages/{second.pk}/skip/", reason="Booked there by hand") == 302
    second.refresh_from_db()
    assert (second.state, second.reason) == ("SKIPPED", "Booked there by hand")
    assert second.settled_by == str(get_user_model().objects.get(pk=site.plant.person("erp").id))
    assert post(client, f"/integrations/messages/{first.pk}/again/", reason="Restored") == 302
    assert OutboundMessage.objects.get(pk=first.pk).state == "PENDING"


def test_a_question_offers_to_accept(site: Works, scripted: type[ScriptedAdapter]) -> None:
    message = parked(site, scripted, NeedsDecision("under", "Less resin than planned."))
    client = desk(site)
    assert 'data-testid="accept"' in text_of(client, "/integrations/messages/")
    assert post(client, f"/integrations/messages/{message.pk}/retry/", accept="1") == 302
    message.refresh_from_db()
    assert (message.state, message.accepted) == ("PENDING", ["under"])


def test_several_messages_of_one_cause_are_named_together_and_retried_together(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    client = desk(site)
    for _ in range(3):
        parked(site, scripted, Rejected("period", "The period is closed."))
    parked(site, scripted, Rejected("other", "Something else."))
    page = text_of(client, "/integrations/messages/")
    assert "3 messages wait for one cause:" in page

    assert client.post("/integrations/messages/retry/", {"code": "period", "class": "Rejected"}).status_code == 302
    states = list(OutboundMessage.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["PENDING", "PENDING", "PENDING", "PARKED"]


def test_incomplete_records_are_listed_with_what_they_lack(site: Works) -> None:
    InboundRecord.objects.create(
        connection=site.connection,
        entity="order",
        key="17",
        digest="d",
        modified_at="2026-01-01T00:00:00Z",
        body={},
        state="PARKED",
        reason="Item FG-200 is not known.",
    )
    assert "Item FG-200 is not known." in text_of(desk(site), "/integrations/")


@pytest.mark.parametrize(
    ("role", "sees", "retries", "skips"),
    [("operator", 403, 403, 403), ("auditor", 200, 403, 403), ("planner", 200, 302, 403), ("erp", 200, 302, 302)],
)
def test_who_may_look_and_who_may_decide(
    site: Works, scripted: type[ScriptedAdapter], role: str, sees: int, retries: int, skips: int
) -> None:
    client = desk(site, role)
    one = parked(site, scripted, Rejected("bad", "No."))
    two = parked(site, scripted, Rejected("bad", "No."))
    assert client.get("/integrations/").status_code == sees
    assert client.get("/integrations/messages/").status_code == sees
    assert post(client, f"/integrations/messages/{one.pk}/retry/") == retries
    assert post(client, f"/integrations/messages/{two.pk}/skip/", reason="By hand") == skips


def test_another_sites_messages_are_neither_shown_nor_touched(site: Works, scripted: type[ScriptedAdapter]) -> None:
    from tests.erp.engine import works

    message = parked(site, scripted, Rejected("bad", "No."))
    stranger = desk(works())
    assert message.label not in text_of(stranger, f"/integrations/messages/?state=all&message={message.pk}")
    assert post(stranger, f"/integrations/messages/{message.pk}/retry/") == 404
    assert post(stranger, f"/integrations/{site.connection.pk}/pause/", reason="x") == 404


@pytest.mark.parametrize("path", QUERIES)
def test_a_page_takes_the_same_queries_however_much_there_is(
    site: Works,
    scripted: type[ScriptedAdapter],
    path: str,
    django_assert_max_num_queries: object,
) -> None:
    client = desk(site)
    parked(site, scripted, Rejected("a", "No."))
    client.get(path)
    with django_assert_max_num_queries(QUERIES[path]) as few:  # type: ignore[operator]
        client.get(path)
    for place in range(5):
        parked(site, scripted, Rejected(f"code {place % 2}", "No."))
    with django_assert_max_num_queries(len(few.captured_queries)):  # type: ignore[operator]
        client.get(path)


def test_the_live_part_answers_304_until_something_happens(site: Works, scripted: type[ScriptedAdapter]) -> None:
    client = desk(site)
    first = client.get("/integrations/messages/?part=messages")
    assert "<html" not in first.content.decode()
    again = client.get("/integrations/messages/?part=messages", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    parked(site, scripted, Rejected("a", "No."))
    changed = client.get("/integrations/messages/?part=messages", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_look_right_at_every_size(scripted: type[ScriptedAdapter], open_page, theme: str) -> None:
    from tests.erp.engine import works

    site = works()
    for place in range(8):
        order = site.erp_order()
        site.finish(order, good=9, scrap=1)
        if place % 2:
            scripted.script.append(Rejected("period", "The ERP says that period 2026-10 is closed."))
        site.work()
    scripted.script.append(NeedsDecision("under", "Less resin than planned: 2.1 kg of at least 2.25 kg."))
    order = site.erp_order()
    site.finish(order)
    site.work()
    erin = get_user_model().objects.get(pk=site.plant.person("erp", "erin").id)
    erin.set_password("secret")
    erin.save()
    for name, size in [("1280", TERMINAL), ("1440", DESK), ("1920", WALL)]:
        page = open_page(size, theme=theme).open("/login/?next=/integrations/")
        page.get_by_label("User name").fill(f"{site.plant.prefix}-erin")
        page.get_by_label("Password").fill("secret")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_test_id("connection")).to_have_count(1)
        looks_right(page, f"connections-{name}-{theme}")
        page.get_by_role("link", name="Look at 5 messages").click()
        expect(page.get_by_test_id("message-row")).to_have_count(5)
        looks_right(page, f"sync-messages-{name}-{theme}")
    if theme == "light":
        page.get_by_test_id("retry").click()
        expect(page.get_by_test_id("message-detail")).to_contain_text("Next try within seconds.")
