"""Every adapter keeps the same promises to the engine: one suite, asserted on what the other side really holds."""

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from erp_sync.adapters import errors
from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import Ambiguous, ErpError, NeedsDecision, Rejected
from erp_sync.adapters.registry import adapter_class
from erp_sync.facts import Disposition
from erp_sync.messages import Cursor, Entity, RawRecord, ReceiptStatus
from erp_sync.records import (
    BomRecord,
    ItemRecord,
    LotRecord,
    OrderRecord,
    RoutingRecord,
    UnitRecord,
    WorkCenterRecord,
)
from tests.erp.conformance.files import FileHarness
from tests.erp.conformance.harness import Harness
from tests.erp.conformance.recording import RecordingHarness
from tests.erp.conformance.tryton import TrytonHarness

FAILURES = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ErpError)),
    key=lambda kind: kind.__name__,
)
FAILURES.remove(ErpError)
RECORDS = {
    Entity.UNIT: UnitRecord,
    Entity.ITEM: ItemRecord,
    Entity.WORK_CENTER: WorkCenterRecord,
    Entity.BOM: BomRecord,
    Entity.ROUTING: RoutingRecord,
    Entity.LOT: LotRecord,
    Entity.ORDER: OrderRecord,
}

Get = Callable[[str], object]
HARNESSES: dict[str, Callable[[Get, Path, pytest.MonkeyPatch], Harness]] = {
    "file": lambda get, folder, patch: FileHarness(folder, patch),
    "recording": lambda get, folder, patch: RecordingHarness(folder, patch),
    "tryton": lambda get, folder, patch: TrytonHarness(get("peer").api, get("proxy"), get("connect"), patch),  # type: ignore[attr-defined, arg-type]
}
PEERS = {"tryton"}


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.erp_peer if name in PEERS else ()) for name in sorted(HARNESSES)]
)
def harness(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return HARNESSES[request.param](request.getfixturevalue, tmp_path, monkeypatch)


@pytest.fixture
def adapter(harness: Harness) -> ErpAdapter:
    return harness.adapter()


def everything(adapter: ErpAdapter, entity: Entity, limit: int) -> list[RawRecord]:
    """One whole pass in pages of LIMIT."""
    found: list[RawRecord] = []
    cursor = Cursor()
    for _ in range(1000):
        page = adapter.pull(entity, cursor, limit)
        assert len(page.records) <= limit
        found += page.records
        cursor = Cursor.from_json(json.loads(json.dumps(page.cursor.as_json())))
        if not page.more:
            return found
    raise AssertionError("the pass has no end")


# ------------------------------------------------------------------------------------------------------------- looking


def test_it_is_known_by_its_name_and_refuses_settings_that_cannot_work(harness: Harness, adapter: ErpAdapter) -> None:
    assert adapter_class(adapter.slug) is type(adapter)
    assert adapter.label
    for broken in harness.broken_settings:
        with pytest.raises(ValueError, match=r"^The setting .*\.$"):
            harness.adapter(**broken)


def test_a_probe_says_who_answers_and_changes_nothing(harness: Harness, adapter: ErpAdapter) -> None:
    adapter.push(harness.fact())
    before = harness.state()
    probe = adapter.probe()
    assert probe.usable, probe.issues
    assert probe.product
    assert probe.version
    assert harness.state() == before


def test_what_can_be_pulled_comes_in_pages_and_the_same_again_until_it_changes(
    harness: Harness, adapter: ErpAdapter
) -> None:
    harness.prepare_pull()
    for entity in sorted(adapter.capabilities.pull):
        whole = everything(adapter, entity, 100)
        assert whole, entity
        assert everything(harness.adapter(), entity, 2) == whole
        assert len({record.key for record in whole}) == len(whole)
    for entity in set(Entity) - adapter.capabilities.pull:
        assert everything(adapter, entity, 100) == []


def test_a_pulled_record_can_be_kept_and_read_years_later(harness: Harness, adapter: ErpAdapter) -> None:
    harness.prepare_pull()
    for entity in sorted(adapter.capabilities.pull):
        for raw in everything(adapter, entity, 100):
            assert raw.entity is entity
            assert 1 <= len(raw.key) <= 64
            assert raw.modified_at.utcoffset() is not None
            kept = RawRecord(entity, raw.key, raw.modified_at, json.loads(json.dumps(raw.body)))
            assert kept.digest == raw.digest
            said = translated(adapter, kept)
            assert is_a_sentence(said.text) if isinstance(said, Rejected) else isinstance(said, RECORDS[entity])
            assert adapter.get(entity, raw.key) == raw


def translated(adapter: ErpAdapter, raw: RawRecord) -> object:
    try:
        return type(adapter).translate(raw)
    except Rejected as refusal:
        return refusal


def test_a_dry_run_changes_nothing(harness: Harness, adapter: ErpAdapter) -> None:
    fact = harness.fact()
    before = harness.state()
    assert adapter.validate(fact) == []
    assert adapter.find_fact(fact) is None
    assert harness.state() == before


# ------------------------------------------------------------------------------------------------------------- telling


def test_a_fact_pushed_twice_has_one_effect_and_the_second_push_says_so(harness: Harness, adapter: ErpAdapter) -> None:
    fact = harness.fact()
    first = adapter.push(fact)
    assert first.status is ReceiptStatus.POSTED
    assert first.digest == fact.digest
    assert 1 <= len(first.erp_key) <= 64
    before = harness.state()

    for again in (harness.adapter().push(fact), harness.adapter().find_fact(fact)):
        assert again is not None
        assert again.status is ReceiptStatus.ALREADY_POSTED
        assert again.erp_key == first.erp_key
    assert harness.effects(fact) == 1
    assert harness.state() == before


def test_what_was_pushed_is_read_back_with_the_same_figures(harness: Harness, adapter: ErpAdapter) -> None:
    fact = harness.fact()
    adapter.push(fact)
    (totals,) = harness.adapter().totals([fact.order_key, "987654321"])
    assert totals.order == fact.order_key
    assert totals.good == fact.total(Disposition.GOOD)
    assert totals.scrap == fact.total(Disposition.SCRAP)
    booked: dict[tuple[str, str | None, str], Decimal] = {}
    for line in totals.consumed:
        booked[line.item, line.lot, line.unit] = line.quantity
    assert booked == {(line.item, line.lot, line.unit): line.quantity for line in fact.consumed}
    assert totals.time == sum((line.duration for line in fact.operations), type(totals.time)())


def test_a_lost_answer_is_ambiguous_and_a_second_look_settles_it_with_one_effect(harness: Harness) -> None:
    fact = harness.fact()
    with harness.answer_lost(), pytest.raises(Ambiguous) as lost:
        harness.adapter().push(fact)
    assert not lost.value.nothing_written

    fresh = harness.adapter()
    receipt = fresh.find_fact(fact) or fresh.push(fact)
    assert receipt.digest == fact.digest
    assert harness.effects(fact) == 1


def test_two_workers_at_once_leave_one_effect(harness: Harness) -> None:
    fact = harness.fact()
    workers = [harness.adapter() for _ in range(2)]
    start = threading.Barrier(2)
    outcomes: list[object] = []

    def post(worker: ErpAdapter) -> None:
        start.wait()
        try:
            outcomes.append(worker.push(fact))
        except ErpError as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=post, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2, "one of them failed with something that is no ErpError"
    harness.adapter().push(fact)
    assert harness.effects(fact) == 1


def test_another_content_is_never_taken_for_the_fact_that_is_there(harness: Harness, adapter: ErpAdapter) -> None:
    fact = harness.fact()
    adapter.push(fact)
    with pytest.raises((Rejected, NeedsDecision)):
        harness.adapter().push(harness.other_than(fact))
    assert harness.effects(fact) == 1


def test_taking_back_does_what_the_capabilities_say(harness: Harness, adapter: ErpAdapter) -> None:
    fact = harness.fact()
    adapter.push(fact)
    if adapter.capabilities.reversal:
        adapter.compensate(fact, "typed twice")
        assert adapter.find_fact(fact) is None
        assert harness.effects(fact) == 0
        adapter.push(fact)
    else:
        with pytest.raises(NeedsDecision):
            adapter.compensate(fact, "typed twice")
    assert harness.effects(fact) == 1


# ------------------------------------------------------------------------------------------------------------- failing


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_each_failure_has_its_class_and_a_sentence_or_a_reason_why_it_cannot_be(
    harness: Harness, kind: type[ErpError]
) -> None:
    if kind in harness.impossible:
        assert is_a_sentence(harness.impossible[kind])
        assert kind not in harness.failures()
        return
    with pytest.raises(kind) as failure:
        harness.failures()[kind]()
    assert type(failure.value) is kind
    assert is_a_sentence(failure.value.text), failure.value.text
    for code in ("code", "entity"):
        assert getattr(failure.value, code, "some") != ""
    shown = f"{failure.value!r} {failure.value.__cause__!r} {failure.value.text}"
    assert not [secret for secret in harness.secrets if secret in shown]


def is_a_sentence(text: str) -> bool:
    return text[:1] == text[:1].upper() and text.rstrip().endswith((".", "?")) and len(text.split()) >= 4


def test_secrets_are_declared_and_shown_nowhere(harness: Harness, adapter: ErpAdapter) -> None:
    if not harness.secrets:
        assert type(adapter).secret_settings == frozenset()
        return
    assert type(adapter).secret_settings
    shown = f"{adapter!r} {adapter} {adapter.probe()!r}"
    assert not [secret for secret in harness.secrets if secret in shown]


def test_closing_never_fails_and_may_come_twice(adapter: ErpAdapter) -> None:
    adapter.close()
    adapter.close()
