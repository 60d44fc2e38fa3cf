"""Who may call what: tokens, their roles, badges on top of them, terminals, and the rate of calls."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labor.models import LaborEntry
from mes.accounts.models import ApiToken, Badge, Terminal, User, digest_of
from mes.accounts.policies import matrix
from mes.api import calls
from mes.api.v1 import api
from mes.kernel.models import Event
from mes.kernel.scanning import make_code
from tests.api.client import Caller, badge_of
from tests.builders import command_id, plant
from workorders.models import OperationRun

pytestmark = pytest.mark.django_db


def test_without_a_valid_token_every_address_answers_401(works, admin):
    paths = [("GET", "/items"), ("GET", "/orders/X"), ("POST", "/items"), ("POST", "/operations/1/start")]
    for secret in ("", "mes_nonsense", admin.secret[:-1], admin.secret + "x", "ü"):
        admin.secret, kept = secret, admin.secret
        for method, path in paths:
            answer = admin.get(path) if method == "GET" else admin.post(path, {})
            assert answer.error == (401, "unauthenticated", "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        admin.secret = kept
    assert admin.get("/items", Authorization=f"Basic {admin.secret}").status == 401
    assert admin.get("/items", Authorization=f"bearer {admin.secret}").status == 200


def test_a_revoked_or_expired_token_is_no_token(works, admin):
    token = ApiToken.objects.filter(token=digest_of(admin.secret))
    token.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert admin.get("/items").status == 401
    token.update(expires_at=timezone.now() + timedelta(days=1), revoked_at=timezone.now())
    assert admin.get("/items").status == 401


def operations():
    for router in api._get_bound_routers():
        for path_view in router.path_operations.values():
            yield from path_view.operations


def test_every_operation_asks_for_a_token_of_a_row_of_the_matrix():
    found = list(operations())
    assert len(found) > 30
    for operation in found:
        (door,) = operation.auth_callbacks
        assert isinstance(door, calls.Token)
        assert door.action == operation.view_func.policy
        assert door.action in matrix()


@pytest.mark.parametrize("role", ["operator", "lead", "supervisor", "quality", "planner", "erp", "admin", "auditor"])
def test_each_role_gets_in_exactly_where_the_matrix_says(works, role):
    caller = Caller(works, role)
    seen = set()
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                action = operation.view_func.policy
                filled = path.replace("{command}", str(command_id()))
                for name in ("{operation}", "{number}", "{code}", "{characteristic}"):
                    filled = filled.replace(name, "1")
                answer = caller.get(filled) if "GET" in operation.methods else caller.post(filled, {})
                is_out = answer.status == 403 and answer["reason"] == "forbidden"
                assert is_out == (role not in matrix()[action]), (filled, answer.body)
                seen.add(action)
    assert {"start_operation", "import_items", "view_events", "undo_command", "read_scan"} <= seen


def test_a_role_that_may_not_is_told_so_before_its_body_is_judged(works):
    auditor = Caller(works, "auditor")
    assert auditor.post("/operations/1/start", raw=b"{not json").error == (403, "forbidden", "forbidden")
    assert auditor.post("/orders", {"nonsense": 1}, key=None).status == 403


def test_with_a_badge_the_person_acts_and_labor_is_written(works):
    operator = Caller(works, "operator")
    operation = works.operation(works.order())
    assert operator.post(f"/operations/{operation.pk}/start", {"badge": badge_of(works)}).status == 200
    person = works.person()
    event = Event.objects.get(name="operation.started", subject=f"order:{operation.order_id}")
    assert (event.actor_kind, event.actor_id) == ("person", person.id)
    assert OperationRun.objects.get(operation=operation).source == f"person:{person.id}"
    assert LaborEntry.objects.get(operation=operation).person_id == person.id


def test_without_a_badge_the_service_acts_and_no_labor_is_written(works):
    operator = Caller(works, "operator")
    operation = works.operation(works.order())
    assert operator.post(f"/operations/{operation.pk}/start").status == 200
    token = ApiToken.objects.get(token=digest_of(operator.secret))
    assert OperationRun.objects.get(operation=operation).source == f"service:{token.pk}"
    assert not LaborEntry.objects.filter(operation=operation).exists()


def test_a_badge_may_be_sent_as_it_is_printed(works):
    person = works.person()
    person_badge = f"B{works.site.pk}"
    Badge.objects.filter(user_id=person.id).update(code=person_badge)
    operation = works.operation(works.order())
    sent = {"badge": make_code("B", person_badge)}
    assert Caller(works).post(f"/operations/{operation.pk}/start", sent).status == 200
    assert OperationRun.objects.get(operation=operation).person_id == person.id


def test_both_the_tokens_and_the_persons_role_must_allow_the_act(works):
    operation = works.operation(works.order())
    path = f"/operations/{operation.pk}/start"
    for token, person in (("planner", "operator"), ("operator", "planner"), ("quality", "supervisor")):
        answer = Caller(works, token).post(path, {"badge": badge_of(works, person)})
        assert answer.error == (403, "forbidden", "forbidden")
    assert Caller(works, "supervisor").post(path, {"badge": badge_of(works, "lead")}).status == 200


def test_an_unknown_badge_and_one_of_another_site_are_refused(works, admin):
    operation = works.operation(works.order())
    elsewhere = badge_of(plant())
    for badge in ("nobody", elsewhere, "'; --", "x" * 120):
        answer = admin.post(f"/operations/{operation.pk}/start", {"badge": badge})
        assert answer.error == (403, "forbidden", "badge_unknown")
    assert not OperationRun.objects.filter(operation=operation).exists()


def test_the_right_is_asked_again_before_a_repetition_is_answered(works):
    caller = Caller(works, "operator")
    operation = works.operation(works.order())
    key = command_id()
    sent = {"badge": badge_of(works)}
    assert caller.post(f"/operations/{operation.pk}/start", sent, key=key).status == 200
    User.objects.filter(pk=works.person().id).update(role="auditor")
    assert caller.post(f"/operations/{operation.pk}/start", sent, key=key).status == 403


def test_a_terminal_is_named_by_its_name_or_id_and_must_be_enrolled_here(works, admin):
    terminal = Terminal.objects.create(site_id=works.site.pk, work_center_id=works.work_center().pk, name="Saw 1")
    gone = Terminal.objects.create(
        site_id=works.site.pk, work_center_id=works.work_center().pk, name="Old", revoked_at=timezone.now()
    )
    for named in ("Saw 1", terminal.pk, f"~{terminal.pk}"):
        operation = works.operation(works.order())
        assert admin.post(f"/operations/{operation.pk}/start", {"terminal": named}).status == 200
        event = Event.objects.get(name="operation.started", subject=f"order:{operation.order_id}")
        assert event.terminal_id == terminal.pk
    operation = works.operation(works.order())
    for named in ("Saw 2", gone.pk, "Old", "~x", "~²", 10**18):
        answer = admin.post(f"/operations/{operation.pk}/start", {"terminal": named})
        assert answer.error == (422, "invalid", "terminal_unknown")


def test_a_token_sees_only_its_own_site(works, admin):
    other = plant()
    order = other.order()
    operation = other.operation(order)
    other.lot("FG", "L1", 5)
    for path in (f"/orders/{order.number}", f"/orders/~{order.pk}", f"/operations/{operation.pk}", "/lots/L1"):
        assert admin.get(path).error[:2] == (404, "not_found")
    assert admin.post(f"/operations/{operation.pk}/start").error[:2] == (404, "not_found")
    assert admin.post(f"/orders/~{order.pk}/release").error[:2] == (404, "not_found")
    assert admin.get("/orders")["items"] == []
    assert admin.get("/operations")["items"] == []
    assert admin.get("/events")["items"] == []


def test_a_token_that_asks_too_often_is_told_to_slow_down(works, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(calls, "rate", calls.Rate(most=3, window=10, clock=lambda: clock[0]))
    first, second = Caller(works), Caller(works)
    assert [first.get("/items").status for _ in range(4)] == [200, 200, 200, 429]
    assert first.get("/items").error == (429, "slow_down", "slow_down")
    assert second.get("/items").status == 200
    clock[0] = 10.0
    assert first.get("/items").status == 200
