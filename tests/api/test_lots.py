"""Lots over the API: what is shown, adjustment, holds, and traces both ways."""

import pytest

from mes.kernel.invariants import violations
from tests.api.client import Caller
from tests.builders import Doer
from traceability.models import MaterialMovement
from workorders.models import StorageLocation

pytestmark = pytest.mark.django_db


def test_a_lot_is_shown_with_balances_and_holds(works, admin):
    works.item("SEAL")
    lot = works.lot("SEAL", "S/1", 40, location="A", expiry="2027-03-31", supplier_lot="X9")
    shown = admin.get(f"/lots/~{lot.pk}")
    assert shown.body == {
        "id": lot.pk,
        "number": "S/1",
        "url": f"/api/v1/lots/~{lot.pk}",
        "item": "SEAL",
        "state": "AVAILABLE",
        "unit": "pc",
        "quantity": "40",
        "balances": [{"location": "A", "quantity": "40"}],
        "holds": [],
        "expiry": "2027-03-31",
        "supplier_lot": "X9",
        "made_by": None,
    }
    assert admin.get("/lots/S/1").status == 404
    works.lot("SEAL", "S 2", 1)
    assert admin.get("/lots/S%202")["number"] == "S 2"
    assert admin.get("/lots/nothing").error == (404, "not_found", "not_found")


def test_an_adjustment_needs_a_reason_and_never_goes_below_zero(works, admin):
    works.item("SEAL")
    lot = works.lot("SEAL", "S1", 10, location="A")
    path = "/lots/S1/adjust"
    cases = [
        ({"delta": "1"}, (422, "invalid", "reason_needed")),
        ({"delta": "1", "reason": "LOST"}, (422, "invalid", "reason_unknown")),
        ({"delta": "0", "reason": "COUNT"}, (422, "invalid", "invalid")),
        ({"delta": "0.5", "reason": "COUNT"}, (422, "invalid", "invalid")),
        ({"delta": "NaN", "reason": "COUNT"}, (422, "invalid", "invalid")),
        ({"reason": "COUNT"}, (422, "invalid", "invalid")),
        ({"delta": "-11", "reason": "COUNT"}, (422, "blocked", "adjust_below_zero")),
        ({"delta": "1", "reason": "COUNT", "location": "NO"}, (422, "invalid", "location_unknown")),
        ({"delta": "1", "reason": "COUNT", "unit": "kg"}, (422, "invalid", "unit_mismatch")),
    ]
    for body, error in cases:
        assert admin.post(path, body).error == error, body
    answer = admin.post(path, {"delta": "-3", "unit": "pc", "reason": "COUNT"})
    assert (answer.status, answer["quantity"]) == (200, "7")
    assert {key: value for key, value in answer.body.items() if key != "command_id"} == admin.get("/lots/S1").body
    StorageLocation.objects.create(site=works.site, code="B")
    assert admin.post(path, {"delta": 2, "reason": "COUNT", "location": "B"})["balances"][1]["quantity"] == "2"
    ambiguous = admin.post(path, {"delta": 1, "reason": "COUNT"})
    assert ambiguous.error == (422, "invalid", "location_ambiguous")
    assert [one["message"] for one in ambiguous["blockers"]] == ["A", "B"]
    assert admin.post(f"/commands/{answer['command_id']}/undo").status == 200
    assert admin.get("/lots/S1")["quantity"] == "12"
    assert MaterialMovement.objects.filter(lot=lot, kind="ADJUST").count() == 3
    assert violations() == []


def test_a_held_lot_is_lifted_by_quality_alone(works, admin):
    works.item("SEAL")
    works.lot("SEAL", "S1", 10)
    held = Caller(works, "operator").post("/lots/S1/hold", {"reason": "CHECK", "note": "dented"})
    assert held.status == 200
    assert admin.get("/lots/S1")["holds"][0] | {"placed_at": 0} == {
        "id": held["hold"],
        "reason": "CHECK",
        "note": "dented",
        "placed_by": f"{works.prefix} operator",
        "placed_at": 0,
        "quality": True,
    }
    assert Caller(works, "lead").post("/lots/S1/release-hold").error == (403, "forbidden", "forbidden")
    second = admin.post("/lots/S1/hold", {"reason": "CHECK"})["hold"]
    quality = Caller(works, "quality")
    assert quality.post("/lots/S1/release-hold").error == (422, "invalid", "hold_unclear")
    assert quality.post("/lots/S1/release-hold", {"hold": second}).status == 200
    assert quality.post("/lots/S1/release-hold")["holds"] == []
    assert quality.post("/lots/S1/release-hold").error[:2] == (404, "not_found")


def test_traces_lead_forward_and_backward_through_what_was_made(works, admin):
    works.item("RAW")
    raw = works.lot("RAW", "R1", 50)
    hand = Doer(works.person())
    made = {}
    for item, component in (("SUB", "RAW"), ("TOP", "SUB")):
        order = works.order(item, quantity=2, number=f"O-{item}", materials=[{"item": component, "quantity_per": "1"}])
        operation = works.operation(order)
        hand.start(operation)
        source = "R1" if component == "RAW" else "O-SUB"
        hand.consume(operation, source, 2)
        hand.complete(operation, 2)
        made[item] = admin.get(f"/lots/{order.number}")
        assert made[item]["made_by"]["order"] == order.number
    forward = admin.get("/lots/R1/trace?direction=forward")
    assert [(node["number"], node["depth"]) for node in forward["nodes"]] == [("R1", 0), ("O-SUB", 1), ("O-TOP", 2)]
    assert {(edge["source"], edge["target"]) for edge in forward["edges"]} == {
        (raw.pk, made["SUB"]["id"]),
        (made["SUB"]["id"], made["TOP"]["id"]),
    }
    edge = next(one for one in forward["edges"] if one["source"] == raw.pk)
    assert (edge["quantity"], edge["unit"], edge["order"], edge["certainty"]) == ("2", "pc", "O-SUB", "SCANNED")
    backward = admin.get("/lots/O-TOP/trace?direction=backward")
    assert [node["number"] for node in backward["nodes"]] == ["O-TOP", "O-SUB", "R1"]
    assert admin.get("/lots/R1/trace").body == forward.body
    assert admin.get("/lots/R1/trace?direction=sideways").error == (422, "invalid", "invalid")


def test_a_forward_trace_names_the_orders_that_hold_material_and_made_no_lot_yet(works, admin):
    works.item("RAW")
    raw = works.lot("RAW", "R1", 50)
    order = works.order("FG", quantity=5, materials=[{"item": "RAW", "quantity_per": "2", "operation": 10}])
    hand, operation = Doer(works.person()), works.operation(order)
    hand.start(operation)
    hand.consume(operation, "R1", 4)
    forward = admin.get("/lots/R1/trace")
    assert forward["orders"] == [
        {
            "source": raw.pk,
            "order": order.number,
            "order_url": f"/api/v1/orders/{order.number}",
            "state": "RUNNING",
            "item": "FG",
            "quantity": "4",
            "unit": "pc",
        }
    ]
    assert admin.get("/lots/R1/trace?direction=backward")["orders"] == []
    hand.consume(operation, "R1", 6)
    hand.complete(operation, 5)
    assert admin.get("/lots/R1/trace")["orders"] == []
