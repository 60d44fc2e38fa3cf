"""Registers become numbers: data types and the four byte orders in use. Pure; the same for every driver of registers.

The orders are named by what the device sends of the bytes A B C D of a value: ABCD plain, CDAB words swapped, BADC
bytes swapped within each word, DCBA both.
"""

import math
import struct
from collections.abc import Sequence

from devices.drivers.base import Quality

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
#: Data type → (registers, struct format of its big-endian bytes).
TYPES: dict[str, tuple[int, str]] = {
    "BOOL": (1, ""),
    "INT16": (1, ">h"),
    "UINT16": (1, ">H"),
    "INT32": (2, ">i"),
    "UINT32": (2, ">I"),
    "INT64": (4, ">q"),
    "UINT64": (4, ">Q"),
    "FLOAT32": (2, ">f"),
    "FLOAT64": (4, ">d"),
}


def width(data_type: str) -> int:
    """How many registers a value of DATA_TYPE takes."""
    return TYPES[data_type][0]


def decode(registers: Sequence[int], data_type: str, order: str = "ABCD", bit: int | None = None) -> int | float:
    """The number that REGISTERS hold. With BIT, that bit of the one register (0 is the lowest) as 0 or 1."""
    words = list(registers)
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [(word >> 8 | word << 8) & 0xFFFF for word in words]
    if bit is not None or data_type == "BOOL":
        return words[0] >> (bit or 0) & 1 if data_type != "BOOL" or bit is not None else int(bool(words[0]))
    value: int | float = struct.unpack(TYPES[data_type][1], struct.pack(f">{len(words)}H", *words))[0]
    return value


def judged(value: int | float) -> tuple[int | float | None, Quality, str]:
    """VALUE with its quality: NaN and infinity never reach a sum."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, Quality.UNCERTAIN, "not_a_number"
    return value, Quality.GOOD, ""


def previews(registers: Sequence[int], data_type: str) -> dict[str, int | float | None]:
    """The same registers read in all four orders, so that a person can pick the one that makes sense."""
    return {order: judged(decode(registers, data_type, order))[0] for order in ORDERS}
