"""The one way to write a value down, as RFC 8785 wants it. No database."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.kernel.canonical import canonical, decimal_text, digest, fingerprint, instant_text, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.000000", "0"),
        ("0E+10", "0"),
        ("1.500000", "1.5"),
        ("1E+3", "1000"),
        ("1000000000000.000000", "1000000000000"),
        ("1E-6", "0.000001"),
        ("-2.50", "-2.5"),
        ("100", "100"),
        ("123456789012.123456", "123456789012.123456"),
    ],
)
def test_a_decimal_is_written_plainly_and_as_short_as_it_can_be(value, text):
    assert decimal_text(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12) + 1, max_value=10**12 - 1))
def test_equal_decimals_have_one_text_that_means_them(value):
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert text == decimal_text(Decimal(text)) == decimal_text(value.normalize())
    assert not text.startswith("-0") or Decimal(text) != 0
    assert "." not in text or not text.endswith("0")


def test_a_time_is_utc_with_six_decimals_whatever_its_zone():
    moment = datetime(2026, 3, 29, 2, 30, 0, 120, tzinfo=timezone(timedelta(hours=2)))
    assert instant_text(moment) == "2026-03-29T00:30:00.000120Z"
    assert instant_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


def test_times_ids_and_decimals_become_texts():
    assert plain({"d": Decimal("1.0"), "u": UUID(int=7), "day": date(2026, 1, 2), "s": {"b", "a"}, "t": (1, None)}) == {
        "d": "1",
        "u": "00000000-0000-0000-0000-000000000007",
        "day": "2026-01-02",
        "s": ["a", "b"],
        "t": [1, None],
    }


def test_keys_are_sorted_at_every_depth_and_nothing_is_between():
    assert canonical({"b": {"z": 1, "a": [True, False, None]}, "a": "x", "B": 0}) == (
        '{"B":0,"a":"x","b":{"a":[true,false,null],"z":1}}'
    )


def test_characters_stand_as_themselves_and_only_what_must_be_is_escaped():
    """The example of RFC 8785, section 3.2.2.2."""
    assert canonical({"string": '€$\u000f\nA\'B"\\\\"/'}) == '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical("\x7f\u2028é😀<>") == '"\x7f\u2028é😀<>"'
    assert canonical("\b\t\n\f\r\x1f") == '"\\b\\t\\n\\f\\r\\u001f"'


def test_a_float_has_no_canonical_form():
    for value in (0.1, float("nan"), {"deep": [1.0]}, object(), b"bytes"):
        with pytest.raises(TypeError, match="no canonical form"):
            canonical(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ_", min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)
def test_the_text_reads_back_to_the_same_value_and_is_a_fixed_point(value):
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert digest(value) == hashlib.sha256(text.encode()).digest()


def test_a_fingerprint_does_not_depend_on_the_writing_of_numbers_or_the_order_of_keys():
    same = [
        {"good": 2, "lot": "A"},
        {"lot": "A", "good": 2.0},
        {"good": "2", "lot": "A"},
        {"good": "2.00", "lot": "A"},
        {"good": Decimal("2.0"), "lot": "A"},
    ]
    assert len({fingerprint("POST", "/x", "token:1", body) for body in same}) == 1


def test_a_fingerprint_tells_apart_what_is_not_the_same():
    body = {"good": "2", "lot": "007", "at": None}
    marks = [
        fingerprint("POST", "/x", "token:1", body),
        fingerprint("PUT", "/x", "token:1", body),
        fingerprint("POST", "/y", "token:1", body),
        fingerprint("POST", "/x", "token:2", body),
        fingerprint("POST", "/x", "token:1", body | {"good": "3"}),
        fingerprint("POST", "/x", "token:1", body | {"lot": "7"}),
        fingerprint("POST", "/x", "token:1", {"good": "2", "lot": "007"}),
        fingerprint("POST", "/x", "token:1", body | {"good": True}),
        fingerprint("POST", "/x", "token:1", [body]),
    ]
    assert len(set(marks)) == len(marks)
