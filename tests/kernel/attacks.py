"""One attack on each invariant: damage by raw SQL with triggers and constraints out of the way. No test lives here."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from mes.accounts.models import ApiToken
from mes.execution.release import cancel_order
from mes.kernel.models import Delivery, Event
from quality.actions.inspections import record_check
from tests.builders import Doer, Plant, as_a_command, command_id, plant
from traceability.models import LotBalance, MaterialLot, MaterialMovement
from workorders.actions.planning import resequence_order
from workorders.models import (
    ChangeRequest,
    Operation,
    OperationChange,
    OperationRun,
    OrderCorrection,
    ProductionReport,
    Site,
    WorkOrder,
)

NOW = "now()"


@dataclass
class Story:
    """A plant after a morning: one order done, one half way, one run by a service."""

    works: Plant
    as_owner: Callable[[], Any]
    done: WorkOrder
    half: WorkOrder
    ran: Operation

    @property
    def first(self) -> Operation:
        """Of the order half way: 4 of 10 went on."""
        return self.works.operation(self.half, 10)

    @property
    def second(self) -> Operation:
        return self.works.operation(self.half, 20)

    @property
    def lot(self) -> MaterialLot:
        return MaterialLot.objects.get(site=self.works.site, number="R1")

    @property
    def product(self) -> MaterialLot:
        return MaterialLot.objects.get(site=self.works.site, number=self.done.number)

    @contextmanager
    def defenceless(self, *tables: str, drop: str = "") -> Iterator[Any]:
        """A cursor of the owner with the triggers of TABLES off; DROP names constraints as `table.constraint`."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with self.as_owner(), connection.cursor() as cursor:
            for entry in drop.split():
                table, name = entry.split(".")
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield cursor
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def story(as_owner: Callable[[], Any]) -> Story:
    works = plant()
    works.item("FG")
    works.item("RM")
    works.item("GREASE", tracking="NONE")
    works.plan("FG")
    works.lot("RM", "R1", 100)
    operator = works.person()
    hand = Doer(operator)
    done = works.order("FG", quantity=5, materials=[{"item": "RM", "quantity_per": "1"}])
    making = works.operation(done)
    hand.start(making)
    hand.consume(making, "R1", 5)
    for value in ("12", "10"):
        record_check(actor=operator, operation_id=making.pk, code="dia", value=value, command_id=command_id())
    hand.report(making, 3)
    hand.complete(making, 2)
    half = works.order("PART", quantity=10, operations=[dict(STEP, sequence=10, overlap=True), dict(STEP, sequence=20)])
    hand.start(works.operation(half, 10))
    hand.report(works.operation(half, 10), 4)
    ran = works.operation(works.order("PART", quantity=10))
    Doer(works.service()).start(ran)
    done.refresh_from_db()
    return Story(works, as_owner, done, half, ran)


STEP = {"work_center": "WC1"}
Attack = Callable[[Story], None]
ATTACKS: dict[str, Attack] = {}


def on(code: str) -> Callable[[Attack], Attack]:
    def register(attack: Attack) -> Attack:
        assert code not in ATTACKS
        ATTACKS[code] = attack
        return attack

    return register


def change(operation: Operation, **amounts: Any) -> None:
    """A fact that explains what the attack does to the buckets."""
    OperationChange.objects.create(
        operation=operation,
        command_id=command_id(),
        state_from=operation.state,
        state_to=operation.state,
        order_from="RUNNING",
        order_to="RUNNING",
        occurred_at=operation.order.created_at,
        **amounts,
    )


def report(operation: Operation, **amounts: Any) -> ProductionReport:
    return ProductionReport.objects.create(
        operation=operation,
        actor_kind="service",
        occurred_at=operation.order.created_at,
        command_id=command_id(),
        **amounts,
    )


def move(
    story: Story, kind: str, lot: MaterialLot, quantity: int, operation: Operation | None = None, **more: Any
) -> None:
    """A movement and the balance that goes with it, without any rule."""
    balance = LotBalance.objects.get(lot=lot)
    MaterialMovement.objects.create(
        site=story.works.site,
        kind=kind,
        item=lot.item,
        lot=lot,
        location=balance.location,
        quantity=quantity,
        unit=lot.item.unit,
        operation=operation,
        order=operation.order if operation else None,
        actor_kind="service",
        occurred_at=lot.created_at,
        command_id=command_id(),
        **more,
    )
    balance.quantity += quantity
    balance.save()


@on("I-30-chain-heads")
def cut_the_tail_of_a_chain(story: Story) -> None:
    last = Event.objects.filter(subject=f"order:{story.done.pk}").order_by("-seq")[0].pk
    with story.defenceless("kernel_event") as cursor:
        cursor.execute("DELETE FROM kernel_delivery WHERE event_id = %s", [last])
        cursor.execute("DELETE FROM kernel_event WHERE id = %s", [last])


@on("I-33-receipts")
def lose_a_receipt(story: Story) -> None:
    with story.defenceless("kernel_commandreceipt") as cursor:
        cursor.execute("DELETE FROM kernel_commandreceipt WHERE name = 'report_output'")


@on("K-chores")
def say_that_a_chore_went_well_at_no_time(story: Story) -> None:
    with story.defenceless(drop="kernel_chore.chore_good_has_time") as cursor:
        cursor.execute("INSERT INTO kernel_chore (name, last_at, is_good, says) VALUES ('backup', now(), true, '')")


@on("I-38-deliveries")
def put_a_delivery_in_another_line(story: Story) -> None:
    event = Event.objects.filter(subject=f"order:{story.done.pk}")[0]
    Delivery.objects.create(event=event, subscriber="somebody", subject="order:0")


@on("I-18-acts-by-people-have-a-person")
def charge_nobody(story: Story) -> None:
    with story.defenceless("kernel_event") as cursor:
        cursor.execute("UPDATE kernel_event SET actor_id = 0 WHERE actor_kind = 'person' AND name = 'labor.started'")


@on("I-01-buckets-are-their-changes")
def move_pieces_without_a_fact(story: Story) -> None:
    with story.defenceless("workorders_operation") as cursor:
        cursor.execute(
            "UPDATE workorders_operation SET in_process = in_process - 1, queue = queue + 1 WHERE id = %s",
            [story.first.pk],
        )


@on("I-01-reports-are-buckets")
def report_what_no_bucket_holds(story: Story) -> None:
    report(story.first, good=1)


@on("I-02-no-more-than-delivered")
def let_a_piece_arrive_from_nowhere(story: Story) -> None:
    change(story.second, arrived=1, queue=1)
    with story.defenceless("workorders_operation") as cursor:
        cursor.execute(
            "UPDATE workorders_operation SET arrived = arrived + 1, queue = queue + 1 WHERE id = %s", [story.second.pk]
        )


@on("I-03-within-tolerance")
def make_more_than_was_ordered(story: Story) -> None:
    change(story.first, arrived=1, in_process=1, excess=1)
    with story.defenceless("workorders_operation") as cursor:
        cursor.execute(
            "UPDATE workorders_operation SET arrived = arrived + 1, in_process = in_process + 1 WHERE id = %s",
            [story.first.pk],
        )


@on("I-04-reversals")
def reverse_a_part_of_a_report(story: Story) -> None:
    known = story.first.reports.get()
    report(story.first, good=-1, reverses=known)
    report(story.first, good=1)


@on("I-05-finite")
def write_down_no_number(story: Story) -> None:
    with story.defenceless("workorders_operationchange", drop="workorders_operationchange.change_finite") as cursor:
        cursor.execute("UPDATE workorders_operationchange SET excess = 'NaN' WHERE operation_id = %s", [story.first.pk])


@on("I-17-running-has-a-run")
def end_the_last_run(story: Story) -> None:
    OperationRun.objects.filter(operation=story.ran).update(ended_at=story.ran.runs.get().started_at)


@on("I-17-one-run-each")
def open_a_run_twice(story: Story) -> None:
    with story.defenceless() as cursor:
        cursor.execute("DROP INDEX run_one_open")
    run = story.ran.runs.get()
    run.pk = None
    run.save(force_insert=True)


@on("I-19-spans")
def begin_tomorrow(story: Story) -> None:
    with story.defenceless() as cursor:
        cursor.execute(
            "UPDATE workorders_operationrun SET started_at = now() + interval '1 day' WHERE operation_id = %s",
            [story.ran.pk],
        )


@on("I-20-order-follows-operations")
def take_an_operation_of_a_finished_order_back(story: Story) -> None:
    operation = story.works.operation(story.done)
    with story.defenceless("workorders_operation", "workorders_operationevent") as cursor:
        cursor.execute("UPDATE workorders_operation SET state = 'SUSPENDED' WHERE id = %s", [operation.pk])
        cursor.execute("UPDATE workorders_operationevent SET state = 'SUSPENDED' WHERE pgh_obj_id = %s", [operation.pk])


@on("I-32-state-has-an-event")
def release_without_an_event(story: Story) -> None:
    with as_a_command():
        order = WorkOrder.objects.get(pk=story.done.pk)
        order.pk, order.number, order.state = None, "SMUGGLED", "RELEASED"
        order.save(force_insert=True)


@on("I-32-history-names-its-command")
def change_an_order_behind_every_back(story: Story) -> None:
    with connection.cursor() as cursor:
        for name in ("mes.command_id", "pghistory.context_id", "pghistory.context_metadata"):
            cursor.execute("SELECT set_config(%s, '', true)", [name])
        cursor.execute("UPDATE workorders_workorder SET priority = 99 WHERE id = %s", [story.half.pk])


@on("I-40-people-and-places")
def make_a_token_for_nowhere(story: Story) -> None:
    ApiToken.objects.create(name="x", role="auditor", site_id=0, token="x", expires_at=story.done.created_at)


@on("I-40-one-site")
def dispatch_to_another_plant(story: Story) -> None:
    elsewhere = plant().work_center()
    with story.defenceless("workorders_operation") as cursor:
        cursor.execute(
            "UPDATE workorders_operation SET work_center_id = %s WHERE id = %s", [elsewhere.pk, story.second.pk]
        )


@on("I-40-material-of-one-site")
def book_in_another_plant(story: Story) -> None:
    other = Site.objects.create(code=uuid.uuid4().hex[:10], name="Other")
    with story.defenceless("traceability_materialmovement") as cursor:
        cursor.execute(
            "UPDATE traceability_materialmovement SET site_id = %s WHERE kind = 'RECEIVE' AND lot_id = %s",
            [other.pk, story.lot.pk],
        )


@on("I-06-balance-is-its-movements")
def conjure_stock(story: Story) -> None:
    LotBalance.objects.filter(lot=story.lot).update(quantity=1000)


@on("I-41-rank-is-the-last-move")
def jump_the_queue(story: Story) -> None:
    boss = story.works.person("supervisor")
    resequence_order(actor=boss, order_id=story.half.pk, to="LAST", command_id=command_id())
    with story.defenceless("workorders_workorder") as cursor:
        cursor.execute("UPDATE workorders_workorder SET manual_rank = -99 WHERE id = %s", [story.half.pk])


@on("I-42-first-operations-hold-the-order")
def order_more_behind_the_floors_back(story: Story) -> None:
    with story.defenceless("workorders_workorder") as cursor:
        cursor.execute("UPDATE workorders_workorder SET quantity = quantity + 1 WHERE id = %s", [story.half.pk])


@on("I-43-corrections-after-the-end")
def correct_an_order_that_still_runs(story: Story) -> None:
    OrderCorrection.objects.create(
        order=story.half,
        operation=story.first,
        good=1,
        reason=story.works.site.reasons.filter(kind="SCRAP")[0],
        note="x",
        actor_name="nobody",
        occurred_at=story.half.created_at,
        command_id=command_id(),
    )


@on("I-44-changes-are-decided-once")
def keep_a_change_open_beyond_the_end(story: Story) -> None:
    works = story.works
    order, boss = works.order("FG"), works.person("supervisor")
    cancel_order(actor=boss, order_id=order.pk, reason="CHECK", command_id=command_id())
    ChangeRequest.objects.create(order=order, changes={}, source="manual", requested_by_name="nobody")
