"""What every ERP adapter is. A missing method fails at start, not at night; the conformance tests say the rest."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from erp_sync.facts import Fact
from erp_sync.messages import (
    Capabilities,
    Cursor,
    Entity,
    Issue,
    OrderTotals,
    Page,
    Probe,
    RawRecord,
    Receipt,
    RecordOutcome,
)
from erp_sync.records import Record


class ErpAdapter(ABC):
    """A thin translator with no state and no retry.

    It is built from plain settings, never touches our database, and fails only with the classes of `errors`; anything
    else that escapes is a bug in the adapter. `push` must be safe to repeat after a crash at any point: it reads what
    the ERP holds and does only what is missing.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    secret_settings: ClassVar[frozenset[str]] = frozenset({"password"})
    """Names of settings that are kept encrypted and never shown again."""
    intervals: ClassVar[Mapping[Entity, int]] = {Entity.ORDER: 60, Entity.LOT: 300}
    """Seconds between two pulls of a new connection; 900 where nothing is said. People change them later."""

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Raises `ValueError` with a full sentence when a setting is missing or unreadable. Does not connect."""

    @abstractmethod
    def probe(self) -> Probe:
        """Look whether version, rights, fields and clock suffice. Changes nothing."""

    @abstractmethod
    def pull(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        """The next page of records changed since the cursor; at least once each, later pages never before earlier."""

    @abstractmethod
    def get(self, entity: Entity, key: str) -> RawRecord | None:
        """One record as it is now, or None when the ERP has it no more."""

    def acknowledge(self, entity: Entity, outcomes: Sequence[RecordOutcome]) -> None:  # noqa: ARG002 - most need not
        """Hear what became of the records of a whole pass, once they are kept for good. Most ERPs need not know.

        May be called again for the same records after a crash, or never: a later pass then brings them once more.
        """
        return

    @classmethod
    @abstractmethod
    def translate(cls, raw: RawRecord) -> Record:
        """The record in our words. Pure: a stored raw record can be translated again years later.

        Raises `Rejected` with the reason when the record cannot be expressed.
        """

    @abstractmethod
    def validate(self, fact: Fact) -> list[Issue]:
        """Dry run: what would keep the ERP from taking the fact. Changes nothing."""

    @abstractmethod
    def push(self, fact: Fact, accepted: frozenset[str] = frozenset()) -> Receipt:
        """Make the ERP hold the fact, whatever of it it holds already, and read back that it does.

        `accepted` are the codes of decisions (`NeedsDecision.code`) that a person has answered with yes.
        """

    @abstractmethod
    def find_fact(self, fact: Fact) -> Receipt | None:
        """Whether the ERP holds the whole fact already. Changes nothing."""

    @abstractmethod
    def compensate(self, fact: Fact, reason: str) -> Receipt:
        """Take a posted fact back, where `capabilities.reversal` says it can be."""

    @abstractmethod
    def totals(self, order_keys: list[str]) -> list[OrderTotals]:
        """What the ERP has booked for these orders, in their sequence; orders it does not know are left out."""

    @abstractmethod
    def close(self) -> None:
        """End the session. Never raises."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
