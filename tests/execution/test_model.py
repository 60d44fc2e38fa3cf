"""A machine of random acts on one order against a plain model of it: both must say the same after every step."""

import copy
import os
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mes.execution.paper import enter_paper_work
from mes.execution.release import release_order
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.builders import Doer, command_id, plant
from tests.execution.plain_model import PLACES, Model
from traceability.models import LotBalance
from workorders.actions.holds import place_hold, release_hold
from workorders.actions.orders import split_order
from workorders.actions.planning import decide_change, request_change, resequence_order

pytestmark = [pytest.mark.committed_db, pytest.mark.heavy]


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
        self.worker = self.works.person(name="worker")
        self.rows = []
        self.rank = 0
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

    @precondition(lambda self: self.rows)
    @rule(place=st.integers(0, 1), good=st.integers(0, 13), completes=st.booleans())
    def enter_from_paper(self, place, good, completes):
        row, now = self.rows[place], timezone.now()
        arguments = {
            "actor": self.boss,
            "operation_id": row.pk,
            "person_id": self.worker.id,
            "began": now - timedelta(hours=80),
            "ended": now - timedelta(hours=79),
            "good": good,
            "completes": completes,
            "remainder": "SHORT" if completes else None,
        }
        if self.model.operations[place].working:
            return  # two people on one operation are more than the model knows
        self.run(
            place,
            "paper complete" if completes else "paper",
            lambda: self.model.paper(place, good, completes),
            lambda made: enter_paper_work(command_id=made, **arguments),
            False,
        )

    @precondition(lambda self: self.rows)
    @rule(delta=st.integers(-5, 3))
    def change_the_quantity(self, delta):
        wanted = {"quantity": str(self.model.quantity + delta)}

        def act(_made):
            asked = request_change(actor=self.boss, order_id=self.order.pk, wanted=wanted, command_id=command_id())
            decide_change(actor=self.boss, request_id=asked.pk, apply=True, command_id=command_id())

        self._for_good(lambda: self.model.resize(delta), act)

    @precondition(lambda self: self.rows)
    @rule(amount=st.integers(-1, 6))
    def split(self, amount):
        self._for_good(
            lambda: self.model.split(amount),
            lambda made: split_order(actor=self.boss, order_id=self.order.pk, quantity=str(amount), command_id=made),
        )

    def _for_good(self, call, act):
        """An act that undo does not take back: what was done before it stays, too."""
        before = copy.deepcopy(self.model)
        expected = call()
        if expected:
            act(command_id())
            self.past.clear()
            return
        with pytest.raises(Refused) as refused:
            act(command_id())
        assert refused.value.remedy
        self.model = before

    @precondition(lambda self: self.model.order in ("PLANNED", "RELEASED", "RUNNING"))
    @rule(rank=st.integers(-2, 2), back=st.booleans())
    def move_in_the_queue(self, rank, back):
        made = command_id()
        if rank == self.rank:
            with pytest.raises(Refused, match="same_place"):
                resequence_order(actor=self.boss, order_id=self.order.pk, rank=rank, command_id=made)
            return
        resequence_order(actor=self.boss, order_id=self.order.pk, rank=rank, command_id=made)
        if back:
            Doer(self.boss).undo(made)
        else:
            self.rank = rank

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
        hand = Doer(self.boss) if kind.startswith("paper") else self.hand
        hand.undo(target)
        held = self.model.held
        self.model = copy.deepcopy(before)
        self.model.held = held
        if kind.endswith("complete"):  # runs and labor stay closed at their time
            operation = self.model.operations[place]
            operation.state, operation.working = "SUSPENDED", False
        if kind == "paper complete":  # it was begun by then: what gave it its pieces stays, too
            self.past.clear()
        if twice:
            with pytest.raises(Refused, match="already_undone"):
                hand.undo(target)

    @invariant()
    def the_plant_is_as_the_model_says(self):
        self.order.refresh_from_db()
        assert self.order.state == self.model.order
        assert (self.order.quantity, self.order.manual_rank) == (self.model.quantity, self.rank)
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
