"""Bad requests: what cannot be read, what is no value of its field, what is too large, and our own failures."""

import json
import logging

import pytest

from mes.api.bodies import MEGABYTES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nonsense",
        b"{'good': 1}",
        b'{"good": NaN}',
        b'{"good": Infinity}',
        b'{"good": -Infinity}',
        b'{"good": 1, "good": 2}',
        b'{"good": 1}}',
        b"\xff\xfe{}",
        b'{"reason": "\xed\xa0\x80"}',
        b'{"reason": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"good": ' + b"9" * 5000 + b"}",
        b"\0",
    ],
)
def test_what_is_no_json_is_unparseable(works, admin, raw):
    operation = works.operation(works.order())
    answer = admin.post(f"/operations/{operation.pk}/report", raw=raw)
    assert answer.error == (400, "unparseable", "unparseable")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ("text", "body"),
        (3, "body"),
        (None, ""),
        ({"god": 1}, "god"),
        ({"good": [1]}, "good"),
        ({"good": {}}, "good"),
        ({"good": True}, "good"),
        ({"good": "x"}, "good"),
        ({"good": "NaN"}, "good"),
        ({"good": "Infinity"}, "good"),
        ({"good": "1e3000"}, "good"),
        ({"good": "0.0000001"}, "good"),
        ({"good": "-1"}, "good"),
        ({"good": "2.5"}, "good"),
        ({"good": 10**29}, "good"),
        ({"good": "1" * 41}, "good"),
        ({"good": 1, "reason": 7}, "reason"),
        ({"good": 1, "reason": "CRACK\0"}, "reason"),
        ({"good": 1, "lot": "L\0"}, "lot"),
        ({"good": 1, "lot": "~7"}, "lot"),
        ({"good": 1, "lot": "x" * 65}, "lot"),
        ({"good": 1, "lot": ["x"]}, "lot"),
        ({"good": 1, "badge": {"code": "x"}}, "badge"),
        ({"good": 1, "at": "yesterday"}, "at"),
        ({"good": 1, "at": "2026-11-22T10:00:00"}, "at"),
        ({"good": 1, "at": 1795344063}, "at"),
        ({"good": 1, "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"good": 1, "at": "9999-12-31T23:59:59-14:00"}, "at"),
        ({"good": 1, "terminal": True}, "terminal"),
    ],
)
def test_a_value_that_does_not_fit_is_invalid_and_the_field_is_named(works, admin, body, field):
    operation = works.operation(works.order())
    admin.post(f"/operations/{operation.pk}/start")
    raw = json.dumps(body).encode()
    answer = admin.post(f"/operations/{operation.pk}/report", raw=raw)
    assert answer.error[:2] == (422, "invalid")
    assert field in answer["message"]


@pytest.mark.parametrize("raw", [b'{"good": 1e999999999}', b'{"good": 1e-999999999}', b'{"good": 0e999999}'])
def test_an_exponent_cannot_be_blown_up(works, admin, raw):
    operation = works.operation(works.order())
    admin.post(f"/operations/{operation.pk}/start")
    assert admin.post(f"/operations/{operation.pk}/report", raw=raw).status in (400, 422)


def test_all_fields_that_do_not_fit_are_named_at_once(works, admin):
    answer = admin.post("/operations/1/report", {"good": [], "colour": "red", "at": 3})
    assert answer.status == 422
    assert len(answer["blockers"]) == 3


def test_a_body_that_is_too_large_is_answered_413(works, admin):
    answer = admin.post("/items", raw=b" " * (MEGABYTES * 1024 * 1024 + 1))
    assert answer.error == (413, "unparseable", "too_large")
    rows = [{"code": f"A{number}"} for number in range(5_001)]
    assert admin.post("/items", rows).error[:2] == (422, "invalid")


def test_wrong_methods_addresses_and_hosts_are_answered_in_the_same_shape(works, admin):
    headers = {"Authorization": f"Bearer {admin.secret}"}
    for method in ("put", "patch", "delete", "options", "head"):
        response = getattr(admin.client, method)("/api/v1/items", headers=headers)
        assert response.status_code == 405
        assert "GET" in response["Allow"]
        if method != "head":
            assert json.loads(response.content)["code"] == "not_allowed"
    assert admin.get("/operations/1/start").error == (405, "not_allowed", "method_not_allowed")
    for path in ("/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v9/items", "/api/v1/items/A/B/C"):
        if path != "/api":
            assert admin.get(path).error == (404, "not_found", "no_such_address")
    assert admin.post("/api/v1/nothing", {}).error == (404, "not_found", "no_such_address")
    response = admin.client.get("/api/v1/items", headers=headers | {"Host": "evil.example"})
    assert response.status_code == 400
    assert json.loads(response.content)["code"] == "unparseable"


def test_our_own_failure_is_told_with_a_reference_and_logged_without_secrets(works, admin, monkeypatch, caplog):
    def broken(*_args, **_more):
        raise ZeroDivisionError("the secret is xyzzy")

    monkeypatch.setattr("mes.api.routes.imports.item_body", broken)
    works.item("A")
    with caplog.at_level(logging.ERROR, logger="mes.api"):
        answer = admin.get("/items/A")
    assert answer.error == (500, "internal", "failed")
    assert "xyzzy" not in answer["message"]
    (record,) = [one for one in caplog.records if one.name == "mes.api"]
    reference = answer["message"].split()[-1].rstrip(".")
    assert reference in record.getMessage()
    assert admin.secret not in caplog.text


@pytest.mark.parametrize(
    "number", ["~", "~x", "~-1", "~²", "~" + "9" * 40, "x" * 65, "%00", "%F0%9F%92%A9", "%C3", "."]
)
def test_numbers_that_are_none_are_not_found(works, admin, number):
    works.order()
    for place in ("orders", "items", "lots", "operations"):
        assert admin.get(f"/{place}/{number}").error[:2] == (404, "not_found")
    assert admin.post(f"/orders/{number}/release").error[:2] == (404, "not_found")
    assert admin.post(f"/lots/{number}/adjust", {"delta": 1, "reason": "COUNT"}).error[:2] == (404, "not_found")
    assert admin.post(f"/operations/{number}/start").error[:2] == (404, "not_found")
