"""What changes in the ERP after an order or a lot is known here: shown, held, never booked or changed silently."""

from decimal import Decimal

import pytest

from erp_sync.messages import Entity, OrderState
from erp_sync.models import ErpConnection, InboundRecord
from erp_sync.records import (
    LotRecord,
    OrderRecord,
    StockLine,
)
from mes.kernel.invariants import violations
from tests.builders import Doer, command_id
from tests.erp.engine import Works
from tests.erp.telling import ORDER, Erp, order_of, parked, pull
from traceability.models import LotBalance
from workorders.actions.orders import recall_order
from workorders.models import Hold, WorkOrder

pytestmark = pytest.mark.django_db


# -- changes after release ---------------------------------------------------------------------------------------------


def released(site: Works, erp: Erp) -> WorkOrder:
    erp.master_data()
    erp.says(Entity.ORDER, ORDER)
    pull(site)
    return order_of(site)


def changed(**values: object) -> OrderRecord:
    from dataclasses import replace

    return replace(ORDER, **values)  # type: ignore[arg-type]


def test_before_the_release_an_order_follows_the_erp(site: Works, erp: Erp) -> None:
    ErpConnection.objects.filter(pk=site.connection.pk).update(auto_release=False)
    order = released(site, erp)
    assert order.state == "PLANNED"
    erp.says(Entity.ORDER, changed(quantity=Decimal(12)))
    pull(site)
    assert order_of(site).quantity == 12


def test_after_the_release_a_change_is_shown_and_nothing_is_changed_silently(site: Works, erp: Erp) -> None:
    released(site, erp)
    erp.says(Entity.ORDER, changed(quantity=Decimal(12)))
    pull(site)
    assert order_of(site).quantity == 10
    assert "quantity 10 → 12" in parked(site)["order 9"]

    erp.says(Entity.ORDER, ORDER)
    pull(site)
    assert parked(site) == {}


@pytest.mark.parametrize("gone", [OrderState.CANCELLED, OrderState.DRAFT])
def test_an_order_cancelled_there_while_it_runs_here_is_held_with_its_facts_kept(
    site: Works, erp: Erp, gone: OrderState
) -> None:
    order = released(site, erp)
    operation = site.plant.operation(order)
    hand = Doer(site.plant.person())
    hand.start(operation)
    hand.report(operation, 3)
    hand.suspend(operation)
    erp.says(Entity.ORDER, changed(state=gone, operations=()))
    pull(site)
    pull(site)

    assert "is held here" in parked(site)["order 9"]
    assert Hold.objects.filter(order=order, released_at__isnull=True).count() == 1
    operation.refresh_from_db()
    assert operation.finished == 3
    from mes.kernel.errors import Refused

    with pytest.raises(Refused, match="on_hold"):
        hand.start(operation)
    assert violations() == []


def test_an_order_that_was_never_released_there_makes_nothing_here(site: Works, erp: Erp) -> None:
    erp.master_data()
    erp.says(Entity.ORDER, changed(state=OrderState.DRAFT))
    pull(site)
    assert not WorkOrder.objects.filter(site=site.plant.site).exists()
    assert parked(site) == {}


def test_an_order_recalled_here_is_not_released_again_by_the_next_pull(site: Works, erp: Erp) -> None:
    order = released(site, erp)
    recall_order(actor=site.plant.person("planner"), order_id=order.pk, command_id=command_id())
    pull(site)
    assert order_of(site).state == "PLANNED"


def test_an_order_of_ours_with_the_same_number_is_not_taken_over(site: Works, erp: Erp) -> None:
    own = site.plant.order(number="MO-9", quantity=3)
    erp.master_data()
    erp.says(Entity.ORDER, ORDER)
    pull(site)
    own.refresh_from_db()
    assert own.quantity == 3
    assert "give the connection a prefix" in parked(site)["order 9"]


# -- stock -------------------------------------------------------------------------------------------------------------


def resin(quantity: str) -> LotRecord:
    return LotRecord("7", "R-77", "RESIN", "kg", (StockLine("A", Decimal(quantity)),), active=True)


def test_stock_is_received_once_and_a_difference_is_shown_but_never_booked(site: Works, erp: Erp) -> None:
    order = released(site, erp)
    erp.says(Entity.LOT, resin("80"))
    pull(site)
    erp.says(Entity.LOT, resin("80.5"))
    pull(site)
    balance = LotBalance.objects.get(lot__site=site.plant.site)
    assert balance.quantity == 80
    record = InboundRecord.objects.filter(entity="lot").latest("pk")
    assert record.reason == "Different stock: 80 kg here, 80.5 kg expected from the ERP's figure."

    operation = site.plant.operation(order)
    hand = Doer(site.plant.person())
    hand.start(operation)
    hand.consume(operation, "R-77", "2.5")
    erp.says(Entity.LOT, resin("80"))
    pull(site)
    record = InboundRecord.objects.filter(entity="lot").latest("modified_at")
    assert record.reason == "", "what the ERP has not heard of yet is no difference"
