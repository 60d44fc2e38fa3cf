"""What the network and the ERP do to a posting, and that what stands in Tryton in the end is one whole completion."""

import time
from datetime import timedelta

import pytest

from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    ContractError,
    ErpError,
    Locked,
    Throttled,
    Unreachable,
)
from erp_sync.adapters.tryton import TrytonAdapter
from erp_sync.facts import OrderCompletion
from erp_sync.messages import Cursor, Entity, Receipt
from tests.erp.completions import assert_posted_once, completion
from tests.erp.conftest import Connect
from tests.erp.fault_proxy import Fault, FaultProxy
from tests.erp.peer.api import PeerApi
from tests.erp.peer.server import READER, PeerServer

pytestmark = pytest.mark.erp_peer


def push_until_it_holds(connect: Connect, fact: OrderCompletion, *, most: int = 20) -> tuple[Receipt, list[ErpError]]:
    """What the engine does, without its pauses: a new conversation each time, nothing remembered but the fact."""
    failures: list[ErpError] = []
    for _ in range(most):
        adapter = connect(read_timeout=5)
        try:
            return adapter.find_fact(fact) or adapter.push(fact), failures
        except ErpError as failure:
            failures.append(failure)
    raise AssertionError(f"not posted after {most} attempts: {failures}")


@pytest.mark.parametrize("fault", [Fault.DROP_REPLY, Fault.ERROR_AFTER])
def test_when_the_answer_to_every_single_step_is_lost_after_the_commit_each_step_still_happens_once(
    erp: PeerApi, connect: Connect, proxy: FaultProxy, fault: Fault
) -> None:
    order = erp.make_order(10)
    lost = 0
    while lost < 30:
        proxy.arm_write(fault, 0)
        try:
            connect().push(completion(order))
            break
        except Ambiguous:
            lost += 1
    proxy.disarm()

    assert lost >= 9
    assert_posted_once(order)
    steps = [method for method in proxy.writes() if method.startswith("model.production")]
    assert len(steps) == len([step for step in steps if step != "model.production.write"]) + 3


@pytest.mark.parametrize(
    "fault", [Fault.RESET_REPLY, Fault.GARBAGE_AFTER, Fault.HTML_AFTER, Fault.HUGE_AFTER, Fault.BOMB_AFTER]
)
def test_an_unusable_answer_to_the_start_leaves_the_outcome_open_and_a_second_look_settles_it(
    erp: PeerApi, connect: Connect, proxy: FaultProxy, fault: Fault
) -> None:
    order = erp.make_order(10)
    proxy.arm(fault, "model.production.run")

    with pytest.raises(Ambiguous):
        connect().push(completion(order))
    assert order.state == "running"

    push_until_it_holds(connect, completion(order))
    assert_posted_once(order)


def test_a_lost_answer_to_the_closing_is_found_by_looking_and_nothing_is_sent_again(
    erp: PeerApi, connect: Connect, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    fact = completion(order)
    proxy.arm(Fault.DROP_REPLY, "model.production.do")
    with pytest.raises(Ambiguous):
        connect().push(fact)
    proxy.methods.clear()

    receipt = connect().find_fact(fact)

    assert receipt is not None
    assert receipt.erp_key == order.key
    assert proxy.writes() == []
    assert_posted_once(order)


def test_a_request_that_never_reached_the_erp_is_told_apart_where_it_can_be(
    erp: PeerApi, connect: Connect, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    proxy.arm(Fault.REFUSE, "production.search_read")
    with pytest.raises(Unreachable):
        connect().push(completion(order))
    proxy.arm(Fault.ERROR_BEFORE, "model.production.write")
    with pytest.raises(Ambiguous):
        connect().push(completion(order))
    assert order.state == "waiting"

    push_until_it_holds(connect, completion(order))
    assert_posted_once(order)


def test_an_erp_that_is_down_is_unreachable_at_once_and_everything_goes_through_when_it_is_back(
    peer: PeerServer, connect: Connect
) -> None:
    order = peer.api.make_order(10)
    number, key = order.number, order.key
    fact = completion(order)
    adapter = connect(url=peer.url)
    assert adapter.probe().usable
    with peer.down():
        began = time.monotonic()
        with pytest.raises(Unreachable):
            adapter.push(fact)
        assert time.monotonic() - began < 5

    adapter.push(fact)
    order.api = peer.api
    assert (number, key) == (order.number, order.key)
    assert_posted_once(order)


def test_a_server_that_drips_its_answer_or_its_headers_is_left_at_the_deadline(
    erp: PeerApi, connect: Connect, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    for fault in (Fault.DRIP_AFTER, Fault.DRIP_HEADERS_AFTER):
        adapter = connect(read_timeout=5, total_timeout=2)
        assert adapter.probe().usable
        proxy.arm(fault, "production.search_read")
        began = time.monotonic()
        with pytest.raises(Unreachable):
            adapter.push(completion(order))
        assert time.monotonic() - began < 6


def test_a_late_answer_to_a_write_is_ambiguous_and_settled_by_a_second_look(
    erp: PeerApi, connect: Connect, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    adapter = connect(read_timeout=1)
    assert adapter.probe().usable
    proxy.arm(Fault.DELAY_AFTER, "model.production.run", seconds=5)

    with pytest.raises(Ambiguous):
        adapter.push(completion(order))

    push_until_it_holds(connect, completion(order))
    assert_posted_once(order)


def test_the_answer_to_another_question_is_not_taken_for_ours(adapter: TrytonAdapter, proxy: FaultProxy) -> None:
    proxy.arm(Fault.FORGOTTEN_ID, "product.uom.search_read")
    with pytest.raises(Unreachable):
        adapter.pull(Entity.UNIT, Cursor(), 10)


def test_a_session_that_ended_is_renewed_once_without_the_step_being_lost_or_doubled(
    erp: PeerApi, adapter: TrytonAdapter, proxy: FaultProxy
) -> None:
    order = erp.make_order(10)
    proxy.arm(Fault.UNAUTHORIZED, "model.production.run")

    adapter.push(completion(order))

    assert proxy.methods.count("common.db.login") == 2
    assert proxy.methods.count("model.production.run") == 1
    assert_posted_once(order)


def test_a_wrong_password_is_denied_and_not_tried_twice(connect: Connect, proxy: FaultProxy) -> None:
    with pytest.raises(AuthDenied) as denial:
        connect(password="guessed").probe()
    assert "guessed" not in denial.value.text
    assert proxy.methods.count("common.db.login") == 1


def test_a_user_without_rights_is_named_with_what_is_lacking(erp: PeerApi, connect: Connect) -> None:
    order = erp.make_order(10)
    adapter = connect(user=READER[0], password=READER[1])

    probe = adapter.probe()
    assert not probe.usable
    assert "production.work.cycle" in probe.issues[0].text

    with pytest.raises(AuthDenied) as denial:
        adapter.push(completion(order))
    assert "write production" in denial.value.text
    assert order.state == "waiting"


def test_a_server_that_asks_to_wait_says_how_long(adapter: TrytonAdapter, proxy: FaultProxy) -> None:
    proxy.arm(Fault.THROTTLED, "product.uom.search_read")
    with pytest.raises(Throttled) as wait:
        adapter.pull(Entity.UNIT, Cursor(), 10)
    assert wait.value.retry_after == timedelta(seconds=7)


def test_a_field_or_a_model_that_does_not_exist_is_a_broken_contract_and_a_passing_failure_is_not(
    adapter: TrytonAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from erp_sync.adapters.tryton import demands, reading

    source = reading.SOURCES[Entity.UNIT]
    monkeypatch.setitem(reading.SOURCES, Entity.UNIT, replace(source, fields=(*source.fields, "nonsense")))
    with pytest.raises(Locked):
        adapter.pull(Entity.UNIT, Cursor(), 10)

    monkeypatch.setitem(demands.READ_FIELDS, "product.uom", ["symbol", "nonsense"])
    with pytest.raises(ContractError) as skew:
        adapter.pull(Entity.UNIT, Cursor(), 10)
    assert "product.uom.nonsense" in skew.value.text


def test_a_database_that_does_not_exist_is_a_broken_contract(connect: Connect) -> None:
    with pytest.raises(ContractError):
        connect(database="nowhere").probe()


def test_secrets_appear_in_no_representation_and_no_error(connect: Connect, proxy: FaultProxy) -> None:
    adapter = connect(password="s3cret-password")
    with pytest.raises(AuthDenied) as denial:
        adapter.probe()
    shown = f"{adapter!r} {adapter._client!r} {denial.value!r} {denial.value.__cause__!r}"
    assert "s3cret-password" not in shown


@pytest.mark.parametrize(
    "changes", [{"url": ""}, {"url": "ftp://erp"}, {"password": ""}, {"read_timeout": "soon"}, {"database": None}]
)
def test_settings_that_cannot_work_are_refused_in_a_sentence(connect: Connect, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^The setting .*\.$"):
        connect(**changes)


def test_an_erp_restored_from_yesterdays_copy_is_found_empty_and_filled_again(
    peer: PeerServer, connect: Connect
) -> None:
    order = peer.api.make_order(10)
    fact = completion(order)
    yesterday = peer.keep_copy()
    adapter = connect(url=peer.url)
    adapter.push(fact)
    peer.restore(yesterday)

    assert adapter.find_fact(fact) is None
    (totals,) = adapter.totals([order.key])
    assert totals.good == 0

    adapter.push(fact)
    order.api = peer.api
    assert_posted_once(order)
