"""Scans at the terminal without a browser: verdicts, where they lead, what they do once."""

import json
import re

import pytest

from mes.accounts.models import User
from mes.kernel.models import CommandReceipt
from mes.kernel.scanning import Kind, make_code
from tests.builders import Doer
from tests.pages.floor_cast import PIN, Cast, cast, operations
from tests.screens.hands import do, gesture, page, scan, verdict, words

pytestmark = pytest.mark.committed_db


@pytest.fixture
def floor(committed_db: None) -> Cast:
    return cast()


def test_a_badge_at_the_lock_asks_for_the_pin_and_anything_else_for_a_badge(floor: Cast) -> None:
    client = floor.client(signed_in=False)
    order = floor.order(operations=operations("PRESS-3"))
    told = scan(client, make_code(Kind.ORDER, order.number), page="lock")
    assert "badge" in words(told).lower()
    html = scan(client, floor.badge_code, page="lock")
    assert verdict(html) == "good"
    assert 'data-go="/t/"' in html
    assert "Anna" in page(client, "/t/")
    assert client.get("/t/home/").status_code == 302


def test_another_badge_in_the_middle_of_a_job_switches_the_person_and_keeps_the_job(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    ben = floor.plant.person("operator", "ben")
    user = User.objects.get(pk=ben.id)
    user.pin = User.objects.get(pk=floor.user.pk).pin
    user.save(update_fields=["pin"])
    code = user.badges.get(revoked_at__isnull=True).code
    scan(client, code, "job", operation)
    assert "Ben" in page(client, "/t/")
    assert client.post("/t/", {"pin": PIN}).headers["Location"] == f"/t/job/{operation.pk}/"
    do(client, operation, act="start")
    assert CommandReceipt.objects.get(name="start_operation", actor_id=ben.id).terminal_id == floor.terminal.pk


def test_scanning_the_traveler_opens_the_job_and_begins_it(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    html = scan(client, floor.traveler(operation))
    assert verdict(html) == "good"
    assert f'data-go="/t/job/{operation.pk}/"' in html
    operation.refresh_from_db()
    assert operation.state == "RUNNING"


def test_a_traveler_of_another_work_center_is_opened_and_not_begun(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("WC1")))
    html = scan(client, floor.traveler(operation))
    assert f'data-go="/t/job/{operation.pk}/"' in html
    operation.refresh_from_db()
    assert operation.state == "READY"


def test_a_lot_that_is_due_is_used_with_what_is_required_and_can_be_taken_back(floor: Cast) -> None:
    floor.plant.item("BLANK")
    lot = floor.plant.lot("BLANK", "B2307", 100)
    wrong = floor.plant.lot("OTHER", "X1", 5) if floor.plant.item("OTHER") else None
    client = floor.client()
    operation = floor.operation(
        floor.order(
            quantity=10,
            operations=operations("PRESS-3"),
            materials=[{"item": "BLANK", "quantity_per": "2", "unit": "pc", "operation": 10}],
        )
    )
    sheet = page(client, f"/t/job/{operation.pk}/materials/")
    assert "B2307" in sheet
    assert wrong is not None
    assert verdict(scan(client, make_code(Kind.LOT, wrong.number), "job", operation)) == "refused"
    used = scan(client, make_code(Kind.LOT, lot.number), "job", operation)
    assert verdict(used) == "good"
    assert "20 pc" in words(used)
    operation.refresh_from_db()
    assert operation.state == "RUNNING"
    again = scan(client, make_code(Kind.LOT, lot.number), "job", operation)
    assert verdict(again) == "question"
    sheet = page(client, f"/t/job/{operation.pk}/materials/")
    target = re.search(r'name="target" value="([^"]+)"><button', sheet)[1]
    assert do(client, operation, act="undo", target=target).startswith("/t/job/")
    assert "20" in words(page(client, f"/t/job/{operation.pk}/materials/"))
    lot_now = page(client, f"/t/job/{operation.pk}/")
    assert "to scan" in lot_now


@pytest.mark.parametrize(
    ("code", "verdict_wanted"),
    [
        ("NO-SUCH-THING", "unknown"),
        ("L-B2307-0", "refused"),
        (make_code("L", "A") + make_code("L", "B"), "refused"),
        ("bad\x00code", "refused"),
        ("x" * 300, "refused"),
        ("<script>alert(1)</script>", "unknown"),
        ("", "refused"),
        ("]C10109501101530004", "refused"),
    ],
)
def test_a_scan_that_is_no_good_gets_its_verdict_and_changes_nothing(
    floor: Cast, code: str, verdict_wanted: str
) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    before = CommandReceipt.objects.filter(site_id=floor.plant.site.pk).count()
    html = scan(client, code, "job", operation)
    assert verdict(html) == verdict_wanted
    assert "<script>alert" not in html
    assert CommandReceipt.objects.filter(site_id=floor.plant.site.pk).count() == before
    assert len(re.findall(r'<p class="(?:what|did|next)"', html)) == 3


def test_a_reason_opens_its_sheet_and_a_quantity_fills_the_field(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    do(client, operation, act="start")
    html = scan(client, make_code(Kind.REASON, "CRACK"), "job", operation)
    assert f'data-go="/t/job/{operation.pk}/scrap/?reason=CRACK"' in html
    sheet = page(client, f"/t/job/{operation.pk}/scrap/?reason=CRACK")
    assert re.search(r'data-choose="CRACK"[^>]*aria-pressed="true"', sheet)
    html = scan(client, make_code(Kind.QUANTITY, "7"), "job", operation)
    assert 'data-fill="7" data-fill-into="quantity"' in html


def test_command_codes_complete_pause_and_lock(floor: Cast) -> None:
    client = floor.client()
    operation = floor.operation(floor.order(quantity=3, operations=operations("PRESS-3")))
    do(client, operation, act="start")
    assert verdict(scan(client, make_code(Kind.COMMAND, "PAUSE"), "job", operation)) == "good"
    operation.refresh_from_db()
    assert operation.state == "SUSPENDED"
    scan(client, make_code(Kind.COMMAND, "RESUME"), "job", operation)
    html = scan(client, make_code(Kind.COMMAND, "DONE"), "job", operation)
    assert 'data-go="/t/home/"' in html
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("COMPLETED", 3)
    assert 'data-go="/t/"' in scan(client, make_code(Kind.COMMAND, "LOCK"))
    assert client.get("/t/home/").status_code == 302


def test_the_same_scan_asked_again_is_done_once(floor: Cast) -> None:
    floor.plant.item("BLANK")
    floor.plant.lot("BLANK", "B9", 100)
    client = floor.client()
    operation = floor.operation(
        floor.order(
            quantity=10,
            operations=operations("PRESS-3"),
            materials=[{"item": "BLANK", "quantity_per": "1", "unit": "pc", "operation": 10}],
        )
    )
    context = json.dumps({"page": "job", "operation": operation.pk})
    sent = gesture(code=make_code(Kind.LOT, "B9"), context=context)
    answers = [client.post("/t/scan/", sent, headers={"HX-Request": "true"}).content.decode() for _ in range(3)]
    assert [verdict(answer) for answer in answers] == ["good", "good", "good"]
    assert CommandReceipt.objects.filter(name="consume_material", site_id=floor.plant.site.pk).count() == 1


@pytest.mark.parametrize("context", ["", "nonsense", "[]", '{"page": "job", "operation": "x"}', '{"page": "moon"}'])
def test_a_scan_from_a_page_that_is_not_ours_is_refused(floor: Cast, context: str) -> None:
    client = floor.client()
    sent = gesture(code="5521", context=context)
    answer = client.post("/t/scan/", sent, headers={"HX-Request": "true"})
    assert answer.status_code in {200, 400, 422}
    assert answer.status_code != 200 or context == ""


def test_another_person_working_on_the_job_is_shown_and_can_be_joined(floor: Cast) -> None:
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    Doer(floor.plant.person("operator", "ben")).start(operation)
    client = floor.client()
    html = page(client, f"/t/job/{operation.pk}/")
    assert "Ben" in html
    assert "Join" in html
    do(client, operation, act="start")
    assert "Join" not in page(client, f"/t/job/{operation.pk}/")


def test_a_role_without_floor_acts_sees_the_job_and_cannot_start_it(floor: Cast) -> None:
    planner = floor.plant.person("planner")
    user = User.objects.get(pk=planner.id)
    user.pin = User.objects.get(pk=floor.user.pk).pin
    user.save(update_fields=["pin"])
    client = floor.client(signed_in=False)
    client.post("/t/", {"badge": user.badges.get(revoked_at__isnull=True).code})
    client.post("/t/", {"pin": PIN})
    operation = floor.operation(floor.order(operations=operations("PRESS-3")))
    assert client.get(f"/t/job/{operation.pk}/").status_code == 200
    assert "may not do this" in words(do(client, operation, act="start"))
    operation.refresh_from_db()
    assert operation.state == "READY"
