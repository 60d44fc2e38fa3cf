"""What an ERP tells us: kept word for word, applied in any order of arrival, parked with its reason until whole."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from erp_sync.actions.storing import make_due
from erp_sync.adapters.errors import AuthDenied, Rejected, Unreachable
from erp_sync.messages import Entity, RawRecord
from erp_sync.models import ExternalRef, InboundRecord, SyncJob, SyncRun
from erp_sync.records import (
    BomRecord,
    ComponentLine,
    ItemRecord,
    LotRecord,
    Record,
    RoutingRecord,
    RoutingStepLine,
    StockLine,
    Tracking,
    WorkCenterRecord,
)
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.erp.engine import Works
from tests.erp.telling import CELL, ORDER, T0, Erp, order_of, parked, pull
from traceability.models import LotBalance, MaterialLot
from workorders.models import BillOfMaterials, Item, Routing, UnitConversion, WorkCenter, WorkOrder

pytestmark = pytest.mark.django_db


def test_everything_arrives_whole_and_the_order_is_released(site: Works, erp: Erp) -> None:
    erp.master_data()
    bom = BomRecord(
        "4", "A", "Pump A", ("FG",), Decimal(2), "u", (ComponentLine("SEAL", Decimal(4), "u"),), active=True
    )
    erp.says(Entity.BOM, bom)
    steps = (RoutingStepLine(10, "Assemble", "Assembly"),)
    erp.says(Entity.ROUTING, RoutingRecord("6", "R", "Routing", ("FG",), steps, active=True))
    stock = (StockLine("A", Decimal(3)), StockLine("B", Decimal(7)))
    erp.says(Entity.LOT, LotRecord("7", "R-77", "RESIN", "kg", stock, active=True))
    erp.says(Entity.ORDER, ORDER)
    pull(site)

    assert parked(site) == {}
    order = order_of(site)
    assert (order.state, order.customer_order, order.source) == ("RELEASED", "SO-1", f"erp:{site.connection.pk}")
    assert {(need.item.code, need.required) for need in order.materials.all()} == {
        ("SEAL", 20),
        ("RESIN", Decimal("2.5")),
    }
    made = BillOfMaterials.objects.get(site=site.plant.site, item__code="FG")
    assert [line.quantity_per for line in made.lines.all()] == [2]
    assert Routing.objects.get(site=site.plant.site).steps.get().work_center.code == "CELL"
    balance = LotBalance.objects.get(lot__site=site.plant.site)
    assert (balance.quantity, balance.location.code) == (10, "B")
    assert UnitConversion.objects.filter(from_unit__code="g", to_unit__code="kg", denominator=1000).exists()
    assert violations() == []


def test_records_are_kept_before_they_are_read_and_again_only_when_they_changed(site: Works, erp: Erp) -> None:
    erp.master_data()
    pull(site)
    kept, events = InboundRecord.objects.count(), Event.objects.count()
    pull(site)
    pull(site)
    assert (InboundRecord.objects.count(), Event.objects.count()) == (kept, events)
    assert SyncRun.objects.filter(job__connection=site.connection, job__entity="item").count() == 1

    erp.says(Entity.ITEM, ItemRecord("1", "FG", "Pump, new", "u", Tracking.LOT, True, (), True))
    pull(site)
    assert InboundRecord.objects.count() == kept + 1
    assert Item.objects.get(site=site.plant.site, code="FG").name == "Pump, new"


def test_an_order_that_comes_before_its_item_waits_with_its_reason_and_goes_on_when_the_item_arrives(
    site: Works, erp: Erp
) -> None:
    erp.says(Entity.ORDER, ORDER)
    pull(site)
    assert "item FG is not known" in parked(site)["order 9"]
    assert not WorkOrder.objects.filter(site=site.plant.site).exists()

    erp.master_data()
    erp.scripted.pages[Entity.ORDER].clear()
    pull(site)
    assert parked(site) == {}
    assert order_of(site).state == "RELEASED"


def test_an_order_at_an_unknown_work_center_is_received_and_blocked_until_the_center_arrives(
    site: Works, erp: Erp
) -> None:
    erp.master_data()
    erp.scripted.pages[Entity.WORK_CENTER].clear()
    erp.says(Entity.ORDER, ORDER)
    pull(site)
    assert order_of(site).state == "RECEIVED"
    assert "CELL is not known" in parked(site)["order 9"]

    erp.says(Entity.WORK_CENTER, CELL)
    erp.scripted.pages[Entity.ORDER].clear()
    pull(site)
    assert order_of(site).state == "RELEASED"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Rejected("incomplete", "The item Bolt has no code."), "The item Bolt has no code."),
        (ItemRecord("8", "a\u0007b", "Bell", "u", Tracking.NONE, False, (), True), "control characters"),
        (ItemRecord("8", "X" * 65, "Long", "u", Tracking.NONE, False, (), True), "1 to 64 characters"),
        (ItemRecord("8", "FG", "Another pump", "u", Tracking.LOT, True, (), True), "two records with the code FG"),
    ],
)
def test_half_a_record_is_parked_with_a_sentence_and_stops_no_other(
    site: Works, erp: Erp, record: Record | Rejected, reason: str
) -> None:
    erp.master_data()
    erp.says(Entity.ITEM, record, key="8")
    pull(site)
    assert reason in parked(site)["item 8"]
    assert Item.objects.filter(site=site.plant.site).count() == 3


def test_a_routing_whose_category_has_no_work_center_names_it(site: Works, erp: Erp) -> None:
    erp.master_data()
    steps = (RoutingStepLine(10, "Paint", "Painting"),)
    erp.says(Entity.ROUTING, RoutingRecord("6", "R", "Pump routing", ("FG",), steps, active=True))
    pull(site)
    assert parked(site) == {
        "routing 6": "Step 10 of the routing Pump routing has no work center of the category Painting."
    }


def test_groups_unused_boms_and_empty_lots_are_kept_but_make_nothing(site: Works, erp: Erp) -> None:
    erp.master_data()
    group = WorkCenterRecord("50", "Plant", "Plant", None, None, is_group=True, active=True)
    erp.says(Entity.WORK_CENTER, group)
    erp.says(Entity.BOM, BomRecord("4", "A", "Old", ("FG",), Decimal(1), "u", (), active=False))
    erp.says(Entity.LOT, LotRecord("7", "R-0", "RESIN", "kg", (), active=True))
    pull(site)
    assert parked(site) == {}
    assert not WorkCenter.objects.filter(site=site.plant.site, code="Plant").exists()
    assert not BillOfMaterials.objects.filter(site=site.plant.site).exists()
    assert not MaterialLot.objects.filter(site=site.plant.site).exists()


# -- the ERP's failures ------------------------------------------------------------------------------------------------


def test_a_failed_pull_is_recorded_and_the_next_one_goes_on_where_it_stood(site: Works, erp: Erp) -> None:
    erp.master_data()
    erp.scripted.script.append(Unreachable("The ERP cannot be reached."))
    pull(site)
    run = SyncRun.objects.filter(job__connection=site.connection).earliest("pk")
    assert (run.outcome, run.error) == ("FAILED", "The ERP cannot be reached.")
    site.connection.refresh_from_db()
    assert site.connection.failures == 1
    assert Item.objects.filter(site=site.plant.site).count() == 0

    site.hurry()
    pull(site)
    assert Item.objects.filter(site=site.plant.site).count() == 3


def test_refused_credentials_stop_the_connection_with_the_reason(site: Works, erp: Erp) -> None:
    erp.scripted.script.append(AuthDenied("The ERP refuses the user mes."))
    pull(site)
    site.connection.refresh_from_db()
    assert (site.connection.state, site.connection.state_reason) == ("STOPPED", "The ERP refuses the user mes.")
    calls = len(erp.scripted.calls)
    pull(site)
    assert len(erp.scripted.calls) == calls


def test_a_job_that_is_taken_is_left_alone_until_its_lease_ends(site: Works, erp: Erp) -> None:
    from erp_sync.actions import storing

    make_due(site.connection)
    taken = storing.claim_job()
    assert taken is not None
    assert taken.job.entity == "unit"
    others = []
    while (other := storing.claim_job()) is not None:
        others.append(other.job.entity)
    assert others == [entity.value for entity in Entity][1:]
    SyncJob.objects.filter(pk=taken.job.pk).update(leased_until=datetime.now(UTC) - timedelta(minutes=1))
    again = storing.claim_job()
    assert again is not None
    assert again.job.pk == taken.job.pk
    erp.master_data()
    page = erp.scripted({"password": "x"}).pull(Entity.UNIT, storing.cursor_of(taken.job), 10)
    assert not storing.store_page(taken, storing.begin_run(taken.job), page), "the first one lost its right"


def test_a_record_that_says_what_it_said_before_but_later_is_applied_again(site: Works, erp: Erp) -> None:
    erp.master_data()
    first = erp.scripted.pages[Entity.ITEM][0]
    pull(site)
    erp.says(Entity.ITEM, ItemRecord("1", "FG", "Renamed", "u", Tracking.LOT, True, (), True))
    pull(site)
    assert Item.objects.get(site=site.plant.site, code="FG").name == "Renamed"
    back = RawRecord(Entity.ITEM, "1", T0 + timedelta(hours=1), first.body)
    erp.scripted.pages[Entity.ITEM] = [back]
    pull(site)
    assert Item.objects.get(site=site.plant.site, code="FG").name == "Pump"
    assert ExternalRef.objects.get(entity="item", key="1", connection=site.connection).digest == first.digest
    assert [v for v in violations() if v.code.startswith("I-39")] == []


def test_a_record_that_breaks_our_own_code_is_put_aside_and_stops_no_other(
    site: Works, erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from erp_sync import mapping

    whole = mapping.item_row

    def stumbles(record: ItemRecord) -> dict[str, object]:
        if record.code == "SEAL":
            raise KeyError("no")
        return whole(record)

    monkeypatch.setattr(mapping, "item_row", stumbles)
    erp.master_data()
    pull(site)
    assert set(Item.objects.filter(site=site.plant.site).values_list("code", flat=True)) == {"FG", "RESIN"}
    assert "An error in this software: KeyError" in parked(site)["item 2"]

    monkeypatch.setattr(mapping, "item_row", whole)
    pull(site)
    assert parked(site) == {}
