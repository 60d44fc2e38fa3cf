"""The scan grammar: what a scanned or typed text is, before anybody asks the database what it means.

Pure. Our own codes, GS1 symbols, Digital Links and plain numbers come out as frozen values; everything that must not
go further comes out as `Refused` with a reason from SENTENCES.
"""

import itertools
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mes.kernel.digital_link import parse_digital_link
from mes.kernel.gs1 import GS, Gs1Data, Gs1Error, check_digit, parse_elements

OWN_LENGTH = 64
# Longer than any symbol a floor label carries; a scanner that sends more is sending a document or an attack.
RAW_LENGTH = 512


class Kind(StrEnum):
    """The letter every code of ours begins with."""

    ORDER = "O"
    OPERATION = "P"
    LOT = "L"
    SERIAL = "S"
    HANDLING_UNIT = "H"
    WORK_CENTER = "W"
    BADGE = "B"
    LOCATION = "N"
    GAUGE = "G"
    REASON = "R"
    COMMAND = "C"
    QUANTITY = "Q"
    DOCUMENT = "D"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A reason as people read it: what is wrong with the text, and what to do about it now."""

    message: StrOrPromise
    remedy: StrOrPromise


_AGAIN = _("Scan it again, a little closer and straight.")
_SUPPLIER = _("Use the number printed beside the code, and show the label to a supervisor.")

SENTENCES: dict[str, Sentence] = {
    "empty": Sentence(_("Nothing was read."), _AGAIN),
    "control_character": Sentence(
        _("The code contains characters that no label of this plant carries."),
        _("Do not use this label. Show it to a supervisor."),
    ),
    "too_long": Sentence(_("The code is longer than any code used here."), _("Scan one label at a time.")),
    "check_character": Sentence(
        _("The last character does not fit the code: something was misread or mistyped."),
        _("Scan it again, or compare what you typed with the label."),
    ),
    "foreign_site": Sentence(
        _("This label was printed by another plant."), _("Use a label of this plant, or ask a supervisor.")
    ),
    "several_codes": Sentence(
        _("Several codes arrived as one."), _("Scan one label at a time. If it happens again, tell an administrator.")
    ),
    "gs1_empty": Sentence(_("The symbol carries no data."), _SUPPLIER),
    "gs1_unknown_identifier": Sentence(_("The supplier's label uses an identifier that does not exist."), _SUPPLIER),
    "gs1_value_missing": Sentence(_("The supplier's label announces a value and does not give it."), _SUPPLIER),
    "gs1_character": Sentence(_("The supplier's label uses a character that is not allowed there."), _SUPPLIER),
    "gs1_too_short": Sentence(_("A value on the supplier's label is too short."), _AGAIN),
    "gs1_too_long": Sentence(
        _("A value on the supplier's label is too long, or the scanner swallows separators."),
        _("Scan it again. If it happens again, tell an administrator to switch the separators on."),
    ),
    "gs1_check_digit": Sentence(_("The check digit of the supplier's label is wrong."), _AGAIN),
    "gs1_date": Sentence(_("The supplier's label carries a date that does not exist."), _SUPPLIER),
    "gs1_repeated": Sentence(
        _("The supplier's label gives the same value twice and differently."),
        _("Scan one label at a time, or use the number printed beside the code."),
    ),
    "gs1_link": Sentence(_("The address on the label names no product."), _SUPPLIER),
}


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """A code of ours whose check character is right. Either `number` or `id` is known, never both."""

    kind: Kind
    payload: str

    @property
    def id(self) -> int | None:
        return int(self.payload[1:]) if _ID.match(self.payload) else None

    @property
    def number(self) -> str | None:
        return None if _ID.match(self.payload) else self.payload


@dataclass(frozen=True, slots=True)
class ScannedGs1:
    """A supplier's or a carrier's symbol. `sure` is false where only the digits made us think so."""

    data: Gs1Data
    text: str
    sure: bool


@dataclass(frozen=True, slots=True)
class PlainText:
    """No grammar of ours: a number as people write it, or a code of somebody else."""

    text: str


@dataclass(frozen=True, slots=True)
class SeveralCodes:
    """Codes that arrived without a separator between them. Nothing may be done with them."""

    texts: tuple[str, ...]
    reason: str = "several_codes"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not to be used. `text` is fit to be shown and, where only the check character is wrong, to be looked up."""

    reason: str
    text: str = ""
    detail: str = ""

    @property
    def sentence(self) -> Sentence:
        return SENTENCES[self.reason]


Scan = ScannedCode | ScannedGs1 | PlainText | SeveralCodes | Refused

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KINDS = "".join(Kind)
_PAYLOAD = re.compile(r"[A-Z0-9\-./]+\Z")
_ID = re.compile(r"\.\d{1,18}\Z")
_BARE = re.compile(rf"(?P<kind>[{_KINDS}])-(?P<payload>[A-Z0-9\-./]+)-(?P<check>[0-9A-Z])\Z")
_OWN_ADDRESS = re.compile(
    rf"(?i:https?)://(?P<host>[^/?#\s]+)/(?i:b)/(?P<kind>[{_KINDS}{_KINDS.lower()}])(?P<payload>[^/?#\s]+)\.(?P<check>[0-9A-Za-z])\Z"
)
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_GS1_SYMBOLOGIES = frozenset(["]C1", "]d2", "]Q3", "]e0", "]J1"])
_EAN_LENGTHS = {"]E0": 13, "]E4": 8}
# Where a second code can begin inside a text that should hold one.
_BEGINNING = re.compile(r"\][A-Za-z][0-9](?=.)|(?i:https?)://")


class NotEncodable(ValueError):
    """The number holds characters, or is longer, than a code of ours can carry; print the id instead."""


def check_character(text: str) -> str:
    """The check character of ISO 7064 MOD 37,36 over kind letter and payload.

    A character outside the 36 of the standard counts as Z and its code point in base 36, so that a dot that moved or
    became a dash is noticed too.
    """
    product = 36
    for character in _spelled(text):
        product = (product + _ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def _spelled(text: str) -> str:
    return "".join(character if character in _ALPHABET else "Z" + _base36(ord(character)) for character in text)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _ALPHABET[digit] + digits
    return digits


def make_code(kind: Kind | str, payload: str) -> str:
    """The bare form for Code 128: `L-B2291-` and its check character.

    Raises NotEncodable for other characters than A to Z, 0 to 9, `-`, `.`, `/`; for a leading dot, which marks an id;
    for a code that is too long, and for the rare one that could also be read as two codes in a row.
    """
    if payload.startswith("."):
        raise NotEncodable(payload)
    return _bare(Kind(kind), payload)


def make_id_code(kind: Kind | str, pk: int) -> str:
    """The bare form that names a row by its id, for numbers that a code cannot carry."""
    return _bare(Kind(kind), f".{pk}")


def _bare(kind: Kind, payload: str) -> str:
    code = f"{kind}-{payload}-{check_character(kind + payload)}"
    if not _PAYLOAD.match(payload) or len(code) > OWN_LENGTH or _glued(code):
        raise NotEncodable(payload)
    return code


def make_address(origin: str, kind: Kind | str, payload: str) -> str:
    """The address form for QR codes, which phones can open; it carries any number, percent-encoded.

    `origin` is scheme and host, such as `https://mes.example`.
    """
    return f"{origin}/b/{Kind(kind)}{quote(payload, safe='')}.{check_character(Kind(kind) + payload)}"


def parse(raw: str, *, hosts: Collection[str] | None = None) -> Scan:
    """What the text is. `hosts` are the names this plant is reached by; without them any host's address is ours."""
    text = raw.strip(" \t\r\n\x02\x03")
    refused = _unfit(text)
    if refused:
        return refused
    symbology = ""
    if _AIM.match(text):
        symbology, text = text[:3], text[3:]
    if not text:
        return Refused("gs1_empty" if symbology in _GS1_SYMBOLOGIES else "empty")
    beginnings = [match.start() for match in _BEGINNING.finditer(text) if match.start()]
    if beginnings and not _is_address_with_address(text, beginnings):
        edges = [0, *beginnings, len(text)]
        return SeveralCodes(tuple(text[start:end] for start, end in itertools.pairwise(edges)))
    if symbology in _GS1_SYMBOLOGIES or GS in text:
        return _gs1(text, sure=True)
    if symbology in _EAN_LENGTHS:
        return _ean(text, _EAN_LENGTHS[symbology])
    return _own_address(text, hosts) or _link(text) or _own_code(text) or _unmarked_gs1(text) or _plain(text)


def _unfit(text: str) -> Refused | None:
    if not text:
        return Refused("empty")
    if len(text) > RAW_LENGTH:
        return Refused("too_long", _shown(text[:OWN_LENGTH]))
    # Control, format (the right-to-left override), surrogate, private and unassigned characters; separators of lines.
    if any(unicodedata.category(character)[0] == "C" and character != GS for character in text):
        return Refused("control_character", _shown(text))
    if any(unicodedata.category(character) in {"Zl", "Zp"} for character in text):
        return Refused("control_character", _shown(text))
    return None


def _shown(text: str) -> str:
    """The text with everything unprintable replaced, short enough for a line on the screen."""
    return "".join(character if character.isprintable() else "�" for character in text[:OWN_LENGTH])


def _is_address_with_address(text: str, beginnings: list[int]) -> bool:
    """An address may carry another one in its query; that is one code."""
    return "?" in text[: beginnings[0]] and bool(re.match(r"(?i:https?)://", text))


def _own_address(text: str, hosts: Collection[str] | None) -> Scan | None:
    match = _OWN_ADDRESS.match(text)
    if match is None:
        return None
    if hosts is not None and match["host"].lower() not in {host.lower() for host in hosts}:
        return Refused("foreign_site", _shown(text), match["host"])
    kind = Kind(match["kind"].upper())
    payload = unicodedata.normalize("NFC", unquote(match["payload"], errors="replace"))
    refused = _unfit(payload)
    if refused or GS in payload:
        return Refused("control_character", _shown(text))
    if len(payload) > OWN_LENGTH:
        return Refused("too_long", _shown(text))
    for candidate in (payload, payload.upper()):
        if check_character(kind + candidate) == match["check"].upper():
            return ScannedCode(kind, candidate)
    return Refused("check_character", payload)


def _link(text: str) -> Scan | None:
    if not re.match(r"(?i:https?)://", text):
        return None
    try:
        return ScannedGs1(parse_digital_link(text), text, sure=True)
    except Gs1Error as error:
        return _plain(text) if error.reason == "gs1_link" else _gs1_refusal(error, text)


def _own_code(text: str) -> Scan | None:
    # NFKC only for our own alphabet: full-width letters of an Asian keyboard are meant as the plain ones.
    code = unicodedata.normalize("NFKC", text).upper()
    pieces = _glued(code)
    if pieces:
        return SeveralCodes(pieces)
    match = _BARE.match(code)
    if match is None:
        return None
    if len(code) > OWN_LENGTH:
        return Refused("too_long", _shown(text))
    if check_character(match["kind"] + match["payload"]) != match["check"]:
        return Refused("check_character", unicodedata.normalize("NFC", text))
    return ScannedCode(Kind(match["kind"]), match["payload"])


def _glued(code: str) -> tuple[str, ...]:
    """The codes of ours that `code` is made of, if it is made of at least two."""
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(5, len(code) + 1):
        for start in sorted(best):
            if end - start >= 5 and _is_own(code[start:end]):
                best.setdefault(end, (*best[start], code[start:end]))
    pieces = best.get(len(code), ())
    if len(pieces) == 1:
        # The whole is a code as well; look for a reading in two or more parts.
        for end in sorted(best)[1:-1]:
            if _is_own(code[end:]):
                return (*best[end], code[end:])
        return ()
    return pieces


def _is_own(code: str) -> bool:
    match = _BARE.match(code)
    return match is not None and check_character(match["kind"] + match["payload"]) == match["check"]


def _gs1(text: str, *, sure: bool) -> Scan:
    try:
        return ScannedGs1(parse_elements(text), text, sure)
    except Gs1Error as error:
        return _gs1_refusal(error, text)


def _gs1_refusal(error: Gs1Error, text: str) -> Refused:
    return Refused(error.reason, _shown(text), f"({error.ai}) {error.value}".strip() if error.ai else "")


def _ean(text: str, length: int) -> Scan:
    if len(text) != length:
        return Refused("gs1_too_short" if len(text) < length else "gs1_too_long", _shown(text))
    if not (text.isascii() and text.isdigit()):
        return Refused("gs1_character", _shown(text))
    if check_digit(text[:-1]) != text[-1]:
        return Refused("gs1_check_digit", text)
    return _gs1("01" + text.zfill(14), sure=True)


def _unmarked_gs1(text: str) -> Scan | None:
    """Digits that begin with a product or a carrier number and fit to the end. Anything less is a plain number."""
    if not re.match(r"(?:00\d{18}|0[12]\d{14})", text, re.A):
        return None
    try:
        return ScannedGs1(parse_elements(text), text, sure=False)
    except Gs1Error:
        return None


def _plain(text: str) -> Scan:
    text = unicodedata.normalize("NFC", text)
    return PlainText(text) if len(text) <= OWN_LENGTH else Refused("too_long", _shown(text))
