"""B2MML in a folder: orders of version 7 and of 4.01, material, and the performance that goes out."""

from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.file.b2mml import parsing, performance
from erp_sync.adapters.file.b2mml.durations import duration_of
from erp_sync.adapters.file.b2mml.reading import read_b2mml
from erp_sync.adapters.file.documents import NotTaken
from erp_sync.adapters.file.translating import translate
from erp_sync.messages import OrderState, RawRecord
from erp_sync.records import LotRecord, OrderRecord, Record
from tests.erp.completions import pumps
from tests.erp.folder import Exchange, exchange
from tests.erp.orders_as_b2mml import message, request, schedule
from tests.erp.telling import T0
from traceability.models import LotBalance
from workorders.models import Item

OLD = Path(__file__).parents[1] / "data" / "b2mml"


def records(text: str | bytes) -> list[Record]:
    document = read_b2mml(text.encode() if isinstance(text, str) else text)
    return [translate(RawRecord(entry.entity, entry.key, T0, entry.body)) for entry in document.entries]


def order(text: str | bytes) -> OrderRecord:
    (record,) = records(text)
    assert isinstance(record, OrderRecord)
    return record


def test_an_order_of_version_seven_says_what_is_made_where_from_what_and_until_when() -> None:
    said = order(schedule(request("W-1")))
    assert (said.number, said.item, said.quantity, said.unit, said.state) == (
        "W-1",
        "FG",
        10,
        "pc",
        OrderState.RELEASED,
    )
    assert str(said.need_date) == "2026-12-01 14:00:00+00:00"
    assert said.priority == 5
    assert [(line.sequence, line.name, line.work_center, line.run_minutes_per_unit) for line in said.operations] == [
        (10, "Assemble", "CELL", 3),
        (20, "Pressure test", "TEST", Decimal("0.5")),
    ]
    assert said.components is not None
    assert [(line.item, line.quantity, line.unit, line.operation) for line in said.components] == [
        ("SEAL", 20, "pc", 10),
        ("RESIN", 2500, "g", 10),
    ]


def test_a_message_says_the_same_as_the_schedule_alone_and_cancel_cancels() -> None:
    alone = order(schedule(request("W-1")))
    for verb in ("Sync", "Process", "Change"):
        assert order(message(verb, schedule(request("W-1")))).revision == alone.revision
    assert order(message("Cancel", schedule(request("W-1")))).state is OrderState.CANCELLED


@pytest.mark.parametrize(
    ("state", "means"),
    [("Forecast", OrderState.DRAFT), ("Running", OrderState.RUNNING), ("Closed", OrderState.DONE), ("Held", None)],
)
def test_the_state_of_a_request_is_ours_or_is_refused(state: str, means: OrderState | None) -> None:
    text = schedule(request("W-1", state=state))
    if means is None:
        with pytest.raises(Rejected, match="state is “Held”, which is none of"):
            order(text)
    else:
        assert order(text).state is means


def test_the_older_schedule_of_a_real_erp_is_read() -> None:
    said = order((OLD / "PRO-20121210181416-27942.xml").read_bytes())
    assert (said.number, said.item, said.quantity, said.unit) == ("258456", "SO1215", Decimal("1.000"), "KG")
    assert said.operations == ()
    assert said.components is not None
    assert sum(line.quantity for line in said.components if line.item == "CRBN0001") == Decimal("1015.910")


def test_the_older_material_of_a_real_erp_is_read() -> None:
    (item,) = records((OLD / "MAT-20121210170256-CRBN0001.xml").read_bytes())
    assert (item.code, item.name, item.unit, item.tracking) == (  # type: ignore[union-attr]
        "CRBN0001",
        "Product Courbon0001",
        "KG",
        None,
    )
    (lot,) = records((OLD / "LOT-20121210170718-0001L0001.xml").read_bytes())
    assert isinstance(lot, LotRecord)
    assert (lot.item, lot.number, str(lot.expiry), lot.on_hand) == ("CRBN0001", "CRBN0001_LOT01", "2013-12-08", 0)
    with pytest.raises(Rejected, match="has the status NotValid in the ERP"):
        records((OLD / "INV-20121210175555-0001L0001_01.xml").read_bytes())


def test_performance_of_an_erp_is_no_order_and_is_refused_in_words() -> None:
    with pytest.raises(NotTaken, match="SyncProductionPerformance is not read here"):
        read_b2mml((OLD / "PES-20121229115825-53107.xml").read_bytes())


def test_what_goes_out_is_valid_by_the_schema_and_reads_back_the_same() -> None:
    fact = pumps("WO/1 & <2>")
    content = performance.render(fact)
    assert performance.render(fact) == content
    parsing.schema("OperationsPerformance").assertValid(etree.fromstring(content))
    told = performance.totals_of(content)
    assert (told.order, told.good, told.scrap, told.unit) == ("WO/1 & <2>", 8, 2, "u")
    assert {(line.item, line.lot, line.quantity, line.unit) for line in told.consumed} == {
        (line.item, line.lot, line.quantity, line.unit) for line in fact.consumed
    }
    assert told.time == sum((line.duration for line in fact.operations), told.time * 0)
    assert b'<MaterialUse OtherValue="Scrap">Other</MaterialUse>' in content


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT30M", 1800), ("P1DT2H", 93600), ("PT1.5S", 1.5), ("P1M", None), ("PT", None), ("P", None), ("1h", None)],
)
def test_durations_of_a_fixed_length_are_read(text: str, seconds: float | None) -> None:
    found = duration_of(text)
    assert (found.total_seconds() if found is not None else None) == seconds


@pytest.mark.django_db
def test_a_document_of_items_and_lots_is_archived_once_both_are_settled(tmp_path: Path) -> None:
    folder: Exchange = exchange(tmp_path)
    folder.lay(
        "material.xml",
        f"""<?xml version="1.0"?>
<MaterialInformation xmlns="{parsing.V7}">
  <PublishedDate>2026-11-24T08:00:00Z</PublishedDate>
  <MaterialDefinition><ID>RESIN</ID><Description>Potting resin</Description>
    <MaterialDefinitionProperty><ID>BaseUnitOfMeasure</ID><Value><ValueString>kg</ValueString></Value>
    </MaterialDefinitionProperty>
    <MaterialDefinitionProperty><ID>Tracking</ID><Value><ValueString>Lot</ValueString></Value>
    </MaterialDefinitionProperty>
  </MaterialDefinition>
  <MaterialLot><ID>R-77</ID><MaterialDefinitionID>RESIN</MaterialDefinitionID><Status>Approved</Status>
    <Quantity><QuantityString>12.5</QuantityString><UnitOfMeasure>kg</UnitOfMeasure></Quantity>
  </MaterialLot>
</MaterialInformation>
""",
    )
    folder.pull()
    assert folder.names("rejected") == []
    assert folder.parked() == {}
    assert Item.objects.get(site=folder.plant.site).tracking == "LOT"
    assert LotBalance.objects.get(lot__site=folder.plant.site).quantity == Decimal("12.5")
    assert folder.names("in") == []
    assert [outcome for _line, outcome, _reason in folder.answer("material.xml")] == ["created", "created"]


@pytest.mark.django_db
def test_an_order_is_replaced_before_its_release_and_a_change_after_it_is_shown(tmp_path: Path) -> None:
    folder = exchange(tmp_path)
    folder.lay_master_data()
    folder.lay("a.xml", schedule(request("W-1")))
    folder.pull()
    assert folder.order("W-1").state == "RELEASED"
    folder.lay("b.xml", schedule(request("W-1", "12"), published="2026-11-24T10:00:00Z"))
    folder.pull()
    assert folder.order("W-1").quantity == 10
    assert "Changed in the ERP after the release: quantity 10 → 12" in folder.parked()["order W-1"]
    folder.lay("c.xml", message("Cancel", schedule(request("W-1", "12"), published="2026-11-24T11:00:00Z")))
    folder.pull()
    assert folder.order("W-1").holds.filter(released_at__isnull=True).exists()
