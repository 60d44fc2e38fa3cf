"""The attacks on material, checks, labor and the ERP; those on the kernel and the orders are in `attacks.py`."""

import uuid

from erp_sync.models import ErpConnection, ExternalRef, InboundRecord, OutboundAttempt, OutboundMessage
from mes.kernel.models import Delivery, Event
from tests.builders import Doer, command_id
from tests.kernel.attacks import Story, move, on
from traceability.actions.lots import hold_lot
from traceability.models import MaterialLot, MaterialMovement


@on("I-07-no-negative-balance")
def draw_below_zero(story: Story) -> None:
    with story.defenceless(drop="traceability_lotbalance.balance_non_negative"):
        pass
    reason = story.works.site.reasons.get(kind="ADJUST")
    move(story, "ADJUST", story.lot, -1000, reason=reason)


@on("I-08-not-while-on-hold")
def draw_from_a_lot_on_hold(story: Story) -> None:
    used = Event.objects.get(name="material.consumed", subject=f"lot:{story.lot.pk}")
    hold_lot(actor=story.works.person(), lot_id=story.lot.pk, reason="CHECK", command_id=command_id())
    used.pk, used.uuid = None, uuid.uuid4()
    used.save(force_insert=True)


@on("I-10-consumed-is-on-the-bill")
def use_what_is_on_no_bill(story: Story) -> None:
    grease = story.works.site.items.get(code="GREASE")
    MaterialMovement.objects.create(
        site=story.works.site,
        kind="CONSUME",
        item=grease,
        quantity=-1,
        unit=grease.unit,
        operation=story.first,
        order=story.half,
        actor_kind="service",
        occurred_at=story.half.created_at,
        command_id=command_id(),
    )


@on("I-12-no-cycle")
def make_a_lot_of_itself(story: Story) -> None:
    works, hand = story.works, Doer(story.works.service())
    works.item("RING")
    ring = [{"item": "RING", "quantity_per": "1"}]
    one, two = (works.order("RING", materials=ring) for _ in range(2))
    hand.start(works.operation(one))
    hand.complete(works.operation(one), 10)
    hand.start(works.operation(two))
    hand.consume(works.operation(two), one.number, 5)
    hand.complete(works.operation(two), 10)
    first, second = (MaterialLot.objects.get(made_by__order=order) for order in (one, two))
    move(story, "CONSUME", second, -1, works.operation(one))
    second.links_out.create(target=first, order=one, quantity=1)


@on("I-15-links-are-consumption")
def forget_where_material_went(story: Story) -> None:
    story.lot.links_out.all().delete()


@on("I-15-output-is-good")
def put_more_into_a_lot_than_was_good(story: Story) -> None:
    move(story, "OUTPUT", story.product, 7, story.works.operation(story.done))


@on("I-21-completed-is-checked")
def add_a_check_to_what_is_completed(story: Story) -> None:
    known = story.works.operation(story.done).inspections.get()
    known.pk, known.code, known.state = None, "late", "DUE"
    known.save(force_insert=True)


@on("I-24-verdict-is-recomputable")
def turn_a_verdict(story: Story) -> None:
    with story.defenceless("quality_measurement") as cursor:
        cursor.execute("UPDATE quality_measurement SET passed = true WHERE value = 12")


@on("I-17-labor-follows-runs")
def stretch_somebody_s_time(story: Story) -> None:
    with story.defenceless() as cursor:
        cursor.execute("UPDATE labor_laborentry SET ended_at = ended_at + interval '1 hour' WHERE ended_at IS NOT NULL")


def erp(story: Story) -> ErpConnection:
    return ErpConnection.objects.create(site=story.works.site, name="ERP", adapter="recording")


def message(story: Story, connection_: ErpConnection, kind: str, state: str, place: int) -> OutboundMessage:
    """A message about one and the same order; PLACE is which event of it."""
    posted = {"posted_at": story.done.created_at, "erp_key": "1"} if state == "POSTED" else {}
    return OutboundMessage.objects.create(
        connection=connection_,
        event=Event.objects.filter(subject=f"order:{story.done.pk}").order_by("seq")[place],
        kind=kind,
        key=uuid.uuid4(),
        partition=f"order:{story.done.pk}",
        label=story.done.number,
        payload={},
        digest="",
        state=state,
        **posted,
    )


@on("I-36-one-effect-per-event")
def complete_an_order_twice(story: Story) -> None:
    to = erp(story)
    for place in (0, 1):
        message(story, to, "order_completion", "PENDING", place)


@on("I-36-posted-has-attempt")
def post_without_an_attempt(story: Story) -> None:
    message(story, erp(story), "order_completion", "POSTED", 0)


@on("I-37-in-order")
def post_past_an_unsettled_one(story: Story) -> None:
    to = erp(story)
    message(story, to, "order_reversal", "PENDING", 0)
    told = message(story, to, "order_completion", "POSTED", 1)
    OutboundAttempt.objects.create(message=told, actor_name="x", outcome="POSTED")


@on("I-38-nothing-lost")
def drop_a_message(story: Story) -> None:
    ExternalRef.objects.create(
        connection=erp(story),
        entity="order",
        key="1",
        local_id=story.done.pk,
        code=story.done.number,
        modified_at=story.done.created_at,
        digest="",
    )
    finished = Event.objects.get(subject=f"order:{story.done.pk}", name="order.finished")
    Delivery.objects.update_or_create(
        event=finished,
        subscriber="erp",
        defaults={"subject": finished.subject, "status": "DONE", "settled_at": finished.recorded_at},
    )


@on("I-39-newest-wins")
def hold_an_older_revision(story: Story) -> None:
    to, when = erp(story), story.done.created_at
    ExternalRef.objects.create(connection=to, entity="item", key="1", local_id=1, code="X", modified_at=when, digest="")
    InboundRecord.objects.create(
        connection=to, entity="item", key="1", digest="d", modified_at=when.replace(year=2999), body={}, state="APPLIED"
    )
