"""Tables in a folder: every kind arrives, each record has its answer, and what came once comes to nothing again."""

from decimal import Decimal
from pathlib import Path

import pytest

from erp_sync.models import InboundRecord, SyncRun
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.erp.folder import MASTER, Exchange, checksum, exchange, later
from traceability.models import LotBalance, MaterialLot
from workorders.models import BillOfMaterials, Item, Routing, UnitConversion, WorkCenter

pytestmark = pytest.mark.django_db

ORDERS = (
    "number,item,quantity,unit,need_date,customer_order,priority\n"
    "W-1,FG,10,pc,2026-12-01,SO-1,5\nW-2,FG,4,pc,2026-12-02T14:00+01:00,,\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Exchange:
    return exchange(tmp_path)


def test_tables_of_every_kind_arrive_whole_and_the_order_is_released(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("orders-1.csv", ORDERS)
    folder.pull()

    assert folder.parked() == {}
    order = folder.order("W-1")
    assert (order.state, order.priority, order.customer_order) == ("RELEASED", 5, "SO-1")
    assert {(step.sequence, step.work_center.code, step.run_minutes_per_unit) for step in order.operations.all()} == {
        (10, "CELL", Decimal("1.5")),
        (20, "TEST", Decimal("0.5")),
    }
    assert {(need.item.code, need.required, need.operation.sequence) for need in order.materials.all()} == {
        ("SEAL", 20, 10),
        ("RESIN", Decimal("2.5"), 10),
    }
    assert UnitConversion.objects.filter(from_unit__code="g", to_unit__code="kg", denominator=1000).exists()
    lot = MaterialLot.objects.get(site=folder.plant.site, number="R-1")
    assert (str(lot.expiry), lot.supplier_lot) == ("2027-03-31", "S-4711")
    balance = LotBalance.objects.get(lot=lot)
    assert (balance.quantity, balance.location.code) == (Decimal("9.5"), "STORE")
    assert violations() == []

    assert folder.names("in") == []
    assert folder.names("rejected") == []
    assert set(folder.names("archive")) >= {*MASTER, "orders-1.csv", "orders-1.csv.result.csv"}
    assert folder.answer("orders-1.csv") == [("2", "created", ""), ("3", "created", "")]
    assert not list((folder.path / "archive").glob(".*"))


def test_the_same_file_again_changes_nothing_and_says_so(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("orders-1.csv", ORDERS)
    folder.pull()
    events = Event.objects.count()
    records = InboundRecord.objects.count()
    later(folder.lay("orders-1.csv", ORDERS))
    later(folder.lay("items.csv", MASTER["items.csv"]))
    folder.pull()
    assert (Event.objects.count(), InboundRecord.objects.count()) == (events, records)
    assert [outcome for _line, outcome, _reason in folder.answer("orders-1.csv")] == ["unchanged", "unchanged"]
    assert folder.names("in") == []


def test_each_row_has_its_answer_and_a_bad_one_stops_no_other(folder: Exchange) -> None:
    folder.lay_master_data()
    rows = [
        "number,item,quantity,unit,need_date,state",
        "W-1,FG,10,pc,,",
        "W-2,FG,many,pc,,",
        "W-3,NOBODY,5,pc,,",
        "W-4,FG,5,furlong,,",
        "W-5,FG,5,pc,soon,",
        "W-6,=2+5,5,pc,,",
        "W-7,FG,5,pc,,Held",
        "W-8,FG,-1,pc,,",
        "W-9,FG,2.5,pc,,",
        "W-10,FG,7,pc,,Cancelled",
    ]
    folder.lay("orders-1.csv", "\n".join(rows) + "\n")
    folder.pull()

    answers = {int(line): (outcome, reason) for line, outcome, reason in folder.answer("orders-1.csv")}
    assert {line: outcome for line, (outcome, _reason) in answers.items() if outcome != "parked"} == {
        2: "created",
        11: "unchanged",
    }
    for line, words in {
        3: "quantity is “many”, which is no number",
        4: "item NOBODY is not known",
        5: "furlong",
        6: "need_date is “soon”",
        7: "begins like a formula",
        8: "state is “Held”, which is none of",
        9: "no number over zero",
        10: "counted in whole pieces",
    }.items():
        assert words in answers[line][1], answers[line]
    assert folder.order("W-1").state == "RELEASED"
    assert len(folder.parked()) == 8

    later(folder.lay("orders-2.csv", "number,item,quantity,unit\nW-2,FG,3,pc\n"), 120)
    folder.pull()
    assert folder.order("W-2").quantity == 3
    assert "order W-2" not in folder.parked()


def test_a_table_is_read_with_semicolons_tabs_decimal_commas_and_a_byte_order_mark(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("lots-1.csv", "\ufeffitem;number;quantity;unit\r\nRESIN;R-2;2,5;kg\r\n")
    folder.lay("lots-2.csv", "Item\tNumber\tQuantity\tSupplier Lot\nRESIN\tR-3\t1250.5\tÄ-1\n".encode("utf-16"))
    folder.pull()
    lots = MaterialLot.objects.filter(site=folder.plant.site, number__in=["R-2", "R-3"])
    assert {lot.number: lot.received_quantity for lot in lots} == {"R-2": Decimal("2.5"), "R-3": Decimal("1250.5")}
    assert lots.get(number="R-3").supplier_lot == "Ä-1"


def test_what_the_erp_leaves_open_about_an_item_stays_as_it_is_here(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.pull()
    later(folder.lay("items-2.csv", "code,name\nRESIN,Resin 2\n"))
    folder.pull()
    item = Item.objects.get(site=folder.plant.site, code="RESIN")
    assert (item.name, item.unit.code, item.tracking) == ("Resin 2", "kg", "LOT")


def test_orders_before_their_master_data_wait_and_go_on_when_it_arrives(folder: Exchange) -> None:
    folder.lay("orders-1.csv", ORDERS)
    folder.pull()
    assert "item FG is not known" in folder.parked()["order W-1"]
    assert [outcome for _line, outcome, _reason in folder.answer("orders-1.csv")] == ["parked", "parked"]
    folder.lay_master_data()
    folder.pull()
    assert folder.parked() == {}
    assert folder.order("W-1").state == "RELEASED"


def test_a_later_file_of_the_same_look_wins_and_the_earlier_one_hears_so(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("orders-a.csv", "number,item,quantity\nW-1,FG,10\n")
    later(folder.lay("orders-b.csv", "number,item,quantity\nW-1,FG,12\n"))
    folder.pull()
    assert folder.order("W-1").quantity == 12
    assert folder.answer("orders-a.csv") == [("2", "superseded", "A later file says otherwise.")]
    assert folder.answer("orders-b.csv") == [("2", "created", "")]


def test_several_lines_make_one_bom_or_routing_and_all_hear_what_became_of_it(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("boms-2.csv", "item,version,component,quantity_per\nFG,B,SEAL,3\nFG,B,NOBODY,1\n")
    folder.pull()
    assert [(line, outcome) for line, outcome, _reason in folder.answer("boms-2.csv")] == [
        ("2", "parked"),
        ("3", "parked"),
    ]
    assert BillOfMaterials.objects.filter(site=folder.plant.site, version="B").count() == 0
    assert Routing.objects.get(site=folder.plant.site).steps.count() == 2
    assert WorkCenter.objects.filter(site=folder.plant.site, code__in=["CELL", "TEST"]).count() == 2


def test_a_file_waits_until_it_is_complete(tmp_path: Path) -> None:
    folder = exchange(tmp_path, settle_seconds="600")
    folder.lay("items.csv", MASTER["items.csv"], done=False)
    folder.lay("items-2.csv.tmp", MASTER["items.csv"], done=False)
    folder.lay(".items-3.csv", MASTER["items.csv"], done=False)
    folder.pull()
    assert folder.names("in") == [".items-3.csv", "items-2.csv.tmp", "items.csv"]
    assert not Item.objects.filter(site=folder.plant.site).exists()

    later(folder.path / "in" / "items.csv", -3600)
    folder.pull()
    assert folder.names("in") == [".items-3.csv", "items-2.csv.tmp"]
    assert Item.objects.filter(site=folder.plant.site).count() == 3


def test_a_checksum_beside_the_file_is_held_against_it(folder: Exchange) -> None:
    content = MASTER["items.csv"].encode()
    folder.lay("items.csv", content, done=f"{checksum(content)}  items.csv\n")
    folder.pull()
    assert Item.objects.filter(site=folder.plant.site).count() == 3
    assert folder.names("in") == []


def test_a_big_table_comes_in_pages_and_is_archived_once(folder: Exchange) -> None:
    rows = "".join(f"X-{number},Thing {number},pc\n" for number in range(250))
    folder.lay("items.csv", f"code,name,unit\n{rows}")
    folder.pull()
    assert Item.objects.filter(site=folder.plant.site).count() == 250
    run = SyncRun.objects.get(job__connection=folder.connection, job__entity="item")
    assert (run.read, run.created, run.outcome) == (250, 250, "GOOD")
    assert len(folder.answer("items.csv")) == 250
