"""Operations over the API: the list, each floor act with its refusals, and checks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mes.kernel.invariants import violations
from mes.kernel.models import Event
from quality.models import Gauge
from tests.api.client import Caller
from tests.builders import Doer
from traceability.models import LotBalance, MaterialLot, MaterialMovement
from workorders.models import StorageLocation

pytestmark = pytest.mark.django_db


def test_an_operation_is_shown_with_buckets_and_checks(works, admin):
    works.item("FG")
    works.plan("FG")
    operation = works.operation(works.order(quantity=7))
    shown = admin.get(f"/operations/{operation.pk}")
    assert shown.body == {
        "id": operation.pk,
        "url": f"/api/v1/operations/{operation.pk}",
        "number": f"{operation.order.number}-10",
        "order": operation.order.number,
        "sequence": 10,
        "name": "Operation 10",
        "state": "READY",
        "work_center": "WC1",
        "buckets": {
            "arrived": "7",
            "queue": "7",
            "in_process": "0",
            "finished": "0",
            "moved": "0",
            "scrap": "0",
            "held": "0",
            "rework": "0",
            "short": "0",
            "passed": "0",
        },
        "good": "0",
        "checks": [
            {"characteristic": "dia", "name": "Diameter", "unit": "mm", "lower": "9", "upper": "11", "state": "DUE"}
        ],
    }
    assert admin.get(f"/operations/~{operation.pk}").body == shown.body


def test_operations_are_listed_by_state_work_center_and_order(works, admin):
    works.work_center("WC2")
    one = works.order(operations=2)
    two = works.order(operations=[{"sequence": 10, "work_center": "WC2"}])
    ready = admin.get("/operations?state=READY")["items"]
    assert {row["order"] for row in ready} == {one.number, two.number}
    assert len(admin.get("/operations")["items"]) == 3
    assert len(admin.get("/operations?state=READY,WAITING&work_center=WC1")["items"]) == 2
    assert [row["order"] for row in admin.get("/operations?work_center=WC2")["items"]] == [two.number]
    assert [row["sequence"] for row in admin.get(f"/operations?order={one.number}")["items"]] == [10, 20]
    assert len(admin.get(f"/operations?order=~{one.pk}&state=WAITING")["items"]) == 1
    assert admin.get("/operations?state=LAZY").error == (422, "invalid", "invalid")
    for query in ("work_center=NO", "order=NO", "order=~0"):
        assert admin.get(f"/operations?{query}").error == (404, "not_found", "not_found")


def test_every_verb_answers_the_operation_as_get_shows_it_with_its_command_id(works, admin):
    works.item("SEAL")
    works.lot("SEAL", "S1", 50)
    works.item("FG")
    works.plan("FG")
    order = works.order(quantity=5, materials=[{"item": "SEAL", "quantity_per": "1"}])
    operation = works.operation(order)
    acts = [
        ("start", {"kind": "SETUP"}),
        ("start", None),
        ("consume", {"lot": "S1", "quantity": "2.0", "unit": "pc"}),
        ("report", {"good": "2", "scrap": 1, "rework": "1", "reason": "CRACK"}),
        ("suspend", {"reason": "BREAK"}),
        ("start", {"kind": "RUN"}),
        ("checks/dia", {"value": "10.002"}),
        ("complete", {"good": 1, "remainder": "SHORT"}),
    ]
    for verb, body in acts:
        answer = admin.post(f"/operations/{operation.pk}/{verb}", body)
        assert answer.status == 200, (verb, answer.body)
        command = answer.body.pop("command_id")
        assert answer.body == admin.get(f"/operations/{operation.pk}").body, verb
        assert Event.objects.filter(command_id=command).exists()
    assert answer["state"] == "COMPLETED"
    assert admin.get(f"/orders/{order.number}")["state"] == "DONE"
    assert violations() == []


def test_starting_twice_by_one_source_is_not_allowed_and_another_joins(works, admin):
    operation = works.operation(works.order())
    assert admin.post(f"/operations/{operation.pk}/start")["state"] == "RUNNING"
    assert admin.post(f"/operations/{operation.pk}/start").error == (422, "not_allowed", "already_on_it")
    assert Caller(works, "lead").post(f"/operations/{operation.pk}/start").status == 200
    for body in ({"kind": "PLAY"}, {"work_unit": "no"}):
        other = works.operation(works.order())
        assert admin.post(f"/operations/{other.pk}/start", body).error == (422, "invalid", "invalid")
    planned = works.order(operations=2)
    waiting = works.operation(planned, 20)
    assert admin.post(f"/operations/{waiting.pk}/start").error == (422, "not_allowed", "state_forbids")


def test_suspend_ends_the_run_and_takes_only_registered_reasons(works, admin):
    operation = works.operation(works.order())
    path = f"/operations/{operation.pk}/suspend"
    assert admin.post(path).error == (422, "not_allowed", "state_forbids")
    admin.post(f"/operations/{operation.pk}/start")
    assert admin.post(path, {"reason": "TIRED"}).error == (422, "invalid", "reason_unknown")
    assert admin.post(path, {"reason": "BREAK"})["state"] == "SUSPENDED"


@pytest.fixture
def job(works, admin):
    """A started operation that needs 5 SEAL by lot and 2.5 kg GLUE."""
    works.item("SEAL")
    works.item("GLUE", tracking="NONE", unit="kg")
    works.item("OTHER")
    materials = [{"item": "SEAL", "quantity_per": "1"}, {"item": "GLUE", "quantity_per": "0.5"}]
    operation = works.operation(works.order(quantity=5, materials=materials))
    admin.post(f"/operations/{operation.pk}/start")
    return operation


def test_consuming_by_number_by_id_and_by_item_and_number(works, admin, job):
    lot = works.lot("SEAL", "S1", 20)
    works.item("OTHER2")
    path = f"/operations/{job.pk}/consume"
    for reference in ("S1", f"~{lot.pk}", {"item": "SEAL", "number": "S1"}):
        assert admin.post(path, {"lot": reference, "quantity": 2, "unit": "pc"}).status == 200
    assert admin.post(path, {"item": "GLUE", "quantity": "0.125", "unit": "kg"}).status == 200
    assert LotBalance.objects.get(lot=lot).quantity == 14
    assert MaterialMovement.objects.get(operation=job, lot=None).quantity.normalize().as_tuple().exponent == -3
    event = Event.objects.filter(name="material.consumed", subject=f"lot:{lot.pk}").first()
    assert {"lot", "item", "quantity", "unit", "operation", "order"} <= set(event.payload)


def test_a_lot_number_of_several_items_is_ambiguous_and_the_choices_are_named(works, admin, job):
    seal, other = works.lot("SEAL", "X", 20), works.lot("OTHER", "X", 20)
    answer = admin.post(f"/operations/{job.pk}/consume", {"lot": "X", "quantity": 1})
    assert answer.error == (422, "invalid", "lot_ambiguous")
    choices = [one["message"] for one in answer["blockers"]]
    assert len(choices) == 2
    assert any("SEAL" in one and f"~{seal.pk}" in one for one in choices)
    for path in ("/lots/X", "/lots/X/trace"):
        assert admin.get(path).error == (422, "invalid", "lot_ambiguous")
    assert admin.get(f"/lots/~{other.pk}")["item"] == "OTHER"
    assert admin.post(f"/operations/{job.pk}/consume", {"lot": f"~{seal.pk}", "quantity": 1}).status == 200


def test_what_cannot_be_consumed_is_refused_with_its_own_reason(works, admin, job):
    works.lot("SEAL", "S1", 3)
    works.lot("OTHER", "O1", 3)
    works.lot("SEAL", "OLD", 3, expiry=str(timezone.now().date() - timedelta(days=2)))
    held = works.lot("SEAL", "HELD", 3)
    assert admin.post("/lots/HELD/hold", {"reason": "CHECK"}).status == 200
    path = f"/operations/{job.pk}/consume"
    cases = [
        ({"lot": "S1", "quantity": 4}, (422, "blocked", "lot_short")),
        ({"lot": "O1", "quantity": 1}, (422, "blocked", "not_a_component")),
        ({"lot": "OLD", "quantity": 1}, (422, "blocked", "lot_expired")),
        ({"lot": "HELD", "quantity": 1}, (422, "blocked", "lot_on_hold")),
        ({"lot": "NO", "quantity": 1}, (404, "not_found", "not_found")),
        ({"item": "SEAL", "quantity": 1}, (422, "invalid", "lot_needed")),
        ({"item": "NO", "quantity": 1}, (404, "not_found", "not_found")),
        ({"quantity": 1}, (404, "not_found", "not_found")),
        ({"lot": "S1", "quantity": 0}, (422, "invalid", "invalid")),
        ({"lot": "S1", "quantity": "0.5"}, (422, "invalid", "invalid")),
        ({"lot": "S1"}, (422, "invalid", "invalid")),
        ({"lot": "S1", "quantity": 1, "unit": "kg"}, (422, "invalid", "unit_mismatch")),
        ({"lot": "S1", "quantity": 1, "unit": "fathom"}, (422, "invalid", "invalid")),
        ({"lot": "S1", "quantity": 1, "location": "NO"}, (422, "invalid", "location_unknown")),
        ({"lot": {"item": "SEAL"}, "quantity": 1}, (422, "invalid", "invalid")),
        ({"lot": {"item": "SEAL", "number": "NO"}, "quantity": 1}, (404, "not_found", "not_found")),
    ]
    for body, error in cases:
        assert admin.post(path, body).error == error, body
    fresh = works.operation(works.order(materials=[{"item": "SEAL", "quantity_per": "1"}]))
    waiting = admin.post(f"/operations/{fresh.pk}/consume", {"lot": "S1", "quantity": 1})
    assert waiting.error == (422, "not_allowed", "not_started")
    assert LotBalance.objects.get(lot=held).quantity == 3
    assert violations() == []


def test_material_comes_from_the_work_centers_own_place_then_the_only_one_else_it_is_asked(works, admin, job):
    center = works.work_center()
    own = StorageLocation.objects.create(site=works.site, code="WC1-IN")
    path = f"/operations/{job.pk}/consume"
    lot = works.lot("SEAL", "S1", 4, location="A")
    LotBalance.objects.create(lot=lot, location=StorageLocation.objects.create(site=works.site, code="B"), quantity=2)
    answer = admin.post(path, {"lot": "S1", "quantity": 1})
    assert answer.error == (422, "invalid", "location_ambiguous")
    assert [one["message"] for one in answer["blockers"]] == ["A: 4 pc", "B: 2 pc"]
    assert admin.post(path, {"lot": "S1", "quantity": 1, "location": "B"}).status == 200
    center.location = own
    center.save()
    LotBalance.objects.create(lot=lot, location=own, quantity=9)
    assert admin.post(path, {"lot": "S1", "quantity": 1}).status == 200
    assert LotBalance.objects.get(lot=lot, location=own).quantity == 8


def test_reports_are_increments_with_a_reason_for_scrap(works, admin):
    operation = works.operation(works.order(quantity=10))
    path = f"/operations/{operation.pk}/report"
    assert admin.post(path, {"good": 1}).error == (422, "not_allowed", "not_started")
    admin.post(f"/operations/{operation.pk}/start")
    assert admin.post(path, {"scrap": 1}).error == (422, "invalid", "reason_needed")
    assert admin.post(path, {"scrap": 1, "reason": "BAD"}).error == (422, "invalid", "reason_unknown")
    assert admin.post(path).error == (422, "invalid", "nothing_reported")
    assert admin.post(path, {"good": 11}).error == (422, "blocked", "more_than_open")
    assert admin.post(path, {"good": 3, "scrap": 1, "reason": "CRACK"})["good"] == "3"
    answer = admin.post(path, {"good": "2", "lot": "OUT-7"})
    assert (answer["good"], answer["buckets"]["in_process"]) == ("5", "4")
    assert MaterialLot.objects.get(number="OUT-7", site=works.site).made_by_id == operation.pk
    payloads = list(
        Event.objects.filter(name="operation.reported", command_id=answer["command_id"]).values_list(
            "payload", flat=True
        )
    )
    assert [(one["good"], one["scrap"], one["rework"]) for one in payloads] == [("2", "0", "0")]


@pytest.mark.parametrize(
    ("body", "state", "buckets"),
    [
        ({"good": 10}, "COMPLETED", {"finished": "10"}),
        ({"good": 9, "scrap": 1, "reason": "CRACK"}, "COMPLETED", {"finished": "9", "scrap": "1"}),
        ({"good": 4, "remainder": "OPEN"}, "SUSPENDED", {"finished": "4", "in_process": "6"}),
        ({"good": 4, "remainder": "SHORT"}, "COMPLETED", {"finished": "4", "short": "6"}),
        ({"good": 4, "remainder": "SCRAP", "reason": "CRACK"}, "COMPLETED", {"finished": "4", "scrap": "6"}),
        ({"remainder": "SHORT"}, "COMPLETED", {"short": "10"}),
    ],
)
def test_complete_books_and_decides_about_the_rest(works, admin, body, state, buckets):
    operation = works.operation(works.order(quantity=10))
    admin.post(f"/operations/{operation.pk}/start")
    answer = admin.post(f"/operations/{operation.pk}/complete", body)
    assert (answer.status, answer["state"]) == (200, state)
    assert {name: value for name, value in answer["buckets"].items() if value != "0"} == {"arrived": "10"} | buckets


def test_complete_with_pieces_open_needs_a_decision_and_an_empty_body_books_nothing(works, admin):
    operation = works.operation(works.order(quantity=10))
    path = f"/operations/{operation.pk}/complete"
    assert admin.post(path).error == (422, "not_allowed", "state_forbids")
    admin.post(f"/operations/{operation.pk}/start")
    assert admin.post(path).error == (422, "invalid", "remainder_undecided")
    assert admin.post(path, {"good": 4}).error == (422, "invalid", "remainder_undecided")
    assert admin.post(path, {"good": 4, "remainder": "EATEN"}).error == (422, "invalid", "invalid")
    assert admin.post(path, {"remainder": "SCRAP"}).error == (422, "invalid", "reason_needed")
    admin.post(f"/operations/{operation.pk}/report", {"good": 10})
    done = admin.post(path)
    assert (done["state"], done["good"]) == ("COMPLETED", "10")
    events = Event.objects.filter(command_id=done["command_id"], name__startswith="operation.")
    assert [event.name for event in events] == ["operation.completed"]
    assert (events[0].payload["total_good"], events[0].payload["total_scrap"]) == ("10", "0")


def test_checks_are_recorded_judged_and_keep_the_operation_open_until_they_pass(works, admin):
    works.item("FG")
    works.plan("FG")
    operation = works.operation(works.order(quantity=1))
    admin.post(f"/operations/{operation.pk}/start")
    blocked = admin.post(f"/operations/{operation.pk}/complete", {"good": 1})
    assert blocked.error == (422, "blocked", "checks_open")
    assert blocked["blockers"][0]["reason"] == "check_due"
    path = f"/operations/{operation.pk}/checks"
    assert admin.post(f"{path}/nope", {"value": "10"}).error == (404, "not_found", "check_unknown")
    for value in (None, "x", "10.0001", [10]):
        assert admin.post(f"{path}/dia", {"value": value}).error[:2] == (422, "invalid")
    failed = admin.post(f"{path}/dia", {"value": "11.001"})
    assert (failed.status, failed["checks"][0]["state"]) == (200, "FAILED")
    assert admin.post(f"/operations/{operation.pk}/complete", {"good": 1})["blockers"][0]["reason"] == "check_failed"
    assert admin.post(f"{path}/dia", {"value": 11})["checks"][0]["state"] == "PASSED"
    assert admin.post(f"/operations/{operation.pk}/complete", {"good": 1}).status == 200
    assert Caller(works, "planner").post(f"{path}/dia", {"value": 10}).status == 403


def test_a_gauge_must_be_known_and_in_calibration(works, admin):
    works.item("FG")
    works.plan("FG")
    operation = works.operation(works.order(quantity=1))
    today = timezone.now().date()
    Gauge.objects.create(site=works.site, code="G1", calibrated_until=today)
    Gauge.objects.create(site=works.site, code="G2", calibrated_until=today - timedelta(days=1))
    path = f"/operations/{operation.pk}/checks/dia"
    assert admin.post(path, {"value": 10, "gauge": "G0"}).error == (422, "invalid", "gauge_unknown")
    assert admin.post(path, {"value": 10, "gauge": "G2"}).error == (422, "blocked", "gauge_expired")
    assert admin.post(path, {"value": 10, "gauge": "G1"}).status == 200


def test_skip_lets_the_pieces_pass_with_a_reason_and_never_a_mandatory_check(works, admin):
    order = works.order(quantity=3, operations=2)
    first, second = works.operation(order, 10), works.operation(order, 20)
    path = f"/operations/{first.pk}/skip"
    assert admin.post(path).error == (422, "invalid", "reason_needed")
    answer = admin.post(path, {"reason": "NOT_NEEDED"})
    assert (answer["state"], answer["buckets"]["passed"]) == ("SKIPPED", "3")
    assert admin.get(f"/operations/{second.pk}")["buckets"]["queue"] == "3"
    works.item("CHECKED")
    works.plan("CHECKED")
    checked = works.operation(works.order("CHECKED"))
    refused = admin.post(f"/operations/{checked.pk}/skip", {"reason": "NOT_NEEDED"})
    assert refused.error == (422, "not_allowed", "operation_not_skippable")


def test_undo_of_a_completion_opens_it_again_and_tells_what_depends(works, admin):
    order = works.order(quantity=2, operations=2)
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    done = hand.complete(first, 2)
    started = hand.start(second)
    answer = admin.post(f"/commands/{done}/undo", {"reason": "counted wrong"})
    assert answer.error == (422, "blocked", "undo_depends")
    assert admin.post(f"/commands/{started}/undo", {"reason": "x"}).status == 200
    assert admin.post(f"/commands/{done}/undo", {"reason": "counted wrong"}).status == 200
    assert admin.get(f"/operations/{first.pk}")["state"] == "SUSPENDED"
    assert violations() == []
