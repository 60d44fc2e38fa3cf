"""The event log: what the chain trigger writes, what it refuses, and that a stranger can prove it."""

import hashlib
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from mes.kernel.events import emit
from mes.kernel.models import Event, EventHead, ScanLog
from quality.actions.inspections import record_check
from tests.builders import Doer, command_id
from tests.concurrency.crowd import all_at_once
from tests.kernel.doing import go
from traceability.actions.lots import hold_lot
from traceability.models import MaterialLot
from workorders.actions.holds import place_hold

#: All a stranger needs: the exported lines of one chain and this.
STRANGER = """
import hashlib, json, sys
digest, seq = b"", 0
for line in open(sys.argv[1], encoding="utf-8"):
    entry = json.loads(line)
    seq += 1
    assert entry["seq"] == seq, f"event {seq} is missing"
    text = f"{entry['seq']} {entry['canonical']}".encode()
    digest = hashlib.sha256(digest + text).digest()
    assert digest.hex() == entry["hash"], f"event {seq} was changed"
print(seq, digest.hex())
"""


def tell(subject: str, *labels: str) -> None:
    for label in labels:
        emit("thing.said", subject=subject, label=label, payload={"text": label})


@pytest.mark.django_db
def test_the_trigger_numbers_each_subject_and_binds_every_event_to_the_one_before(works):
    for labels in (("a", "b"), ("c",)):
        go(works, partial(tell, f"thing:{works.prefix}", *labels))
    go(works, partial(tell, f"other:{works.prefix}", "x"))
    before = b""
    chain = list(Event.objects.filter(subject=f"thing:{works.prefix}").order_by("seq"))
    assert [(event.seq, event.label) for event in chain] == [(1, "a"), (2, "b"), (3, "c")]
    for event in chain:
        assert bytes(event.prev) == before
        before = hashlib.sha256(before + f"{event.seq} {event.canonical}".encode()).digest()
        assert bytes(event.hash) == before
    head = EventHead.objects.get(pk=f"thing:{works.prefix}")
    assert (head.seq, bytes(head.hash)) == (3, before)
    assert EventHead.objects.get(pk=f"other:{works.prefix}").seq == 1


@pytest.mark.django_db
def test_the_hashed_text_says_who_did_what_when_and_why(works):
    operation = works.operation(works.order())
    ana = works.person(name="ana")
    made = Doer(ana).start(operation)
    event = Event.objects.get(command_id=made, name="operation.started")
    said = json.loads(event.canonical)
    assert said == {
        "uuid": str(event.uuid),
        "site": works.site.pk,
        "name": "operation.started",
        "version": 1,
        "subject": f"order:{operation.order_id}",
        "label": f"order:{operation.order.number}",
        "actor": {"kind": "person", "id": ana.id, "name": "Ana", "terminal": None},
        "occurred_at": event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "recorded_at": event.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "command_id": str(made),
        "payload": event.payload,
    }


@pytest.mark.django_db
def test_a_command_writes_its_events_by_subject_and_in_the_order_they_were_told(works):
    def body():
        tell("b:1" + works.prefix, "first")
        tell("a:1" + works.prefix, "second", "third")
        tell("b:1" + works.prefix, "fourth")

    go(works, body)
    rows = Event.objects.filter(site_id=works.site.pk).order_by("pk").values_list("label", flat=True)
    assert list(rows) == ["second", "third", "first", "fourth"]


@pytest.mark.django_db
def test_forged_numbers_and_hashes_are_overwritten(works):
    go(works, partial(tell, f"thing:{works.prefix}", "a"))
    known = Event.objects.get(subject=f"thing:{works.prefix}")
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO kernel_event (uuid, site_id, name, version, subject, label, actor_kind, actor_id, actor_name,
                   occurred_at, recorded_at, command_id, payload, canonical, seq, prev, hash, tx)
               SELECT gen_random_uuid(), site_id, name, version, subject, label, actor_kind, actor_id, actor_name,
                   occurred_at, recorded_at, command_id, payload, canonical, 99, 'forged', 'forged', 1
                 FROM kernel_event WHERE id = %s RETURNING seq, prev, hash, tx = pg_current_xact_id()::text::bigint""",
            [known.pk],
        )
        seq, prev, mark, ours = cursor.fetchone()
    assert (seq, bytes(prev), ours) == (2, bytes(known.hash), True)
    assert bytes(mark) == hashlib.sha256(bytes(known.hash) + f"2 {known.canonical}".encode()).digest()


ATTACKS = {
    "update": "UPDATE {table} SET {column} = {column} WHERE true",
    "delete": "DELETE FROM {table}",
    "truncate": "TRUNCATE {table} CASCADE",
}


@contextmanager
def refused(pattern: str):
    with pytest.raises(DatabaseError, match=pattern), transaction.atomic():
        yield


HISTORIES = [
    ("workorders_workorderevent", "number"),
    ("workorders_operationevent", "name"),
    ("traceability_materiallotevent", "number"),
    ("accounts_userevent", "name"),
]
FACTS = [
    ("kernel_event", "payload"),
    ("kernel_scanlog", "code"),
    ("workorders_productionreport", "good"),
    ("workorders_operationchange", "arrived"),
    ("traceability_materialmovement", "quantity"),
    ("quality_measurement", "value"),
    *HISTORIES,
]
#: These rows live, but never vanish.
KEPT = [
    "kernel_eventhead",
    "workorders_workorder",
    "workorders_operation",
    "workorders_operationedge",
    "workorders_operationrun",
    "workorders_hold",
    "labor_laborentry",
    "traceability_materiallot",
    "traceability_lotbalance",
    "traceability_materialhold",
    "accounts_user",
    "accounts_badge",
]


def attack_as_app_and_owner(as_owner, statement: str) -> None:
    refusal = "rows of this table are|Cannot update or delete rows"
    app_may_not = f"{refusal}|permission denied" if statement.startswith("TRUNCATE") else refusal
    with refused(app_may_not), connection.cursor() as cursor:
        cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with as_owner(), refused(refusal), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("attack", ATTACKS)
def test_facts_are_neither_changed_nor_removed_by_the_app_or_by_the_owner(works, as_owner, attack):
    everything_once(works)
    for table, column in FACTS:
        attack_as_app_and_owner(as_owner, ATTACKS[attack].format(table=table, column=column))


@pytest.mark.django_db
@pytest.mark.parametrize("attack", ["delete", "truncate"])
def test_rows_that_others_point_to_are_never_removed(works, as_owner, attack):
    everything_once(works)
    for table in KEPT:
        attack_as_app_and_owner(as_owner, ATTACKS[attack].format(table=table))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE kernel_event DISABLE TRIGGER USER",
        "ALTER TABLE traceability_lotbalance DROP CONSTRAINT balance_non_negative",
        "SET session_replication_role = replica",
        "DROP TABLE kernel_event",
    ],
)
def test_the_app_role_cannot_take_a_mechanism_away(statement):
    with refused("must be owner|permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def everything_once(works) -> None:
    """At least one row in every table of facts."""
    works.item("FG")
    works.item("RM")
    works.plan("FG")
    works.lot("RM", "R1")
    operation = works.operation(works.order(materials=[{"item": "RM", "quantity_per": "1"}]))
    ana = works.person()
    hand = Doer(ana)
    hand.start(operation)
    hand.consume(operation, "R1", 1)
    record_check(actor=ana, operation_id=operation.pk, code="dia", value="10", command_id=command_id())
    hand.report(operation, 1)
    hand.complete(operation, 9)
    second = works.operation(works.order(operations=2))
    place_hold(actor=ana, target="operation", target_id=second.pk, reason="CHECK", command_id=command_id())
    lot = MaterialLot.objects.get(number="R1", site=works.site)
    hold_lot(actor=ana, lot_id=lot.pk, reason="CHECK", command_id=command_id())
    ScanLog.objects.create(site_id=works.site.pk, actor_kind="person", actor_id=1, actor_name="A", verdict="good")


@pytest.mark.django_db
def test_a_stranger_verifies_an_exported_chain_with_fifteen_lines(works, tmp_path):
    operation = works.operation(works.order(quantity=3, customer_order="Müller & Söhne €"))
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 1)
    hand.complete(operation, 2)
    subject = f"order:{operation.order_id}"
    lines = [
        {"seq": event.seq, "canonical": event.canonical, "hash": bytes(event.hash).hex()}
        for event in Event.objects.filter(subject=subject).order_by("seq")
    ]
    head = EventHead.objects.get(pk=subject)

    def stranger(exported) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "chain.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in exported), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-I", "-c", STRANGER, str(file)], capture_output=True, text=True, check=False
        )

    assert len(STRANGER.strip().splitlines()) <= 15
    assert stranger(lines).stdout.split() == [str(head.seq), bytes(head.hash).hex()]
    assert head.seq > 5
    changed = [dict(line) for line in lines]
    changed[3]["canonical"] = changed[3]["canonical"].replace('"version":1', '"version":2')
    assert "event 4 was changed" in stranger(changed).stderr
    assert "event 3 is missing" in stranger(lines[:2] + lines[3:]).stderr


@pytest.mark.committed_db
def test_many_commands_on_one_subject_make_one_chain_without_gaps(works):
    subject = f"busy:{works.prefix}"
    calls = [partial(go, works, partial(tell, subject, f"{place}a", f"{place}b")) for place in range(8)]
    outcomes = all_at_once(calls)
    assert outcomes.broken == []
    chain = list(Event.objects.filter(subject=subject).order_by("seq"))
    assert [event.seq for event in chain] == list(range(1, 17))
    before = b""
    for event in chain:
        assert bytes(event.prev) == before
        before = bytes(event.hash)
    for first, second in zip(chain[::2], chain[1::2], strict=True):
        assert first.command_id == second.command_id


@pytest.mark.committed_db
def test_a_command_that_is_rolled_back_leaves_no_gap(works):
    subject = f"gap:{works.prefix}"
    go(works, partial(tell, subject, "a"))

    def fails():
        tell(subject, "lost")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(works, fails)
    go(works, partial(tell, subject, "b"))
    chain = Event.objects.filter(subject=subject).order_by("seq").values_list("seq", "label")
    assert list(chain) == [(1, "a"), (2, "b")]


SLOW = """
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.label = 'slow' THEN PERFORM pg_sleep(0.5); END IF; RETURN NEW; END $$;
    CREATE TRIGGER a_dawdle BEFORE INSERT ON kernel_event FOR EACH ROW EXECUTE FUNCTION dawdle();
"""


@pytest.mark.scratch_db
def test_ids_of_one_subject_rise_with_its_sequence_even_where_a_slow_writer_drew_its_number_first(works, as_owner):
    """Deliveries are handed over by id: an id drawn before the head was locked would turn two events round."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(SLOW)
    subject = f"thing:{works.prefix}"

    def quick():
        time.sleep(0.2)
        go(works, partial(tell, subject, "quick"))

    outcomes = all_at_once([partial(go, works, partial(tell, subject, "slow")), quick])
    assert outcomes.broken == []
    assert list(Event.objects.filter(subject=subject).order_by("seq").values_list("label", flat=True)) == [
        "quick",
        "slow",
    ]
    assert list(Event.objects.filter(subject=subject).order_by("pk").values_list("seq", flat=True)) == [1, 2]


@pytest.mark.django_db
def test_more_events_than_one_statement_can_carry_are_written_and_verify(works):
    def many() -> None:
        for place in range(4_600):
            tell(f"many:{works.prefix}:{place % 7}", str(place))

    go(works, many)
    chains = Event.objects.filter(subject__startswith=f"many:{works.prefix}")
    assert chains.count() == 4_600
    assert list(chains.filter(subject__endswith=":0").order_by("seq").values_list("label", flat=True)[:2]) == ["0", "7"]
    before = b""
    for event in chains.filter(subject__endswith=":0").order_by("seq"):
        before = hashlib.sha256(before + f"{event.seq} {event.canonical}".encode()).digest()
        assert bytes(event.hash) == before
