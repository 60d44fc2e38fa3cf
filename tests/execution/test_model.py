"""A machine of random acts on one order against a plain model of it: both must say the same after every step."""

import copy
import os
import uuid
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mes.execution.release import release_order
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.builders import Doer, command_id, plant
from traceability.models import LotBalance
from workorders.actions.holds import place_hold, release_hold

pytestmark = [pytest.mark.committed_db, pytest.mark.heavy]

PLACES = ("queue", "in_process", "finished", "moved", "scrap", "rework", "short")


@dataclass
class ModelOperation:
    """One operation as a child would keep it: a state, a worker, and heaps of pieces."""

    state: str = "WAITING"
    heaps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    working: bool = False
    consumed: int = 0

    @property
    def open(self) -> int:
        return self.heaps["queue"] + self.heaps["in_process"]

    def take(self, amount: int, into: str) -> None:
        from_process = min(self.heaps["in_process"], amount)
        self.heaps["in_process"] -= from_process
        self.heaps["queue"] -= amount - from_process
        self.heaps[into] += amount


@dataclass
class Model:
    """Two operations in a row, one lot of material, one hold."""

    quantity: int
    balance: int
    order: str = "PLANNED"
    held: bool = False
    operations: list[ModelOperation] = field(default_factory=lambda: [ModelOperation(), ModelOperation()])

    def workable(self) -> bool:
        return self.order in ("RELEASED", "RUNNING") and not self.held

    def start(self, place: int) -> bool:
        operation = self.operations[place]
        if not self.workable() or operation.working or operation.state not in ("READY", "SUSPENDED"):
            return False
        operation.state, operation.working, self.order = "RUNNING", True, "RUNNING"
        operation.heaps["in_process"] += operation.heaps["queue"]
        operation.heaps["queue"] = 0
        return True

    def suspend(self, place: int) -> bool:
        operation = self.operations[place]
        if operation.state != "RUNNING":
            return False
        operation.state, operation.working = "SUSPENDED", False
        return True

    def consume(self, place: int, amount: int) -> bool:
        operation = self.operations[place]
        if not self.workable() or place != 0 or operation.state not in ("RUNNING", "SUSPENDED"):
            return False
        if amount <= 0 or amount > self.balance:
            return False
        self.balance -= amount
        operation.consumed += amount
        return True

    def report(self, place: int, good: int, scrap: int, rework: int) -> bool:
        operation, total = self.operations[place], good + scrap + rework
        if not self.workable() or operation.state not in ("RUNNING", "SUSPENDED"):
            return False
        if total == 0 or total > operation.open:
            return False
        self._book(operation, good, scrap, rework)
        return True

    def _book(self, operation: ModelOperation, good: int, scrap: int, rework: int) -> None:
        operation.take(good, "finished")
        operation.take(scrap, "scrap")
        operation.take(rework, "rework")
        operation.heaps["in_process" if operation.state == "RUNNING" else "queue"] += rework

    def complete(self, place: int, good: int, scrap: int, remainder: str | None) -> bool:
        operation = self.operations[place]
        if operation.state not in ("RUNNING", "SUSPENDED") or not self.workable():
            return False
        if good + scrap > operation.open:
            return False
        left = operation.open - good - scrap
        if left and remainder is None:
            return False
        self._book(operation, good, scrap, 0)
        operation.working = False
        if left and remainder == "OPEN":
            operation.state = "SUSPENDED"
            return True
        operation.take(left, "short" if remainder == "SHORT" else "scrap")
        operation.state = "COMPLETED"
        if place == 0:
            passed = operation.heaps["finished"]
            operation.heaps["moved"] += passed
            operation.heaps["finished"] = 0
            following = self.operations[1]
            if passed:
                following.state = "READY"
                following.heaps["queue"] += passed
            else:
                following.state = "SKIPPED"
        if all(one.state in ("COMPLETED", "SKIPPED") for one in self.operations):
            self.order = "DONE"
        return True


class Floor(RuleBasedStateMachine):
    """Random acts, each told to the plant and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.works = plant()
        self.works.item("RM")
        self.lot = self.works.lot("RM", "R", 30)
        row = {"item": "RM", "quantity_per": "2", "operation": 10}
        self.order = self.works.order(quantity=12, operations=2, materials=[row], released=False)
        self.model = Model(12, 30)
        self.hand = Doer(self.works.person())
        self.boss = self.works.person("supervisor")
        self.rows = []
        self.hold = None
        #: What can be undone, newest last: the command and the model as it was before it.
        self.past: list[tuple[uuid.UUID, Model, str, int]] = []

    def both(self, expected: bool, act, before: Model, kind: str, place: int, again: bool) -> None:
        made = command_id()
        if not expected:
            with pytest.raises(Refused) as refused:
                act(made)
            assert refused.value.remedy
            return
        act(made)
        if kind != "release":
            self.past.append((made, before, kind, place))
        if again:
            told = Event.objects.filter(command_id=made).count()
            act(made)
            assert Event.objects.filter(command_id=made).count() == told

    @precondition(lambda self: self.model.order == "PLANNED")
    @rule(again=st.booleans())
    def release(self, again):
        def act(made):
            release_order(actor=self.boss, order_id=self.order.pk, command_id=made)

        self.model.order = "RELEASED"
        first = self.model.operations[0]
        first.state, first.heaps["queue"] = "READY", 12
        self.both(True, act, self.model, "release", 0, again)
        self.rows = [self.works.operation(self.order, 10), self.works.operation(self.order, 20)]

    def run(self, place, kind, call, act, again):
        before = copy.deepcopy(self.model)
        expected = call()
        self.both(expected, act, before, kind, place, again)
        if not expected:
            self.model = before

    @precondition(lambda self: self.rows)
    @rule(place=st.integers(0, 1), again=st.booleans())
    def start(self, place, again):
        row = self.rows[place]
        self.run(
            place,
            "start",
            lambda: self.model.start(place),
            lambda made: self.hand.start(row, command_id=made),
            again,
        )

    @precondition(lambda self: self.rows)
    @rule(place=st.integers(0, 1))
    def suspend(self, place):
        row = self.rows[place]
        self.run(
            place,
            "suspend",
            lambda: self.model.suspend(place),
            lambda made: self.hand.suspend(row, command_id=made),
            False,
        )

    @precondition(lambda self: self.rows)
    @rule(place=st.integers(0, 1), amount=st.integers(-1, 34), again=st.booleans())
    def consume(self, place, amount, again):
        row = self.rows[place]
        self.run(
            place,
            "consume",
            lambda: self.model.consume(place, amount),
            lambda made: self.hand.consume(row, "R", amount, command_id=made),
            again,
        )

    @precondition(lambda self: self.rows)
    @rule(
        place=st.integers(0, 1),
        good=st.integers(0, 13),
        scrap=st.integers(0, 2),
        rework=st.integers(0, 2),
        again=st.booleans(),
    )
    def report(self, place, good, scrap, rework, again):
        row = self.rows[place]
        self.run(
            place,
            "report",
            lambda: self.model.report(place, good, scrap, rework),
            lambda made: self.hand.report(row, good, scrap=scrap, rework=rework, reason="CRACK", command_id=made),
            again,
        )

    @precondition(lambda self: self.rows)
    @rule(
        place=st.integers(0, 1),
        good=st.integers(0, 13),
        scrap=st.integers(0, 2),
        remainder=st.sampled_from([None, "OPEN", "SHORT", "SCRAP"]),
    )
    def complete(self, place, good, scrap, remainder):
        row = self.rows[place]
        self.run(
            place,
            "complete",
            lambda: self.model.complete(place, good, scrap, remainder),
            lambda made: self.hand.complete(
                row, good, scrap=scrap, remainder=remainder, reason="CRACK", command_id=made
            ),
            False,
        )

    @precondition(lambda self: self.rows and not self.model.held)
    @rule()
    def put_on_hold(self):
        self.hold = place_hold(
            actor=self.boss, target="order", target_id=self.order.pk, reason="CHECK", command_id=command_id()
        )
        self.model.held = True

    @precondition(lambda self: self.model.held)
    @rule()
    def lift_the_hold(self):
        release_hold(actor=self.boss, hold_id=self.hold.pk, command_id=command_id())
        self.model.held = False

    @precondition(lambda self: self.past)
    @rule(twice=st.booleans())
    def undo_the_newest(self, twice):
        target, before, kind, place = self.past.pop()
        self.hand.undo(target)
        held = self.model.held
        self.model = copy.deepcopy(before)
        self.model.held = held
        if kind == "complete":  # runs and labor stay closed at their time
            operation = self.model.operations[place]
            operation.state, operation.working = "SUSPENDED", False
        if twice:
            with pytest.raises(Refused, match="already_undone"):
                self.hand.undo(target)

    @invariant()
    def the_plant_is_as_the_model_says(self):
        self.order.refresh_from_db()
        assert self.order.state == self.model.order
        assert LotBalance.objects.get(lot=self.lot).quantity == self.model.balance
        for row, operation in zip(self.rows, self.model.operations, strict=False):
            row.refresh_from_db()
            assert row.state == operation.state
            assert {name: int(getattr(row, name)) for name in PLACES} == operation.heaps
            assert row.arrived == Decimal(sum(operation.heaps.values()))

    def teardown(self):
        assert violations() == []


def test_random_acts_agree_with_the_model():
    long = os.environ.get("MES_TEST_LONG") == "1"
    run_state_machine_as_test(
        Floor,
        settings=settings(
            max_examples=500 if long else 50,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
