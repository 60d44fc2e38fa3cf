"""An order comes as B2MML, is released and made on the floor, and its performance goes out valid, and once."""

from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree

from erp_sync.adapters.file import handing
from erp_sync.models import OutboundMessage
from mes.kernel.invariants import violations
from tests.erp.folder import Exchange, exchange
from tests.erp.orders_as_b2mml import message, request, schedule

pytestmark = pytest.mark.django_db

XSD = Path(__file__).parents[2] / "erp_sync/adapters/file/b2mml/xsd/B2MML-OperationsPerformance.xsd"
SPACE = {"b": "http://www.mesa.org/xml/B2MML"}


def made(folder: Exchange, number: str) -> None:
    """Ten pumps at two work centers: nine good at the first, eight at the second."""
    order, doer = folder.order(number), folder.doer
    assemble, test = order.operations.get(sequence=10), order.operations.get(sequence=20)
    doer.start(assemble)
    doer.consume(assemble, "R-1", "2.5")
    doer.consume(assemble, None, "20", item="SEAL")
    doer.complete(assemble, good=9, scrap=1, reason="CRACK")
    doer.start(test)
    doer.complete(test, good=8, scrap=1, reason="SIZE")


def documents(folder: Exchange) -> list[Path]:
    return sorted((folder.path / "out").glob("*.xml"))


def test_an_order_comes_in_as_b2mml_is_made_and_goes_out_as_valid_performance_once(tmp_path: Path) -> None:
    folder = exchange(tmp_path)
    folder.lay_master_data()
    folder.lay("schedule-1.xml", message("Sync", schedule(request("W/1"))))
    folder.pull()
    assert folder.order("W/1").state == "RELEASED"

    made(folder, "W/1")
    assert folder.order("W/1").state == "DONE"
    folder.work()

    (path,) = documents(folder)
    etree.XMLSchema(etree.parse(XSD)).assertValid(etree.parse(path))
    root = ElementTree.parse(path).getroot()
    assert root.findtext("b:OperationsResponse/b:OperationsRequestID", namespaces=SPACE) == "W/1"
    actuals = {}
    for actual in root.iterfind(".//b:MaterialActual", SPACE):
        use = actual.find("b:MaterialUse", SPACE)
        assert use is not None
        lot = actual.findtext("b:MaterialLotID", namespaces=SPACE)
        quantity = actual.findtext("b:Quantity/b:QuantityString", namespaces=SPACE)
        key = (use.get("OtherValue") or use.text, actual.findtext("b:MaterialDefinitionID", namespaces=SPACE), lot)
        actuals[key] = Decimal(str(quantity))
    assert actuals == {
        ("Consumed", "RESIN", "R-1"): Decimal("2.5"),
        ("Consumed", "SEAL", None): 20,
        ("Produced", "FG", "W/1"): 8,
        ("Scrap", "FG", None): 2,
    }
    sent = OutboundMessage.objects.get(connection=folder.connection)
    assert (sent.state, sent.erp_key, sent.differences) == ("POSTED", str(sent.key), [])
    assert folder.order("W/1").state == "CLOSED"
    assert violations() == []


def test_what_the_erp_took_away_is_not_laid_out_again_when_the_answer_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exchange(tmp_path)
    folder.lay_master_data()
    folder.lay("schedule-1.xml", schedule(request("W-1")))
    folder.pull()
    made(folder, "W-1")
    calls = []

    def failing(path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(handing, "bring_to_disk", failing)
        folder.work()
    sent = OutboundMessage.objects.get(connection=folder.connection)
    assert (sent.state, sent.error_class, sent.touched) == ("PENDING", "Ambiguous", True)
    (path,) = documents(folder)
    path.unlink()

    OutboundMessage.objects.filter(pk=sent.pk).update(not_before="2026-01-01T00:00:00Z")
    folder.connection.__class__.objects.filter(pk=folder.connection.pk).update(resume_at=None)
    folder.work()
    sent.refresh_from_db()
    assert sent.state == "POSTED"
    assert documents(folder) == []
    assert folder.order("W-1").state == "CLOSED"
