"""Tryton's side of the conformance suite: a real one behind the fault proxy, looked at through its own API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

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
from erp_sync.adapters.tryton import TrytonAdapter, reading
from erp_sync.facts import OrderCompletion
from erp_sync.messages import Cursor, Entity
from tests.erp.completions import assert_posted_once, completion, consumed, made
from tests.erp.conformance.harness import Harness, Provocation
from tests.erp.fault_proxy import Fault, FaultProxy
from tests.erp.peer.api import PeerApi, PeerOrder
from tests.erp.peer.server import MES

EDITS = 30


class TrytonHarness(Harness):
    secrets = (MES[1], "guessed-password")
    broken_settings = ({"url": ""}, {"url": "ftp://erp"}, {"password": ""}, {"database": None}, {"read_timeout": "x"})

    def __init__(
        self, erp: PeerApi, proxy: FaultProxy, connect: Callable[..., TrytonAdapter], patch: pytest.MonkeyPatch
    ) -> None:
        self._erp, self._proxy, self._connect, self._patch = erp, proxy, connect, patch
        self._orders: dict[str, PeerOrder] = {}

    def adapter(self, **changes: Any) -> TrytonAdapter:
        return self._connect(**changes)

    def fact(self) -> OrderCompletion:
        order = self._erp.make_order(10)
        self._orders[order.key] = order
        return completion(order)

    def other_than(self, fact: OrderCompletion) -> OrderCompletion:
        return replace(fact, outputs=(made("10", f"FG-MES-{fact.order_key}"),))

    def effects(self, fact: OrderCompletion) -> int:
        order = self._orders[fact.order_key]
        if order.state != "done":
            return 0
        assert_posted_once(order)
        return 1

    def state(self) -> object:
        rows = []
        for model in ("production", "production.work", "production.work.cycle", "stock.move", "stock.lot"):
            rows.append(self._erp.find(model, [], "write_date", "create_date", "rec_name"))
        return rows

    @contextmanager
    def answer_lost(self) -> Iterator[None]:
        self._proxy.arm(Fault.DROP_REPLY, "model.production.do")
        yield
        self._proxy.disarm()

    def failures(self) -> Mapping[type[ErpError], Provocation]:
        def spoiled(fault: Fault, method: str, times: int = 1) -> None:
            self._proxy.arm(fault, method, times=times)
            self.adapter().pull(Entity.UNIT, Cursor(), 10)

        def lost() -> None:
            self._proxy.arm_write(Fault.DROP_REPLY, 0)
            self.adapter().push(self.fact())

        def edited() -> None:
            fact = self.fact()
            order = self._orders[fact.order_key]

            def edit() -> None:
                self._erp("production", "write", [order.id], {"reference": "planner"})
                self._proxy.before("production.write", edit)

            self._proxy.before("production.write", edit)
            self.adapter().push(fact)

        def crashed() -> None:
            source = reading.SOURCES[Entity.UNIT]
            with self._patch.context() as patch:
                patch.setitem(reading.SOURCES, Entity.UNIT, replace(source, fields=(*source.fields, "nonsense")))
                self.adapter().pull(Entity.UNIT, Cursor(), 10)

        def cancelled() -> None:
            fact = self.fact()
            self._erp("production", "cancel", [self._orders[fact.order_key].id])
            self.adapter().push(fact)

        def changed(**changes: Any) -> None:
            self.adapter().push(replace(self.fact(), **changes))

        return {
            Unreachable: lambda: spoiled(Fault.REFUSE, "product.uom.search_read"),
            Ambiguous: lost,
            Throttled: lambda: spoiled(Fault.THROTTLED, "product.uom.search_read"),
            AuthExpired: lambda: spoiled(Fault.UNAUTHORIZED, "product.uom.search_read", times=9),
            AuthDenied: lambda: self.adapter(password=self.secrets[1]).probe(),
            Locked: crashed,
            Stale: edited,
            NeedsDecision: cancelled,
            Rejected: lambda: changed(consumed=(consumed("RM-HOUS", "10", "u", "R-77"),)),
            UnknownReference: lambda: changed(order_key="987654"),
            UnitMismatch: lambda: changed(consumed=(consumed("RM-SEAL", "20", "kg"),)),
            ContractError: lambda: self.adapter(database="nowhere").probe(),
        }
