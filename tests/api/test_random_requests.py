"""Random requests of every kind to every address: answered in the contract's shape, never with our own failure."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mes.api.v1 import api
from tests.api.client import Caller, badge_of
from tests.builders import Doer, command_id, plant

pytestmark = pytest.mark.django_db
EXAMPLES = 400 if os.environ.get("MES_TEST_LONG") else 30

_WORDS = [
    "A",
    "FG",
    "SEAL",
    "S1",
    "~1",
    "~",
    "WC1",
    "CRACK",
    "COUNT",
    "CHECK",
    "RUN",
    "OPEN",
    "SCRAP",
    "pc",
    "kg",
    "1",
    "0",
    "-1",
    "2.5",
    "1e5",
    "NaN",
    "’",
    "2026-11-22",
    "0001-01-01",
    "2026-11-22T10:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:00",
    "C-DONE-W",
    "]C1",
    "٣",
    "²",
]
_TEXTS = st.one_of(st.text(max_size=12), st.sampled_from([*_WORDS, "", "\0", "a\x1db"]))
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-5, max_value=2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
)
_FIELDS = [
    "code",
    "name",
    "unit",
    "tracking",
    "over_percent",
    "active",
    "count_source",
    "item",
    "version",
    "lines",
    "quantity_per",
    "operation",
    "operations",
    "sequence",
    "work_center",
    "setup_minutes",
    "run_minutes_per_unit",
    "instruction",
    "overlap",
    "characteristics",
    "nominal",
    "lower",
    "upper",
    "decimals",
    "mandatory",
    "gauge_required",
    "number",
    "quantity",
    "location",
    "expiry",
    "supplier_lot",
    "need_date",
    "customer_order",
    "priority",
    "routing",
    "bom",
    "materials",
    "badge",
    "at",
    "terminal",
    "kind",
    "work_unit",
    "reason",
    "lot",
    "good",
    "scrap",
    "rework",
    "remainder",
    "value",
    "gauge",
    "note",
    "hold",
    "wip",
    "delta",
    "context",
    "act",
    "page",
    "expect",
]
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS) | _TEXTS, inner, max_size=6),
    max_leaves=12,
)


def addresses() -> list[tuple[str, list[str]]]:
    """Every POST with the fields its body knows."""
    found = []
    schema = api.get_openapi_schema()
    for path, methods in schema["paths"].items():
        if "post" in methods:
            text = json.dumps(methods["post"].get("requestBody", {}))
            known = [field for field in _FIELDS if f'"{field}"' in text]
            for name, part in schema["components"]["schemas"].items():
                if f"schemas/{name}" in text:
                    known += list(part.get("properties", {}))
            found.append((path, sorted(set(known))))
    return found


ADDRESSES = addresses()
_STEP = {"sequence": 10, "name": "Saw", "work_center": "WC1", "setup_minutes": "1", "run_minutes_per_unit": "2"}
_LINE = {"item": "SEAL", "quantity_per": "1", "unit": "pc", "operation": 10}
_HOLD = {"reason": "CHECK", "note": "look"}
#: A body for each address that the plant would take; one wrong field gets as deep as a wrong field can.
RIGHT: dict[str, Any] = {
    "/items": {"code": "N", "name": "New", "unit": "pc", "tracking": "LOT", "over_percent": "5"},
    "/work-centers": {"code": "WC9", "name": "Nine", "count_source": "OPERATOR"},
    "/boms": {"item": "FG", "version": "2", "lines": [_LINE]},
    "/routings": {"item": "FG", "version": "2", "operations": [_STEP]},
    "/inspection-plans": {
        "item": "FG",
        "operation": 20,
        "version": "2",
        "characteristics": [{"code": "dia", "lower": "1", "upper": "2", "nominal": "1.5", "decimals": 2}],
    },
    "/lots": {"item": "SEAL", "number": "N1", "quantity": "5", "unit": "pc", "location": "X", "expiry": "2027-01-01"},
    "/orders": {
        "number": "N1",
        "item": "FG",
        "quantity": "3",
        "need_date": "2026-12-01",
        "priority": 2,
        "operations": [_STEP],
        "materials": [_LINE],
    },
    "/orders/{number}/release": {},
    "/orders/{number}/recall": {},
    "/orders/{number}/hold": _HOLD,
    "/orders/{number}/release-hold": {"hold": 1, "note": "well"},
    "/orders/{number}/split": {"quantity": "1", "number": "A-2"},
    "/orders/{number}/close": {"note": "done"},
    "/orders/{number}/cancel": {"reason": "CHECK", "wip": "SCRAP"},
    "/orders/{number}/resequence": {"rank": 4, "note": "rush"},
    "/orders/{number}/change": {"quantity": "6", "need_date": "2030-01-31", "priority": 1, "note": "more"},
    "/orders/{number}/decide-change": {"request": 1, "apply": True, "note": "fine"},
    "/orders/{number}/correct": {"operation": 1, "good": "-1", "scrap": "1", "reason": "CRACK", "note": "recount"},
    "/operations/{operation}/paper": {
        "person": 1,
        "began": "2026-01-05T06:00:00+01:00",
        "ended": "2026-01-05T07:00:00+01:00",
        "good": "1",
        "scrap": "1",
        "reason": "CRACK",
        "completes": False,
    },
    "/operations/{operation}/start": {"kind": "RUN"},
    "/operations/{operation}/suspend": {"reason": "BREAK"},
    "/operations/{operation}/consume": {"lot": {"item": "SEAL", "number": "S1"}, "quantity": "1", "unit": "pc"},
    "/operations/{operation}/report": {"good": "1", "scrap": "1", "reason": "CRACK", "lot": "OUT"},
    "/operations/{operation}/complete": {"good": "1", "remainder": "OPEN", "reason": "CRACK"},
    "/operations/{operation}/skip": {"reason": "NOT_NEEDED"},
    "/operations/{operation}/checks/{characteristic}": {"value": "10", "gauge": None},
    "/lots/{number}/adjust": {"delta": "1", "unit": "pc", "location": "MAIN", "reason": "COUNT"},
    "/lots/{number}/hold": _HOLD,
    "/lots/{number}/release-hold": {"hold": 1},
    "/commands/{command}/undo": {"reason": "wrong"},
    "/commands/{command}/approve": {"reason": "late"},
    "/scan": {"code": "S1", "context": {"operation": 1, "page": "job"}, "act": True},
}


def test_every_post_of_the_contract_is_tried_with_random_bodies():
    assert len(ADDRESSES) == 32
    assert all(known for _path, known in ADDRESSES)
    assert {path.removeprefix("/api/v1") for path, _known in ADDRESSES} == set(RIGHT)


def _changed(right: dict[str, Any], known: list[str]) -> Any:
    """RIGHT with one or two fields replaced, some of them inside its lists and objects."""
    inside = {
        name: one[0] if isinstance(one, list) else one for name, one in right.items() if isinstance(one, list | dict)
    }

    def replaced(changes: dict[str, Any], deep: bool) -> dict[str, Any]:
        body = dict(right)
        for field, value in changes.items():
            holder = next((name for name, one in inside.items() if deep and field in one), None)
            if holder is None:
                body[field] = value
            else:
                whole = inside[holder] | {field: value}
                body[holder] = [whole] if isinstance(right[holder], list) else whole
        return body

    fields = sorted({*known, *right, *(field for one in inside.values() for field in one)})
    return st.builds(
        replaced, st.dictionaries(st.sampled_from(fields), _SCALARS | _VALUES, min_size=1, max_size=2), st.booleans()
    )


@contextmanager
def taken_back() -> Iterator[None]:
    """Every example meets the same plant."""
    place = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(place)


@pytest.fixture
def fuzzed():
    """A plant with something of everything, so that a wrong field gets as deep as it can."""
    works = plant()
    works.item("SEAL")
    works.lot("SEAL", "S1", 50)
    works.item("OTHER")
    works.lot("OTHER", "S1", 5)
    works.item("FG")
    works.plan("FG")
    order = works.order(number="A", quantity=5, materials=[{"item": "SEAL", "quantity_per": "1"}])
    operation = works.operation(order)
    works.order(number="P", released=False)
    Doer(works.person()).start(operation)
    fresh = works.operation(works.order("OTHER", number="R"))
    return Caller(works), operation, fresh, badge_of(works, "admin")


NUMBERS = ["A", "A", "P", "S1", "~1", "%27", "nothing"]
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize(("path", "known"), ADDRESSES, ids=[path for path, _known in ADDRESSES])
def test_whatever_is_posted_is_answered_in_shape_and_never_with_our_own_failure(fuzzed, path, known):
    caller, operation, fresh, badge = fuzzed
    if path.endswith(("/skip", "/start", "/paper")):
        operation = fresh
    right = RIGHT[path.removeprefix("/api/v1")]
    if "context" in right:
        right = right | {"context": right["context"] | {"operation": operation.pk}}
    if "person" in right:
        right = right | {"person": caller.plant.person().id}
    if "lot" in right and isinstance(right["lot"], dict):
        right = right | {"item": None}
    taken: list[int] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET)
    @given(
        body=st.one_of(
            st.just(right),
            _changed(right, known),
            _changed(right, known),
            st.lists(_changed(right, known), max_size=3),
            st.dictionaries(st.sampled_from(known), _VALUES, max_size=4),
            _VALUES,
        ),
        number=st.sampled_from(NUMBERS),
        by_person=st.booleans(),
    )
    def post(body: Any, number: str, by_person: bool) -> None:
        filled = path.replace("{operation}", str(operation.pk)).replace("{command}", str(command_id()))
        filled = filled.replace("{characteristic}", "dia").replace("{number}", number)
        if isinstance(body, dict) and by_person:
            body = body | {"badge": badge}
        with taken_back():
            answer = caller.post(filled, raw=json.dumps(body).encode())
        assert answer.status < 500, (filled, body, answer.body)
        taken.append(answer.status)

    post()
    assert len(set(taken)) > 1


@settings(max_examples=EXAMPLES * 4, deadline=None, suppress_health_check=QUIET)
@given(
    path=st.sampled_from(["/items", "/orders", "/operations", "/events", "/lots/S1/trace", "/lots/~1", "/items/SEAL"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "state", "work_center", "order", "since", "direction", "x"]),
        _TEXTS | st.sampled_from(["WzFd", "WzEsMV0", "W10", "WyIxIl0", "e30", "W251bGxd"]),
        max_size=3,
    ),
)
def test_whatever_is_asked_for_is_answered_in_shape(fuzzed, path, query):
    caller, *_others = fuzzed
    response = caller.client.get(f"/api/v1{path}", query, headers={"Authorization": f"Bearer {caller.secret}"})
    assert response.status_code in (200, 404, 422), (path, query, response.content)
    json.loads(response.content)
