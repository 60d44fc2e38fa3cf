"""An adapter that does what the test says: for the engine's own rules, without an ERP."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import ErpError
from erp_sync.facts import Disposition, OrderCompletion
from erp_sync.messages import (
    Capabilities,
    ConsumedTotal,
    Cursor,
    Entity,
    FactKind,
    Issue,
    OrderState,
    OrderTotals,
    Page,
    Probe,
    RawRecord,
    Receipt,
    ReceiptStatus,
)
from erp_sync.records import Record


class ScriptedAdapter(ErpAdapter):
    """`script` is what the next pushes do, in turn: an error to raise, a function to call, or None to post."""

    slug: ClassVar[str] = "scripted"
    label: ClassVar[str] = "Scripted"
    capabilities: ClassVar[Capabilities] = Capabilities(
        pull=frozenset(Entity),
        push=frozenset({FactKind.ORDER_COMPLETION}),
        native_idempotency=False,
        late_consumption=False,
        reversal=False,
        quantity_scale=6,
    )
    script: ClassVar[list[ErpError | Callable[[OrderCompletion], None] | None]] = []
    ledger: ClassVar[dict[str, OrderCompletion]] = {}
    calls: ClassVar[list[str]] = []
    pages: ClassVar[dict[Entity, list[RawRecord]]] = {}
    words: ClassVar[dict[tuple[Entity, str], Record | ErpError]] = {}
    extra_scrap: ClassVar[Decimal] = Decimal(0)

    @classmethod
    def reset(cls) -> None:
        for each in (cls.script, cls.ledger, cls.calls, cls.pages, cls.words):
            each.clear()
        cls.extra_scrap = Decimal(0)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        if not settings.get("password"):
            raise ValueError("The setting password is missing.")

    def probe(self) -> Probe:
        return Probe("Scripted", "1", "nobody", timedelta(), ())

    def pull(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        self.calls.append(f"pull {entity}")
        if self.script and isinstance(self.script[0], ErpError):
            raise self.script.pop(0)
        return Page(tuple(self.pages.get(entity, ())), cursor, more=False)

    def get(self, entity: Entity, key: str) -> RawRecord | None:
        return None

    @classmethod
    def translate(cls, raw: RawRecord) -> Record:
        said = cls.words[raw.entity, raw.body["says"]]
        if isinstance(said, ErpError):
            raise said
        return said

    def validate(self, fact: OrderCompletion) -> list[Issue]:
        return []

    def push(self, fact: OrderCompletion, accepted: frozenset[str] = frozenset()) -> Receipt:
        self.calls.append(f"push {fact.order} {','.join(sorted(accepted))}".strip())
        act = self.script.pop(0) if self.script else None
        if isinstance(act, ErpError):
            raise act
        if act is not None:
            act(fact)
        assert fact.order_key not in self.ledger, "posted twice"
        self.ledger[fact.order_key] = fact
        return self._receipt(fact, ReceiptStatus.POSTED)

    def find_fact(self, fact: OrderCompletion) -> Receipt | None:
        self.calls.append(f"find {fact.order}")
        return self._receipt(fact, ReceiptStatus.ALREADY_POSTED) if fact.order_key in self.ledger else None

    def compensate(self, fact: OrderCompletion, reason: str) -> Receipt:
        raise NotImplementedError

    def totals(self, order_keys: list[str]) -> list[OrderTotals]:
        return [
            OrderTotals(
                order=key,
                state=OrderState.DONE,
                good=fact.total(Disposition.GOOD),
                scrap=fact.total(Disposition.SCRAP) + self.extra_scrap,
                unit="pc",
                consumed=tuple(ConsumedTotal(line.item, line.lot, line.quantity, line.unit) for line in fact.consumed),
                time=timedelta(),
            )
            for key, fact in ((key, self.ledger[key]) for key in order_keys if key in self.ledger)
        ]

    def close(self) -> None:
        self.calls.append("close")

    @staticmethod
    def _receipt(fact: OrderCompletion, status: ReceiptStatus) -> Receipt:
        return Receipt(status, fact.order_key, fact.order, datetime.now(UTC), fact.digest)
