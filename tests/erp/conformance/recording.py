"""The recording adapter's other side: a ledger in a file, read here line by line."""

import errno
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from erp_sync.adapters import recording
from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    AuthExpired,
    ContractError,
    ErpError,
    Locked,
    NeedsDecision,
    Rejected,
    Stale,
    Throttled,
    UnitMismatch,
    UnknownReference,
    Unreachable,
)
from erp_sync.adapters.recording import RecordingAdapter
from erp_sync.facts import OrderCompletion
from tests.erp.completions import pumps
from tests.erp.conformance.harness import Harness, Provocation

_NOBODY = "A ledger in a file has no users, sessions or rules of its own."


class RecordingHarness(Harness):
    impossible = {
        AuthDenied: _NOBODY,
        AuthExpired: _NOBODY,
        Throttled: "A file never asks to wait.",
        Locked: "Whoever wants the ledger waits for its lock.",
        Stale: "The ledger is only added to, under its lock.",
        UnknownReference: "The ledger takes whatever it is told.",
        UnitMismatch: "The ledger takes whatever it is told.",
    }
    broken_settings = ({"path": ""}, {"path": None})

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = folder / "ledger.jsonl"
        self._monkeypatch = monkeypatch

    def adapter(self, **changes: Any) -> ErpAdapter:
        return RecordingAdapter({"path": str(self._path), **changes})

    def fact(self) -> OrderCompletion:
        return pumps(f"WO-{uuid.uuid4().hex[:8]}")

    def other_than(self, fact: OrderCompletion) -> OrderCompletion:
        return replace(fact, order="another")

    def effects(self, fact: OrderCompletion) -> int:
        entries = [json.loads(line) for line in self._path.read_text().splitlines()]
        posted = sum(1 for entry in entries if entry["act"] == "post" and entry["fact"] == fact.as_json())
        return posted - sum(1 for entry in entries if entry["act"] == "take_back" and entry["key"] == fact.key)

    def state(self) -> object:
        return self._path.read_bytes() if self._path.exists() else b""

    @contextmanager
    def answer_lost(self) -> Iterator[None]:
        whole = recording._append

        def broken(*arguments: Any) -> None:
            whole(*arguments)
            raise OSError(errno.EIO, "Input/output error")

        with self._monkeypatch.context() as patch:
            patch.setattr(recording, "_append", broken)
            yield

    def failures(self) -> Mapping[type[ErpError], Provocation]:
        def lost() -> None:
            with self.answer_lost():
                self.adapter().push(self.fact())

        def reused() -> None:
            fact = self.fact()
            self.adapter().push(fact)
            self.adapter().push(self.other_than(fact))

        def torn() -> None:
            self._path.write_text('{"half')
            self.adapter().push(self.fact())

        return {
            Unreachable: lambda: self.adapter(path=str(self._path.parent)).push(self.fact()),
            Ambiguous: lost,
            NeedsDecision: lambda: self.adapter().compensate(self.fact(), "never posted"),
            Rejected: reused,
            ContractError: torn,
        }
