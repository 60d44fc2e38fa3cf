"""Records come from a real Tryton complete, in order, and again only when they changed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest

from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.tryton import TrytonAdapter
from erp_sync.messages import Cursor, Entity, OrderState, RawRecord
from erp_sync.records import (
    BomRecord,
    ComponentLine,
    ItemRecord,
    LotRecord,
    OperationLine,
    OrderRecord,
    RoutingRecord,
    RoutingStepLine,
    StockLine,
    Tracking,
    UnitRecord,
    WorkCenterRecord,
)
from tests.erp.conftest import Connect
from tests.erp.fault_proxy import FaultProxy
from tests.erp.peer.api import PeerApi

pytestmark = pytest.mark.erp_peer


def everything(
    adapter: TrytonAdapter, entity: Entity, cursor: Cursor | None = None, limit: int = 100
) -> tuple[list[RawRecord], Cursor]:
    records: list[RawRecord] = []
    cursor = cursor or Cursor()
    while True:
        page = adapter.pull(entity, cursor, limit)
        records += page.records
        cursor = page.cursor
        if not page.more:
            return records, cursor


def one(adapter: TrytonAdapter, entity: Entity, field: str, value: str) -> object:
    found = [adapter.translate(raw) for raw in everything(adapter, entity)[0]]
    (record,) = [each for each in found if getattr(each, field) == value]
    return record


def test_master_data_arrives_with_units_tracking_steps_and_exact_quantities(adapter: TrytonAdapter) -> None:
    gram = cast(UnitRecord, one(adapter, Entity.UNIT, "code", "g"))
    assert (gram.category, gram.factor.numerator, gram.factor.denominator) == ("Weight", 1, 1000)

    pump = cast(ItemRecord, one(adapter, Entity.ITEM, "code", "FG-100"))
    seal = cast(ItemRecord, one(adapter, Entity.ITEM, "code", "RM-SEAL"))
    assert (pump.tracking, pump.producible, pump.unit) == (Tracking.LOT, True, "u")
    assert (seal.tracking, seal.producible) == (Tracking.NONE, False)

    bom = cast(BomRecord, one(adapter, Entity.BOM, "version", "FG-100-A"))
    assert bom.items == ("FG-100",)
    assert set(bom.lines) == {
        ComponentLine("RM-HOUS", Decimal(1), "u"),
        ComponentLine("RM-SEAL", Decimal(2), "u"),
        ComponentLine("RM-RESIN", Decimal("0.25"), "kg"),
    }

    routing = cast(RoutingRecord, one(adapter, Entity.ROUTING, "version", "FG-100 routing"))
    assert routing.items == ("FG-100",)
    assert routing.steps == (
        RoutingStepLine(10, "10 Assemble", "Assembly"),
        RoutingStepLine(20, "20 Pressure test", "Test"),
    )

    cell = cast(WorkCenterRecord, one(adapter, Entity.WORK_CENTER, "code", "Assembly cell 1"))
    plant = cast(WorkCenterRecord, one(adapter, Entity.WORK_CENTER, "code", "Plant 1"))
    assert (cell.category, cell.parent, cell.is_group, plant.is_group) == ("Assembly", "Plant 1", False, True)


def test_the_three_released_orders_of_the_seed_arrive_with_operations_and_components(adapter: TrytonAdapter) -> None:
    orders = [cast(OrderRecord, adapter.translate(raw)) for raw in everything(adapter, Entity.ORDER)[0]]
    seeded = [order for order in orders if order.reference.startswith("SO-10")]

    assert [(order.number, order.quantity, order.reference) for order in seeded] == [
        ("1", Decimal(10), "SO-101"),
        ("2", Decimal(4), "SO-102"),
        ("3", Decimal(25), "SO-103"),
    ]
    first = seeded[0]
    assert (first.item, first.unit, first.state) == ("FG-100", "u", OrderState.RELEASED)
    assert (first.bom, first.routing) == ("FG-100-A", "FG-100 routing")
    assert first.operations == (
        OperationLine(10, "10 Assemble", "Assembly cell 1"),
        OperationLine(20, "20 Pressure test", "Test cell 1"),
    )
    assert set(first.components) == {
        ComponentLine("RM-HOUS", Decimal(10), "u"),
        ComponentLine("RM-SEAL", Decimal(20), "u"),
        ComponentLine("RM-RESIN", Decimal("2.5"), "kg"),
    }


def test_a_second_pull_brings_nothing_that_differs(erp: PeerApi, connect: Connect) -> None:
    adapter = connect(overlap=86400)
    erp.make_order(10)
    for entity in Entity:
        first, cursor = everything(adapter, entity)
        before = {raw.key: raw.digest for raw in first}
        again = {raw.key: raw.digest for raw in everything(adapter, entity, cursor)[0]}
        assert before
        assert {key: again.get(key) for key in before} == before


def test_an_incremental_pull_sees_a_new_order_and_a_lot_that_was_never_updated(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    _, orders = everything(adapter, Entity.ORDER)
    _, lots = everything(adapter, Entity.LOT)
    order = erp.make_order(7)
    lot = erp.make_lot(f"NEW-{order.id}", "RM-HOUS")
    assert erp.find("stock.lot", [["id", "=", lot]], "write_date")[0]["write_date"] is None

    assert order.key in {raw.key for raw in everything(adapter, Entity.ORDER, orders)[0]}
    assert str(lot) in {raw.key for raw in everything(adapter, Entity.LOT, lots)[0]}


def test_a_change_to_a_part_is_a_change_of_the_whole(erp: PeerApi, connect: Connect) -> None:
    adapter = connect(overlap=0)
    order = erp.make_order(10)
    _, cursor = everything(adapter, Entity.ORDER)
    (move, *_) = erp.find("stock.move", [["production_input", "=", order.id]])
    erp("stock.move", "write", [move["id"]], {"quantity": 11.0})

    (raw,) = [raw for raw in everything(adapter, Entity.ORDER, cursor)[0] if raw.key == order.key]

    assert cursor.high_water is not None
    assert raw.modified_at >= cursor.high_water


def test_a_lot_comes_again_when_its_stock_moved_though_the_lot_did_not_change(erp: PeerApi, connect: Connect) -> None:
    from tests.erp.completions import completion

    adapter = connect(overlap=0)
    order = erp.make_order(10)
    before = cast(LotRecord, one(adapter, Entity.LOT, "number", "R-77"))
    _, cursor = everything(adapter, Entity.LOT)
    adapter.push(completion(order))

    after = [cast(LotRecord, adapter.translate(raw)) for raw in everything(adapter, Entity.LOT, cursor)[0]]
    (resin,) = [lot for lot in after if lot.number == "R-77"]
    assert resin.stock == (StockLine("STO", before.on_hand - Decimal("2.5")),)


def test_pages_neither_skip_nor_repeat_when_rows_change_between_them(
    erp: PeerApi, connect: Connect, proxy: FaultProxy
) -> None:
    adapter = connect(overlap=0)
    orders = [erp.make_order(1) for _ in range(5)]
    page = adapter.pull(Entity.ORDER, Cursor(), 3)
    seen = [raw.key for raw in page.records]
    erp("production", "write", [int(seen[0])], {"reference": "changed meanwhile"})
    late = erp.make_order(1)

    rest, cursor = everything(adapter, Entity.ORDER, page.cursor, limit=3)
    keys = seen + [raw.key for raw in rest]
    assert len(keys) == len(set(keys))
    assert {order.key for order in orders} <= set(keys)

    following = {raw.key for raw in everything(adapter, Entity.ORDER, cursor)[0]}
    assert {seen[0], late.key} <= following


def test_an_order_that_is_cancelled_or_recalled_is_told_to_whoever_knew_it(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    cancelled, recalled = erp.make_order(10), erp.make_order(10)
    _, cursor = everything(adapter, Entity.ORDER)
    erp("production", "cancel", [cancelled.id])
    erp("production", "draft", [recalled.id])

    told = {raw.key: adapter.translate(raw) for raw in everything(adapter, Entity.ORDER, cursor)[0]}
    assert cast(OrderRecord, told[cancelled.key]).state is OrderState.CANCELLED
    assert cast(OrderRecord, told[recalled.key]).state is OrderState.DRAFT


def test_the_revision_of_an_order_follows_its_content_and_not_its_time_stamp(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(10)

    def revision() -> str:
        raw = adapter.get(Entity.ORDER, order.key)
        assert raw is not None
        return cast(OrderRecord, adapter.translate(raw)).revision

    first = revision()
    erp("production", "assign_try", [order.id])
    assert revision() == first
    erp("production", "write", [order.id], {"reference": "SO-999"})
    assert revision() != first


def test_a_record_that_is_gone_is_none(adapter: TrytonAdapter) -> None:
    assert adapter.get(Entity.ORDER, "987654") is None
    assert adapter.get(Entity.ITEM, "not-a-key") is None


def test_half_a_record_is_refused_with_a_sentence_that_names_it(adapter: TrytonAdapter) -> None:
    raw = next(raw for raw in everything(adapter, Entity.ITEM)[0] if raw.body["code"] == "RM-SPARE")
    with pytest.raises(Rejected, match=r"Seal kit, substitute has no code\."):
        adapter.translate(replace(raw, body={**raw.body, "code": None}))

    bom = everything(adapter, Entity.BOM)[0][0]
    with pytest.raises(Rejected, match="makes 0 items"):
        adapter.translate(replace(bom, body={**bom.body, "outputs.": []}))


def test_the_probe_names_version_company_and_clock(adapter: TrytonAdapter) -> None:
    probe = adapter.probe()

    assert (probe.product, probe.version, probe.account) == ("Tryton", "8.2", "Acme Works")
    assert probe.usable
    assert probe.clock_offset is not None
    assert abs(probe.clock_offset) < timedelta(seconds=5)
