"""What is still to do, when it will be done, and why a row stands where it stands."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from mes.execution.queries import dispatch
from mes.execution.release import skip_operation
from mes.kernel.scope import back_dating
from tests.builders import Doer, Plant, command_id, plant
from workorders.actions.holds import place_hold
from workorders.models import Shift, ShiftCalendar, WorkOrder
from workorders.queries.estimates import estimates
from workorders.queries.floor import floor
from workorders.queries.output import hours_of
from workorders.queries.workload import open_work
from workorders.shifts import WorkTimes

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def steps(*rows: tuple[int, str, int, int]) -> list[dict[str, object]]:
    return [
        {"sequence": sequence, "work_center": center, "setup_minutes": setup, "run_minutes_per_unit": run}
        for sequence, center, setup, run in rows
    ]


def days(count: float) -> str:
    return (timezone.now() + timedelta(days=count)).isoformat()


def ten_at(works: Plant, **more: object) -> WorkOrder:
    works.work_center("WC2")
    return works.order(quantity=10, operations=steps((10, "WC1", 30, 6), (20, "WC2", 0, 12)), **more)


def test_an_untouched_order_needs_all_its_standard_minutes(works):
    order = ten_at(works)
    rows = open_work(works.site.pk)
    assert [(row.label, row.state, row.to_go, row.remaining) for row in rows] == [
        (f"{order.number}-10", "READY", Decimal(10), 90.0),
        (f"{order.number}-20", "WAITING", Decimal(10), 120.0),
    ]


def test_what_is_made_and_lost_is_not_to_do_any_more_and_set_up_is_owed_once(works):
    order = ten_at(works)
    hand = Doer(works.person())
    first = works.operation(order, 10)
    hand.start(first)
    hand.report(first, 3)
    hand.report(first, 0, scrap=2, reason="CRACK")
    by_sequence = {row.sequence: row for row in open_work(works.site.pk)}
    assert (by_sequence[10].to_go, by_sequence[10].remaining) == (Decimal(5), 30.0)
    assert (by_sequence[20].expected, by_sequence[20].to_go, by_sequence[20].remaining) == (8, 8, 96.0)
    hand.complete(first, good=1, remainder="SHORT")
    (last,) = open_work(works.site.pk)
    assert (last.expected, last.to_go, last.state) == (4, 4, "READY")


def test_rows_come_in_dispatch_order_and_settled_orders_not_at_all(works):
    later = ten_at(works, need_date=days(5))
    sooner = ten_at(works, need_date=days(2))
    whenever = ten_at(works)
    urgent = ten_at(works, need_date=days(5), priority=0)
    WorkOrder.objects.filter(pk=later.pk).update(priority=3)
    ahead = ten_at(works, need_date=days(9))
    WorkOrder.objects.filter(pk=ahead.pk).update(manual_rank=-1)
    planned = ten_at(works, released=False)
    numbers = list(dict.fromkeys(row.number for row in open_work(works.site.pk)))
    assert numbers == [ahead.number, sooner.number, *sorted_by_need(later, urgent), whenever.number]
    assert planned.number not in numbers


def sorted_by_need(*orders: WorkOrder) -> list[str]:
    found = WorkOrder.objects.filter(pk__in=[order.pk for order in orders])
    return list(found.order_by("need_date", "priority", "pk").values_list("number", flat=True))


def test_a_site_sees_only_its_own_work(works):
    ten_at(plant())
    assert open_work(works.site.pk) == []


def test_only_the_orders_of_a_work_center_are_read_and_those_whole(works):
    here = ten_at(works)
    works.order(quantity=5, operations=1)
    center = works.work_center("WC2")
    assert {row.number for row in open_work(works.site.pk, work_centers=[center.pk])} == {here.number}
    assert [row.sequence for row in open_work(works.site.pk, orders=[here.pk])] == [10, 20]


def calendar(works: Plant, start: int, minutes: int) -> None:
    made = ShiftCalendar.objects.create(site=works.site, code="DAY")
    for weekday in range(7):
        Shift.objects.create(calendar=made, name="Day", weekday=weekday, starts=time(start), minutes=minutes)


MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_an_estimate_lies_in_the_hours_of_the_shifts(works):
    calendar(works, 6, 480)
    order = ten_at(works, need_date="2026-03-03T07:00:00+00:00")
    found = estimates(open_work(works.site.pk), WorkTimes(works.site, MONDAY).of())[order.pk]
    # 210 minutes: two hours on Monday, the rest from Tuesday six o'clock on
    assert found.finish == datetime(2026, 3, 3, 7, 30, tzinfo=UTC)
    assert (found.slack, found.verdict) == (-0.5, "pred")
    assert found.current.sequence == 10


@pytest.mark.parametrize(
    ("need_date", "verdict"),
    [
        ("2026-03-02T11:00:00+00:00", "late"),
        ("2026-03-02T15:00:00+00:00", "pred"),
        ("2026-03-02T16:00:00+00:00", "risk"),
        ("2026-03-03T16:00:00+00:00", "ok"),
        (None, "ok"),
    ],
)
def test_the_verdict_tells_late_from_predicted_late_from_tight(works, need_date, verdict):
    order = ten_at(works, need_date=need_date)
    found = estimates(open_work(works.site.pk), WorkTimes(works.site, MONDAY).of())[order.pk]
    assert found.verdict == verdict
    assert found.behind == (verdict in ("late", "pred"))


def test_a_dispatch_row_says_why_it_stands_there_and_why_it_cannot_start(works):
    works.item("RAW")
    works.lot("RAW", "R1", 4)
    order = ten_at(works, need_date=days(-1), materials=[{"item": "RAW", "quantity_per": 2, "operation": 10}])
    first, second = works.work_center("WC1"), works.work_center("WC2")
    lists = dispatch(works.site, [first.pk, second.pk], timezone.now())
    (here,), (there,) = lists[first.pk], lists[second.pk]
    assert here.why.startswith("Needed ")
    assert here.why.endswith("hours late by standard time.")
    assert [blocker.message for blocker in here.blockers] == ["RAW Item RAW is short: 20 pc needed, 4 in stock."]
    assert not here.can_start
    assert [blocker.message for blocker in there.blockers] == [
        f"Waits for operation 10 {works.operation(order, 10).name}, 0 of 10 done."
    ]
    works.lot("RAW", "R2", 16)
    place_hold(actor=works.person("lead"), target="order", target_id=order.pk, reason="CHECK", command_id=command_id())
    (here,) = dispatch(works.site, [first.pk], timezone.now())[first.pk]
    assert [blocker.reason for blocker in here.blockers] == ["on_hold"]


def test_ready_work_without_blockers_can_start(works):
    ten_at(works)
    (row,) = dispatch(works.site, [works.work_center("WC1").pk], timezone.now())[works.work_center("WC1").pk]
    assert row.can_start
    assert row.why == "No need date; priority 0."


def test_the_floor_counts_what_runs_waits_is_behind_and_held(works):
    running, queued = ten_at(works, need_date=days(-1)), ten_at(works)
    Doer(works.person()).start(works.operation(running, 10))
    place_hold(actor=works.person("lead"), target="order", target_id=queued.pk, reason="CHECK", command_id=command_id())
    found = floor(works.site, timezone.now())
    assert [row.number for row in found.in_state("RUNNING")] == [running.number]
    assert [row.number for row in found.in_state("READY")] == [queued.number]
    assert [one.order_id for one in found.behind] == [running.pk]
    assert [hold.order_id for hold in found.holds.rows] == [queued.pk]
    assert [tile.center.code for tile in found.tiles] == ["WC1", "WC2"]
    assert [row.work.number for row in found.tiles[0].jobs] == [running.number]
    assert [row.work.number for row in found.tiles[0].waiting] == [queued.number]
    assert found.tiles[0].ends is not None


def test_the_floor_knows_what_changed_since_the_shift_began(works):
    calendar(works, 0, 1440)
    order = ten_at(works)
    hand = Doer(works.person())
    first = works.operation(order, 10)
    hand.start(first)
    hand.complete(first, good=10)
    change = floor(works.site, timezone.now()).change
    assert (change.running, change.queued, change.completed, change.finished_orders) == (0, 0, 1, 0)
    skip_operation(
        actor=works.person("supervisor"),
        operation_id=works.operation(order, 20).pk,
        reason="NOT_NEEDED",
        command_id=command_id(),
    )
    assert floor(works.site, timezone.now()).change.finished_orders == 1


def test_a_suspended_job_says_since_when_and_why(works):
    order = ten_at(works)
    hand = Doer(works.person())
    first = works.operation(order, 10)
    hand.start(first)
    hand.suspend(first, reason="BREAK")
    (tile, _other) = floor(works.site, timezone.now()).tiles
    assert tile.jobs == []
    assert tile.stopped is not None
    assert tile.stopped.reason == "Break"


def test_the_floor_takes_the_same_queries_for_one_order_as_for_twenty(works, django_assert_num_queries):
    ten_at(works)
    with django_assert_num_queries(9):
        floor(works.site, timezone.now())
    for number in range(20):
        order = ten_at(works, need_date=days(number - 3))
        if number % 2:
            Doer(works.person()).start(works.operation(order, 10))
        works.work_center(f"M{number}")
    with django_assert_num_queries(9):
        floor(works.site, timezone.now())


def test_hours_show_what_was_made_and_what_the_standard_would_give(works):
    order = ten_at(works)
    hand = Doer(works.person())
    first = works.operation(order, 10)
    now = timezone.now()
    begun = now - timedelta(minutes=60)
    with back_dating():
        hand.start(first, at=begun)
        hand.report(first, 4, at=begun + timedelta(minutes=30))
    since, ends = begun - timedelta(hours=1), now + timedelta(hours=2)
    hours = hours_of(works.site, since, ends, now, open_work(works.site.pk))
    assert sum(hour.good or 0 for hour in hours) == 4
    assert [hour.is_now for hour in hours].count(True) == 1
    # ten pieces were there in the hour worked at six minutes each; six are still to come at the same pace
    made = sum(hour.plan for hour in hours)
    assert made == pytest.approx(10 + 6, abs=0.2)
    assert all(hour.good is None for hour in hours if hour.starts > now)
