"""Orders over the API: what is shown, and every verb with its refusals."""

import pytest

from mes.kernel.invariants import violations
from tests.api.client import Caller, badge_of
from tests.builders import Doer
from workorders.models import Hold

pytestmark = pytest.mark.django_db


def test_an_order_is_shown_with_its_quantities_and_operations(works, admin):
    order = works.order(quantity=10, operations=2, need_date="2026-12-01", customer_order="C-7", priority=3)
    first, second = works.operation(order, 10), works.operation(order, 20)
    hand = Doer(works.person())
    hand.start(first)
    hand.report(first, 6, scrap=1, reason="CRACK")
    hand.complete(first, remainder="SHORT")
    hand.start(second)
    hand.report(second, 4)
    shown = admin.get(f"/orders/{order.number}")
    assert shown.status == 200
    facts = {"id": order.pk, "number": order.number, "url": f"/api/v1/orders/{order.number}", "state": "RUNNING"}
    amounts = {"ordered": "10", "good": "4", "scrap": "1", "short": "3", "remaining": "3"}
    plan = {"item": "FG", "unit": "pc", "customer_order": "C-7", "priority": 3, "holds": [], "blockers": []}
    assert {name: shown[name] for name in facts | amounts | plan} == facts | amounts | plan
    assert shown["predicted_finish"].endswith("Z")
    assert shown["operations"][0] == admin.get(f"/operations/{first.pk}").body
    assert shown["operations"][1] == admin.get(f"/operations/{second.pk}").body
    assert shown["operations"][0]["buckets"]["short"] == "3"
    assert admin.get(f"/orders/~{order.pk}").body["number"] == order.number


def test_orders_are_listed_by_state(works, admin):
    planned, released = works.order(released=False), works.order()
    assert [row["number"] for row in admin.get("/orders")["items"]] == [planned.number, released.number]
    assert [row["number"] for row in admin.get("/orders?state=RELEASED")["items"]] == [released.number]
    both = admin.get("/orders?state=RELEASED,PLANNED")["items"]
    assert len(both) == 2
    assert both[1] | {"predicted_finish": 0} == admin.get(f"/orders/{released.number}").body | {"predicted_finish": 0}
    answer = admin.get("/orders?state=FLYING")
    assert answer.error == (422, "invalid", "invalid")
    assert "RELEASED" in answer["message"]
    assert admin.get("/orders?stat=RELEASED").error == (422, "invalid", "invalid")


def test_release_answers_the_order_and_validates_again(works, admin):
    order = works.order(released=False)
    answer = admin.post(f"/orders/{order.number}/release")
    assert (answer.status, answer["state"], len(answer["operations"])) == (200, "RELEASED", 1)
    shown = admin.get(f"/orders/{order.number}").body
    shown.pop("predicted_finish"), answer.body.pop("predicted_finish")
    assert {name: value for name, value in answer.body.items() if name != "command_id"} == shown
    assert admin.post(f"/orders/{order.number}/release").error == (422, "not_allowed", "state_forbids")
    assert admin.post("/orders/nothing/release").error == (404, "not_found", "not_found")


def test_a_hold_stops_the_work_until_it_is_lifted_by_who_may(works, admin):
    order = works.order()
    operation = works.operation(order)
    assert admin.post(f"/orders/{order.number}/hold").error == (422, "invalid", "reason_needed")
    unknown = admin.post(f"/orders/{order.number}/hold", {"reason": "WHY"})
    assert unknown.error == (422, "invalid", "reason_unknown")
    assert "CHECK" in unknown["remedy"]
    held = admin.post(f"/orders/{order.number}/hold", {"reason": "CHECK", "note": "look at it"})
    assert (held.status, held["hold"]) == (200, Hold.objects.get(order=order).pk)
    assert admin.get(f"/orders/{order.number}")["holds"][0]["note"] == "look at it"
    blocked = admin.post(f"/operations/{operation.pk}/start")
    assert blocked.error == (422, "blocked", "on_hold")
    assert "look at it" in blocked["blockers"][0]["message"]
    assert blocked["who_can_override"]
    released = admin.post(f"/orders/{order.number}/release-hold", {"hold": held["hold"], "note": "fine"})
    assert (released.status, released["holds"]) == (200, [])
    assert admin.post(f"/operations/{operation.pk}/start").status == 200
    assert admin.post(f"/orders/{order.number}/release-hold", {"hold": held["hold"]}).error[:2] == (404, "not_found")


def test_a_quality_hold_is_lifted_by_quality_alone(works):
    order = works.order()
    quality, supervisor = Caller(works, "quality"), Caller(works, "supervisor")
    assert quality.post(f"/orders/{order.number}/hold", {"reason": "CHECK"}).status == 200
    assert supervisor.post(f"/orders/{order.number}/release-hold").error == (403, "forbidden", "hold_not_yours")
    assert quality.post(f"/orders/{order.number}/release-hold").status == 200


def test_of_several_holds_one_must_be_named(works, admin):
    order, other = works.order(), works.order()
    ids = [admin.post(f"/orders/{order.number}/hold", {"reason": "CHECK"})["hold"] for _ in range(2)]
    theirs = admin.post(f"/orders/{other.number}/hold", {"reason": "CHECK"})["hold"]
    answer = admin.post(f"/orders/{order.number}/release-hold")
    assert answer.error == (422, "invalid", "hold_unclear")
    assert [int(one["message"].split(":")[0]) for one in answer["blockers"]] == ids
    assert admin.post(f"/orders/{order.number}/release-hold", {"hold": theirs}).error[:2] == (404, "not_found")
    assert admin.post(f"/orders/{order.number}/release-hold", {"hold": ids[0]}).status == 200
    assert admin.post(f"/orders/{order.number}/release-hold").status == 200


def test_a_split_answers_both_numbers(works, admin):
    order = works.order(quantity=10)
    answer = admin.post(f"/orders/{order.number}/split", {"quantity": "4", "number": "SPLIT 1"})
    assert (answer.status, answer["order"], answer["new_order"]) == (200, order.number, "SPLIT 1")
    assert admin.get(f"/orders/{order.number}")["ordered"] == "6"
    new = admin.get("/orders/SPLIT 1")
    assert (new["ordered"], new["state"], new["split_from"]) == ("4", "PLANNED", order.number)
    assert admin.post(f"/orders/{order.number}/split", {"quantity": "2"})["new_order"] == f"{order.number}-S1"
    for body in ({"quantity": "4"}, {"quantity": "9"}):
        assert admin.post(f"/orders/{order.number}/split", body).error == (422, "blocked", "split_too_large")
    for body in ({"quantity": "0"}, {"quantity": "1.5"}, {}, {"quantity": "1", "number": "~1"}):
        assert admin.post(f"/orders/{order.number}/split", body).error[:2] == (422, "invalid")
    assert admin.post(f"/orders/{order.number}/split", {"quantity": "1", "number": "SPLIT 1"}).status == 422
    assert violations() == []


def test_a_finished_order_is_closed(works, admin):
    order = works.order(quantity=2)
    operation = works.operation(order)
    assert admin.post(f"/orders/{order.number}/close").error == (422, "not_allowed", "state_forbids")
    hand = Doer(works.person())
    hand.start(operation)
    done = hand.complete(operation, 2)
    assert (
        admin.get(f"/orders/{order.number}")["predicted_finish"] == admin.get(f"/orders/{order.number}")["finished_at"]
    )
    answer = admin.post(f"/orders/{order.number}/close", {"note": "shipped"})
    assert (answer.status, answer["state"], answer["remaining"]) == (200, "CLOSED", "0")
    late = admin.post(f"/commands/{done}/undo", {"reason": "x"})
    assert late.error == (422, "not_allowed", "undo_after_close")


def test_cancel_wants_a_reason_and_for_running_work_a_decision_on_its_pieces(works, admin):
    planned = works.order(released=False)
    assert admin.post(f"/orders/{planned.number}/cancel").error == (422, "invalid", "reason_needed")
    assert admin.post(f"/orders/{planned.number}/cancel", {"reason": "CHECK"})["state"] == "CANCELLED"
    running = works.order(quantity=5)
    Doer(works.person()).start(works.operation(running))
    path = f"/orders/{running.number}/cancel"
    assert admin.post(path, {"reason": "CHECK"}).error == (422, "invalid", "wip_undecided")
    answer = admin.post(path, {"reason": "CHECK", "wip": "SCRAP"})
    assert (answer["state"], answer["scrap"], answer["operations"][0]["state"]) == ("CANCELLED", "5", "CANCELLED")
    assert admin.post(path, {"reason": "CHECK", "wip": "SCRAP"}).error[2] == "state_forbids"
    assert violations() == []


def test_recall_takes_a_release_back_and_the_order_shows_only_its_new_operations(works, admin):
    order = works.order()
    answer = admin.post(f"/orders/{order.number}/recall")
    assert (answer["state"], answer["operations"]) == ("PLANNED", [])
    again = admin.post(f"/orders/{order.number}/release")
    assert [row["state"] for row in again["operations"]] == ["READY"]
    Doer(works.person()).start(works.operation(order))
    assert admin.post(f"/orders/{order.number}/recall").status == 422


def test_an_act_decided_on_an_old_representation_is_stale(works, admin):
    order = works.order(released=False)
    read = admin.get(f"/orders/{order.number}")
    admin.post(
        "/orders",
        {
            "number": order.number,
            "item": "FG",
            "quantity": 11,
            "operations": [{"sequence": 10, "work_center": "WC1"}],
            "materials": [],
        },
    )
    stale = admin.post(f"/orders/{order.number}/release", If_Match=read.headers["ETag"])
    assert stale.error == (409, "stale", "stale")
    fresh = admin.get(f"/orders/{order.number}").headers["ETag"]
    assert admin.post(f"/orders/{order.number}/release", If_Match=fresh).status == 200
    operation = works.operation(order)
    tag = admin.get(f"/operations/{operation.pk}").headers["ETag"]
    assert admin.post(f"/operations/{operation.pk}/start", If_Match=tag).status == 200
    assert admin.post(f"/operations/{operation.pk}/suspend", If_Match=tag).error == (409, "stale", "stale")
    assert admin.post(f"/operations/{operation.pk}/suspend", {"badge": badge_of(works, "lead")}).status == 200


def test_every_verb_of_an_order_and_a_lot_takes_the_tag_that_was_read(works, admin):
    order = works.order(quantity=8, released=False)
    path = f"/orders/{order.number}"
    verbs = [
        ("release", None),
        ("recall", None),
        ("release", None),
        ("hold", {"reason": "CHECK"}),
        ("release-hold", None),
        ("split", {"quantity": 2}),
        ("cancel", {"reason": "CHECK"}),
    ]
    for verb, body in verbs:
        read = admin.get(path).headers["ETag"]
        assert admin.post(f"{path}/{verb}", body, If_Match='"0"').error == (409, "stale", "stale")
        assert admin.post(f"{path}/{verb}", body, If_Match=read).status == 200, verb
    lot = works.lot("FG", "L1", 5)
    path = f"/lots/~{lot.pk}"
    acts = [("adjust", {"delta": 1, "reason": "COUNT"}), ("hold", {"reason": "CHECK"}), ("release-hold", None)]
    for verb, body in acts:
        read = admin.get(path).headers["ETag"]
        assert admin.post(f"{path}/{verb}", body, If_Match='"0"').error == (409, "stale", "stale")
        assert admin.post(f"{path}/{verb}", body, If_Match=read).status == 200, verb


def test_planning_moves_changes_and_corrects_released_orders(works, admin):
    order = works.order(quantity=10)
    path = f"/orders/{order.number}"
    assert admin.post(f"{path}/resequence", {"to": "FIRST"})["rank"] == -1
    assert admin.post(f"{path}/resequence", {"rank": -1}).error == (422, "invalid", "same_place")
    assert admin.post(f"{path}/resequence", {}).error == (422, "invalid", "invalid")
    assert admin.post(f"{path}/change", {"quantity": "10"}).error == (422, "invalid", "nothing_to_change")
    asked = admin.post(f"{path}/change", {"quantity": "12", "need_date": "2030-01-31", "note": "more"})
    assert (asked["state"], asked["changes"]["quantity"]) == ("REQUESTED", {"from": "10", "to": "12"})
    assert admin.get(path)["ordered"] == "10"
    other = works.order()
    elsewhere = admin.post(f"/orders/{other.number}/decide-change", {"request": asked["request"], "apply": True})
    assert elsewhere.error[:2] == (404, "not_found")
    decided = admin.post(f"{path}/decide-change", {"request": asked["request"], "apply": True})
    assert decided["state"] == "APPLIED"
    assert admin.get(path)["ordered"] == "12"
    again = admin.post(f"{path}/decide-change", {"request": asked["request"], "apply": False})
    assert again.error == (422, "not_allowed", "change_decided")
    operation = works.operation(order)
    assert admin.post(f"{path}/correct", {"operation": operation.pk, "good": "1"}).error[1:] == (
        "not_allowed",
        "order_not_closed",
    )


def test_an_hour_from_paper_is_entered_by_badge_or_id(works, admin):
    order = works.order(quantity=10)
    operation, person = works.operation(order), works.person()
    path = f"/operations/{operation.pk}/paper"
    hour = {"began": "2026-01-05T06:00:00+01:00", "ended": "2026-01-05T07:00:00+01:00"}
    assert admin.post(path, {"person": person.id}).error == (422, "invalid", "paper_times")
    assert admin.post(path, hour).error == (422, "invalid", "paper_person")
    assert admin.post(path, hour | {"person": "B-NOBODY"}).error == (422, "invalid", "paper_person")
    answer = admin.post(path, hour | {"person": person.id, "good": "4"})
    assert (answer["state"], answer["buckets"]["finished"]) == ("SUSPENDED", "4")
    by_badge = admin.post(path, hour | {"person": badge_of(works), "good": "6", "completes": True})
    assert by_badge["state"] == "COMPLETED"
    assert Caller(works, "operator").post(path, hour | {"person": person.id}).error[:2] == (403, "forbidden")
    assert admin.post(f"/commands/{by_badge['command_id']}/undo").status == 200
    assert admin.get(f"/operations/{operation.pk}")["state"] == "SUSPENDED"
