"""The order list: what it shows, how it is narrowed and paged, its file, and releasing from a row."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.browser import looks_right
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import SIGNED_IN, SIZES, desk, sign_in
from workorders.actions.holds import place_hold
from workorders.models import WorkOrder

QUERIES = 7


@pytest.fixture
def works(db) -> Plant:
    return plant()


def days(count: float) -> str:
    return (timezone.now() + timedelta(days=count)).isoformat()


def numbers(answer) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+"><span class="mes-id">([^<]+)</span>', answer.content.decode())


def test_open_orders_stand_by_need_date_and_settled_ones_elsewhere(works):
    never, later = works.order(), works.order(need_date=days(3), released=False)
    sooner = works.order(need_date=days(1))
    done = works.order(quantity=1)
    hand = Doer(works.person())
    hand.start(works.operation(done))
    hand.complete(works.operation(done), good=1)
    client = desk(works)
    assert numbers(client.get("/orders/")) == [sooner.number, later.number, never.number]
    assert numbers(client.get("/orders/?state=DONE")) == [done.number]
    assert numbers(client.get("/orders/?state=unreleased")) == [later.number]
    assert set(numbers(client.get("/orders/?state=all"))) == {never.number, later.number, sooner.number, done.number}
    assert numbers(client.get("/orders/?state=NONSENSE")) == [sooner.number, later.number, never.number]


def test_the_list_is_narrowed_by_work_center_search_behind_hold_and_operation(works):
    works.work_center("WC9")
    there = works.order(operations=[{"sequence": 10, "work_center": "WC9"}], customer_order="SO-77")
    late = works.order(need_date=days(-1))
    overdue = works.order(need_date=days(-2), released=False)
    held = works.order(item="ODD")
    place_hold(actor=works.person("lead"), target="order", target_id=held.pk, reason="CHECK", command_id=command_id())
    Doer(works.person()).start(works.operation(there))
    client = desk(works)
    assert numbers(client.get("/orders/?wc=WC9")) == [there.number]
    assert numbers(client.get("/orders/?q=so-7")) == [there.number]
    assert numbers(client.get("/orders/?q=odd")) == [held.number]
    assert numbers(client.get(f"/orders/?q={late.number}")) == [late.number]
    assert numbers(client.get("/orders/?behind=1")) == [overdue.number, late.number]
    assert numbers(client.get("/orders/?hold=1")) == [held.number]
    assert numbers(client.get("/orders/?op=RUNNING")) == [there.number]
    assert "No order matches" in client.get("/orders/?q=%25%27").content.decode()


def test_a_plant_without_orders_says_what_would_be_here(works):
    text = desk(works, "planner").get("/orders/").content.decode()
    assert "No open orders" in text
    assert 'href="/orders/new/"' in text
    assert 'href="/orders/new/"' not in desk(works, "auditor").get("/orders/").content.decode()


def test_pages_follow_one_another_without_gap_or_repetition(works, monkeypatch):
    monkeypatch.setattr("workorders.queries.orders.PAGE", 3)
    monkeypatch.setattr("workorders.queries.orders.orders.__defaults__", ("", 3))
    made = [works.order(need_date=days(place // 2), released=False).number for place in range(5)]
    made += [works.order(released=False).number for _place in range(3)]
    client, seen, url = desk(works), [], "/orders/"
    while url:
        answer = client.get(url)
        seen += numbers(answer)
        found = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        url = "/orders/" + found[1].replace("&amp;", "&") if found else ""
    assert sorted(seen) == sorted(made)
    assert len(seen) == 8


def test_the_file_holds_what_the_list_shows_and_no_formula(works):
    works.order(customer_order='=HYPERLINK("http://evil")', need_date=days(1))
    works.order(customer_order="@SUM(A1)")
    answer = desk(works).get("/orders/?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["customer_order"] for row in rows] == ['\'=HYPERLINK("http://evil")', "'@SUM(A1)"]
    assert rows[0]["quantity"] == "10"
    assert desk(works).get("/orders/?format=csv&q=nothing").content.decode("utf-8-sig").count("\n") == 1


def test_a_planned_order_is_released_by_its_button(works):
    order = works.order(released=False)
    client = desk(works, "planner")
    assert f'name="release" value="{order.pk}"' in client.get("/orders/").content.decode()
    answer = client.post("/orders/?state=unreleased", {"release": order.pk, "command_id": str(command_id())})
    assert (answer.status_code, answer["Location"]) == (302, "/orders/?state=unreleased")
    order.refresh_from_db()
    assert order.state == "RELEASED"
    assert f"Order {order.number} is released." in client.get("/orders/").content.decode()


def test_a_refused_release_says_why_above_the_list(works):
    order = works.order(released=False)
    works.order()
    place_hold(
        actor=works.person("lead"), target="item", target_id=order.item_id, reason="CHECK", command_id=command_id()
    )
    answer = desk(works, "planner").post("/orders/", {"release": order.pk, "command_id": str(command_id())})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert f"Order {order.number} cannot be released" in text
    assert 'role="alert"' in text


def test_who_may_not_release_has_no_button_and_is_refused(works):
    order = works.order(released=False)
    client = desk(works, "auditor")
    assert 'name="release" value' not in client.get("/orders/").content.decode()
    assert client.post("/orders/", {"release": order.pk, "command_id": str(command_id())}).status_code == 403
    assert WorkOrder.objects.get(pk=order.pk).state == "PLANNED"


def test_an_order_of_another_plant_is_not_released(works):
    foreign = plant().order(released=False)
    answer = desk(works, "planner").post("/orders/", {"release": foreign.pk, "command_id": str(command_id())})
    assert answer.status_code == 404


def test_the_list_takes_the_same_queries_for_one_order_as_for_thirty(works, django_assert_num_queries):
    client = desk(works)
    works.order()
    with django_assert_num_queries(SIGNED_IN + QUERIES):
        client.get("/orders/")
    for place in range(30):
        order = works.order(need_date=days(place - 3), released=place % 2 == 0)
        if place % 6 == 0:
            Doer(works.person()).start(works.operation(order))
        if place % 5 == 0:
            place_hold(
                actor=works.person("lead"), target="order", target_id=order.pk, reason="CHECK", command_id=command_id()
            )
    with django_assert_num_queries(SIGNED_IN + QUERIES):
        client.get("/orders/")


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size", "theme"), SIZES)
def test_the_list_looks_right_at_every_size(open_page, name, size, theme):
    works = plant()
    for place in range(14):
        order = works.order(need_date=days(place / 2 - 2), released=place % 3 > 0, customer_order=f"SO-{place}")
        if place % 5 == 1 and place % 3:
            Doer(works.person()).start(works.operation(order))
        if place == 4:
            place_hold(
                actor=works.person("lead"), target="order", target_id=order.pk, reason="CHECK", command_id=command_id()
            )
    page = sign_in(open_page(size, theme=theme), works, path="/orders/")
    page.get_by_role("heading", name="Orders", level=1).wait_for()
    looks_right(page, f"orders-{name}-{theme}")
