"""GS1 Digital Link addresses, read into the same elements as a symbol's. Pure; nothing is ever fetched."""

import datetime as dt
import re
from urllib.parse import unquote

from mes.kernel.gs1 import Gs1Data, Gs1Error, identifiers, judged_element

# Digital Link: what may identify, and which identifiers may qualify it, in this order.
_KEYS: dict[str, tuple[str, ...]] = {
    "00": (),
    "01": ("22", "10", "21", "235"),
    "253": (),
    "255": (),
    "401": (),
    "402": (),
    "414": ("254", "7040"),
    "417": ("7040",),
    "8002": (),
    "8003": (),
    "8004": ("7040",),
    "8006": ("22", "10", "21"),
    "8010": ("8011",),
    "8013": (),
    "8017": ("8019",),
    "8018": ("8019",),
}
_WORDS = {
    "sscc": "00",
    "gtin": "01",
    "lot": "10",
    "ser": "21",
    "cpv": "22",
    "gdti": "253",
    "gcn": "255",
    "ginc": "401",
    "gsin": "402",
    "gln": "414",
    "party": "417",
    "grai": "8003",
    "giai": "8004",
    "itip": "8006",
    "cpid": "8010",
    "gmn": "8013",
    "gsrnp": "8017",
    "gsrn": "8018",
}
_ADDRESS = re.compile(
    r"(?i:https?)://(?P<host>[A-Za-z0-9\-._]+(?::\d+)?)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?\Z", re.S
)
_ADDRESS_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*\Z")


def parse_digital_link(address: str, *, today: dt.date | None = None) -> Gs1Data:
    """The elements of a GS1 Digital Link address, of whatever host. Raises Gs1Error."""
    match = _ADDRESS.match(address)
    if match is None or not _ADDRESS_CHARACTERS.match(address):
        raise Gs1Error("gs1_link")
    pairs = _path_pairs((match["path"] or "").split("/")[1:])
    for item in (match["query"] or "").split("&"):
        name, equals, value = item.partition("=")
        ai = _WORDS.get(name, name)
        if not equals or not ai.isdigit():
            continue
        if ai not in identifiers():
            raise Gs1Error("gs1_unknown_identifier", ai)
        if any(ai == earlier for earlier, _ in pairs):
            raise Gs1Error("gs1_repeated", ai)
        pairs.append((ai, unquote(value)))
    return Gs1Data(tuple(judged_element(ai, value, today) for ai, value in pairs), separated=True)


def _path_pairs(segments: list[str]) -> list[tuple[str, str]]:
    """The rightmost key in the path with the qualifiers behind it; whatever stands before it is a stem."""
    for start in range(len(segments) - 2, -1, -1):
        key = _WORDS.get(segments[start], segments[start])
        tail = segments[start:]
        if key not in _KEYS or len(tail) % 2:
            continue
        names = [_WORDS.get(name, name) for name in tail[2::2]]
        order = _KEYS[key]
        places = [order.index(name) if name in order else -1 for name in names]
        if -1 in places or places != sorted(set(places)):
            continue
        return list(zip([key, *names], (unquote(value) for value in tail[1::2]), strict=True))
    raise Gs1Error("gs1_link")
