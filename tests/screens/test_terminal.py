"""The terminal's list and jobs without a browser: what the pages show, what their forms do and refuse."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mes.kernel.models import CommandReceipt
from tests.pages.floor_cast import Cast, cast, operations
from tests.screens.hands import do, gesture, page, verdict, words
from workorders.models import Reason

pytestmark = pytest.mark.committed_db


@pytest.fixture
def floor(committed_db: None) -> Cast:
    return cast()


def test_the_list_says_why_a_row_stands_where_it_stands_and_why_it_cannot_start(floor: Cast) -> None:
    late = floor.order(operations=operations("PRESS-3"), need_date="2020-01-01T00:00:00Z")
    waits = floor.order(operations=operations("WC1", "PRESS-3"), need_date="2030-01-01T00:00:00Z")
    html = page(floor.client(), "/t/home/")
    rows = re.findall(r'data-testid="dispatch-row" data-operation="(\d+)"( data-blocked)?', html)
    assert rows == [(str(floor.operation(late).pk), ""), (str(floor.operation(waits, 20).pk), " data-blocked")]
    assert "Waits for operation 10" in words(html)
    assert "Needed" in words(html)


def test_the_list_of_another_plant_is_never_shown(floor: Cast) -> None:
    other = cast(code="PRESS-9")
    stranger = other.operation(other.order(operations=operations("PRESS-9")))
    client = floor.client()
    assert str(stranger) not in page(client, "/t/home/?wc=PRESS-9")
    assert client.get(f"/t/job/{stranger.pk}/").status_code == 404
    assert client.post(f"/t/job/{stranger.pk}/", gesture(act="start")).status_code == 404


def test_a_job_is_started_reported_completed_and_taken_back(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    path = f"/t/job/{operation.pk}/"
    assert 'data-testid="start"' in page(client, path)
    assert do(client, operation, act="start") == path
    html = page(client, path)
    assert 'data-testid="complete"' in html
    assert 'value="10"' in html
    assert do(client, operation, act="report", kind="good", quantity="4") == path
    assert "4 pc good reported" in words(page(client, path))
    assert do(client, operation, act="complete", quantity="6") == "/t/home/"
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("COMPLETED", 10)
    html = page(client, "/t/home/")
    assert "Completed with 10 pc good" in words(html)
    form = {
        name: re.search(rf'name="{name}" value="([^"]*)"', html[html.index("/t/undo/") :])[1]
        for name in ("target", "text", "job", "back")
    }
    undone = client.post("/t/undo/", gesture(**form), headers={"HX-Request": "true"})
    assert undone.headers["HX-Redirect"] == path
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("SUSPENDED", 4)
    receipt = CommandReceipt.objects.get(name="complete_operation", actor_id=floor.user.pk)
    assert receipt.terminal_id == floor.terminal.pk
    assert receipt.undone_by is not None


def test_pieces_that_are_left_over_are_a_question_with_its_answers(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    asked = do(client, operation, act="complete", quantity="7")
    assert verdict(asked) == "question"
    assert "3 pc stay open" in words(asked)
    assert "3 pc will not be made" in words(asked)
    answers = re.findall(r'name="remainder" value="(\w+)"', asked)
    assert answers == ["OPEN", "SHORT"]
    assert do(client, operation, act="complete", quantity="7", remainder="SHORT") == "/t/home/"
    operation.refresh_from_db()
    assert (operation.good, operation.short) == (7, 3)


def test_scrap_needs_a_reason_and_says_which_there_are(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    sheet = page(client, f"/t/job/{operation.pk}/scrap/")
    assert sheet.count('data-testid="reason"') == Reason.objects.filter(site=floor.plant.site, kind="SCRAP").count()
    refused = do(client, operation, act="report", kind="scrap", quantity="1")
    assert verdict(refused) == "refused"
    assert "CRACK" in words(refused)
    assert do(client, operation, act="report", kind="scrap", quantity="1", reason="CRACK").startswith("/t/job/")
    operation.refresh_from_db()
    assert operation.scrap == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "NaN", "1e400", "abc", "11", "9" * 30])
def test_a_quantity_that_cannot_be_is_refused_in_words_and_changes_nothing(floor: Cast, quantity: str) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    refused = do(client, operation, act="report", kind="good", quantity=quantity)
    assert verdict(refused) == "refused"
    operation.refresh_from_db()
    assert (operation.good, operation.open_quantity) == (0, 10)


def test_the_same_form_twice_counts_once(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    form = gesture(act="report", kind="good", quantity="4")
    for _ in range(3):
        answer = client.post(f"/t/job/{operation.pk}/", form, headers={"HX-Request": "true"})
        assert answer.status_code == 204
    operation.refresh_from_db()
    assert operation.good == 4
    other = form | {"quantity": "5"}
    assert client.post(f"/t/job/{operation.pk}/", other, headers={"HX-Request": "true"}).status_code == 422
    operation.refresh_from_db()
    assert operation.good == 4


def test_a_form_without_a_command_id_or_act_is_refused(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    for form in ({"act": "start"}, {"act": "start", "command_id": "x"}, gesture(act="explode"), gesture()):
        assert client.post(f"/t/job/{operation.pk}/", form, headers={"HX-Request": "true"}).status_code == 400
    operation.refresh_from_db()
    assert operation.state == "READY"


def test_without_scripts_a_form_leads_on_and_a_refusal_is_shown_on_the_page(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=10, operations=operations("PRESS-3")))
    path = f"/t/job/{operation.pk}/"
    assert client.post(path, gesture(act="start")).headers["Location"] == path
    assert client.post(path, gesture(act="report", kind="good", quantity="99")).headers["Location"] == path
    html = page(client, path)
    assert verdict(html) == "refused"
    assert 'data-testid="scan-verdict"' not in page(client, path)


def test_a_held_job_shows_why_and_offers_no_primary_act(floor: Cast) -> None:
    from workorders.actions.holds import place_hold

    order = floor.order(operations=operations("PRESS-3"))
    operation = floor.operation(order)
    lead = floor.plant.person("lead")
    place_hold(
        actor=lead, target="order", target_id=order.pk, reason="CHECK", note="look first", command_id=uuid.uuid4()
    )
    client = floor.client()
    html = page(client, f"/t/job/{operation.pk}/")
    assert "look first" in html
    assert "data-blocked" in page(client, "/t/home/")
    assert verdict(do(client, operation, act="start")) == "refused"


def test_a_value_out_of_its_limits_is_kept_and_blocks_completion_until_a_good_one(floor: Cast) -> None:
    floor.plant.item("PUMP")
    floor.plant.plan("PUMP", lower="9", upper="11")
    client = floor.client()
    operation = floor.operation(floor.order(quantity=2, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    path = f"/t/job/{operation.pk}/"
    assert 'data-testid="check-value"' in page(client, path)
    assert verdict(do(client, operation, act="complete", quantity="2")) == "refused"
    do(client, operation, act="check", code="dia", value="12,5")
    html = page(client, path)
    assert verdict(html) == "refused"
    assert "outside the limits" in words(html)
    assert verdict(do(client, operation, act="complete", quantity="2")) == "refused"
    do(client, operation, act="check", code="dia", value="10.2")
    assert "inside the limits" in words(page(client, path))
    assert 'data-testid="check-value"' not in page(client, path)
    sheet = page(client, f"/t/job/{operation.pk}/check/dia/")
    assert "12.5" in sheet
    assert "10.2" in sheet
    assert do(client, operation, act="complete", quantity="2") == "/t/home/"
    assert client.get(f"/t/job/{operation.pk}/check/nothing/").status_code == 404


def test_a_longer_list_costs_no_more_queries(floor: Cast) -> None:
    client = floor.client()
    floor.order(operations=operations("PRESS-3"))
    client.get("/t/home/")
    with CaptureQueriesContext(connection) as short:
        page(client, "/t/home/")
    for _ in range(6):
        floor.order(operations=operations("PRESS-3"))
    with CaptureQueriesContext(connection) as long:
        page(client, "/t/home/")
    assert len(long) <= len(short)
    assert len(long) <= 25


def test_a_job_with_much_to_do_costs_no_more_queries(floor: Cast) -> None:
    for number in range(6):
        floor.plant.item(f"PART{number}")
    few = floor.operation(floor.order(operations=operations("PRESS-3")))
    parts = [{"item": f"PART{number}", "quantity_per": "1", "unit": "pc", "operation": 10} for number in range(6)]
    many = floor.operation(floor.order(operations=operations("PRESS-3"), materials=parts))
    client = floor.client()
    with CaptureQueriesContext(connection) as short:
        page(client, f"/t/job/{few.pk}/")
    with CaptureQueriesContext(connection) as long:
        page(client, f"/t/job/{many.pk}/")
    assert len(long) <= len(short) + 1
    assert len(long) <= 30
