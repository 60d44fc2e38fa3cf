"""Values at the ends of their ranges: kept exactly or refused, on the way in and everywhere they are shown again."""

from datetime import datetime

import pytest

pytestmark = pytest.mark.django_db
MOST = "999999999999"
STEP = {"sequence": 10, "work_center": "WC1"}


def order(**fields):
    return {"number": "O", "item": "FG", "quantity": "1", "operations": [STEP], "materials": [], **fields}


@pytest.fixture
def planned(works, admin):
    works.item("FG")
    works.item("RAW", unit="kg")
    works.work_center()
    return lambda **fields: admin.post("/orders", order(**fields))


@pytest.mark.parametrize(
    "when",
    ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:59", "0001-01-01", "9999-12-31", "1969-12-31", "2026-02-30"],
)
def test_a_day_outside_every_calendar_of_ours_is_no_need_date(planned, when):
    assert planned(need_date=when).error == (422, "invalid", "row_rejected")


def test_a_bare_date_means_the_end_of_that_day_in_the_plants_zone(works, admin, planned):
    works.site.time_zone = "Europe/Berlin"
    works.site.save()
    assert planned(need_date="2026-12-01").status == 201
    found = datetime.fromisoformat(admin.get("/orders/O")["need_date"])
    assert found == datetime.fromisoformat("2026-12-01T23:59:59+01:00")
    assert planned(number="P", need_date="2026-12-01T10:00:00-05:00").status == 201
    assert datetime.fromisoformat(admin.get("/orders/P")["need_date"]).isoformat() == "2026-12-01T15:00:00+00:00"


def test_the_largest_quantities_and_times_are_kept_and_shown(planned, admin):
    step = {**STEP, "sequence": 2**31 - 1, "setup_minutes": MOST, "run_minutes_per_unit": MOST}
    assert planned(quantity=MOST, operations=[step], priority=2**31 - 1).status == 201
    released = admin.post("/orders/O/release")
    assert (released.status, released["ordered"]) == (200, MOST)
    assert released["operations"][0]["buckets"]["queue"] == MOST
    assert admin.get("/orders").status == 200
    assert admin.get("/orders/O")["predicted_finish"]


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": "1000000000000"},
        {"quantity": "0.0000001"},
        {"quantity": "0"},
        {"priority": 2**31},
        {"priority": -1},
        {"operations": [{**STEP, "sequence": 2**31}]},
        {"operations": [{**STEP, "setup_minutes": "1000000000000"}]},
        {"operations": [STEP, STEP]},
        {"operations": []},
        {"over_percent": "1000000000000"},
    ],
)
def test_what_is_beyond_is_rejected(planned, fields):
    assert planned(**fields).error == (422, "invalid", "row_rejected")


def test_material_that_nobody_could_count_keeps_the_order_from_being_planned(planned, admin):
    answer = planned(quantity=MOST, materials=[{"item": "RAW", "quantity_per": MOST}])
    assert (answer.status, answer["results"][0]["state"]) == (201, "RECEIVED")
    assert "too large" in answer["results"][0]["blockers"][0]["message"]
    assert admin.post("/orders/O/release").error == (422, "blocked", "not_ready_for_release")


def test_an_over_tolerance_is_a_percentage(planned):
    assert planned(over_percent="100").status == 201
    for percent in ("100.01", "-1"):
        assert planned(over_percent=percent).error == (422, "invalid", "row_rejected")
