"""`verify_events`, `anchor_events` and `check_invariants` as an auditor runs them, on a database that was forged."""

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from mes.kernel.events import emit
from mes.kernel.models import Event
from tests.builders import Doer, plant
from tests.kernel.doing import go

pytestmark = pytest.mark.scratch_db

RENEWED = """
    UPDATE kernel_event SET hash = sha256(prev || convert_to(seq::text || ' ' || canonical, 'UTF8')) WHERE id = {event}
"""


class Forger:
    """Somebody with the owner's rights, who takes the triggers away and puts them back."""

    def __init__(self, as_owner: Callable) -> None:
        self.as_owner = as_owner

    def does(self, *statements: str) -> None:
        with self.as_owner(), connection.cursor() as cursor:
            for table in ("kernel_event", "kernel_eventhead"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement)
            for table in ("kernel_event", "kernel_eventhead"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def forger(as_owner) -> Forger:
    return Forger(as_owner)


@pytest.fixture
def story() -> list[Event]:
    """An order's chain, besides some others."""
    works = plant()
    operation = works.operation(works.order(quantity=4))
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 1)
    hand.complete(operation, 3)
    return list(Event.objects.filter(subject=f"order:{operation.order_id}").order_by("seq"))


def verify(anchors: Path | None = None) -> tuple[int, list[str]]:
    """(exit status, printed lines)."""
    out = io.StringIO()
    arguments = ["--anchors", str(anchors)] if anchors else []
    try:
        call_command("verify_events", *arguments, stdout=out)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    return status, out.getvalue().splitlines()


def place(event: Event) -> str:
    return f"{event.subject} {event.seq} ({event.name})"


def test_an_honest_log_verifies_and_says_how_much_it_looked_at(story):
    chains = Event.objects.values("subject").distinct().count()
    assert verify() == (0, [f"{Event.objects.count()} events in {chains} chains verify"])
    assert chains >= 2


def test_an_empty_log_verifies_and_says_that_it_is_empty():
    assert verify() == (0, ["0 events in 0 chains verify"])


CHANGES = {
    "payload": 'payload || \'{"good": "999"}\'',
    "actor_name": "'Somebody Else'",
    "actor_kind": "'service'",
    "actor_id": "actor_id + 1",
    "terminal_id": "7",
    "occurred_at": "occurred_at - interval '1 hour'",
    "recorded_at": "recorded_at - interval '1 microsecond'",
    "name": "'operation.stopped'",
    "label": "'order:other'",
    "version": "2",
    "site_id": "site_id + 1",
    "uuid": "gen_random_uuid()",
    "command_id": "gen_random_uuid()",
}


def test_an_altered_column_is_found_and_nothing_else_is_accused(story, forger):
    event = story[2].pk
    forger.does("CREATE TABLE honest AS SELECT * FROM kernel_event")
    for column, forged in CHANGES.items():
        forger.does(f"UPDATE kernel_event SET {column} = {forged} WHERE id = {event}")
        status, lines = verify()
        accused = place(Event.objects.get(pk=event))
        assert (status, lines) == (1, [f"{accused}: its columns differ from its hashed text"]), column
        forger.does(f"UPDATE kernel_event e SET {column} = h.{column} FROM honest h WHERE h.id = e.id")
    assert verify()[0] == 0


def test_an_altered_text_is_found(story, forger):
    forged = """replace(canonical, '"version":1', '"version":2')"""
    forger.does(f"UPDATE kernel_event SET canonical = {forged} WHERE id = {story[2].pk}")
    status, lines = verify()
    assert status == 1
    assert f"{place(story[2])}: its hash does not match its text" in lines


def test_an_event_altered_throughout_with_its_hash_is_found_by_the_next_one(story, forger):
    forger.does(
        f"""UPDATE kernel_event SET actor_name = 'Nobody',
                   canonical = replace(canonical, '"name":"Operator"', '"name":"Nobody"') WHERE id = {story[4].pk}""",
        RENEWED.format(event=story[4].pk),
    )
    status, lines = verify()
    assert status == 1
    assert lines == [f"{place(story[5])}: does not continue the event before it"]


COPY = """
    INSERT INTO kernel_event (uuid, site_id, name, version, subject, label, actor_kind, actor_id, actor_name,
        occurred_at, recorded_at, command_id, payload, canonical, seq, prev, hash, tx)
    SELECT gen_random_uuid(), site_id, name, version, subject, label, actor_kind, actor_id, actor_name,
        occurred_at, recorded_at, command_id, payload, canonical, {seq}, {prev}, hash, tx
      FROM kernel_event WHERE id = {event}
"""


def test_an_event_inserted_in_the_middle_is_found(story, forger):
    """It takes the place of an event that the forger moved to the end."""
    last = story[-1]
    forger.does(
        f"UPDATE kernel_event SET seq = {last.seq + 1} WHERE id = {story[2].pk}",
        COPY.format(seq=story[2].seq, prev="prev", event=story[1].pk),
    )
    status, lines = verify()
    assert status == 1
    assert any(line.startswith(f"{story[2].subject} {story[2].seq} (") for line in lines)
    assert f"{story[2].subject}: the head says {last.seq}, the newest event is {last.seq + 1}" in lines


def test_an_event_inserted_at_the_end_is_found_by_the_head_however_well_it_is_forged(story, forger):
    last = story[-1]
    forger.does(COPY.format(seq=last.seq + 1, prev="hash", event=last.pk))
    forged = Event.objects.get(subject=last.subject, seq=last.seq + 1)
    forger.does(
        f"""UPDATE kernel_event SET canonical = replace(canonical, '{last.uuid}', '{forged.uuid}')
             WHERE id = {forged.pk}""",
        RENEWED.format(event=forged.pk),
    )
    assert verify() == (1, [f"{last.subject}: the head says {last.seq}, the newest event is {last.seq + 1}"])


@pytest.mark.parametrize("which", [0, 2])
def test_a_deleted_event_is_found_by_the_gap_it_leaves(story, forger, which):
    forger.does(
        f"DELETE FROM kernel_delivery WHERE event_id = {story[which].pk}",
        f"DELETE FROM kernel_event WHERE id = {story[which].pk}",
    )
    status, lines = verify()
    assert status == 1
    follower = story[which + 1]
    assert f"{place(follower)}: follows {which}; events between are missing or were inserted" in lines
    assert f"{place(follower)}: does not continue the event before it" in lines


def cut(story: list[Event], forger: Forger, *, head_too: bool) -> None:
    last, before = story[-1], story[-2]
    statements = [
        f"DELETE FROM kernel_delivery WHERE event_id = {last.pk}",
        f"DELETE FROM kernel_event WHERE id = {last.pk}",
    ]
    if head_too:
        statements.append(
            f"""UPDATE kernel_eventhead h SET seq = e.seq, hash = e.hash FROM kernel_event e
                 WHERE e.id = {before.pk} AND h.subject = e.subject"""
        )
    forger.does(*statements)


def test_a_deleted_tail_is_found_by_the_head(story, forger):
    cut(story, forger, head_too=False)
    last = story[-1]
    assert verify() == (1, [f"{last.subject}: the head says {last.seq}, the newest event is {last.seq - 1}"])


def anchored(file: Path) -> str:
    out = io.StringIO()
    call_command("anchor_events", str(file), stdout=out)
    return out.getvalue()


def test_a_deleted_tail_with_its_head_is_found_only_by_the_anchors(story, forger, tmp_path):
    file = tmp_path / "anchors"
    chains = Event.objects.values("subject").distinct().count()
    assert anchored(file) == f"{chains} anchors written to {file}\n"
    assert verify(file)[0] == 0
    cut(story, forger, head_too=True)
    assert verify()[0] == 0
    last = story[-1]
    assert verify(file) == (1, [f"{last.subject} {last.seq}: was anchored, but is gone"])


def test_a_whole_chain_that_vanished_is_found_by_the_anchors(story, forger, tmp_path):
    anchored(tmp_path / "anchors")
    subject = story[0].subject
    forger.does(
        f"DELETE FROM kernel_delivery WHERE subject = '{subject}'",
        f"DELETE FROM kernel_event WHERE subject = '{subject}'",
        f"DELETE FROM kernel_eventhead WHERE subject = '{subject}'",
    )
    assert verify()[0] == 0
    assert verify(tmp_path / "anchors") == (1, [f"{subject} {story[-1].seq}: was anchored, but is gone"])


def test_a_chain_forged_from_end_to_end_is_found_by_the_anchors(story, forger, tmp_path):
    """The forger rewrites an actor and every hash after it, the head included."""
    anchored(tmp_path / "anchors")
    statements = [
        f"""UPDATE kernel_event SET actor_name = 'Nobody',
                   canonical = replace(canonical, '"name":"Operator"', '"name":"Nobody"')
             WHERE id = {story[4].pk}"""
    ]
    for event in story[4:]:
        statements += [
            f"""UPDATE kernel_event e SET prev = b.hash FROM kernel_event b
                 WHERE e.id = {event.pk} AND b.subject = e.subject AND b.seq = e.seq - 1""",
            RENEWED.format(event=event.pk),
        ]
    statements.append(
        f"""UPDATE kernel_eventhead h SET hash = e.hash FROM kernel_event e
             WHERE e.id = {story[-1].pk} AND h.subject = e.subject"""
    )
    forger.does(*statements)
    assert verify()[0] == 0
    last = story[-1]
    assert verify(tmp_path / "anchors") == (1, [f"{last.subject} {last.seq}: differs from its anchor"])


def test_anchors_stay_good_while_the_chains_grow(story, tmp_path):
    anchored(tmp_path / "anchors")
    works = plant()
    subject = story[0].subject
    go(works, partial(emit, "thing.said", subject=subject, label="more", payload={}))
    status, lines = verify(tmp_path / "anchors")
    assert (status, len(lines)) == (0, 1)


def test_an_anchor_file_is_one_json_object_per_chain(story, tmp_path):
    anchored(tmp_path / "anchors")
    entries = [json.loads(line) for line in (tmp_path / "anchors").read_text().splitlines()]
    last = story[-1]
    assert {"subject": last.subject, "seq": last.seq, "hash": bytes(last.hash).hex()} in entries
    assert [entry["subject"] for entry in entries] == sorted(entry["subject"] for entry in entries)


def check(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("check_invariants", *arguments, stdout=out)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    return status, out.getvalue()


def test_check_invariants_says_what_it_looked_at_or_names_each_violation(story, forger):
    status, text = check()
    assert status == 0
    assert text.startswith("0 violations in ")
    assert int(text.split()[-2]) > 10, "a check of nothing must not look like a pass"
    as_json = json.loads(check("--json")[1])
    assert as_json["violations"] == []
    assert text == f"0 violations in {as_json['invariants']} invariants, {as_json['rows']} rows\n"
    cut(story, forger, head_too=False)
    status, text = check()
    assert status == 1
    assert [line.split(":")[0] for line in text.splitlines()] == ["I-30-chain-heads"]
    status, text = check("--json")
    assert (status, [entry["invariant"] for entry in json.loads(text)["violations"]]) == (1, ["I-30-chain-heads"])
