"""The border itself: facts survive storage, adapters are found by name, the recording adapter keeps its promises."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from erp_sync.adapters import registry
from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import ContractError, NeedsDecision, Rejected
from erp_sync.adapters.recording import RecordingAdapter
from erp_sync.adapters.tryton import TrytonAdapter
from erp_sync.facts import ConsumedLine, Disposition, OperationTime, OrderCompletion, OutputLine
from erp_sync.messages import Cursor, ReceiptStatus, digest

FACT = OrderCompletion(
    key="11111111-1111-4111-8111-111111111111",
    order="WO-1",
    order_key="17",
    item="FG-100",
    finished_at=datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
    consumed=(
        ConsumedLine("RM-RESIN", Decimal("2.500000"), "kg", "R-77", "3"),
        ConsumedLine("RM-SEAL", Decimal(20), "u"),
    ),
    operations=(OperationTime(10, "10 Assemble", timedelta(seconds=1234, microseconds=5)),),
    outputs=(
        OutputLine("FG-100", Decimal(8), "u", Disposition.GOOD, "L"),
        OutputLine("FG-100", Decimal(2), "u", Disposition.SCRAP, "L"),
    ),
)


def test_a_fact_survives_being_stored_to_the_last_microsecond_and_decimal() -> None:
    assert OrderCompletion.from_json(FACT.as_json()) == FACT


def test_the_digest_follows_content_and_not_spelling() -> None:
    assert digest([Decimal("2.500"), date(2026, 1, 2)]) == digest([Decimal("2.5"), date(2026, 1, 2)])
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert replace(FACT, order="WO-2").digest != FACT.digest


def test_a_cursor_survives_being_stored() -> None:
    moment = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    for cursor in (Cursor(), Cursor(moment), Cursor(moment, 17, moment)):
        assert Cursor.from_json(cursor.as_json()) == cursor


def test_built_in_adapters_are_found_by_name_and_a_typing_error_names_what_there_is() -> None:
    assert registry.adapter_class("tryton") is TrytonAdapter
    assert registry.adapter_class("recording") is RecordingAdapter
    with pytest.raises(registry.UnknownAdapter, match="Installed are: file, recording, tryton"):
        registry.adapter_class("trytn")


def test_an_adapter_without_all_its_methods_cannot_be_built() -> None:
    class Half(ErpAdapter):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Half({})


def test_recording_a_fact_three_times_by_many_hands_leaves_one_entry(tmp_path: Path) -> None:
    settings = {"path": tmp_path / "ledger.jsonl"}
    outcomes: list[ReceiptStatus] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(RecordingAdapter(settings).push(FACT).status)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [ReceiptStatus.ALREADY_POSTED, ReceiptStatus.ALREADY_POSTED, ReceiptStatus.POSTED]
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 1


def test_the_recording_adapter_adds_up_takes_back_and_refuses_a_reused_key(tmp_path: Path) -> None:
    adapter = RecordingAdapter({"path": tmp_path / "ledger.jsonl"})
    adapter.push(FACT)
    (totals,) = adapter.totals(["17", "18"])
    assert (totals.good, totals.scrap, totals.time) == (Decimal(8), Decimal(2), FACT.operations[0].duration)
    with pytest.raises(Rejected):
        adapter.push(replace(FACT, order="WO-2"))

    adapter.compensate(FACT, "typed twice")
    assert adapter.find_fact(FACT) is None
    with pytest.raises(NeedsDecision):
        adapter.compensate(FACT, "again")


def test_a_torn_ledger_is_reported_and_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    adapter = RecordingAdapter({"path": path})
    adapter.push(FACT)
    path.write_text(path.read_text() + '{"half')
    with pytest.raises(ContractError, match="Line 2"):
        adapter.push(FACT)
