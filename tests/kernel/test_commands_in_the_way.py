"""Commands in each other's way, with real commits: what starts over, what is tried again, and what is told "busy"."""

import threading
import time
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection

import mes.settings
from mes.kernel import commands
from mes.kernel.commands import Outcome
from mes.kernel.errors import Busy, StartOver
from mes.kernel.models import CommandReceipt
from tests.builders import Doer, Plant, buckets, command_id
from tests.concurrency.crowd import all_at_once
from tests.kernel.doing import another_session, go, note, noted
from traceability.actions.lots import receive_lot
from traceability.models import MaterialLot
from workorders.models import Reason

pytestmark = pytest.mark.committed_db


def hold_row(other, works: Plant) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM workorders_site WHERE id = %s FOR UPDATE", [works.site.pk])


def touch_site(works: Plant) -> Outcome:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workorders_site SET name = name WHERE id = %s", [works.site.pk])
    return Outcome(200, {})


def test_a_command_whose_set_changed_starts_over_three_times_and_then_is_busy(works):
    tries = []

    def body(name, succeed_at):
        tries.append(1)
        note(works, f"{name}{len(tries)}")
        if len(tries) < succeed_at:
            raise StartOver
        return Outcome(200, {})

    go(works, partial(body, "TRY", 4))
    assert (len(tries), noted(works)) == (4, ["TRY4"])
    tries.clear()
    with pytest.raises(Busy):
        go(works, partial(body, "NEVER", 99))
    assert len(tries) == 4
    assert noted(works) == ["TRY4"]


def test_a_key_that_somebody_else_inserted_meanwhile_is_found_at_the_second_look(works):
    """Between the look and the insert a second session commits the same key."""
    tries = []

    def body():
        tries.append(1)
        found = Reason.objects.filter(site=works.site, kind="OVERRIDE", code="SAME").first()
        if found is not None:
            return Outcome(200, {"found": True})
        with another_session() as other:
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO workorders_reason (site_id, kind, code, text, sequence, is_active)"
                    " VALUES (%s, 'OVERRIDE', 'SAME', 'x', 0, true)",
                    [works.site.pk],
                )
            other.commit()
        note(works, "SAME")
        return Outcome(200, {"found": False})

    assert go(works, body).body == {"found": True}
    assert len(tries) == 2


def test_a_violation_that_stays_is_a_fault_and_no_race(works):
    tries = []

    def body():
        tries.append(1)
        note(works, "TWICE")
        note(works, "TWICE")

    with pytest.raises(IntegrityError):
        go(works, body)
    assert len(tries) == 1 + commands.START_OVERS


def test_eight_receipts_of_the_same_lot_at_once_create_it_once(works):
    works.item("RM")
    row = {"item": "RM", "number": "R1", "quantity": "5"}
    calls = [partial(receive_lot, actor=works.service(), rows=[row], command_id=command_id()) for _ in range(8)]
    outcomes = all_at_once(calls)
    assert outcomes.broken == []
    found = sorted(results.rows[0].outcome for results in outcomes.done)
    assert found == ["created"] + ["unchanged"] * 7
    assert MaterialLot.objects.filter(item__site=works.site).count() == 1


def test_a_row_held_by_another_session_makes_the_command_busy_after_two_seconds(works):
    made = command_id()
    with another_session() as other:
        hold_row(other, works)
        begun = time.monotonic()
        with pytest.raises(Busy):
            go(works, partial(touch_site, works), made)
        waited = time.monotonic() - begun
    assert waited >= 1.9, "it did not wait at all"
    assert not CommandReceipt.objects.filter(pk=made).exists()
    assert go(works, partial(touch_site, works), made).status == 200


def test_a_floor_act_on_a_locked_order_is_busy_and_succeeds_later_with_the_same_id(works):
    operation = works.operation(works.order(quantity=5))
    hand = Doer(works.service())
    hand.start(operation)
    made = command_id()
    with another_session() as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM workorders_workorder WHERE id = %s FOR UPDATE", [operation.order_id])
        with pytest.raises(Busy):
            hand.report(operation, 2, command_id=made)
    hand.report(operation, 2, command_id=made)
    assert buckets(operation) == {"arrived": 5, "in_process": 3, "finished": 2}


def test_every_connection_of_the_app_has_its_limits(works):
    with connection.cursor() as cursor:
        found = {}
        for name in ("lock_timeout", "statement_timeout"):
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    assert found == {"lock_timeout": "2s", "statement_timeout": "30s"}
    # The tests give themselves longer between two statements than the product does, so its own text is asked.
    assert "idle_in_transaction_session_timeout=15s" in mes.settings._LIMITS


def test_two_commands_in_deadlock_both_succeed_in_the_end(works):
    """Two rows, locked crosswise: PostgreSQL ends one of the two, which is run again."""
    for code in ("ONE", "TWO"):
        Reason.objects.create(site=works.site, kind="INDIRECT", code=code, text=code)
    met = threading.Barrier(2)
    tries = []

    def body(order):
        tries.append(order)
        for place, code in enumerate(order):
            with connection.cursor() as cursor:
                # Longer than the wait after which PostgreSQL looks for a deadlock, so that this is no lock time-out.
                cursor.execute("SET LOCAL lock_timeout = '30s'")
                cursor.execute(
                    "UPDATE workorders_reason SET sequence = sequence + 1 WHERE site_id = %s AND code = %s",
                    [works.site.pk, code],
                )
            if place == 0 and len(tries) <= 2:
                met.wait(20)
        return Outcome(200, {})

    outcomes = all_at_once([partial(go, works, partial(body, order)) for order in (("ONE", "TWO"), ("TWO", "ONE"))])
    assert outcomes.broken == []
    assert outcomes.refused == []
    assert len(tries) == 3
    assert set(Reason.objects.filter(site=works.site, kind="INDIRECT").values_list("sequence", flat=True)) == {2}


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_serialization_failure_is_retried_and_at_last_busy(works, state):
    tries = []

    def body(succeed_at):
        tries.append(1)
        if len(tries) < succeed_at:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END $$")
        note(works, f"TRY{len(tries)}")
        return Outcome(200, {})

    go(works, partial(body, commands.TRIES))
    assert noted(works) == [f"TRY{commands.TRIES}"]
    tries.clear()
    with pytest.raises(Busy):
        go(works, partial(body, 99))
    assert len(tries) == commands.TRIES


def test_another_database_error_is_not_retried(works):
    tries = []

    def body():
        tries.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '53100'; END $$")

    with pytest.raises(OperationalError, match="made up"):
        go(works, body)
    assert len(tries) == 1


def test_a_twin_that_waits_for_the_first_gets_its_answer(works):
    made = command_id()
    inside = threading.Event()

    def slow():
        inside.set()
        time.sleep(0.5)
        note(works, "A")
        return Outcome(201, {"by": "first"})

    def twin():
        assert inside.wait(20)
        return go(works, lambda: pytest.fail("the twin must not run"), made)

    outcomes = all_at_once([partial(go, works, slow, made), twin])
    assert outcomes.broken == []
    assert [one.body for one in outcomes.done] == [{"by": "first"}] * 2
    assert noted(works) == ["A"]
