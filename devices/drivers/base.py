"""What every driver offers the collector, and the words they share. No protocol and no Django lives here.

A driver never sleeps, schedules or retries beyond one request's own retries: pacing and back-off are the collector's.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar


class Quality(IntEnum):
    """How far a sample may be believed. Only GOOD ones count pieces or set states."""

    GOOD = 0
    UNCERTAIN = 1
    BAD_COMM = 2
    BAD_CONFIG = 3
    BAD_DEVICE = 4


class Unreachable(Exception):
    """The endpoint does not accept a connection. The text says what was tried."""


class BadConfig(Exception):
    """The settings cannot work, whatever the device does."""


@dataclass(frozen=True, slots=True)
class TagSpec:
    """One value of one device: where it lies, in the terms of the driver, and how its bits become a number.

    `unit` tells devices behind one connection apart.
    """

    id: int
    unit: int
    table: str
    address: int
    data_type: str
    order: str = "ABCD"
    bit: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one tag at the collector's clock. `why` says what is wrong with one that is not GOOD."""

    tag_id: int
    value: int | float | None
    at: float
    quality: Quality
    why: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for. `gap` is how many unused places may be read to save a second request."""

    registers: int = 125
    bits: int = 2000
    gap: int = 16


@dataclass(frozen=True, slots=True)
class Block:
    """One request: COUNT places of TABLE from ADDRESS, and the tags that lie in it."""

    unit: int
    table: str
    address: int
    count: int
    tags: tuple[TagSpec, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test. `code` names it, `facts` fill the sentence that a page makes of it."""

    code: str
    good: bool
    milliseconds: float
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Traffic:
    """What passed since the driver was made, for the page that shows a device's health."""

    requests: int = 0
    failures: int = 0
    connects: int = 0


class Driver(ABC):
    """One endpoint: a connection that may not be split, with every device behind it."""

    api_version: ClassVar[int] = 1
    slug: ClassVar[str]
    label: ClassVar[str]
    tables: ClassVar[tuple[str, ...]]
    data_types: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.traffic = Traffic()

    @classmethod
    @abstractmethod
    def check(cls, tag: TagSpec, limits: Limits) -> None:
        """Raise `BadConfig` when TAG can never be read."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether a read may be tried now."""

    @abstractmethod
    async def open(self) -> None:
        """Connect. Raises `Unreachable`."""

    @abstractmethod
    def plan(self, tags: Sequence[TagSpec]) -> list[Block]:
        """The requests that read TAGS, as few as the limits and what is known of the device allow. Pure."""

    @abstractmethod
    async def read(self, block: Block) -> list[Sample]:
        """One sample per tag of BLOCK; a bad tag is a sample of bad quality, never an exception."""

    @abstractmethod
    async def probe(self, tags: Sequence[TagSpec]) -> list[Step]:
        """Connect and read once, and tell of each step up to the first that fails."""

    @abstractmethod
    async def close(self) -> None:
        """Idempotent, and quick."""
