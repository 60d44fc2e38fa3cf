"""Many workers at once, with real commits: one message per event, posted once, in order, the newest revision last."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection

from erp_sync import outbound, subscribers
from erp_sync.actions import leases
from erp_sync.actions.applying import apply_inbound
from erp_sync.actions.postings import confirm_posting, queue_posting
from erp_sync.messages import Entity, RawRecord
from erp_sync.models import InboundRecord, OutboundMessage
from erp_sync.records import ItemRecord, Tracking
from mes.kernel.actors import system
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from tests.concurrency.crowd import all_at_once
from tests.concurrency.test_mechanisms_removed import drop, until_broken, without_locks
from tests.erp.engine import Works, works
from tests.erp.scripted import ScriptedAdapter
from workorders.models import Item

__all__ = ["without_locks"]

pytestmark = pytest.mark.heavy


@pytest.fixture
def committed(scripted: type[ScriptedAdapter], committed_db: None) -> Iterator[Works]:
    made = works()
    yield made
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_erpconnection SET state = 'PAUSED' WHERE id = %s", [made.connection.pk])


@pytest.fixture
def scratch(scripted: type[ScriptedAdapter], scratch_db: None) -> Works:
    return works()


def finish_of(site: Works) -> Event:
    order = site.erp_order()
    site.finish(order)
    return Event.objects.get(name="order.finished", subject=f"order:{order.pk}")


def queue(site: Works, event: Event) -> None:
    """The subscriber's command under an id of its own each time, as if its receipt were lost."""
    queue_posting(
        actor=system(site.plant.site.pk),
        event_id=event.pk,
        connection_id=site.connection.pk,
        command_id=uuid.uuid4(),
    )


def backlog(site: Works, orders: int, each: int) -> list[OutboundMessage]:
    """Several messages per order, straight into the table: more than the rules would ever leave at once."""
    made = []
    for _ in range(orders):
        finished = finish_of(site)
        events = list(Event.objects.filter(subject=finished.subject).order_by("id")[:each])
        queue(site, finished)
        (first,) = OutboundMessage.objects.filter(event=finished)
        made.append(first)
        for event in events:
            if event.pk != finished.pk:
                copy = OutboundMessage.objects.get(pk=first.pk)
                copy.pk, copy.event, copy.key = None, event, event.uuid
                copy._state.adding = True
                copy.payload = {**first.payload, "order_key": f"{first.pk}-{event.pk}"}
                copy.save()
                made.append(copy)
    return made


def test_an_event_heard_by_eight_workers_at_once_makes_one_message(committed: Works) -> None:
    event = finish_of(committed)
    heard = all_at_once([partial(subscribers.hear, event) for _ in range(4)])
    queued = all_at_once([partial(queue, committed, event) for _ in range(4)])

    assert heard.broken == []
    assert queued.broken == []
    assert OutboundMessage.objects.filter(event=event).count() == 1
    assert [v for v in violations() if v.code.startswith("I-36")] == []


@pytest.mark.scratch_db  # several completions of one order are no state a plant can be in: nobody else may meet them
def test_six_workers_empty_a_backlog_each_message_once_and_each_order_in_its_order(
    scratch: Works, scripted: type[ScriptedAdapter]
) -> None:
    made = backlog(scratch, orders=6, each=4)
    outcomes = all_at_once([outbound.drain] * 6)
    while outbound.drain():
        pass

    assert outcomes.broken == []
    messages = list(OutboundMessage.objects.filter(pk__in=[message.pk for message in made]).order_by("pk"))
    assert {message.state for message in messages} == {"POSTED"}
    assert [message.history.filter(outcome="POSTED").count() for message in messages] == [1] * len(made)
    for partition in {message.partition for message in messages}:
        times = [message.posted_at for message in messages if message.partition == partition]
        assert times == sorted(times)
    assert [v for v in violations() if v.code.startswith("I-37")] == []


def test_a_slow_sender_whose_lease_was_taken_over_settles_nothing(
    committed: Works, scripted: type[ScriptedAdapter]
) -> None:
    queue(committed, finish_of(committed))
    slow = leases.claim_message(timedelta(0))
    assert slow is not None
    quick = leases.claim_message()
    assert quick is not None
    assert (quick.message.pk, quick.message.touched) == (slow.message.pk, True)
    with outbound.Conversations() as conversations:
        outbound.send(quick, conversations)

    late = confirm_posting(
        actor=committed.plant.system,
        message_id=slow.message.pk,
        lease=slow.token,
        erp_key="late",
        erp_number="late",
        status="POSTED",
        differences=[],
        milliseconds=0,
        command_id=uuid.uuid4(),
    )
    back = leases.put_back(
        slow, error_class="Bug", text="late", pause=timedelta(), counts=True, touched=True, milliseconds=0
    )

    assert (late, back) == (None, False)
    message = OutboundMessage.objects.get(pk=slow.message.pk)
    assert (message.state, message.erp_key != "late") == ("POSTED", True)
    assert message.history.count() == 1


def item_revisions(site: Works, scripted: type[ScriptedAdapter], count: int, code: str = "REVISED") -> list[int]:
    """Stored revisions of one item, each with another name; the last is the newest."""
    ids = []
    for number in range(count):
        name = f"Revision {number}"
        says = ItemRecord(code, code, name, "pc", Tracking.NONE, producible=False, stock=(), active=True)
        scripted.words[Entity.ITEM, f"{code} {name}"] = says
        said_at = datetime.now(UTC) + timedelta(minutes=number)
        raw = RawRecord(Entity.ITEM, code, said_at, {"says": f"{code} {name}"})
        record = InboundRecord.objects.create(
            connection=site.connection,
            entity="item",
            key=code,
            digest=raw.digest,
            modified_at=raw.modified_at,
            body=raw.body,
        )
        ids.append(record.pk)
    return ids


def apply(site: Works, ids: list[int]) -> None:
    apply_inbound(
        actor=site.plant.system,
        connection_id=site.connection.pk,
        entity="item",
        record_ids=ids,
        command_id=uuid.uuid4(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_revisions_in_any_order_by_any_worker_end_in_the_newest(
    committed: Works, scripted: type[ScriptedAdapter], seed: int
) -> None:
    ids = item_revisions(committed, scripted, 8)
    shuffled = random.Random(seed).sample(ids, len(ids))
    batches = [shuffled[:3], shuffled[3:5], shuffled[5:], shuffled[2:6]]
    outcomes = all_at_once([partial(apply, committed, batch) for batch in batches])

    assert outcomes.broken == []
    assert Item.objects.get(site=committed.plant.site, code="REVISED").name == "Revision 7"
    states = set(InboundRecord.objects.filter(pk__in=ids).values_list("state", flat=True))
    assert states <= {"APPLIED", "SUPERSEDED"}
    assert InboundRecord.objects.get(pk=ids[-1]).state == "APPLIED"
    assert [v for v in violations() if v.code.startswith("I-39")] == []


# -- each mechanism taken away: the invariant's own query must see the damage ------------------------------------------


@pytest.mark.scratch_db
def test_without_locks_and_unique_index_an_event_makes_several_messages(
    scratch: Works, without_locks: None, as_owner: object
) -> None:
    drop(
        as_owner,
        "ALTER TABLE erp_sync_outboundmessage DROP CONSTRAINT message_once",
        "ALTER TABLE erp_sync_outboundmessage DROP CONSTRAINT message_key",
    )

    def attempt() -> None:
        event = finish_of(scratch)
        all_at_once([partial(queue, scratch, event) for _ in range(6)])

    assert until_broken("I-36", attempt)


@pytest.mark.scratch_db
def test_without_the_look_at_earlier_messages_an_order_is_told_out_of_order(
    scratch: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = leases.CLAIM[: leases.CLAIM.index("AND NOT EXISTS")] + leases.CLAIM[leases.CLAIM.index("ORDER BY m.id") :]
    monkeypatch.setattr(leases, "CLAIM", blind)

    def attempt() -> None:
        backlog(scratch, orders=2, each=4)
        all_at_once([outbound.drain] * 6)

    assert until_broken("I-37", attempt)


@pytest.mark.scratch_db
def test_a_subscriber_that_forgets_is_found_out(scratch: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "queue_posting", lambda **_: None)
    finish_of(scratch)
    scratch.deliver()
    assert [v.code for v in violations()] == ["I-38-nothing-lost"]


@pytest.mark.scratch_db
def test_without_locks_an_older_revision_overwrites_a_newer_one(
    scratch: Works, scripted: type[ScriptedAdapter], without_locks: None, as_owner: object
) -> None:
    def attempt() -> None:
        # Many items at a time: between looking at what is held and writing it much else is done.
        items = [item_revisions(scratch, scripted, 6, code=f"R-{uuid.uuid4()}") for _ in range(12)]
        revisions = [list(each) for each in zip(*items, strict=True)]
        apply(scratch, revisions[0])
        all_at_once([partial(apply, scratch, ids) for ids in revisions[1:]])

    assert until_broken("I-39", attempt)
