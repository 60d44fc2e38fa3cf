"""GS1 element strings, read into typed elements. Pure: no database, no request; addresses are in digital_link.

The table names every application identifier a factory may meet on a supplier's label; deeper rules of single
identifiers (coupons, bank numbers, positions on the globe) are not judged here.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

GS = "\x1d"

# One line per identifier or range (n: 0 to 5 decimals), then its parts in order. N digits, X the 82 invariant
# characters, Y uppercase and digits, Z file-safe base 64. A length, or shortest-longest. Then: c ends in a check digit,
# d a day, e a day that may be 00 for the end of the month, t a day with hours and minutes. "?" opens an optional part.
_TABLE = """
00 N18c
01-03 N14c
10 X1-20
11-13 N6e
15-17 N6e
20 N2
21-22 X1-20
235 X1-28
240-241 X1-30
242 N1-6
243 X1-20
250-251 X1-30
253 N13c ?X1-17
254 X1-20
255 N13c ?N1-12
30 N1-8
310n-316n N6
320n-337n N6
340n-357n N6
360n-369n N6
37 N1-8
3900-3909 N1-15
3910-3919 N3 N1-15
3920-3929 N1-15
3930-3939 N3 N1-15
3940-3943 N4
3950-3955 N6
400-401 X1-30
402 N17c
403 X1-30
410-417 N13c
420 X1-20
421 N3 X1-9
422 N3
423 N3 ?N3 ?N3 ?N3 ?N3
424 N3
425 N3 ?N3 ?N3 ?N3 ?N3
426 N3
427 X1-3
4300-4301 X1-35
4302-4306 X1-70
4307 X2
4308 X1-30
4309 N20
4310-4311 X1-35
4312-4316 X1-70
4317 X2
4318 X1-20
4319 X1-30
4320 X1-35
4321-4323 N1
4324-4325 N10t
4326 N6d
4330-4333 N6 ?X1
7001 N13
7002 X1-30
7003 N10t
7004 N1-4
7005 X1-12
7006 N6d
7007 N6d ?N6d
7008 X1-3
7009 X1-10
7010 X1-2
7011 N6d ?N4
7020-7022 X1-20
7023 X1-30
7030-7039 N3 X1-27
7040 N1 X3
7041 X1-4
710-717 X1-20
7230-7239 X2 X1-28
7240 X1-20
7241 N2
7242 X1-25
7250 N8
7251 N12
7252 N1
7253-7254 X1-40
7255 X1-10
7256 X1-90
7257 X1-70
7258 X3
7259 X1-40
8001 N14
8002 X1-20
8003 N14c ?X1-16
8004 X1-30
8005 N6
8006 N14c N2 N2
8007 X1-34
8008 N8 ?N1-4
8009 X1-50
8010 Y1-30
8011 N1-12
8012 X1-20
8013 X1-25
8014 X1-25
8017-8018 N18c
8019 N1-10
8020 X1-25
8026 N14c N2 N2
8030 Z1-90
8110 X1-70
8111 N4
8112 X1-70
8200 X1-70
90 X1-30
91-99 X1-90
"""

# Identifiers whose value has a length every reader knows: no separator follows them.
_SELF_DELIMITING = frozenset(
    ["00", "01", "02", "03", "04", *(str(n) for n in range(11, 21)), *(str(n) for n in range(31, 37)), "41"]
)
_CHARSETS = {
    "N": re.compile(r"[0-9]*\Z"),
    "X": re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*\Z"),
    "Y": re.compile(r"[#\-/0-9A-Z]*\Z"),
    "Z": re.compile(r"[A-Za-z0-9_\-]*={0,2}\Z"),
}
_PART = re.compile(r"(?P<optional>\?)?(?P<charset>[NXYZ])(?P<low>\d+)(?:-(?P<high>\d+))?(?P<check>[cdet])?\Z")


class Gs1Error(ValueError):
    """The text claims to be GS1 and is not. `reason` is one of scanning.SENTENCES; `ai` and `value` say where."""

    def __init__(self, reason: str, ai: str = "", value: str = "") -> None:
        super().__init__(reason, ai, value)
        self.reason = reason
        self.ai = ai
        self.value = value


@dataclass(frozen=True, slots=True)
class Element:
    ai: str
    value: str
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Gs1Data:
    """What one symbol said, in its order. `separated` tells whether a separator arrived at all."""

    elements: tuple[Element, ...]
    separated: bool

    def value(self, ai: str) -> str | None:
        return next((element.value for element in self.elements if element.ai == ai), None)

    def day(self, ai: str) -> dt.date | None:
        return next((element.day for element in self.elements if element.ai == ai), None)

    @property
    def gtin(self) -> str | None:
        return self.value("01") or self.value("02")

    @property
    def lot(self) -> str | None:
        return self.value("10")

    @property
    def serial(self) -> str | None:
        return self.value("21")

    @property
    def sscc(self) -> str | None:
        return self.value("00")

    @property
    def expires(self) -> dt.date | None:
        return self.day("17")

    @property
    def count(self) -> int | None:
        text = self.value("30") or self.value("37")
        return int(text) if text else None


@dataclass(frozen=True, slots=True)
class _Part:
    charset: str
    low: int
    high: int
    check: str
    optional: bool


@lru_cache(maxsize=1)
def identifiers() -> dict[str, tuple[_Part, ...]]:
    """Every known application identifier with the parts of its value."""
    table: dict[str, tuple[_Part, ...]] = {}
    for line in _TABLE.strip().splitlines():
        names, *specs = line.split()
        parts = tuple(_part(spec) for spec in specs)
        first, _, last = names.replace("n", "").partition("-")
        decimals = "012345" if "n" in names else [""]
        for number in range(int(first), int(last or first) + 1):
            table |= {str(number).zfill(len(first)) + decimal: parts for decimal in decimals}
    return table


def _part(spec: str) -> _Part:
    match = _PART.match(spec)
    if match is None:
        raise LookupError(spec)
    low = int(match["low"])
    high = int(match["high"] or low)
    return _Part(match["charset"], low, high, match["check"] or "", bool(match["optional"]))


def check_digit(digits: str) -> str:
    """The GS1 check digit for digits written without one: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def parse_elements(text: str, *, today: dt.date | None = None) -> Gs1Data:
    """The elements of a string as a scanner sends it: identifiers and values, GS after values of open length.

    Raises Gs1Error with the first thing that is wrong. The same identifier twice with one value counts once.
    """
    separated = GS in text
    elements: list[Element] = []
    rest = text.removeprefix(GS)
    if not rest:
        raise Gs1Error("gs1_empty")
    while rest:
        ai = _identifier(rest)
        rest = rest[len(ai) :]
        if ai[:2] in _SELF_DELIMITING:
            length = sum(part.high for part in identifiers()[ai])
            value, rest = rest[:length], rest[length:].removeprefix(GS)
        else:
            value, _, rest = rest.partition(GS)
        elements.append(judged_element(ai, value, today))
    return Gs1Data(_without_repeats(elements), separated)


def _identifier(text: str) -> str:
    table = identifiers()
    for length in (2, 3, 4):
        if text[:length] in table:
            return text[:length]
    raise Gs1Error("gs1_unknown_identifier", text[:4].partition(GS)[0])


def judged_element(ai: str, value: str, today: dt.date | None) -> Element:
    """The value judged part by part. Raises Gs1Error."""
    if not value:
        raise Gs1Error("gs1_value_missing", ai)
    rest = value
    day: dt.date | None = None
    for part in identifiers()[ai]:
        if not rest and part.optional:
            break
        piece, rest = rest[: part.high], rest[part.high :]
        if not _CHARSETS[part.charset].match(piece):
            raise Gs1Error("gs1_character", ai, value)
        if len(piece) < part.low:
            raise Gs1Error("gs1_too_short", ai, value)
        if part.check == "c" and check_digit(piece[:-1]) != piece[-1]:
            raise Gs1Error("gs1_check_digit", ai, value)
        if part.check and part.check in "det":
            day = _day(ai, piece, part.check, today or dt.datetime.now(dt.UTC).date())
    if rest:
        raise Gs1Error("gs1_too_long", ai, value)
    return Element(ai, value, day)


def _day(ai: str, text: str, check: str, today: dt.date) -> dt.date:
    """YYMMDD in the century that puts it within fifty years of today; day 00 is the last of the month."""
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:6])
    year += today.year - today.year % 100
    if year - today.year >= 51:
        year -= 100
    elif today.year - year >= 50:
        year += 100
    try:
        if check == "e" and day == 0:
            following = dt.date(year + month // 12, month % 12 + 1, 1)
            return following - dt.timedelta(days=1) if 1 <= month <= 12 else dt.date(year, month, 1)
        if check == "t":
            dt.time(int(text[6:8]), int(text[8:10]))
        return dt.date(year, month, day)
    except ValueError:
        raise Gs1Error("gs1_date", ai, text) from None


def _without_repeats(elements: list[Element]) -> tuple[Element, ...]:
    seen: dict[str, Element] = {}
    for element in elements:
        earlier = seen.setdefault(element.ai, element)
        if earlier.value != element.value:
            raise Gs1Error("gs1_repeated", element.ai, element.value)
    return tuple(seen.values())


def lost_separator_readings(text: str, *, today: dt.date | None = None) -> Iterator[Gs1Data]:
    """Other readings of a string without separators, if the scanner swallowed one inside its last open value.

    `10` + `12345`, `21` + `3050` arrives as the single lot `12345213050`: it parses, and it is wrong. Whoever knows
    the lots compares these readings with them before trusting the first.
    """
    if GS in text:
        return
    data = parse_elements(text, today=today)
    last = data.elements[-1]
    if last.ai[:2] in _SELF_DELIMITING:
        return
    start = len(text) - len(last.value)
    for cut in range(start + 1, len(text)):
        try:
            yield parse_elements(text[:cut] + GS + text[cut:], today=today)
        except Gs1Error:
            continue
