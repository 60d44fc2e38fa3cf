"""Deliveries with real commits: in order per subscriber and subject, once, leased, tried again, parked with reason."""

import random
import threading
import time
import uuid
from datetime import timedelta
from functools import partial

import pytest
from celery import current_app
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from mes.kernel import delivery, nudge
from mes.kernel.delivery import Park, claim, deliver_one, drain, pause
from mes.kernel.events import SUBSCRIBERS, emit, subscribe
from mes.kernel.models import Delivery, Event
from mes.kernel.tasks import deliver
from tests.kernel.doing import go

pytestmark = pytest.mark.committed_db


class Desk:
    """One subscriber of the test's own: what reached it, and what it does with it."""

    def __init__(self, works) -> None:
        self.works, self.name = works, f"desk-{uuid.uuid4().hex[:12]}"
        self.got: list[tuple[str, str]] = []
        self.behave = lambda event: None
        self._guard = threading.Lock()
        subscribe(self.name, {"thing.said"}, self.handle)

    def handle(self, event: Event) -> None:
        self.behave(event)
        with self._guard:
            self.got.append((event.subject, event.label))

    def subject(self, name: str = "a") -> str:
        return f"{name}:{self.works.prefix}"

    def owe(self, *labels: str, subject: str = "a") -> None:
        """One event each, in commands of their own."""
        for label in labels:
            go(self.works, partial(emit, "thing.said", subject=self.subject(subject), label=label, payload={}))

    def labels(self, subject: str = "a") -> list[str]:
        return [label for where, label in self.got if where == self.subject(subject)]

    def rows(self, **wanted):
        return Delivery.objects.filter(subscriber=self.name, **wanted).order_by("event_id")

    def states(self) -> list[str]:
        return list(self.rows().values_list("status", flat=True))

    def due_now(self) -> None:
        """Let every pause be over."""
        self.rows().update(not_before=Now())

    def lease_over(self) -> None:
        self.rows(leased_until__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def desk(works, monkeypatch):
    """The only subscriber while the test runs, so that it meets its own deliveries alone."""
    before = dict(SUBSCRIBERS)
    SUBSCRIBERS.clear()
    monkeypatch.setattr(nudge, "_broken_until", [time.monotonic() + 3600])
    yield Desk(works)
    SUBSCRIBERS.clear()
    SUBSCRIBERS.update(before)


def test_an_event_is_owed_to_those_who_asked_for_it_in_its_own_transaction(desk):
    def body():
        emit("thing.said", subject=desk.subject(), label="heard", payload={})
        emit("thing.else", subject=desk.subject(), label="not asked for", payload={})

    go(desk.works, body)
    assert [row.event.label for row in desk.rows()] == ["heard"]

    def fails():
        emit("thing.said", subject=desk.subject(), label="lost", payload={})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(desk.works, fails)
    assert desk.rows().count() == 1


def test_six_workers_hand_every_event_over_once_and_each_subject_in_order(desk):
    subjects, each = 4, 10
    for number in range(each):
        for subject in range(subjects):
            desk.owe(f"{number:02}", subject=f"s{subject}")
    desk.behave = lambda _event: time.sleep(random.uniform(0, 0.004))
    total, guard = [], threading.Lock()

    def work() -> None:
        try:
            quiet = 0
            while quiet < 20:
                done = drain()
                quiet = 0 if done else quiet + 1
                with guard:
                    total.append(done)
                time.sleep(0.01)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert not any(worker.is_alive() for worker in workers)
    assert sum(total) == subjects * each
    for subject in range(subjects):
        assert desk.labels(f"s{subject}") == [f"{number:02}" for number in range(each)]
    assert set(desk.states()) == {Delivery.DONE}
    assert set(desk.rows().values_list("attempts", flat=True)) == {1}


def test_a_lease_keeps_others_away_until_it_ends(desk):
    desk.owe("one", "two")
    first = claim(lease=timedelta(minutes=5))
    assert first is not None
    assert claim() is None, "the second event of the subject must wait for the first"
    desk.lease_over()
    again = claim()
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)
    assert again.token != first.token


def test_a_worker_that_dies_after_its_claim_loses_nothing(desk):
    desk.owe("one", "two")

    class Killed(BaseException):
        pass

    def die(_event):
        raise Killed

    desk.behave = die
    with pytest.raises(Killed):
        drain()
    desk.behave = lambda event: None
    assert drain() == 0, "its lease still holds"
    desk.lease_over()
    assert drain() == 2
    assert desk.labels() == ["one", "two"]


def test_what_kills_every_worker_is_parked_at_last(desk):
    desk.owe("poison")
    for _ in range(delivery.ATTEMPTS):
        assert claim() is not None
        desk.lease_over()
    assert drain() == 1
    assert desk.got == []
    row = desk.rows().get()
    assert row.status == Delivery.PARKED
    assert f"{delivery.ATTEMPTS} workers ended" in row.parked_reason


def test_the_settlement_of_a_slower_twin_changes_nothing(desk):
    desk.owe("one")
    slow = claim()
    desk.lease_over()
    fast = claim()
    desk.behave = lambda _event: (_ for _ in ()).throw(Park("seen by the slow one"))
    deliver_one(slow)
    row = desk.rows().get()
    assert (row.status, row.lease_token) == (Delivery.OPEN, fast.token)
    desk.behave = lambda event: None
    deliver_one(fast)
    row = desk.rows().get()
    assert (row.status, row.lease_token, row.parked_reason) == (Delivery.DONE, None, "")
    desk.behave = lambda _event: (_ for _ in ()).throw(ZeroDivisionError)
    deliver_one(slow)
    assert desk.states() == [Delivery.DONE]


def test_a_failure_is_tried_again_after_a_pause_and_holds_back_its_own_subject_only(desk):
    desk.owe("a1", "a2")
    desk.owe("b1", subject="b")

    def fail_once(event):
        if event.label == "a1" and not desk.rows(event=event, attempts__gte=2).exists():
            raise ConnectionError("the ERP hung up")

    desk.behave = fail_once
    before = timezone.now()
    assert drain() == 2
    assert (desk.labels("a"), desk.labels("b")) == ([], ["b1"])
    waiting = desk.rows(status=Delivery.OPEN).first()
    assert before <= waiting.not_before <= timezone.now() + timedelta(seconds=2)
    assert (waiting.lease_token, waiting.leased_until) == (None, None)
    desk.due_now()
    assert drain() == 2
    assert desk.labels("a") == ["a1", "a2"]


def test_pauses_are_random_and_double_up_to_ten_minutes():
    for attempts, limit in ((1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (50, 600)):
        found = [pause(attempts).total_seconds() for _ in range(200)]
        assert min(found) >= 0
        assert max(found) <= limit
        assert max(found) > limit * 0.8, "full jitter reaches up to the limit"
        assert min(found) < limit * 0.2, "full jitter reaches down to nothing"


def test_a_delivery_is_given_up_after_its_attempts_with_the_last_reason(desk):
    desk.owe("one")
    desk.behave = lambda _event: (_ for _ in ()).throw(ConnectionError("the ERP hung up"))
    for _ in range(delivery.ATTEMPTS):
        assert desk.states() == [Delivery.OPEN]
        desk.due_now()
        assert drain() == 1
    row = desk.rows().get()
    assert row.status == Delivery.PARKED
    assert row.parked_reason == f"Given up after {delivery.ATTEMPTS} attempts. ConnectionError: the ERP hung up"


def test_a_parked_delivery_says_why_and_holds_back_its_own_subject_only(desk):
    desk.owe("a1", "a2")
    desk.owe("b1", "b2", subject="b")

    def park(event):
        if event.label == "a1":
            raise Park("The item PUMP-9 is not known at the ERP.")

    desk.behave = park
    drain()
    assert (desk.labels("a"), desk.labels("b")) == ([], ["b1", "b2"])
    row = desk.rows(status=Delivery.PARKED).get()
    assert row.parked_reason == "The item PUMP-9 is not known at the ERP."
    desk.due_now()
    assert drain() == 0
    desk.rows(pk=row.pk).update(status=Delivery.SKIPPED)
    assert drain() == 1
    assert desk.labels("a") == ["a2"]


def test_a_parked_delivery_of_one_subscriber_does_not_hold_back_another(desk):
    other = Desk(desk.works)
    desk.owe("one", "two")
    desk.behave = lambda _event: (_ for _ in ()).throw(Park("no"))
    drain()
    assert desk.labels() == []
    assert other.labels() == ["one", "two"]


def test_without_the_broker_a_command_still_succeeds_fast_and_the_sweep_delivers(desk, monkeypatch):
    def unreachable(*_arguments, **_options):
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(nudge, "_broken_until", [0.0])
    monkeypatch.setattr(nudge, "_silent_until", {})
    monkeypatch.setattr(current_app, "send_task", unreachable)
    begun = time.monotonic()
    desk.owe("one")
    assert time.monotonic() - begun < 1
    assert desk.states() == [Delivery.OPEN]
    assert nudge._broken_until[0] > time.monotonic(), "a broken broker is left alone for a while"
    assert deliver() == 1
    assert desk.labels() == ["one"]


def test_the_bell_rings_after_the_commit_and_not_for_what_was_rolled_back(desk, monkeypatch):
    rung = []
    monkeypatch.setattr(nudge, "_broken_until", [0.0])
    monkeypatch.setattr(nudge, "_silent_until", {})

    def ring(name, **options):
        rung.append((name, options["queue"], desk.rows().count()))

    monkeypatch.setattr(current_app, "send_task", ring)

    def fails():
        emit("thing.said", subject=desk.subject(), label="lost", payload={})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(desk.works, fails)
    assert rung == []
    desk.owe("one")
    assert rung == [("mes.kernel.tasks.deliver", "events", 1)]


def test_draining_stops_at_its_limit(desk):
    desk.owe("one", "two", "three")
    assert drain(limit=2) == 2
    assert desk.labels() == ["one", "two"]
    assert drain(limit=2) == 1
