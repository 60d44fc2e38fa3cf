"""The file adapter's other side: a folder, looked into with nothing but Python's own means."""

import errno
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

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
from erp_sync.adapters.file import FileAdapter, handing
from erp_sync.facts import OrderCompletion
from tests.erp.completions import pumps
from tests.erp.conformance.harness import Harness, Provocation

SPACE = "{http://www.mesa.org/xml/B2MML}"
TABLES = {
    "units.csv": "code,name,decimals,base,numerator,denominator\nkg,Kilogram,3,,,\ng,Gram,3,kg,1,1000\npc,Piece,0,,,\n",
    "items.csv": "code,name,unit,tracking\nFG,Pump,pc,LOT\nSEAL,Seal,pc,NONE\nRESIN,Resin,kg,LOT\n",
    "work_centers.csv": "code,name\nCELL,Cell\nTEST,Test bench\nPACK,Packing\n",
    "boms.csv": "item,version,component,quantity_per,unit\nFG,A,SEAL,2,pc\nFG,B,SEAL,2,pc\nRESIN,A,SEAL,1,pc\n",
    "routings.csv": "item,sequence,work_center,version\nFG,10,CELL,A\nFG,20,TEST,A\nFG,10,CELL,B\nRESIN,10,CELL,A\n",
    "lots.csv": "item,number,quantity,unit\nRESIN,R-1,5,kg\nRESIN,R-2,6.5,kg\nRESIN,R-3,7,kg\n",
    "orders.csv": "number,item,quantity,unit\nW-1,FG,10,pc\nW-2,FG,5,pc\nW-3,FG,x,pc\n",
}
_NONE = "A folder has no such answer: it takes the file or it does not."


class FileHarness(Harness):
    impossible = {
        AuthExpired: "A folder has no sessions.",
        Throttled: "A folder never asks to wait.",
        Locked: "Whoever lays files out waits for the lock.",
        Stale: _NONE,
        UnknownReference: _NONE,
        UnitMismatch: _NONE,
    }
    broken_settings = (
        {"path": ""},
        {"path": "relative/folder"},
        {"path": "/"},
        {"settle_seconds": "soon"},
        {"same_name": "perhaps"},
    )

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    def adapter(self, **changes: Any) -> FileAdapter:
        return FileAdapter({"path": str(self.folder), "settle_seconds": "0", **changes})

    def fact(self) -> OrderCompletion:
        return pumps(f"WO/{uuid.uuid4().hex[:8]}")

    def other_than(self, fact: OrderCompletion) -> OrderCompletion:
        return replace(fact, outputs=fact.outputs[:1])

    def effects(self, fact: OrderCompletion) -> int:
        """Documents in `out` that complete the order: the ERP would book each of them."""
        found = 0
        for path in (self.folder / "out").glob("*.xml"):
            root = ElementTree.parse(path).getroot()
            found += root.findtext(f"{SPACE}OperationsResponse/{SPACE}OperationsRequestID") == fact.order
        return found

    def state(self) -> object:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    @contextmanager
    def answer_lost(self) -> Iterator[None]:
        def broken(folder: Path) -> None:
            raise OSError(errno.EIO, "Input/output error", str(folder))

        with self._monkeypatch.context() as patch:
            patch.setattr(handing, "bring_to_disk", broken)
            yield

    def prepare_pull(self) -> None:
        (self.folder / "in").mkdir(exist_ok=True)
        for name, text in TABLES.items():
            (self.folder / "in" / name).write_text(text)

    def failures(self) -> Mapping[type[ErpError], Provocation]:
        def lost() -> None:
            with self.answer_lost():
                self.adapter().push(self.fact())

        def reused() -> None:
            fact = self.fact()
            self.adapter().push(fact)
            self.adapter().push(self.other_than(fact))

        def forbidden() -> None:
            def denied(path: Path, content: bytes) -> None:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))

            with self._monkeypatch.context() as patch:
                patch.setattr(handing, "write_through", denied)
                self.adapter().push(self.fact())

        def no_folder() -> None:
            (self.folder / "file").write_text("no folder")
            self.adapter(path=str(self.folder / "file")).push(self.fact())

        return {
            Unreachable: lambda: self.adapter(path=str(self.folder / "not-mounted")).push(self.fact()),
            Ambiguous: lost,
            AuthDenied: forbidden,
            NeedsDecision: lambda: self.adapter().compensate(self.fact(), "typed twice"),
            Rejected: reused,
            ContractError: no_folder,
        }
