"""One order's page: its head, its tabs, what can be done with it, and what a refusal keeps."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import expect

from quality.actions.inspections import record_check
from tests.browser import DESK, looks_right
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import SIZES, desk, sign_in
from workorders.actions.holds import place_hold
from workorders.models import Hold, WorkOrder

TABS = ("route", "timeline", "materials", "quality", "labor", "genealogy", "erp")


@pytest.fixture
def works(db) -> Plant:
    return plant()


def worked(works: Plant, **more: object) -> WorkOrder:
    """An order with a component, a check, a report and a scrap."""
    works.item("RAW")
    works.item("FG")
    works.lot("RAW", "R-1", 50)
    works.plan("FG")
    order = works.order(
        operations=[
            {"sequence": 10, "work_center": "WC1", "name": "Press", "setup_minutes": 10, "run_minutes_per_unit": 3},
            {"sequence": 20, "work_center": "WC1", "name": "Turn", "run_minutes_per_unit": 6},
        ],
        materials=[{"item": "RAW", "quantity_per": 2, "operation": 10}],
        need_date=(timezone.now() + timedelta(hours=4)).isoformat(),
        **more,
    )
    hand = Doer(works.person())
    first = works.operation(order)
    hand.start(first)
    hand.consume(first, "R-1", 8)
    hand.report(first, 3)
    hand.report(first, 0, scrap=1, reason="CRACK")
    record_check(actor=works.person(), operation_id=first.pk, code="dia", value="10.1", command_id=command_id())
    return order


def url(order: WorkOrder) -> str:
    return f"/orders/{order.number}/"


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_every_tab_shows_its_facts(works):
    order = worked(works)
    client = desk(works)
    shown = {tab: text_of(client.get(f"{url(order)}?tab={tab}")) for tab in TABS}
    assert "It runs at op 10 Press" in shown["route"]
    assert "Turn" in shown["route"]
    assert "3 good on op 10 Press" in shown["timeline"]
    assert "1 scrap on op 10 Press · Crack" in shown["timeline"]
    assert "Began work on op 10 Press" in shown["timeline"]
    assert "R-1: 8 pc used on op 10 Press" in shown["timeline"]
    assert re.search(r"Item RAW RAW 20 pc 8 12 R-1 8", shown["materials"])
    assert "Diameter · mandatory" in shown["quality"]
    assert "10.1" in shown["quality"]
    assert "passed" in shown["quality"]
    assert "on it now" in shown["labor"]
    assert "No lot yet" in shown["genealogy"]
    assert "No message yet" in shown["erp"]


def test_genealogy_names_the_component_lots_of_what_was_made(works):
    order = worked(works)
    hand = Doer(works.person())
    hand.complete(works.operation(order), good=6)
    hand.start(works.operation(order, 20))
    hand.complete(works.operation(order, 20), good=9)
    shown = text_of(desk(works).get(f"{url(order)}?tab=genealogy"))
    assert "Made of" in shown
    assert "1 R-1 Item RAW RAW" in shown
    assert "Not used in anything yet" in shown


def test_the_timeline_is_narrowed_by_kind_and_paged(works):
    order = worked(works)
    client = desk(works)
    assert "used on op" not in text_of(client.get(f"{url(order)}?tab=timeline&kind=operation"))
    assert "used on op" in text_of(client.get(f"{url(order)}?tab=timeline&kind=material"))
    assert "No such event" in text_of(client.get(f"{url(order)}?tab=timeline&kind=erp"))
    hand = Doer(works.person())
    for _place in range(52):
        hand.suspend(works.operation(order))
        hand.start(works.operation(order))
    first = client.get(f"{url(order)}?tab=timeline&kind=operation").content.decode()
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = client.get(url(order) + older[1].replace("&amp;", "&")).content.decode()
    ids = re.findall(r'id="event-(\d+)"', first) + re.findall(r'id="event-(\d+)"', second)
    assert len(ids) == len(set(ids)) == 100
    assert ids == sorted(ids, key=int, reverse=True)


@pytest.mark.parametrize("number", ["A/B", "50%", "ü & ö", "?x=1", "..", "new", "a b"])
def test_numbers_with_odd_characters_have_a_page(works, number):
    order = works.order(number=number)
    client = desk(works)
    listed = re.search(r'<th scope="row"><a href="([^"]+)"', client.get("/orders/").content.decode())
    assert listed
    answer = client.get(listed[1])
    assert answer.status_code == 200
    assert "Order" in answer.content.decode()
    assert client.get(f"/orders/~{order.pk}/").status_code == 200


def test_unknown_and_foreign_orders_are_not_found(works):
    foreign = plant().order()
    client = desk(works)
    for path in ["/orders/none/", f"/orders/{foreign.number}/", f"/orders/~{foreign.pk}/", "/orders/~x/"]:
        answer = client.get(path)
        assert answer.status_code == 404
        assert "is not known here" in answer.content.decode()


def act(works: Plant, order: WorkOrder, key: str, role: str = "supervisor", **fields: object):
    client = desk(works, role)
    answer = client.post(url(order), {"act": key, "command_id": str(command_id()), **fields})
    order.refresh_from_db()
    return answer


def test_an_order_lives_from_its_page(works):
    order = works.order(released=False, operations=2)
    assert act(works, order, "release").status_code == 302
    assert order.state == "RELEASED"
    assert act(works, order, "recall").status_code == 302
    assert order.state == "PLANNED"
    act(works, order, "release")
    assert act(works, order, "hold", reason="CHECK", note="why").status_code == 302
    hold = Hold.objects.get(order=order)
    assert (hold.note, hold.released_at) == ("why", None)
    assert act(works, order, "release-hold", hold=hold.pk).status_code == 302
    hold.refresh_from_db()
    assert hold.released_at is not None
    assert act(works, order, "split", quantity="4").status_code == 302
    assert order.quantity == 6
    assert order.splits.get().quantity == 4
    first = works.operation(order)
    assert act(works, order, "skip", operation=first.pk, reason="NOT_NEEDED").status_code == 302
    first.refresh_from_db()
    assert first.state == "SKIPPED"
    hand = Doer(works.person())
    hand.start(works.operation(order, 20))
    hand.complete(works.operation(order, 20), good=6)
    assert act(works, order, "close", note="ready").status_code == 302
    assert order.state == "CLOSED"


def test_a_running_order_is_cancelled_only_with_a_decision_on_its_pieces(works):
    order = worked(works)
    refused = act(works, order, "cancel", reason="CHECK")
    assert refused.status_code == 422
    assert "it must be said what becomes of them" in refused.content.decode()
    assert act(works, order, "cancel", reason="CHECK", wip="SCRAP").status_code == 302
    assert order.state == "CANCELLED"


def test_a_refusal_keeps_what_was_typed_beside_what_is_wrong(works):
    order = works.order()
    answer = act(works, order, "split", quantity="99", number="MY-NUMBER")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'name="quantity" value="99"' in page
    assert 'name="number" value="MY-NUMBER"' in page
    assert "Enter a smaller quantity." in page
    assert order.quantity == 10


def test_a_number_typed_with_a_comma_is_understood(works):
    works.item("KG", unit="pc")
    order = works.order(quantity=10)
    assert act(works, order, "split", quantity="2,5").status_code == 422
    assert act(works, order, "split", quantity="2,0").status_code == 302


def test_the_same_form_sent_twice_acts_once(works):
    order = works.order()
    client, key = desk(works), str(uuid.uuid4())
    for _time in range(2):
        answer = client.post(url(order), {"act": "split", "quantity": "4", "command_id": key})
        assert answer.status_code == 302
    assert order.splits.count() == 1


def test_an_act_that_the_role_may_not_do_is_shown_with_who_may(works):
    order = works.order(released=False)
    page = desk(works, "lead").get(url(order)).content.decode()
    assert 'aria-disabled="true"' in page
    assert "This may be done by: supervisor, planner, ERP administrator, system administrator." in page
    assert act(works, order, "release", role="lead").status_code == 403
    assert order.state == "PLANNED"


def test_an_act_that_the_state_forbids_is_not_offered_and_refused(works):
    order = works.order()
    page = desk(works).get(url(order)).content.decode()
    assert "Close" not in re.findall(r"</svg> ([A-Z][a-z ]+)", page)
    assert act(works, order, "close").status_code == 422
    assert act(works, order, "nonsense").status_code == 422


def test_an_order_that_cannot_be_made_says_what_is_missing(works):
    works.item("NOROUTE")
    works.work_center()
    order = works.order(released=False)
    WorkOrder.objects.filter(pk=order.pk).update(
        state="RECEIVED", blockers=[{"reason": "no_routing", "message": "Item NOROUTE has no routing."}]
    )
    page = desk(works).get(url(order)).content.decode()
    assert "The order cannot be made yet." in page
    assert "Item NOROUTE has no routing." in page


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_takes_the_same_queries_for_two_operations_as_for_ten(works, tab):
    client = desk(works)
    taken = []
    for count in (2, 10):
        order = works.order(operations=count)
        hand = Doer(works.person())
        hand.start(works.operation(order))
        hand.report(works.operation(order), count // 2)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{url(order)}?tab={tab}")
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 20


def test_keying_in_an_order_makes_it_and_leads_to_its_page(works):
    works.item("FG")
    works.work_center()
    client = desk(works, "planner")
    assert client.get("/orders/new/").status_code == 200
    fields = {"number": "K-1", "item": "FG", "quantity": "12", "need_date": "2027-01-05T14:00", "priority": "2"}
    answer = client.post("/orders/new/", {**fields, "command_id": str(command_id())})
    assert (answer.status_code, answer["Location"]) == (302, "/orders/K-1/")
    order = WorkOrder.objects.get(site=works.site, number="K-1")
    assert (order.quantity, order.source, order.state) == (12, "manual", "RECEIVED")
    assert order.need_date is not None
    assert order.need_date.isoformat() == "2027-01-05T14:00:00+00:00"
    assert "has no routing" in client.get("/orders/K-1/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"item": "NOTHING"}, "NOTHING"),
        ({"quantity": "many"}, "is not a number"),
        ({"quantity": "1.5"}, "whole pieces"),
        ({"number": "~7"}, "tilde"),
        ({"need_date": "soon"}, "ISO 8601"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(works, wrong, words):
    works.item("FG")
    fields = {"number": "K-2", "item": "FG", "quantity": "12", "customer_order": "SO-9", **wrong}
    answer = desk(works, "planner").post("/orders/new/", {**fields, "command_id": str(command_id())})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'value="SO-9"' in page
    assert not WorkOrder.objects.filter(site=works.site).exists()


def test_a_number_is_used_once(works):
    order = works.order(released=False)
    fields = {"number": order.number, "item": "FG", "quantity": "99", "command_id": str(command_id())}
    answer = desk(works, "planner").post("/orders/new/", fields)
    assert answer.status_code == 422
    assert "exists already" in answer.content.decode()
    order.refresh_from_db()
    assert order.quantity == 10


@pytest.mark.browser
def test_the_page_follows_the_floor_while_a_form_is_open(open_page):
    works = plant()
    order = works.order()
    page = sign_in(open_page(DESK), works, path=f"/orders/{order.number}/")
    page.get_by_role("link", name="Hold").click()
    page.get_by_label("Note").fill("half a sentence")
    page.wait_for_timeout(700)  # the stream opens
    Doer(works.person()).start(works.operation(order))
    expect(page.locator("h1")).to_contain_text("running", timeout=2000)
    expect(page.get_by_label("Note")).to_have_value("half a sentence")
    page.get_by_label("Reason").select_option("CHECK")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status").first).to_contain_text(f"Order {order.number} is on hold.")
    expect(page.locator("h1")).to_contain_text("hold")
    place_hold(actor=works.person("lead"), target="order", target_id=order.pk, reason="CHECK", command_id=command_id())
    page.get_by_role("link", name="Lift hold").click()
    expect(page.get_by_label("Which hold").locator("option")).to_have_count(3)


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size", "theme"), SIZES)
def test_every_tab_and_form_looks_right(open_page, name, size, theme):
    works = plant()
    order = worked(works)
    watched = open_page(size, theme=theme)
    sign_in(watched, works, path=f"/orders/{order.number}/")
    for tab in TABS:
        looks_right(watched.open(f"/orders/{order.number}/?tab={tab}"), f"order-{tab}-{name}-{theme}")
    for act in ("cancel", "change", "paper", "resequence"):
        looks_right(watched.open(f"/orders/{order.number}/?act={act}"), f"order-{act}-{name}-{theme}")
    looks_right(watched.open("/orders/new/"), f"order-new-{name}-{theme}")


def post(client, order, **fields):
    return client.post(url(order), {"command_id": command_id(), **fields})


def test_a_change_is_asked_for_on_the_page_and_decided_there(works):
    order = worked(works)
    planner, boss = desk(works, "planner"), desk(works)
    form = text_of(planner.get(url(order), {"act": "change"}))
    assert "nothing changes before somebody with the right has decided" in form
    post(planner, order, act="change", quantity="12", priority="3", customer_order="C-1", note="they called")
    shown = text_of(boss.get(url(order)))
    assert "Planner asks for a change: Quantity 10 → 12, Priority 0 → 3, Customer order – → C-1 · they called" in shown
    assert "Decide on the change" in text_of(boss.get(url(order), {"act": "decide"}))
    post(boss, order, act="decide", decision="yes", note="fine")
    order.refresh_from_db()
    assert (order.quantity, order.priority, order.customer_order) == (12, 3, "C-1")
    timeline = text_of(boss.get(url(order), {"tab": "timeline"}))
    assert "Asked for: Quantity 10 → 12" in timeline
    assert "Changed: Quantity 10 → 12" in timeline
    assert "asks for a change" not in text_of(boss.get(url(order)))


def test_an_order_is_moved_and_an_hour_entered_from_its_page(works):
    order = worked(works)
    client, second = desk(works), works.operation(order, 20)
    post(client, order, act="resequence", to="FIRST", note="rush")
    assert "Moved ahead in the queues · rush" in text_of(client.get(url(order), {"tab": "timeline"}))
    refused = post(client, order, act="paper", operation=second.pk, person=works.person().id, began="x", ended="")
    assert refused.status_code == 422
    assert "must have ended after it began" in text_of(refused)
    first = works.operation(order)
    Doer(works.person()).suspend(first)
    hour = {"began": "2026-01-05T06:00", "ended": "2026-01-05T07:10", "good": "2", "end": "OPEN"}
    post(client, order, act="paper", operation=first.pk, person=works.person().id, **hour)
    timeline = text_of(client.get(url(order), {"tab": "timeline"}))
    assert "Op 10 Press: hour of Operator from 06:00 to 07:10 entered from paper" in timeline


def test_a_closed_order_shows_its_corrections(works):
    order = works.order(quantity=5)
    operation, hand, client = works.operation(order), Doer(works.person()), desk(works)
    hand.start(operation)
    hand.complete(operation, 5)
    post(client, order, act="close")
    assert "Correct the closed order" in text_of(client.get(url(order), {"act": "correct"}))
    fields = {"operation": operation.pk, "good": "−1", "scrap": "1", "reason": "CRACK", "note": "<b>recount</b>"}
    post(client, order, act="correct", **fields)
    page = client.get(url(order)).content.decode()
    assert "&lt;b&gt;recount&lt;/b&gt;" in page
    assert "good -1, scrap +1" in text_of(client.get(url(order))).replace("−", "-")
