"""An order of a real Tryton is pulled, made on the floor and stands completed there, exactly once, whatever fails."""

import pytest

from mes.kernel.invariants import violations
from mes.kernel.models import Delivery, Event
from tests.erp.fault_proxy import Fault, FaultProxy
from tests.erp.journey import Journey, assert_in_the_erp_once, journey
from tests.erp.peer.server import PeerServer
from traceability.models import LotBalance
from workorders.models import Item, UnitConversion, WorkOrder

pytestmark = [pytest.mark.django_db, pytest.mark.erp_peer]


@pytest.fixture
def way(proxy: FaultProxy) -> Journey:
    return journey(proxy.url)


def test_a_released_order_arrives_with_everything_it_needs_and_is_released_here(peer: PeerServer, way: Journey) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()

    order = way.order(peer_order)
    assert (order.state, order.item.code, order.quantity, order.unit.code) == ("RELEASED", "FG-100", 10, "u")
    assert [(op.sequence, op.name, op.work_center.code, op.state) for op in order.operations.order_by("sequence")] == [
        (10, "10 Assemble", "Assembly cell 1", "READY"),
        (20, "20 Pressure test", "Test cell 1", "WAITING"),
    ]
    needs = {need.item.code: (str(need.required.normalize()), need.unit.code) for need in order.materials.all()}
    assert needs == {"RM-HOUS": ("1E+1", "u"), "RM-SEAL": ("2E+1", "u"), "RM-RESIN": ("2.5", "kg")}
    assert Item.objects.get(site=order.site, code="RM-SEAL").tracking == "NONE"
    assert LotBalance.objects.filter(lot__site=order.site, lot__number="R-77", quantity__gt=7000).exists()
    gram = UnitConversion.objects.get(from_unit__code="g", to_unit__code="kg", item=None)
    assert (gram.numerator, gram.denominator) == (1, 1000)
    assert way.parked("unit") == {}, "every unit of a fresh Tryton has an exact conversion"
    assert violations() == []


def test_pulling_again_changes_nothing(peer: PeerServer, way: Journey) -> None:
    peer.api.make_order(10)
    way.pull()
    events, orders = Event.objects.count(), list(WorkOrder.objects.values("pk", "state", "quantity"))
    way.pull()
    assert Event.objects.count() == events
    assert list(WorkOrder.objects.values("pk", "state", "quantity")) == orders


def test_what_was_made_here_stands_in_the_erp_and_the_order_is_closed(peer: PeerServer, way: Journey) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    way.tell()

    assert_in_the_erp_once(peer_order, order)
    assert way.message(order).differences == []
    assert way.state(order) == "CLOSED"
    way.pull()
    assert way.parked("order") == {}
    assert violations() == []


@pytest.mark.parametrize("step", ["model.production.run", "stock.lot.create"])
def test_an_answer_that_is_lost_after_the_erp_committed_leaves_one_completion(
    peer: PeerServer, way: Journey, proxy: FaultProxy, step: str
) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    proxy.arm(Fault.DROP_REPLY, step)
    way.tell()
    assert (way.message(order).state, way.message(order).touched) == ("PENDING", True)

    assert way.tell_until_it_is_told(order).state == "POSTED"
    assert_in_the_erp_once(peer_order, order)
    assert way.state(order) == "CLOSED"


def test_a_lost_answer_to_the_very_last_step_is_found_out_by_looking(
    peer: PeerServer, way: Journey, proxy: FaultProxy
) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    proxy.arm(Fault.ERROR_AFTER, "model.production.do")
    way.tell()
    proxy.methods.clear()

    way.tell_until_it_is_told(order)
    assert proxy.writes() == []
    assert [attempt.outcome for attempt in way.message(order).history.order_by("pk")] == ["Ambiguous", "ALREADY_POSTED"]
    assert_in_the_erp_once(peer_order, order)


def test_a_message_delivered_three_times_is_posted_once(peer: PeerServer, way: Journey) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    for _ in range(3):
        way.tell_until_it_is_told(order)
        Delivery.objects.filter(subscriber="erp").update(status="OPEN", settled_at=None)
    way.tell()
    assert_in_the_erp_once(peer_order, order)
    assert way.message(order).history.filter(outcome__in=["POSTED", "ALREADY_POSTED"]).count() == 1


def test_while_the_erp_is_down_the_floor_goes_on_and_then_everything_is_told_in_order(
    peer: PeerServer, way: Journey, proxy: FaultProxy
) -> None:
    peer_orders = [peer.api.make_order(10) for _ in range(2)]
    way.pull()
    orders = [way.order(each) for each in peer_orders]
    proxy.arm(Fault.REFUSE, times=50)
    for order in orders:
        way.make(order)
        way.tell()
    assert [(way.message(order).state, way.message(order).attempts) for order in orders] == [("PENDING", 0)] * 2
    way.connection.refresh_from_db()
    assert way.connection.failures >= 1
    assert way.connection.last_error.startswith("The ")

    proxy.disarm()
    for order in orders:
        way.tell_until_it_is_told(order)
    posted = [way.message(order).posted_at for order in orders]
    assert posted == sorted(posted)
    for peer_order, order in zip(peer_orders, orders, strict=True):
        assert_in_the_erp_once(peer_order, order)


@pytest.mark.parametrize("fault", [Fault.GARBAGE_AFTER, Fault.DRIP_HEADERS_AFTER])
def test_an_erp_that_answers_nonsense_is_told_once_all_the_same(
    peer: PeerServer, proxy: FaultProxy, fault: Fault
) -> None:
    way = journey(proxy.url, read_timeout=5, total_timeout=2)
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    proxy.arm(fault, "production.work.cycle.do")

    assert way.tell_until_it_is_told(order).state == "POSTED"
    assert_in_the_erp_once(peer_order, order)
    assert violations() == []


def test_an_erp_restored_from_yesterdays_copy_is_told_again_on_a_persons_word(peer: PeerServer, way: Journey) -> None:
    from erp_sync.actions.postings import post_again
    from tests.builders import command_id

    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    yesterday = peer.keep_copy()
    way.connection.settings["url"] = peer.url
    way.connection.save()
    way.tell()
    assert way.message(order).state == "POSTED"
    peer.restore(yesterday)
    peer_order.api = peer.api
    assert peer_order.state == "waiting"

    erp = way.plant.person("erp")
    post_again(actor=erp, message_id=way.message(order).pk, reason="Restored", command_id=command_id())
    way.tell_until_it_is_told(order)
    assert_in_the_erp_once(peer_order, order)


def test_an_order_of_an_unknown_item_is_kept_with_its_reason_until_the_item_arrives(
    peer: PeerServer, way: Journey, proxy: FaultProxy
) -> None:
    peer_order = peer.api.make_order(10)
    proxy.arm(Fault.ERROR_BEFORE, "product.product.search_read", times=50)
    way.pull()
    assert not WorkOrder.objects.filter(site=way.plant.site).exists()
    way.connection.refresh_from_db()
    assert "HTTP 500" in way.connection.last_error

    proxy.disarm()
    way.hurry()
    way.pull()
    assert way.order(peer_order).state == "RELEASED"


def test_an_order_without_a_routing_is_received_with_its_blocker_and_not_released(
    peer: PeerServer, way: Journey
) -> None:
    bare = peer.api.make_order(10, item="FG-200", bom=None, routing=None)
    way.pull()
    order = way.order(bare)
    assert order.state == "RECEIVED"
    assert "has no routing" in way.parked("order")[bare.key]
