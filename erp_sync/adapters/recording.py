"""An ERP that only writes down what it is told: for the demo plant, for dry operation and for tests of the engine.

The ledger is a file of one JSON object per line, so that several workers may write it and a person may read it.
"""
# ruff: noqa: ARG002, ARG003 — the signatures are those of every adapter

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import Ambiguous, ContractError, NeedsDecision, Rejected, Unreachable
from erp_sync.facts import Disposition, Fact, OrderCompletion
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


class RecordingAdapter(ErpAdapter):
    """Setting: `path`, the ledger's file. Knows no records, takes every fact once, takes back what it took."""

    slug: ClassVar[str] = "recording"
    label: ClassVar[str] = "Recording (no ERP)"
    capabilities: ClassVar[Capabilities] = Capabilities(
        pull=frozenset(),
        push=frozenset({FactKind.ORDER_COMPLETION}),
        native_idempotency=True,
        late_consumption=True,
        reversal=True,
        quantity_scale=6,
    )
    secret_settings: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        path = settings.get("path")
        if not path:
            raise ValueError("The setting path is missing.")
        self._path = Path(str(path))

    def probe(self) -> Probe:
        with self._ledger():
            return Probe("Recording", "1", str(self._path), timedelta(), ())

    def pull(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        return Page((), cursor, more=False)

    def get(self, entity: Entity, key: str) -> RawRecord | None:
        return None

    @classmethod
    def translate(cls, raw: RawRecord) -> Record:
        raise Rejected("nothing_to_translate", "The recording adapter gives out no records.")

    def validate(self, fact: Fact) -> list[Issue]:
        return []

    def push(self, fact: Fact, accepted: frozenset[str] = frozenset()) -> Receipt:
        with self._ledger() as ledger:
            known = _held(ledger).get(fact.key)
            if known is not None:
                if known["digest"] != fact.digest:
                    raise Rejected("key_reused", f"The key {fact.key} was recorded before with other content.")
                return _receipt(known, ReceiptStatus.ALREADY_POSTED)
            entry = {
                "at": datetime.now(UTC).isoformat(),
                "act": "post",
                "key": fact.key,
                "digest": fact.digest,
                "fact": fact.as_json(),
            }
            _append(ledger, entry)
            return _receipt(entry, ReceiptStatus.POSTED)

    def find_fact(self, fact: Fact) -> Receipt | None:
        with self._ledger() as ledger:
            known = _held(ledger).get(fact.key)
        return _receipt(known, ReceiptStatus.ALREADY_POSTED) if known else None

    def compensate(self, fact: Fact, reason: str) -> Receipt:
        with self._ledger() as ledger:
            known = _held(ledger).get(fact.key)
            if known is None:
                raise NeedsDecision("not_posted", f"Order {fact.order} was never recorded, so nothing is taken back.")
            _append(ledger, {"at": datetime.now(UTC).isoformat(), "act": "take_back", "key": fact.key, "why": reason})
            return _receipt(known, ReceiptStatus.POSTED)

    def totals(self, order_keys: list[str]) -> list[OrderTotals]:
        with self._ledger() as ledger:
            facts = [OrderCompletion.from_json(entry["fact"]) for entry in _held(ledger).values()]
        by_order = {fact.order_key: fact for fact in facts}
        return [_totals(by_order[key]) for key in order_keys if key in by_order]

    def close(self) -> None:
        """There is nothing to end: the file is open only while it is used."""

    @contextmanager
    def _ledger(self) -> Iterator[TextIOWrapper]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise Unreachable(f"The ledger {self._path} cannot be opened: {error.strerror}.") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            except OSError as error:
                raise Ambiguous(f"The ledger {self._path} failed while it was used: {error.strerror}.") from error


def _held(ledger: TextIOWrapper) -> dict[str, dict[str, Any]]:
    """What was posted and not taken back, by key."""
    ledger.seek(0)
    held: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(ledger, start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ContractError(f"Line {number} of the ledger is not readable.") from error
        if entry["act"] == "post":
            held[entry["key"]] = entry
        else:
            held.pop(entry["key"], None)
    return held


def _append(ledger: TextIOWrapper, entry: dict[str, Any]) -> None:
    ledger.write(json.dumps(entry, ensure_ascii=False) + "\n")
    ledger.flush()


def _receipt(entry: dict[str, Any], status: ReceiptStatus) -> Receipt:
    fact = entry["fact"]
    return Receipt(status, fact["key"], fact["order"], datetime.fromisoformat(entry["at"]), entry["digest"])


def _totals(fact: OrderCompletion) -> OrderTotals:
    outputs = [line for line in fact.outputs if line.item == fact.item]
    return OrderTotals(
        order=fact.order_key,
        state=OrderState.DONE,
        good=sum((line.quantity for line in outputs if line.disposition is Disposition.GOOD), Decimal(0)),
        scrap=sum((line.quantity for line in outputs if line.disposition is Disposition.SCRAP), Decimal(0)),
        unit=outputs[0].unit if outputs else "",
        consumed=tuple(ConsumedTotal(line.item, line.lot, line.quantity, line.unit) for line in fact.consumed),
        time=sum((line.duration for line in fact.operations), timedelta()),
    )
