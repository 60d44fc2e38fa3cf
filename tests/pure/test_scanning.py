"""What the scan grammar makes of our own codes, of other people's texts and of what should never reach the plant."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.kernel.gs1 import GS
from mes.kernel.scanning import (
    OWN_LENGTH,
    RAW_LENGTH,
    SENTENCES,
    Kind,
    NotEncodable,
    PlainText,
    Refused,
    ScannedCode,
    ScannedGs1,
    SeveralCodes,
    check_character,
    make_address,
    make_code,
    make_id_code,
    parse,
)

ALPHANUMERIC = string.digits + string.ascii_uppercase
kinds = st.sampled_from(list(Kind))
payloads = st.text(ALPHANUMERIC + "-./", min_size=1, max_size=40).filter(lambda text: not text.startswith("."))
plain_payloads = st.text(ALPHANUMERIC, min_size=2, max_size=30)
numbers = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30).map(
    lambda text: unicodedata.normalize("NFC", text)
)


def encodable(kind: Kind, payload: str) -> str | None:
    try:
        return make_code(kind, payload)
    except NotEncodable:
        return None


def test_the_check_character_is_the_one_of_the_standard() -> None:
    # The worked example of the Global Release Identifier, which uses ISO 7064 MOD 37,36.
    assert check_character("A12425GABC1234002") == "M"


@given(kinds, payloads)
def test_every_code_we_make_is_read_back(kind: Kind, payload: str) -> None:
    code = encodable(kind, payload)
    if code is not None:
        assert parse(code) == ScannedCode(kind, payload)
        assert parse(code.lower() + "\r\n") == ScannedCode(kind, payload)
        assert len(code) <= OWN_LENGTH


@given(kinds, numbers)
def test_every_address_we_make_is_read_back(kind: Kind, number: str) -> None:
    assert parse(make_address("https://mes.example", kind, number)) == ScannedCode(kind, number)


@given(kinds, plain_payloads, st.data())
def test_one_wrong_character_is_always_noticed(kind: Kind, payload: str, data: st.DataObject) -> None:
    code = make_code(kind, payload)
    place = data.draw(st.sampled_from([2 + index for index in range(len(payload))] + [len(code) - 1]))
    wrong = data.draw(st.sampled_from([character for character in ALPHANUMERIC if character != code[place]]))
    assert parse(code[:place] + wrong + code[place + 1 :]) == Refused(
        "check_character", code[:place] + wrong + code[place + 1 :]
    )


@given(plain_payloads, st.sampled_from(list(Kind)), st.sampled_from(list(Kind)))
def test_a_wrong_kind_letter_is_always_noticed(payload: str, right: Kind, wrong: Kind) -> None:
    code = wrong + make_code(right, payload)[1:]
    assert (parse(code) == ScannedCode(right, payload)) == (right == wrong)


def test_swapped_neighbours_are_noticed_in_nearly_every_case() -> None:
    pairs = [(a, b) for a in ALPHANUMERIC for b in ALPHANUMERIC if a != b]
    missed = sum(check_character(f"L{a}{b}7") == check_character(f"L{b}{a}7") for a, b in pairs)
    assert missed / len(pairs) < 0.03


@pytest.mark.parametrize(
    ("one", "other"), [("5521.20", "552.120"), ("5521.20", "5521-20"), ("A/1", "A.1"), ("12-3", "1-23")]
)
def test_a_separator_that_moved_or_changed_is_noticed(one: str, other: str) -> None:
    assert check_character("P" + one) != check_character("P" + other)


@given(kinds, plain_payloads, kinds, plain_payloads)
def test_two_codes_in_one_are_never_taken_for_one(a: Kind, first: str, b: Kind, second: str) -> None:
    texts = (make_code(a, first), make_code(b, second))
    assert parse("".join(texts)) == SeveralCodes(texts)


@pytest.mark.parametrize(
    "text",
    [
        "https://mes.example/b/O5521.Khttps://mes.example/b/O5521.K",
        "]C1010950110153000310LOT7]C1010950110153000310LOT8",
        make_code("L", "B2291") + "https://mes.example/b/L1.0",
        "]C0ABC]C0DEF",
    ],
)
def test_glued_symbols_of_any_form_are_several(text: str) -> None:
    scan = parse(text)
    assert isinstance(scan, SeveralCodes)
    assert "".join(scan.texts) == text.removeprefix("]C1").removeprefix("]C0")
    assert len(scan.texts) == 2


def test_a_code_that_reads_as_two_is_never_printed() -> None:
    candidates = [make_code("L", f"A{number}")[2:] + "L-7" for number in range(1000)]
    ambiguous = [text for text in candidates if check_character("L" + text) == check_character("L7")]
    assert ambiguous
    for payload in ambiguous:
        with pytest.raises(NotEncodable):
            make_code("L", payload)
    for payload in set(candidates[:50]) - set(ambiguous):
        assert parse(make_code("L", payload)) == ScannedCode(Kind.LOT, payload)


@pytest.mark.parametrize("payload", ["", "b2291", "Bä", "A B", "A~1", ".12", "A" * 61, "A\n", "A\x1d"])
def test_what_a_code_cannot_carry_is_refused_at_printing(payload: str) -> None:
    with pytest.raises(NotEncodable):
        make_code("L", payload)


def test_an_id_stands_in_for_a_number_a_code_cannot_carry() -> None:
    scan = parse(make_id_code("L", 4711))
    assert isinstance(scan, ScannedCode)
    assert (scan.id, scan.number) == (4711, None)
    named = parse(make_code("L", "4711"))
    assert isinstance(named, ScannedCode)
    assert (named.id, named.number) == (None, "4711")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("\r\n", "empty"),
        ("]C1", "gs1_empty"),
        ("]C0", "empty"),
        ("L-B2291-\x00", "control_character"),
        ("a\x1bb", "control_character"),
        ("a\u202eb", "control_character"),
        ("a\u2066b", "control_character"),
        ("a\u200bb", "control_character"),
        ("a\u2028b", "control_character"),
        ("a\ud800b", "control_character"),
        ("a\x9db", "control_character"),
        ("a\nb", "control_character"),
        ("A" * (OWN_LENGTH + 1), "too_long"),
        ("A" * (RAW_LENGTH + 1), "too_long"),
        ("A" * 4096, "too_long"),
        ("https://mes.example/b/L%00.0", "control_character"),
        ("https://mes.example/b/L%0d%0a.0", "control_character"),
        ("https://mes.example/b/L1.0", "check_character"),
        ("L-B2291-X", "check_character"),
        ("]E04006381333932", "gs1_check_digit"),
        ("]E0400638133393", "gs1_too_short"),
        ("]E040063813339311", "gs1_too_long"),
        ("]E0400638133393A", "gs1_character"),
        ("]E012", "gs1_too_short"),
        ("10ABC\x1d17991332", "gs1_date"),
        ("]C18888", "gs1_unknown_identifier"),
        ("]C110", "gs1_value_missing"),
        ("]C110A#B", "gs1_character"),
        ("]C1" + "10" + "A" * 21, "gs1_too_long"),
        ("]C117991", "gs1_too_short"),
        ("]C10109501101530004", "gs1_check_digit"),
        ("]C110A\x1d10B", "gs1_repeated"),
        ("https://shop.example/01/09501101530004", "gs1_check_digit"),
    ],
)
def test_what_must_not_go_further_is_refused_with_its_reason(raw: str, reason: str) -> None:
    scan = parse(raw)
    assert isinstance(scan, Refused)
    assert scan.reason == reason
    assert scan.text.isprintable()
    assert str(scan.sentence.message).endswith(".")
    assert str(scan.sentence.remedy).endswith(".")


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "'--", "{{7*7}}", "=cmd|'/c calc'!A0", "../../etc/passwd", "%0d%0a", "5521", "10234"],
)
def test_printable_texts_without_a_grammar_are_plain(text: str) -> None:
    assert parse(text) == PlainText(text)


@given(st.text(max_size=80))
def test_any_text_at_all_gets_an_answer_and_nothing_unprintable_comes_through(text: str) -> None:
    scan = parse(text)
    if isinstance(scan, Refused):
        assert scan.reason in SENTENCES
    if isinstance(scan, PlainText | Refused):
        assert scan.text == "" or not any(character in scan.text for character in "\x00\n\r\u202e")
        assert len(scan.text) <= OWN_LENGTH


@given(st.text(ALPHANUMERIC + "-./]" + GS, max_size=70))
def test_texts_that_look_nearly_right_get_an_answer(text: str) -> None:
    assert parse(text) is not None


def test_the_label_of_another_plant_is_not_ours() -> None:
    address = make_address("https://other.example", "O", "5521")
    assert parse(address, hosts={"mes.example"}) == Refused("foreign_site", address, "other.example")
    assert parse(address, hosts={"OTHER.example"}) == ScannedCode(Kind.ORDER, "5521")


def test_numbers_keep_their_zeros_and_look_alikes() -> None:
    assert parse("00I0O1") == PlainText("00I0O1")
    assert parse(make_code("L", "00I0O1")) == ScannedCode(Kind.LOT, "00I0O1")


def test_full_width_letters_of_an_asian_keyboard_are_read_as_our_alphabet() -> None:
    code = make_code("L", "B2291")
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code)
    assert parse(wide) == ScannedCode(Kind.LOT, "B2291")


def test_a_plain_number_keeps_its_own_letters() -> None:
    decomposed = "Gr\u0075\u0308n-½"
    assert parse(decomposed) == PlainText("Grün-½")


def test_digits_alone_are_a_product_only_when_everything_fits() -> None:
    sure = parse("]C1010950110153000310LOT7")
    unsure = parse("010950110153000310LOT7")
    assert isinstance(sure, ScannedGs1)
    assert sure.sure
    assert isinstance(unsure, ScannedGs1)
    assert not unsure.sure
    assert sure.data.elements == unsure.data.elements
    assert parse("010950110153000410LOT7") == PlainText("010950110153000410LOT7")


def test_a_retail_code_is_a_product() -> None:
    scan = parse("]E04006381333931")
    assert isinstance(scan, ScannedGs1)
    assert scan.data.gtin == "04006381333931"


def test_other_peoples_addresses_are_plain_texts() -> None:
    assert parse("https://shop.example/") == PlainText("https://shop.example/")
