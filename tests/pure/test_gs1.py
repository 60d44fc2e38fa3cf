"""GS1 element strings and Digital Links against the published vectors, and the traps scanners set."""

import csv
import datetime as dt
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.kernel.digital_link import parse_digital_link
from mes.kernel.gs1 import (
    GS,
    Gs1Data,
    Gs1Error,
    check_digit,
    identifiers,
    lost_separator_readings,
    parse_elements,
)
from mes.kernel.scanning import SENTENCES, PlainText, Refused, ScannedGs1, SeveralCodes, parse

VECTORS = list(csv.DictReader((Path(__file__).parent.parent / "data" / "gs1" / "vectors.csv").open(encoding="utf-8")))
# Where we differ on purpose, with the reason.
DIFFERENT = {
    "ai.c:1708": "the engine's own marker of a GS1 string is missing, which says nothing about the string",
    "scandata.c:879": "a symbol without data is nothing to act on",
    "scandata.c:947": "composite symbols are two codes to us",
    "scandata.c:980": "an address of somebody else is a plain text, looked up like any other",
    "scandata.c:844": "a text without a symbology may still be a number",
    "scandata.c:846": "a bracket and a letter may still be a number",
}
TODAY = dt.date(2026, 11, 22)


def vectors(kind: str) -> list[dict[str, str]]:
    chosen = [row for row in VECTORS if row["kind"] == kind and row["source"] not in DIFFERENT]
    # Shortened product numbers are off in the engine as well, unless asked for.
    return [row for row in chosen if "zero_suppressed" not in row["settings"]]


def joined(data: Gs1Data) -> str:
    """The engine's canonical form: ^ opens, and stands after a value of open length unless it is the last."""
    text = "^"
    for element in data.elements:
        text += element.ai + element.value
        fixed = element.ai[:2] in {"00", "01", "02", "03", "04", "20", "41", *map(str, range(11, 20))}
        fixed = fixed or element.ai[:2] in {str(number) for number in range(31, 37)}
        text += "" if fixed else "^"
    return text.rstrip("^")


@pytest.mark.parametrize("row", vectors("unbracketed_element_string"), ids=lambda row: row["source"])
def test_element_strings_are_judged_as_the_syntax_engine_does(row: dict[str, str]) -> None:
    if row["valid"] == "true":
        assert joined(parse_elements(row["input"].replace("^", GS))) == row["input"].rstrip("^")
    else:
        with pytest.raises(Gs1Error):
            parse_elements(row["input"].replace("^", GS))


@pytest.mark.parametrize("row", vectors("digital_link_uri"), ids=lambda row: row["source"])
def test_digital_links_are_judged_as_the_syntax_engine_does(row: dict[str, str]) -> None:
    if row["valid"] == "true":
        assert joined(parse_digital_link(row["input"])) == row["expected"]
    else:
        with pytest.raises(Gs1Error):
            parse_digital_link(row["input"])


@pytest.mark.parametrize("row", vectors("scan_data"), ids=lambda row: row["source"])
def test_what_a_scanner_sends_is_judged_as_the_syntax_engine_does(row: dict[str, str]) -> None:
    scan = parse(row["input"].replace("\\x1d", GS).replace("\\\\", "\\"))
    if row["valid"] != "true":
        assert isinstance(scan, Refused)
    elif row["expected"].startswith("^"):
        assert isinstance(scan, ScannedGs1)
        assert scan.sure
        assert joined(scan.data) == row["expected"]
    else:
        assert isinstance(scan, PlainText | ScannedGs1)


def test_most_vectors_are_used() -> None:
    used = sum(len(vectors(kind)) for kind in ["unbracketed_element_string", "digital_link_uri", "scan_data"])
    assert used >= 110


def test_two_values_for_one_identifier_are_refused_and_one_value_twice_is_one() -> None:
    with pytest.raises(Gs1Error, match="gs1_repeated"):
        parse_elements(f"400ABC{GS}400AB")
    assert len(parse_elements(f"400ABC{GS}99DEF{GS}400ABC").elements) == 2


def test_the_elements_have_names() -> None:
    data = parse_elements("010950110153000317271100" + f"10LOT7{GS}21SN9{GS}3012", today=TODAY)
    assert (data.gtin, data.lot, data.serial, data.count) == ("09501101530003", "LOT7", "SN9", 12)
    assert data.expires == dt.date(2027, 11, 30)
    assert data.separated
    assert parse_elements("00123456789012345675").sscc == "123456789012345675"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("270200", dt.date(2027, 2, 28)),
        ("280200", dt.date(2028, 2, 29)),
        ("991200", dt.date(1999, 12, 31)),
        ("761231", dt.date(2076, 12, 31)),
        ("770101", dt.date(1977, 1, 1)),
    ],
)
def test_dates_fall_within_fifty_years_and_day_zero_is_the_last(text: str, day: dt.date) -> None:
    assert parse_elements("17" + text, today=TODAY).expires == day


@pytest.mark.parametrize("text", ["271301", "270001", "270230", "271300", "270000", "290229"[:4] + "32"])
def test_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(Gs1Error, match="gs1_date"):
        parse_elements("17" + text, today=TODAY)


def test_a_lost_separator_is_shown_by_the_other_readings() -> None:
    text = "0109501101530003" + "10" + "12345" + "21" + "3050"
    assert parse_elements(text).lot == "12345213050"
    readings = [(reading.lot, reading.serial) for reading in lost_separator_readings(text)]
    assert ("12345", "3050") in readings


def test_a_separated_string_has_no_other_reading() -> None:
    assert list(lost_separator_readings(f"10A{GS}21B")) == []
    assert list(lost_separator_readings("0109501101530003")) == []


def test_identifiers_never_begin_with_one_another() -> None:
    names = sorted(identifiers())
    assert not [(a, b) for a, b in itertools.pairwise(names) if b.startswith(a)]
    assert len(names) > 400


@given(st.text("0123456789", min_size=1, max_size=17))
def test_the_check_digit_makes_the_weighted_sum_a_multiple_of_ten(digits: str) -> None:
    whole = digits + check_digit(digits)
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(reversed(whole)))
    assert total % 10 == 0


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_any_string_is_either_read_or_refused_with_a_reason_that_has_sentences(text: str) -> None:
    scan = parse("]C1" + text)
    if isinstance(scan, Refused):
        assert scan.reason in SENTENCES
    else:
        assert isinstance(scan, ScannedGs1 | SeveralCodes)
