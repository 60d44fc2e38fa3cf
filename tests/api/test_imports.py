"""Lists in, row by row: items, work centers, BOMs, routings, inspection plans, lots, orders."""

import pytest

from labor.models import LaborEntry
from mes.kernel.invariants import violations
from tests.api.client import badge_of
from traceability.models import LotBalance, MaterialLot
from workorders.models import BillOfMaterials, Item, Routing, WorkCenter

pytestmark = pytest.mark.django_db


def outcomes(answer) -> list[str]:
    assert answer.status in (200, 201), answer.body
    assert [row["row"] for row in answer["results"]] == list(range(1, len(answer["results"]) + 1))
    return [row["outcome"] for row in answer["results"]]


def test_a_list_answers_row_by_row_and_skips_what_is_rejected(works, admin):
    rows = [
        {"code": "A", "name": "Pump", "unit": "pc", "tracking": "LOT"},
        {"code": "B/1", "unit": "kg"},
        {"code": "C", "unit": "pc", "tracking": "MAYBE"},
        {"code": "D", "unit": "pc", "colour": "red"},
        {"code": "E\0", "unit": "pc"},
        {"unit": "pc"},
        "F",
        {"code": "A", "name": "Pump", "unit": "pc", "tracking": "LOT"},
        {"code": "A", "name": "Big pump", "unit": "pc"},
    ]
    answer = admin.post("/items", rows)
    assert answer.status == 200
    assert outcomes(answer) == ["created"] * 2 + ["rejected"] * 5 + ["unchanged", "updated"]
    for row in answer["results"]:
        assert bool(row["errors"]) == (row["outcome"] == "rejected")
    assert "MAYBE" not in {item.tracking for item in Item.objects.filter(site=works.site)}
    assert admin.get(answer["results"][0]["url"])["name"] == "Big pump"
    assert answer["results"][1]["url"].endswith(f"/items/~{answer['results'][1]['id']}")
    assert admin.get(answer["results"][1]["url"])["code"] == "B/1"


def test_one_object_answers_201_then_200_then_422(works, admin):
    first = admin.post("/items", {"code": "A", "unit": "pc"})
    assert (first.status, outcomes(first)) == (201, ["created"])
    same = admin.post("/items", {"code": "A", "unit": "pc"})
    assert (same.status, outcomes(same)) == (200, ["unchanged"])
    changed = admin.post("/items", {"code": "A", "unit": "pc", "name": "New"})
    assert (changed.status, outcomes(changed)) == (200, ["updated"])
    assert admin.post("/items", {"code": "A", "unit": ""}).status == 200
    answer = admin.post("/items", {"code": " A", "unit": "pc"})
    assert answer.error == (422, "invalid", "row_rejected")
    assert "code" in answer["message"]


@pytest.mark.parametrize(
    "code", ["", "~1", " A", "A ", "x" * 65, "A\nB", "A\u200bB", "A\u0301", "\u202eA", 7, None, ["A"]]
)
def test_a_code_that_is_no_human_number_is_rejected(works, admin, code):
    assert admin.post("/items", {"code": code, "unit": "pc"}).error[:2] == (422, "invalid")


@pytest.mark.parametrize(
    "code", ["x" * 64, "Ä-1", "部品", "A B", "a/b", "A?x=1#y", "\\", ".", "..", "100%", "a&b", "é"]
)
def test_a_human_number_is_kept_exactly_and_read_under_its_address(works, admin, code):
    made = admin.post("/items", {"code": code, "unit": "pc"})
    assert made.status == 201
    url = made["results"][0]["url"]
    found = admin.get(url)
    assert (found.status, found["code"], found["url"]) == (200, code, url)
    assert admin.get(f"/items/~{found['id']}")["code"] == code


def test_work_centers_boms_routings_and_plans_make_an_order_plannable(works, admin):
    admin.post("/items", [{"code": "FG", "unit": "pc", "tracking": "LOT"}, {"code": "RAW", "unit": "kg"}])
    center = {"code": "SAW", "name": "Saw", "count_source": "MACHINE_PROPOSES"}
    assert admin.post("/work-centers", center).status == 201
    assert WorkCenter.objects.get(site=works.site).count_source == "MACHINE_PROPOSES"
    assert admin.post("/work-centers", {"code": "X", "count_source": "DICE"}).status == 422
    bom = {
        "item": "FG",
        "version": "A",
        "lines": [{"item": "RAW", "quantity_per": "0.25", "unit": "kg", "operation": 10}],
    }
    assert outcomes(admin.post("/boms", [bom, bom])) == ["created", "unchanged"]
    assert admin.post("/boms", {**bom, "lines": [{"item": "FG", "quantity_per": 1}]}).status == 422
    step = {"sequence": 10, "name": "Cut", "work_center": "SAW", "setup_minutes": 5, "run_minutes_per_unit": "1.5"}
    routing = {"item": "FG", "version": "A", "operations": [step]}
    assert outcomes(admin.post("/routings", [routing, {**routing, "version": "B"}])) == ["created", "created"]
    assert admin.post("/routings", {**routing, "operations": [{**step, "work_center": "?"}]}).status == 422
    plan = {"item": "FG", "operation": 10, "characteristics": [{"code": "len", "name": "Length", "upper": "9.5"}]}
    assert outcomes(admin.post("/inspection-plans", [plan, plan])) == ["created", "unchanged"]
    assert Routing.objects.get(item__site=works.site, is_active=True).version == "B"
    assert BillOfMaterials.objects.get(item__site=works.site).lines.count() == 1
    order = admin.post("/orders", {"number": "1", "item": "FG", "quantity": 4, "unit": "pc", "routing": "A"})
    assert order["results"][0] | {"id": 0} == {
        "row": 1,
        "outcome": "created",
        "errors": [],
        "id": 0,
        "number": "1",
        "state": "PLANNED",
        "blockers": [],
        "url": "/api/v1/orders/1",
    }
    released = admin.post("/orders/1/release")
    assert (released["routing"], released["bom"]) == ("A", "A")
    (operation,) = released["operations"]
    assert operation["checks"] == [
        {"characteristic": "len", "name": "Length", "unit": "", "lower": None, "upper": "9.5", "state": "DUE"}
    ]


def test_an_order_that_lacks_something_is_received_with_its_blockers(works, admin):
    works.item("FG")
    rows = [
        {"number": "1", "item": "FG", "quantity": 4},
        {"number": "2", "item": "FG", "quantity": 4, "operations": [{"sequence": 10, "work_center": "NO"}]},
        {"number": "3", "item": "NO", "quantity": 4},
        {"number": "4", "item": "FG", "quantity": "2.5"},
    ]
    answer = admin.post("/orders", rows)
    assert outcomes(answer) == ["created", "created", "rejected", "rejected"]
    assert [row.get("state") for row in answer["results"]] == ["RECEIVED", "RECEIVED", None, None]
    assert all(set(one) == {"reason", "message"} for row in answer["results"][:2] for one in row["blockers"])
    assert admin.get("/orders/1")["blockers"] == answer["results"][0]["blockers"]
    refused = admin.post("/orders/1/release")
    assert refused.error == (422, "blocked", "not_ready_for_release")
    assert refused["blockers"] == answer["results"][0]["blockers"]


def test_a_released_order_is_unchanged_or_rejected_and_never_silently_changed(works, admin):
    works.item("FG")
    works.work_center()
    row = {"number": "1", "item": "FG", "quantity": 4, "operations": [{"sequence": 10, "work_center": "WC1"}]}
    assert admin.post("/orders", row).status == 201
    assert outcomes(admin.post("/orders", {**row, "quantity": 5})) == ["updated"]
    admin.post("/orders/1/release")
    assert outcomes(admin.post("/orders", {**row, "quantity": 5})) == ["unchanged"]
    assert admin.post("/orders", row).error == (422, "invalid", "row_rejected")
    assert admin.get("/orders/1")["ordered"] == "5"


def test_received_lots_are_available_and_a_known_number_is_unchanged_or_rejected(works, admin):
    works.item("SEAL")
    works.item("GLUE", tracking="NONE")
    row = {
        "item": "SEAL",
        "number": "S1",
        "quantity": "40",
        "unit": "pc",
        "location": "A-01",
        "expiry": "2027-03-31",
        "supplier_lot": "X9",
    }
    first = admin.post("/lots", row)
    assert first.status == 201
    lot = admin.get(first["results"][0]["url"])
    assert (lot["state"], lot["quantity"], lot["expiry"], lot["supplier_lot"]) == (
        "AVAILABLE",
        "40",
        "2027-03-31",
        "X9",
    )
    assert lot["balances"] == [{"location": "A-01", "quantity": "40"}]
    assert outcomes(admin.post("/lots", row)) == ["unchanged"]
    for changed in ({"quantity": "41"}, {"expiry": "2027-04-01"}, {"location": "B"}, {"supplier_lot": ""}):
        assert admin.post("/lots", row | changed).error == (422, "invalid", "row_rejected")
    rows = [
        {"item": "SEAL", "number": "S2", "quantity": 1},
        {"item": "GLUE", "number": "G", "quantity": 1},
        {"item": "SEAL", "number": "S3", "quantity": 0},
        {"item": "SEAL", "number": "S3", "quantity": "1.5"},
        {"item": "SEAL", "number": "S3", "quantity": 1, "expiry": "soon"},
        {"item": "SEAL", "number": "S3", "quantity": 1, "unit": "mile"},
    ]
    assert outcomes(admin.post("/lots", rows)) == ["created"] + ["rejected"] * 5
    assert MaterialLot.objects.filter(site=works.site).count() == 2
    assert LotBalance.objects.get(lot__number="S2", lot__site=works.site).quantity == 1
    assert violations() == []


def test_a_single_object_may_carry_the_badge_and_the_time_of_the_act(works, admin):
    works.item("SEAL")
    sent = {"item": "SEAL", "number": "S1", "quantity": 3, "badge": badge_of(works, "supervisor")}
    made = admin.post("/lots", sent | {"at": "2026-01-01T00:00:00Z"})
    assert made.error == (422, "not_allowed", "too_old")
    assert admin.post("/lots", sent).status == 201
    assert admin.post("/lots", sent | {"at": 7}).error == (422, "invalid", "invalid")
    assert not LaborEntry.objects.exists()


def test_neither_a_text_nor_a_number_nor_too_many_rows_are_a_list(works, admin):
    for body in ("A", 7, True):
        assert admin.post("/items", body).error == (422, "invalid", "invalid")
    assert outcomes(admin.post("/items", [])) == []
