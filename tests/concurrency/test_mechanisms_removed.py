"""The same races with every mechanism of an invariant taken away: the invariant's query must then find the damage.

Proves that the races race and that the queries see. Each runs on a copy of the database of its own.
"""

import re
from functools import partial

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from mes.kernel.invariants import violations
from tests.builders import Doer, plant
from tests.concurrency.crowd import all_at_once
from tests.concurrency.test_races import circle, users_of_one_lot
from traceability.actions import ledger

pytestmark = [pytest.mark.scratch_db, pytest.mark.heavy]

ROUNDS = 25
LOCKS = re.compile(r'FOR (NO KEY UPDATE|SHARE)( OF [\w"]+(, ?[\w"]+)*)?')


@pytest.fixture
def without_locks(monkeypatch):
    """Row locks become plain reads, those of the ORM and those in statements of our own."""
    execute = CursorWrapper.execute
    monkeypatch.setattr(
        CursorWrapper, "execute", lambda self, sql, params=None: execute(self, LOCKS.sub("", sql), params)
    )


def drop(as_owner, *statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def until_broken(code: str, attempt) -> bool:
    """Whether an invariant beginning with CODE was seen broken within the rounds."""
    for _ in range(ROUNDS):
        attempt()
        if any(found.code.startswith(code) for found in violations()):
            return True
    return False


def test_without_locks_and_check_a_lot_is_drawn_below_zero(without_locks, as_owner):
    drop(as_owner, "ALTER TABLE traceability_lotbalance DROP CONSTRAINT balance_non_negative")

    def attempt():
        works = plant()
        operations = users_of_one_lot(works, 12, 8)
        all_at_once([partial(Doer(works.service()).consume, operation, "HOT", 1) for operation in operations])

    assert until_broken("I-07", attempt)


def test_without_locks_an_operation_reports_more_than_its_changes_explain(without_locks, as_owner):
    drop(
        as_owner,
        "ALTER TABLE workorders_operation DROP CONSTRAINT operation_buckets",
        "ALTER TABLE workorders_operation DROP CONSTRAINT operation_nothing_lost",
    )

    def attempt():
        works = plant()
        works.item("PLAIN", tracking="NONE")
        operation = works.operation(works.order("PLAIN", quantity=5))
        Doer(works.service()).start(operation)
        all_at_once([partial(Doer(works.service()).report, operation, 1) for _ in range(8)])

    assert until_broken("I-01", attempt)


def test_without_lock_and_unique_index_a_double_start_opens_two_runs(without_locks, as_owner):
    drop(as_owner, "DROP INDEX run_one_open", "DROP INDEX labor_one_open")

    def attempt():
        works = plant()
        operation = works.operation(works.order())
        hand = Doer(works.person())
        all_at_once([partial(hand.start, operation) for _ in range(6)])

    assert until_broken("I-17-one-run", attempt)


def test_without_locks_and_guard_lots_close_a_circle(without_locks, monkeypatch):
    monkeypatch.setattr(ledger, "guard", lambda *_arguments: None)

    def attempt():
        works = plant()
        draws = circle(works, 4)
        all_at_once([partial(Doer(works.service()).consume, operation, lot, 1) for operation, lot in draws])

    assert until_broken("I-12", attempt)
