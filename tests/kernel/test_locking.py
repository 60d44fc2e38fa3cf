"""Locks in one rank order: what the helper refuses before two people can meet it as a deadlock."""

from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import pytest
from django.db import connection

from mes.kernel import locking
from mes.kernel.commands import Outcome
from mes.kernel.errors import Busy
from mes.kernel.locking import RANKS, Held, OutOfOrder, guard, lock, lock_by_sql, lock_one
from tests.kernel.doing import another_session, go
from workorders.actions.floor import lock_order
from workorders.models import Item, Site, WorkCenter, WorkOrder


@contextmanager
def within_a_command():
    token = locking.held.set(Held())
    try:
        yield locking.held.get()
    finally:
        locking.held.reset(token)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(RANKS)))
def test_a_lower_rank_is_not_to_be_had_after_a_higher_one(lower, higher):
    held = Held()
    held.ask(lower, [(1,)])
    held.ask(higher, [(1,)])
    with pytest.raises(OutOfOrder, match=f"{lower} was asked for after {higher}"):
        held.ask(lower, [(2,)])
    with pytest.raises(OutOfOrder, match=f"{lower} was asked for after {higher}"):
        held.reach(lower)


def test_ranks_stand_in_the_order_of_the_document():
    assert RANKS == (
        "receipt",
        "person",
        "item",
        "work_center",
        "work_unit",
        "order",
        "operation",
        "inspection",
        "nonconformance",
        "lot",
        "genealogy",
        "balance",
        "container",
        "unit",
        "chain",
    )


def test_rows_of_one_rank_are_locked_in_their_order():
    held = Held()
    held.ask("lot", [(3,), (5,)])
    held.ask("lot", [(8,)])
    with pytest.raises(OutOfOrder, match="lot"):
        held.ask("lot", [(4,)])


def test_what_is_held_already_may_be_asked_for_again():
    held = Held()
    held.ask("order", [(3,)])
    held.ask("lot", [(1,)])
    held.ask("order", [(3,)])
    held.ask("lot", [(1,)])
    with pytest.raises(OutOfOrder):
        held.ask("order", [(3,), (4,)])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: lock(Site.objects.all(), "item"),
        lambda: lock_one(Site.objects.all(), "item", 1),
        lambda: lock_by_sql("SELECT 1", [], "item"),
        lambda: guard("genealogy", 1),
    ],
)
def test_a_lock_outside_a_command_is_a_mistake(ask):
    with pytest.raises(OutOfOrder, match="outside a command"):
        ask()


@pytest.mark.django_db
def test_the_helpers_that_touch_the_database_keep_the_order_too(works):
    order, another = works.order(), works.order()
    with within_a_command():
        lock_one(WorkOrder.objects.all(), "order", order.pk)
        with pytest.raises(OutOfOrder, match="item was asked for after order"):
            lock_one(Item.objects.all(), "item", order.item_id, share=True)
        with pytest.raises(OutOfOrder, match="work_center was asked for after order"):
            lock_by_sql("SELECT 1", [], "work_center")
        with pytest.raises(OutOfOrder, match="item was asked for after order"):
            lock_by_sql("SELECT 1", [], "item", key=order.item_id)
        guard("genealogy", works.site.pk)
        with pytest.raises(OutOfOrder, match="order was asked for after genealogy"):
            lock_one(WorkOrder.objects.all(), "order", another.pk)


@pytest.mark.django_db
def test_an_order_that_is_held_already_may_be_locked_again_after_operations_of_another(works):
    orders = sorted([works.order(operations=2), works.order(operations=2)], key=lambda order: order.pk)
    with within_a_command():
        lock(WorkOrder.objects.filter(site=works.site), "order")
        for order in orders:
            assert len(lock_order(order.pk, order.created_at).operations) == 2
    with within_a_command():
        lock_order(orders[0].pk, orders[0].created_at)
        with pytest.raises(OutOfOrder, match="order was asked for after operation"):
            lock_order(orders[1].pk, orders[1].created_at)


@pytest.mark.django_db
def test_locked_rows_come_back_in_their_order_and_a_missing_one_is_nothing(works):
    first, second = works.work_center("B"), works.work_center("A")
    with within_a_command() as held:
        found = lock(WorkCenter.objects.filter(site=works.site), "work_center", order_by=("code", "pk"))
        assert [row.pk for row in found] == [second.pk, first.pk]
        assert held.keys[RANKS.index("work_center")] == {("A", second.pk), ("B", first.pk)}
        assert lock_one(WorkCenter.objects.none(), "work_center", 1) is None


@pytest.mark.committed_db
@pytest.mark.parametrize(
    ("mine", "theirs", "busy"),
    [
        ("share", "SHARE", False),
        ("share", "NO KEY UPDATE", True),
        ("exclusive", "SHARE", True),
        ("exclusive", "NO KEY UPDATE", True),
        ("exclusive", "KEY SHARE", False),
    ],
)
def test_acts_share_a_row_that_a_hold_takes_for_itself(works, mine, theirs, busy):
    """KEY SHARE is what an insert takes that refers to the row: it is never kept waiting."""
    with another_session() as other:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM workorders_site WHERE id = %s FOR {theirs}", [works.site.pk])

        def body():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            found = lock_one(Site.objects.all(), "item", works.site.pk, share=mine == "share")
            return Outcome(200, {"locked": found.pk})

        if busy:
            with pytest.raises(Busy):
                go(works, body)
        else:
            assert go(works, body).body == {"locked": works.site.pk}


@pytest.mark.committed_db
def test_the_guard_is_held_until_the_command_ends(works):
    def body(inner):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
        guard("genealogy", works.site.pk)
        inner()
        return Outcome(200, {})

    def another_cannot_have_it():
        with another_session() as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [RANKS.index("genealogy"), works.site.pk])
            assert cursor.fetchone() == (False,)

    go(works, partial(body, another_cannot_have_it))
    with another_session() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RANKS.index("genealogy"), works.site.pk])
        with pytest.raises(Busy):
            go(works, partial(body, lambda: None))
