"""What the house does by itself: anchors, backups that make room, proofs that shout, and each only when it is due."""

import json
import os
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from mes.kernel import anchoring, chores, housekeeping
from mes.kernel.models import Chore, Event, EventHead
from tests.builders import Doer, Plant, plant

pytestmark = pytest.mark.scratch_db


@pytest.fixture
def house(settings: Any, tmp_path: Path) -> Path:
    settings.BACKUP_DIR, settings.ANCHOR_DIR = tmp_path / "backups", tmp_path / "anchors"
    settings.BACKUP_KEEP = 2
    return tmp_path


def acting() -> Plant:
    site = plant()
    Doer(site.person()).start(site.operation(site.order(quantity=5)))
    return site


def older(name: str, **ago: float) -> None:
    """Let the chore have been done so long ago."""
    row = Chore.objects.get(name=name)
    row.last_at -= timedelta(**ago)
    row.good_at = row.last_at if row.is_good else None
    row.save()


def test_everything_is_due_once_and_then_again_after_its_time(house: Path) -> None:
    acting()
    assert housekeeping.look() == ["anchors", "backup", "retention", "proof"]
    assert housekeeping.look() == []
    older("anchors", minutes=61)
    assert housekeeping.look() == ["anchors"]
    older("backup", hours=25)
    older("proof", hours=23)
    assert housekeeping.look() == ["backup"]
    done = chores.all_done()
    assert done["proof"].says.startswith("0 violations in ")
    assert all(each.is_good for each in done.values())


def test_a_house_that_was_just_opened_does_first_what_it_did_before(house: Path) -> None:
    acting()
    assert housekeeping.look(is_settled=False) == []
    chores.note("anchors", good=True)
    older("anchors", hours=2)
    assert housekeeping.look(is_settled=False) == ["anchors"]


def test_nobody_takes_a_backup_that_is_switched_off(house: Path, settings: Any) -> None:
    settings.BACKUP_HOURS = 0
    assert "backup" not in housekeeping.look()
    assert not (house / "backups").exists()


def test_two_houses_do_a_chore_once(house: Path) -> None:
    acting()
    together, did = threading.Barrier(4), []

    def keeper() -> None:
        together.wait()
        did.append(chores.do("backup", 3600, lambda: did_one()))
        connections.close_all()

    ran = []

    def did_one() -> str:
        ran.append(1)
        return "once"

    keepers = [threading.Thread(target=keeper) for _ in range(4)]
    for each in keepers:
        each.start()
    for each in keepers:
        each.join()
    assert (len(ran), sorted(did)) == (1, [False, False, False, True])


def test_older_backups_go_and_what_a_person_put_there_stays(house: Path) -> None:
    acting()
    theirs = house / "backups" / "before the big change"
    call_command("backup", str(theirs), stdout=StringIO())
    for number in range(4):
        housekeeping.back_up()
        newest = max((house / "backups").glob("mes-*"), key=lambda path: path.stat().st_mtime)
        newest.rename(newest.with_name(f"mes-2026010{number + 1}T000000Z"))
    unfinished = house / "backups" / "mes-20260101T060000Z"
    unfinished.mkdir()
    os.utime(unfinished, (0, 0))
    housekeeping.back_up()
    kept = sorted(path.name for path in (house / "backups").iterdir())
    assert kept[0] == theirs.name
    assert [name for name in kept if name.startswith("mes-2026010")] == ["mes-20260104T000000Z"]
    assert len(kept) == 3, "one of a person, and the two newest of ours"


def test_a_chore_that_fails_says_why_and_is_tried_again_sooner(house: Path, settings: Any) -> None:
    acting()
    (house / "file").write_text("")
    settings.BACKUP_DIR = house / "file" / "below"
    assert housekeeping.look() == ["anchors", "retention", "proof"]
    failed = chores.all_done()["backup"]
    assert (failed.is_good, failed.good_at) == (False, None)
    assert "cannot be written" in failed.says
    assert housekeeping.look() == [], "not at once"
    older("backup", hours=3)
    settings.BACKUP_DIR = house / "backups"
    assert housekeeping.look() == ["backup"]


def test_a_cut_tail_is_found_by_the_nightly_proof_because_anchors_lie_outside(house: Path, as_owner: Any) -> None:
    acting()
    housekeeping.look()
    last = Event.objects.order_by("-pk")[0]
    with as_owner(), connection.cursor() as cursor:
        for table in ("kernel_event", "kernel_eventhead", "kernel_delivery"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"DELETE FROM kernel_delivery WHERE event_id = {last.pk}")
        cursor.execute(f"DELETE FROM kernel_event WHERE id = {last.pk}")
        cursor.execute(
            """UPDATE kernel_eventhead h SET seq = e.seq, hash = e.hash FROM kernel_event e
                WHERE h.subject = %s AND e.subject = h.subject AND e.seq = h.seq - 1""",
            [last.subject],
        )
        cursor.execute(
            "DELETE FROM kernel_eventhead h WHERE NOT EXISTS (SELECT 1 FROM kernel_event e WHERE e.subject = h.subject)"
        )
    older("proof", hours=25)
    assert "proof" not in housekeeping.look()
    says = chores.all_done()["proof"].says
    assert f"{last.subject} {last.seq}: was anchored, but is gone" in says


# ----------------------------------------------------------------------------------------------------------- anchors


def test_anchors_are_added_for_what_moved_and_together_hold_every_head(house: Path) -> None:
    site = acting()
    place = anchoring.folder()
    heads = EventHead.objects.count()
    assert anchoring.write_anchors().startswith(f"{heads} anchors written to ")
    assert anchoring.write_anchors().startswith("0 anchors written to ")
    order = site.order(quantity=2)
    Doer(site.person()).start(site.operation(order))
    anchoring.write_anchors()
    held = {(subject, seq) for subject, seq, _mark in anchoring.read_folder()}
    assert set(EventHead.objects.values_list("subject", "seq")) <= held
    assert call_command("verify_events", "--anchors", str(place), stdout=StringIO()) is None


def test_an_anchor_file_that_was_cut_is_named_and_not_passed_over(house: Path) -> None:
    acting()
    anchoring.write_anchors()
    (path,) = anchoring.files()
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=r"Line \d+ of .* is no anchor"):
        list(anchoring.read_folder())
    assert "proof" not in housekeeping.look()
    assert "is no anchor" in chores.all_done()["proof"].says


def test_anchors_that_are_ahead_are_put_aside_and_counted_after_a_restore(house: Path) -> None:
    acting()
    anchoring.write_anchors()
    (path,) = anchoring.files()
    head = EventHead.objects.order_by("subject")[0]
    ahead = {"subject": head.subject, "seq": head.seq + 3, "hash": "00"}
    gone = {"subject": "order:999999", "seq": 2, "hash": "00"}
    path.write_text(path.read_text() + json.dumps(ahead) + "\n" + json.dumps(gone) + "\n")
    assert anchoring.set_aside() == (2, 5)
    assert anchoring.files() == []
    assert len(list(anchoring.folder().glob("before-restore-*/anchors-*.jsonl"))) == 1
    anchoring.write_anchors()
    assert housekeeping.prove().startswith("0 violations")
