"""The key of a POST: needed, remembered with its answer, bound to one request, and forgotten when nothing was done."""

import uuid

import pytest

from mes.kernel.models import CommandReceipt, Event
from tests.api.client import Caller, badge_of
from tests.builders import Doer, command_id
from workorders.models import Item, ProductionReport

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", [None, "", "   ", "not-a-uuid", "1234", "ü"])
def test_a_post_without_a_key_is_unparseable_and_does_nothing(works, admin, key):
    answer = admin.post("/items", {"code": "A", "unit": "pc"}, key=key)
    assert answer.error == (400, "unparseable", "key_missing")
    assert not Item.objects.filter(site=works.site).exists()


def test_a_repeated_key_gets_the_stored_status_and_body_whatever_changed_since(works, admin):
    operation = works.operation(works.order())
    key = command_id()
    first = admin.post(f"/operations/{operation.pk}/start", {"kind": "RUN"}, key=key)
    admin.post(f"/operations/{operation.pk}/report", {"good": 4})
    again = admin.post(f"/operations/{operation.pk}/start", {"kind": "RUN"}, key=key)
    assert "replayed" not in first.body
    assert again.body == {**first.body, "replayed": True}
    assert again.status == first.status == 200
    assert first["command_id"] == str(key)
    assert Event.objects.filter(name="operation.started", subject=f"order:{operation.order_id}").count() == 1


def test_a_created_object_is_answered_201_again(works, admin):
    key = command_id()
    first = admin.post("/items", {"code": "A", "unit": "pc"}, key=key)
    again = admin.post("/items", {"code": "A", "unit": "pc"}, key=key)
    assert (first.status, again.status) == (201, 201)
    assert again.body == {**first.body, "replayed": True}


def test_the_same_key_with_another_body_path_method_or_token_is_refused(works, admin):
    one, two = works.operation(works.order()), works.operation(works.order())
    key = command_id()
    assert admin.post(f"/operations/{one.pk}/start", {}, key=key).status == 200
    refused = (422, "idempotency_key_reused", "idempotency_key_reused")
    assert admin.post(f"/operations/{one.pk}/start", {"kind": "SETUP"}, key=key).error == refused
    assert admin.post(f"/operations/{two.pk}/start", {}, key=key).error == refused
    assert admin.post(f"/operations/{one.pk}/start", {"badge": badge_of(works)}, key=key).error == refused
    assert Caller(works).post(f"/operations/{one.pk}/start", {}, key=key).error == refused


def test_a_quantity_written_in_another_way_is_the_same_request(works, admin):
    operation = works.operation(works.order())
    admin.post(f"/operations/{operation.pk}/start")
    key = command_id()
    assert admin.post(f"/operations/{operation.pk}/report", {"good": "2", "scrap": 0}, key=key).status == 200
    for raw in (b'{"good": 2, "scrap": "0"}', b'{"scrap": 0.0, "good": 2.00}', b'{"good":"2.000","scrap":"0"}'):
        assert admin.post(f"/operations/{operation.pk}/report", raw=raw, key=key)["replayed"] is True
    assert admin.post(f"/operations/{operation.pk}/report", {"good": "3", "scrap": 0}, key=key).status == 422
    assert ProductionReport.objects.filter(operation=operation).count() == 1


def test_an_empty_body_and_an_empty_object_are_the_same_request(works, admin):
    operation = works.operation(works.order())
    key = command_id()
    assert admin.post(f"/operations/{operation.pk}/start", key=key).status == 200
    assert admin.post(f"/operations/{operation.pk}/start", {}, key=key)["replayed"] is True


def test_a_refused_act_leaves_no_receipt_and_may_succeed_later_under_its_key(works, admin):
    operation = works.operation(works.order())
    key = command_id()
    refused = admin.post(f"/operations/{operation.pk}/report", {"good": 1}, key=key)
    assert refused.error == (422, "not_allowed", "not_started")
    assert not CommandReceipt.objects.filter(pk=key).exists()
    admin.post(f"/operations/{operation.pk}/start")
    assert admin.post(f"/operations/{operation.pk}/report", {"good": 1}, key=key).status == 200


def test_a_list_leaves_a_receipt_only_when_a_row_was_created_or_updated(works, admin):
    rows = [{"code": "A", "unit": "pc"}, {"code": ""}]
    key = command_id()
    first = admin.post("/items", rows, key=key)
    assert [row["outcome"] for row in first["results"]] == ["created", "rejected"]
    assert admin.post("/items", rows, key=key)["replayed"] is True
    corrected = [{"code": "A", "unit": "pc"}, {"code": "B", "unit": "pc"}]
    assert admin.post("/items", corrected, key=key).error[1] == "idempotency_key_reused"
    assert [row["outcome"] for row in admin.post("/items", corrected)["results"]] == ["unchanged", "created"]
    idle = command_id()
    nothing = admin.post("/items", [{"code": ""}], key=idle)
    assert nothing.status == 200
    assert not CommandReceipt.objects.filter(pk=idle).exists()
    assert admin.post("/items", [{"code": "C", "unit": "pc"}], key=idle).status == 200


def test_a_receipt_bears_the_name_of_the_act_and_the_key_of_the_call(works, admin):
    operation = works.operation(works.order())
    key = uuid.uuid4()
    admin.post(f"/operations/{operation.pk}/start", key=key)
    assert CommandReceipt.objects.get(pk=key).name == "start_operation"
    event = Event.objects.get(name="operation.started", subject=f"order:{operation.order_id}")
    assert event.command_id == key


def test_a_late_gesture_is_refused_approved_and_sent_again_unchanged(works, admin):
    operation = works.operation(works.order())
    operator = Caller(works, "operator")
    key = command_id()
    sent = {"badge": badge_of(works), "at": "2026-01-05T10:00:00+01:00"}
    path = f"/operations/{operation.pk}/start"
    assert operator.post(path, sent, key=key).error == (422, "not_allowed", "too_old")
    assert operator.post(f"/commands/{key}/approve").error[0] == 403
    approved = Caller(works, "lead").post(f"/commands/{key}/approve", {"reason": "network was down"})
    assert (approved.status, approved["approved"]) == (200, str(key))
    assert operator.post(path, sent, key=key).status == 200
    event = Event.objects.get(name="operation.started", command_id=key)
    assert event.occurred_at.isoformat() == "2026-01-05T09:00:00+00:00"
    ahead = {"at": "2199-01-05T10:00:00+01:00"}
    other = works.operation(works.order())
    assert operator.post(f"/operations/{other.pk}/start", ahead).error == (422, "not_allowed", "in_future")


def test_undo_takes_back_what_a_key_did_and_asks_for_a_reason_where_it_was_anothers(works, admin):
    operation = works.operation(works.order())
    start = Doer(works.person()).start(operation)
    assert admin.post(f"/commands/{start}/undo").error == (422, "invalid", "undo_needs_reason")
    done = admin.post(f"/commands/{start}/undo", {"reason": "wrong job"})
    assert (done.status, done["undone"], done["command"]) == (200, str(start), "start_operation")
    assert admin.get(f"/operations/{operation.pk}")["state"] == "READY"
    assert admin.post(f"/commands/{start}/undo", {"reason": "x"}).error[2] == "already_undone"
    own = admin.post(f"/operations/{operation.pk}/start")["command_id"]
    assert admin.post(f"/commands/{own}/undo").status == 200
    assert admin.post(f"/commands/{command_id()}/undo").error == (404, "not_found", "undo_unknown")
    for named in ("nonsense", "~1", "%00"):
        assert admin.post(f"/commands/{named}/undo").error[:2] == (404, "not_found")
