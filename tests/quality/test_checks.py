"""Recorded values: limits as they were, gauges on the plant's own day, and what a value stands in the way of."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mes.kernel import scope
from mes.kernel.errors import Refused
from quality.actions.inspections import record_check
from quality.models import Characteristic, Gauge, Inspection, Measurement
from tests.builders import Doer, Plant, command_id, plant
from workorders.actions.orders import recall_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant(time_zone="Pacific/Auckland")


def record(works, operation, value, gauge=None, code="dia"):
    return record_check(
        actor=works.person(), operation_id=operation.pk, code=code, value=value, gauge=gauge, command_id=command_id()
    )


def checked(works, **more):
    works.item("FG")
    works.plan("FG")
    Characteristic.objects.filter(plan__site=works.site).update(**more)
    order = works.order("FG", quantity=2)
    return order, works.operation(order)


def test_limits_are_copied_at_release_and_a_later_change_judges_nothing_anew(works):
    _order, operation = checked(works)
    Characteristic.objects.filter(plan__site=works.site).update(lower=Decimal(20), upper=Decimal(30))
    assert record(works, operation, "10").passed
    inspection = Inspection.objects.get(operation=operation)
    assert (inspection.lower, inspection.upper, inspection.state) == (Decimal(9), Decimal(11), "PASSED")


@pytest.mark.parametrize(("value", "passed"), [("9", True), ("8.999", False), ("11", True), ("11.001", False)])
def test_a_value_on_the_limit_is_inside(works, value, passed):
    _order, operation = checked(works)
    assert record(works, operation, value).passed is passed


def test_a_failed_check_blocks_until_a_newer_value_passes_and_every_value_is_kept(works):
    order, operation = checked(works)
    hand = Doer(works.person())
    hand.start(operation)
    record(works, operation, "12")
    with pytest.raises(Refused) as refused:
        hand.complete(operation, 2)
    assert [blocker.reason for blocker in refused.value.blockers] == ["check_failed"]
    record(works, operation, "10")
    hand.complete(operation, 2)
    kept = Measurement.objects.filter(inspection__operation__order=order).order_by("pk")
    assert [(row.value, row.passed) for row in kept] == [(Decimal(12), False), (Decimal(10), True)]


@pytest.mark.parametrize(("until", "holds"), [(date(2026, 3, 9), False), (date(2026, 3, 10), True)])
def test_a_calibration_ends_with_the_plants_own_day(works, monkeypatch, until, holds):
    """It is 10 March in Auckland while UTC still has the 9th."""
    _order, operation = checked(works, gauge_required=True)
    Gauge.objects.create(site=works.site, code="CAL-1", calibrated_until=until)
    real = scope.current

    def late():
        found = real()
        found.now = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
        return found

    monkeypatch.setattr("quality.actions.inspections.current", late)
    if holds:
        assert record(works, operation, "10", "CAL-1").gauge.code == "CAL-1"
        return
    with pytest.raises(Refused) as refused:
        record(works, operation, "10", "CAL-1")
    assert refused.value.reason == "gauge_expired"


def test_a_gauge_is_asked_for_by_name_and_must_be_known_and_in_use(works):
    _order, operation = checked(works, gauge_required=True)
    Gauge.objects.create(site=works.site, code="OLD", is_active=False)
    for gauge, reason in ((None, "gauge_needed"), ("NONE", "gauge_unknown"), ("OLD", "gauge_unknown")):
        with pytest.raises(Refused) as refused:
            record(works, operation, "10", gauge)
        assert refused.value.reason == reason
    assert not Measurement.objects.filter(inspection__operation=operation).exists()


def test_an_order_with_a_recorded_value_cannot_be_recalled_to_planning(works):
    order, operation = checked(works)
    record(works, operation, "10")
    with pytest.raises(Refused) as refused:
        recall_order(actor=works.person("supervisor"), order_id=order.pk, command_id=command_id())
    assert refused.value.reason == "order_has_facts"
    assert [blocker.message for blocker in refused.value.blockers] == ["Diameter was recorded."]
    other, _operation = works.order("FG", quantity=1), None
    recall_order(actor=works.person("supervisor"), order_id=other.pk, command_id=command_id())
    other.refresh_from_db()
    assert other.state == "PLANNED"
