"""Scans over the API: what they answer, when they act, and what they need for it. The judging is tested beside it."""

import pytest

from mes.kernel.models import CommandReceipt, ScanLog
from mes.kernel.scanning import make_address, make_code
from tests.api.client import Caller, badge_of
from tests.builders import Doer, command_id
from traceability.models import LotBalance, MaterialMovement

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(works):
    works.item("SEAL")
    works.lot("SEAL", "S1", 3)
    works.lot("SEAL", "S2", 30)
    operation = works.operation(works.order(quantity=5, materials=[{"item": "SEAL", "quantity_per": "1"}]))
    Doer(works.person()).start(operation)
    return operation


def sent(job, code: str, **more):
    return {"code": code, "context": {"operation": job.pk}, **more}


def test_a_scan_without_act_needs_no_key_and_writes_only_the_log(works, admin, job):
    answer = admin.post("/scan", sent(job, make_code("L", "S2")), key=None)
    assert answer.status == 200
    assert {"verdict", "reason", "what", "happened", "next", "choices"} <= set(answer.body)
    assert (answer["verdict"], answer["reason"], answer["choices"]) == ("good", "lot_due", [])
    assert "Use 5 pc" in answer["next"]
    assert not MaterialMovement.objects.filter(operation=job).exists()
    assert ScanLog.objects.filter(site_id=works.site.pk, operation_id=job.pk).count() == 1


def test_with_act_and_a_key_the_lot_is_used_once(works, admin, job):
    assert admin.post("/scan", sent(job, "S1", act=True), key=None).error == (400, "unparseable", "key_missing")
    key = command_id()
    first = admin.post("/scan", sent(job, "S1", act=True), key=key)
    assert (first.status, first["verdict"], first["reason"]) == (200, "question", "consumed_part")
    assert first["undo"] == str(key)
    again = admin.post("/scan", sent(job, "S1", act=True), key=key)
    assert again.body == {**first.body, "replayed": True}
    assert admin.post("/scan", sent(job, "S2", act=True), key=key).error[1] == "idempotency_key_reused"
    assert LotBalance.objects.get(lot__number="S1", lot__site=works.site).quantity == 0
    second = admin.post("/scan", sent(job, "S2", act=True))
    assert (second["verdict"], second["reason"]) == ("good", "consumed")
    assert CommandReceipt.objects.get(pk=key).name == "consume_material"
    assert admin.post(f"/commands/{key}/undo").status == 200


def test_the_person_of_the_badge_acts_and_both_roles_count(works, job):
    for token, badge in (("planner", None), ("operator", badge_of(works, "quality"))):
        refused = Caller(works, token).post("/scan", sent(job, "S2", act=True, badge=badge))
        assert (refused.status, refused["verdict"], refused["reason"]) == (200, "refused", "forbidden")
    answer = Caller(works, "operator").post("/scan", sent(job, "S2", act=True, badge=badge_of(works)))
    movement = MaterialMovement.objects.get(operation=job, command_id=answer["undo"])
    assert movement.person_id == works.person().id


def test_a_command_code_runs_its_act(works, admin, job):
    offer = admin.post("/scan", sent(job, make_code("C", "ONE")), key=None)
    assert (offer["verdict"], offer["action"]) == ("good", "report_output")
    done = admin.post("/scan", sent(job, make_code("C", "ONE"), act=True))
    assert (done["verdict"], done["reason"]) == ("good", "command_done")
    assert admin.get(f"/operations/{job.pk}")["good"] == "1"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [("", "refused"), ("\0", "refused"), ("nothing", "unknown"), ("\x07", "refused"), ("X" * 600, "refused")],
)
def test_garbage_is_an_answer_and_not_an_error(works, admin, job, code, verdict):
    answer = admin.post("/scan", sent(job, code), key=None)
    assert (answer.status, answer["verdict"]) == (200, verdict)
    assert answer["happened"]
    assert answer["next"]


def test_labels_with_our_own_address_are_ours_and_others_are_not(works, admin, job):
    ours = admin.post("/scan", sent(job, make_address("http://testserver", "L", "S2")), key=None)
    assert ours["reason"] == "lot_due"
    foreign = admin.post("/scan", sent(job, make_address("https://elsewhere.example", "L", "S2")), key=None)
    assert foreign["reason"] == "foreign_site"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (422, "invalid", "invalid")),
        ({"code": 7}, (422, "invalid", "invalid")),
        ({"code": "S1", "act": "yes"}, (422, "invalid", "invalid")),
        ({"code": "S1", "context": 3}, (422, "invalid", "invalid")),
        ({"code": "S1", "context": {"operation": 0}}, (422, "invalid", "invalid")),
        ({"code": "S1", "context": {"operation": "x"}}, (404, "not_found", "not_found")),
        ({"code": "S1", "context": {"operation": 2**40}}, (404, "not_found", "not_found")),
        ({"code": "S1", "context": {"page": "moon"}}, (422, "invalid", "invalid")),
        ({"code": "S1", "context": {"room": 1}}, (422, "invalid", "invalid")),
        ({"code": "S1", "badge": "nobody"}, (403, "forbidden", "badge_unknown")),
        ({"code": "x" * 10_001}, (422, "invalid", "invalid")),
    ],
)
def test_a_scan_that_is_none_is_an_error(works, admin, job, body, error):
    assert admin.post("/scan", body, key=None).error == error
