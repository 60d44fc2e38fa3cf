"""A completed order reaches a real Tryton whole and once. Every assertion is on Tryton's own API."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from erp_sync.adapters.errors import NeedsDecision, Rejected, UnitMismatch, UnknownReference
from erp_sync.adapters.tryton import TrytonAdapter
from erp_sync.facts import Disposition, OperationTime
from erp_sync.messages import OrderState, ReceiptStatus, Severity
from tests.erp.completions import ASSEMBLE, TEST, assert_posted_once, completion, consumed, made
from tests.erp.conftest import Connect
from tests.erp.fault_proxy import FaultProxy
from tests.erp.peer.api import PeerApi

pytestmark = pytest.mark.erp_peer


def test_a_completed_order_is_done_in_the_erp_with_its_lots_its_scrap_and_its_times(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(10)
    fact = completion(order)

    receipt = adapter.push(fact)

    assert_posted_once(order)
    assert receipt.status is ReceiptStatus.POSTED
    assert (receipt.erp_key, receipt.erp_number, receipt.digest) == (order.key, order.number, fact.digest)


def test_the_erps_totals_are_those_that_were_posted(erp: PeerApi, adapter: TrytonAdapter) -> None:
    order = erp.make_order(10)
    adapter.push(completion(order))

    (totals,) = adapter.totals([order.key])

    assert (totals.state, totals.good, totals.scrap) == (OrderState.DONE, Decimal(8), Decimal(2))
    assert totals.time == ASSEMBLE + TEST
    assert {(line.item, line.lot): line.quantity for line in totals.consumed} == {
        ("RM-HOUS", "H-2026-01"): Decimal(6),
        ("RM-HOUS", "H-2026-02"): Decimal(4),
        ("RM-SEAL", None): Decimal(20),
        ("RM-RESIN", "R-77"): Decimal("2.5"),
    }


def test_pushing_the_same_fact_again_changes_nothing_and_says_so(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    assert adapter.find_fact(fact) is None
    adapter.push(fact)
    proxy.methods.clear()

    again = adapter.push(fact)

    assert again.status is ReceiptStatus.ALREADY_POSTED
    assert adapter.find_fact(fact) is not None
    assert proxy.writes() == []
    assert_posted_once(order)


def test_a_dry_run_writes_nothing(erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy) -> None:
    order = erp.make_order(10)
    proxy.methods.clear()

    assert adapter.validate(completion(order)) == []

    assert proxy.writes() == []
    assert order.state == "waiting"


def test_two_workers_posting_at_once_leave_one_completion(erp: PeerApi, connect: Connect) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    workers = [connect() for _ in range(2)]
    start = threading.Barrier(2)
    outcomes: list[object] = []

    def post(worker: TrytonAdapter) -> None:
        start.wait()
        try:
            outcomes.append(worker.push(fact).status)
        except Exception as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=post, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    workers[0].push(fact)
    assert_posted_once(order)
    assert any(isinstance(outcome, ReceiptStatus) for outcome in outcomes), outcomes


def test_an_order_reserved_in_the_erp_is_taken_back_set_right_and_closed(erp: PeerApi, adapter: TrytonAdapter) -> None:
    order = erp.make_order(10)
    erp("production", "assign_try", [order.id])
    assert order.state == "assigned"

    adapter.push(completion(order))

    assert_posted_once(order)


def test_a_substitute_and_a_component_that_was_not_used_are_booked_as_they_were(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(4, bom=None, routing=None)
    lot = f"FG-MES-{order.id}"
    fact = completion(
        order,
        consumed=(consumed("RM-HOUS", "4", "u", "H-2026-01"), consumed("RM-SPARE", "8", "u")),
        operations=(),
        outputs=(made("4", lot),),
    )

    with pytest.raises(NeedsDecision) as question:
        adapter.push(fact)
    assert question.value.code == "force_assignment"
    adapter.push(fact, accepted=frozenset({"force_assignment"}))

    assert order.consumed() == {("RM-HOUS", "H-2026-01"): 4.0, ("RM-SPARE", None): 8.0}


def test_good_pieces_in_several_lots_and_an_order_that_is_all_scrap(erp: PeerApi, adapter: TrytonAdapter) -> None:
    split, lost = erp.make_order(10), erp.make_order(10)
    adapter.push(completion(split, outputs=(made("7", f"A-{split.id}"), made("3", f"B-{split.id}"))))
    adapter.push(completion(lost, outputs=(made("10", None, Disposition.SCRAP),)))

    assert split.good() == {("FG-100", f"A-{split.id}"): 7.0, ("FG-100", f"B-{split.id}"): 3.0}
    assert lost.good() == {}
    assert lost.scrapped() == {("FG-100", None): 10.0}


def test_an_operation_that_was_skipped_takes_no_time(erp: PeerApi, adapter: TrytonAdapter) -> None:
    order = erp.make_order(10)
    fact = completion(
        order,
        operations=(OperationTime(10, "10 Assemble", ASSEMBLE), OperationTime(20, "20 Pressure test", timedelta())),
    )

    adapter.push(fact)

    assert order.cycles()["20 Pressure test"] == [("done", timedelta())]


def test_grams_are_posted_as_the_erps_kilograms_with_the_residue_told(erp: PeerApi, adapter: TrytonAdapter) -> None:
    order = erp.make_order(10)
    base = completion(order).consumed[:3]
    fact = completion(order, consumed=(*base, consumed("RM-RESIN", "2503", "g", "R-77")))

    issues = adapter.validate(fact)
    receipt = adapter.push(fact)

    assert [(issue.severity, issue.code) for issue in issues] == [(Severity.WARNING, "rounding")]
    assert order.consumed()["RM-RESIN", "R-77"] == 2.5
    assert receipt.residues == (("RM-RESIN", Decimal("0.003"), "kg"),)


def test_kilograms_of_something_counted_in_pieces_is_a_unit_mismatch_and_touches_nothing(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    proxy.methods.clear()

    with pytest.raises(UnitMismatch):
        adapter.push(completion(order, consumed=(consumed("RM-SEAL", "20", "kg"),)))

    assert proxy.writes() == []


def test_a_lot_of_another_item_is_rejected_at_once_and_goes_through_once_it_is_put_right(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    poison = replace(fact, consumed=(consumed("RM-HOUS", "10", "u", "R-77"), *fact.consumed[2:]))
    proxy.methods.clear()

    with pytest.raises(Rejected) as refusal:
        adapter.push(poison)
    assert refusal.value.code == "lot_of_other_item"
    assert proxy.writes() == []

    adapter.push(fact)
    assert_posted_once(order)


def test_an_unknown_item_lot_or_order_is_an_unknown_reference(erp: PeerApi, adapter: TrytonAdapter) -> None:
    order = erp.make_order(10)
    unknown = {
        "item": completion(order, consumed=(consumed("NO-SUCH", "1", "u"),)),
        "lot": completion(order, consumed=(consumed("RM-HOUS", "1", "u", "NO-SUCH"),)),
        "order": completion(order, order_key="987654"),
        "unit": completion(order, consumed=(consumed("RM-SEAL", "1", "dozen"),)),
    }

    for entity, fact in unknown.items():
        with pytest.raises(UnknownReference) as unknown_reference:
            adapter.push(fact)
        assert unknown_reference.value.entity == entity


def test_consumption_outside_the_tolerance_waits_for_a_person_and_is_posted_when_accepted(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(10)
    little = (
        consumed("RM-HOUS", "10", "u", "H-2026-01"),
        consumed("RM-SEAL", "20", "u"),
        consumed("RM-RESIN", "0.5", "kg", "R-77"),
    )
    fact = completion(order, consumed=little)

    with pytest.raises(NeedsDecision) as question:
        adapter.push(fact)
    assert "RM-RESIN" in question.value.text
    assert order.state == "assigned"

    with pytest.raises(NeedsDecision):
        adapter.push(fact)
    adapter.push(fact, accepted=frozenset({question.value.code}))

    assert order.state == "done"
    assert order.consumed()["RM-RESIN", "R-77"] == 0.5


def test_an_order_cancelled_or_recalled_in_the_erp_waits_for_a_person_though_its_operations_are_gone(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    cancelled, recalled = erp.make_order(10), erp.make_order(10)
    erp("production", "cancel", [cancelled.id])
    erp("production", "draft", [recalled.id])
    proxy.methods.clear()

    for order, code in ((cancelled, "order_cancelled"), (recalled, "order_recalled")):
        with pytest.raises(NeedsDecision) as question:
            adapter.push(completion(order))
        assert question.value.code == code
        assert erp.find("production.work", [["production", "=", order.id]]) == []
    assert proxy.writes() == []


def test_an_order_replanned_in_the_erp_gets_new_operations_and_is_still_posted(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    erp("production", "draft", [order.id])
    erp("production", "wait", [order.id])

    adapter.push(fact)

    assert_posted_once(order)


def test_consumption_after_a_start_in_the_erp_waits_for_a_person_and_leaves_no_line_hanging(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    lots = {name: erp.find("stock.lot", [["number", "=", name]])[0]["id"] for name in ("H-2026-01", "R-77")}
    for row in erp.find("stock.move", [["production_input", "=", order.id]], "product.code"):
        lot = {"RM-HOUS": lots["H-2026-01"], "RM-RESIN": lots["R-77"]}.get(row["product."]["code"])
        erp("stock.move", "write", [row["id"]], {"lot": lot})
    erp("production", "assign_try", [order.id])
    erp("production", "run", [order.id])
    fact = completion(order)
    proxy.methods.clear()

    assert [issue.code for issue in adapter.validate(fact)] == ["consumption_differs"]
    with pytest.raises(NeedsDecision) as question:
        adapter.push(fact)
    assert question.value.code == "consumption_differs"
    assert proxy.writes() == []

    adapter.push(fact, accepted=frozenset({"consumption_differs"}))

    assert order.state == "done"
    assert order.consumed()["RM-HOUS", "H-2026-01"] == 10.0
    assert order.good() == {("FG-100", f"FG-MES-{order.id}"): 8.0}


def test_an_order_closed_in_the_erp_with_other_quantities_waits_for_a_person(
    erp: PeerApi, adapter: TrytonAdapter
) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    adapter.push(fact)
    other = replace(fact, outputs=(made("10", f"FG-MES-{order.id}"),))

    with pytest.raises(NeedsDecision) as question:
        adapter.push(other)

    assert question.value.code == "output_differs"
    assert_posted_once(order)


def test_an_order_that_holds_a_strangers_time_waits_for_a_person(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    (work, _) = erp.find("production.work", [["production", "=", order.id]])

    def start_by_hand() -> None:
        (cycle,) = erp("production.work.cycle", "create", [{"work": work["id"]}])
        erp("production.work.cycle", "run", [cycle])

    proxy.before("model.production.run", start_by_hand)

    with pytest.raises(NeedsDecision) as question:
        adapter.push(completion(order))

    assert question.value.code == "time_differs"
    assert [state for state, _ in order.cycles()["10 Assemble"]] == ["running"]


def test_an_order_that_a_planner_edits_meanwhile_is_read_again_and_not_overwritten_blindly(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    proxy.before("production.write", lambda: erp("production", "write", [order.id], {"reference": "planner"}))

    adapter.push(completion(order))

    assert_posted_once(order)
    assert erp.find("production", [["id", "=", order.id]], "reference")[0]["reference"] == "planner"
