"""Reads: entity tags, pages, and as many queries for many rows as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.client import Caller
from tests.builders import Doer, command_id, plant
from workorders.actions.holds import place_hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def stocked(works):
    works.item("SEAL")
    works.lot("SEAL", "S1", 9)
    operation = works.operation(works.order(number="A", quantity=3, need_date="2026-12-01"))
    return operation


def test_every_read_carries_a_tag_and_answers_304_to_it(works, admin, stocked):
    paths = [
        "/items",
        "/items/SEAL",
        "/orders",
        "/orders/A",
        "/operations",
        f"/operations/{stocked.pk}",
        "/lots/S1",
        "/lots/S1/trace",
        "/events",
        "/openapi.json",
    ]
    for path in paths:
        first = admin.get(path)
        tag = first.headers["ETag"]
        assert first.status == 200
        assert tag.strip('W/"')
        for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = admin.get(path, If_None_Match=sent)
            assert (again.status, again.response.content, again.headers["ETag"]) == (304, b"", tag), path
        assert admin.get(path, If_None_Match='"other"').status == 200


def test_a_tag_changes_with_the_record_and_only_with_it(works, admin, stocked):
    order, operation, item = (
        admin.get(path).headers["ETag"] for path in ("/orders/A", f"/operations/{stocked.pk}", "/items/FG")
    )
    Doer(works.person()).start(stocked)
    assert admin.get("/orders/A").headers["ETag"] != order
    assert admin.get(f"/operations/{stocked.pk}").headers["ETag"] != operation
    assert admin.get("/items/FG").headers["ETag"] == item
    held = admin.get("/orders/A").headers["ETag"]
    place_hold(
        actor=works.system,
        target="order",
        target_id=stocked.order_id,
        reason="CHECK",
        command_id=command_id(),
    )
    assert admin.get("/orders/A").headers["ETag"] != held


def test_lists_are_paged_by_a_cursor_that_later_rows_do_not_disturb(works, admin):
    for number in range(5):
        works.item(f"I{number}")
    first = admin.get("/items?limit=2")
    assert [row["code"] for row in first["items"]] == ["I0", "I1"]
    works.item("I5")
    rest = admin.get(f"/items?limit=3&cursor={first['next_cursor']}")
    assert [row["code"] for row in rest["items"]] == ["I2", "I3", "I4"]
    last = admin.get(f"/items?cursor={rest['next_cursor']}")
    assert ([row["code"] for row in last["items"]], last["next_cursor"]) == (["I5"], None)
    assert admin.get("/items?limit=6")["next_cursor"] is None
    assert len(admin.get("/items?limit=100000000")["items"]) == 6
    for query in ("limit=0", "limit=-1", "limit=2.5", "limit=²", "limit=x", "cursor=x", "cursor=W10", "page=2"):
        assert admin.get(f"/items?{query}").error == (422, "invalid", "invalid"), query


def queries_of(caller: Caller, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert caller.get(path).status == 200
    return len(seen)


@pytest.mark.parametrize(
    ("path", "most"), [("/items", 2), ("/orders", 11), ("/operations", 3), ("/events", 2), ("/lots/OUT/trace", 6)]
)
def test_a_list_costs_the_same_queries_for_one_row_and_for_many(path, most):
    counts = []
    for size in (1, 6):
        works = plant()
        caller = Caller(works)
        works.item("SEAL")
        works.item("FG")
        works.plan("FG")
        works.lot("SEAL", "S", 500)
        hand = Doer(works.person())
        for number in range(size):
            order = works.order(quantity=4, operations=2, materials=[{"item": "SEAL", "quantity_per": "1"}])
            operation = works.operation(order)
            hand.start(operation)
            hand.consume(operation, "S", 4)
            hand.report(operation, 2, lot="OUT" if number == 0 else None)
            place_hold(actor=works.system, target="order", target_id=order.pk, reason="CHECK", command_id=command_id())
        caller.get(path)
        counts.append(queries_of(caller, path))
    assert counts[0] == counts[1] <= most
