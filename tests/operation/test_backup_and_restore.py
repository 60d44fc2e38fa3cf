"""A backup of a working plant, and the way back: whole, proved, and refused wherever it could do harm."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

from erp_sync import credentials
from erp_sync.models import ErpConnection, OutboundMessage
from mes.kernel.backup import manifest as manifests
from mes.kernel.backup import taking
from mes.kernel.models import Event
from tests.builders import Doer, Plant, plant
from tests.erp.engine import Works, works
from tests.operation.places import KEY, OTHER_KEY, Place, empty_place, here
from tests.run.product import wait_until
from tests.throwaway import ROOT

pytestmark = pytest.mark.scratch_db


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Place]:
    with empty_place(tmp_path / "target") as place:
        yield place


def morning() -> Plant:
    """A plant with a little history."""
    site = plant()
    hand = Doer(site.person())
    operation = site.operation(site.order(quantity=9))
    hand.start(operation)
    hand.report(operation, 4)
    return site


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_backup_taken_while_people_work_is_restored_whole_and_proved(tmp_path: Path, target: Place) -> None:
    site = morning()
    stop, acts = threading.Event(), []

    def work(number: int) -> None:
        hand = Doer(site.person("operator", f"Worker {number}"))
        operation = site.operation(site.order(quantity=10_000))
        hand.start(operation)
        while not stop.is_set():
            hand.report(operation, 1)
            acts.append(number)
        connections.close_all()

    workers = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for worker in workers:
        worker.start()
    try:
        assert wait_until(lambda: len(acts) > 5, 30)
        before = len(acts)
        manifest = taking.take(tmp_path / "backup")
        during = len(acts) - before
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert during > 0, "nobody worked while the backup was taken"
    assert Event.objects.count() > manifest.tables["kernel_event"], "and nobody after it"

    done = target.command("restore", str(tmp_path / "backup"), "--plant", site.site.code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 violations in" in done.stdout
    events = manifest.tables["kernel_event"]
    assert f"{events} events in {manifest.chains} chains verify, and agree with the backup's anchors." in done.stdout
    assert target.ask("SELECT count(*) FROM kernel_event") == events
    assert target.ask("SELECT max(id) FROM kernel_event") == manifest.last_event

    anchors = str(tmp_path / "backup" / manifests.ANCHORS)
    verified = target.command("verify_events", "--anchors", anchors)
    assert verified.stdout == f"{events} events in {manifest.chains} chains verify\n"
    checked = target.command("check_invariants")
    assert checked.stdout.startswith("0 violations in")
    with target.used():
        Doer(site.person()).start(site.operation(site.order(quantity=3)))


def test_after_a_restore_the_app_role_works_but_changes_no_fact(tmp_path: Path, target: Place) -> None:
    morning()
    taking.take(tmp_path / "backup")
    assert target.command("restore", str(tmp_path / "backup")).returncode == 0
    with psycopg.connect(target.url, autocommit=True) as app:
        assert app.execute("SELECT count(*) FROM kernel_event").fetchone() != (0,)
        with pytest.raises(psycopg.errors.CheckViolation):
            app.execute("UPDATE kernel_event SET actor_name = 'x'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("ALTER TABLE kernel_event DISABLE TRIGGER ALL")


def test_a_backup_can_be_taken_by_the_command_with_the_app_role_alone(tmp_path: Path, target: Place) -> None:
    site = morning()
    place = here(tmp_path / "data")
    done = place.command("backup", str(tmp_path / "b"), DATABASE_OWNER_URL="")
    assert done.returncode == 0, done.stderr
    assert f"Backup of {site.site.code} in {tmp_path / 'b'}" in done.stdout
    assert "MES_FIELD_KEY" in done.stdout, "it says that the key is not in it"
    for path in [tmp_path / "b", *(tmp_path / "b").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    again = refused(place.command("backup", str(tmp_path / "b")))
    assert "is not empty" in again
    assert manifests.read(tmp_path / "b").plant_names() == [site.site.code]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "backup"


@pytest.fixture
def backup(kept: Path, tmp_path: Path) -> Path:
    """A copy of one good backup, to be damaged."""
    if not kept.exists():
        morning()
        taking.take(kept)
    shutil.copytree(kept, tmp_path / "backup")
    return tmp_path / "backup"


def dumps(folder: Path) -> list[Path]:
    """Files of the dump, the largest first."""
    return sorted((folder / "database").glob("*.dat.gz"), key=lambda path: -path.stat().st_size)


def cut(folder: Path) -> str:
    path = dumps(folder)[0]
    path.write_bytes(path.read_bytes()[:-10])
    return f"is damaged: database/{path.name} has"


def swapped(folder: Path) -> str:
    one, other = dumps(folder)[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return "is damaged: database/"


def flipped(folder: Path) -> str:
    path = folder / manifests.ANCHORS
    path.write_bytes(path.read_bytes().replace(b'"seq": 1,', b'"seq": 2,', 1))
    return "anchors.jsonl is not what was written"


def lost(folder: Path) -> str:
    dumps(folder)[0].unlink()
    return "is missing"


def added(folder: Path) -> str:
    (folder / "database" / "9999.dat.gz").write_bytes(b"x")
    return "which is no part of this backup"


def unfinished(folder: Path) -> str:
    (folder / manifests.MANIFEST).unlink()
    return "holds no finished backup"


def half_a_manifest(folder: Path) -> str:
    path = folder / manifests.MANIFEST
    path.write_text(path.read_text()[:200])
    return "cannot be read; this backup is damaged"


def altered_manifest(folder: Path) -> str:
    path = folder / manifests.MANIFEST
    body = json.loads(path.read_text())
    body["plants"] = [{"code": "MINE", "name": "Mine"}]
    path.write_text(json.dumps(body))
    return "was altered after it was written"


def sealed_again(folder: Path, **changes: object) -> None:
    body = json.loads((folder / manifests.MANIFEST).read_text())
    body.update(changes)
    body["seal"] = manifests._seal(body)
    (folder / manifests.MANIFEST).write_text(json.dumps(body))


def newer(folder: Path) -> str:
    known = manifests.read(folder).migrations
    sealed_again(folder, migrations={**known, "workorders": [*known["workorders"], "0999_tomorrow"]}, product="9.0")
    return "was taken by a newer version (9.0; workorders.0999_tomorrow is not known here)"


def other_format(folder: Path) -> str:
    sealed_again(folder, format=2)
    return "format that this version does not know"


def newer_server(folder: Path) -> str:
    sealed_again(folder, server_major=99)
    return "The backup comes from PostgreSQL 99"


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        swapped,
        flipped,
        lost,
        added,
        unfinished,
        half_a_manifest,
        altered_manifest,
        newer,
        other_format,
        newer_server,
    ],
)
def test_a_damaged_or_unfitting_backup_is_refused_in_words_and_nothing_is_written(
    damage: object, backup: Path, target: Place
) -> None:
    sentence = damage(backup)  # type: ignore[operator]
    assert sentence in refused(target.command("restore", str(backup)))
    assert target.is_empty()


def test_a_backup_of_another_plant_is_refused_by_flag_and_by_setting(backup: Path, target: Place) -> None:
    said = refused(target.command("restore", str(backup), "--plant", "ELSEWHERE"))
    assert "not of ELSEWHERE" in said
    assert "not of ELSEWHERE" in refused(target.command("restore", str(backup), MES_PLANT="ELSEWHERE"))
    assert target.is_empty()


def test_a_target_that_holds_anything_is_refused_and_stays_as_it_is(backup: Path, target: Place) -> None:
    with psycopg.connect(target.owner, autocommit=True) as there:
        there.execute("CREATE TABLE somebody AS SELECT 'here' AS word")
    assert "is not empty (it has the table somebody)" in refused(target.command("restore", str(backup)))
    assert target.ask("SELECT word FROM somebody") == "here"
    assert "is no folder" in refused(target.command("restore", str(backup / "nowhere")))


def test_a_dump_that_breaks_half_way_leaves_the_target_empty(backup: Path, target: Place) -> None:
    """The checksums agree with a dump that PostgreSQL refuses: the whole transaction is taken back."""
    path = dumps(backup)[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    body = json.loads((backup / manifests.MANIFEST).read_text())
    body["files"][f"database/{path.name}"] = manifests.measured(path)
    sealed_again(backup, files=body["files"])
    assert "the database is empty as before" in refused(target.command("restore", str(backup)))
    assert target.is_empty()


def test_a_backup_that_is_killed_is_never_taken_for_one(tmp_path: Path, target: Place) -> None:
    morning()
    folder = tmp_path / "b"
    with psycopg.connect(here(tmp_path).owner) as blocker:
        blocker.execute("LOCK TABLE workorders_item IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "backup", str(folder)],
            cwd=ROOT,
            env=here(tmp_path).environment(),
            stderr=subprocess.PIPE,
        )
        assert wait_until(lambda: (folder / manifests.ANCHORS).exists(), 60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert folder.exists()
    assert "A backup that was interrupted is worth nothing" in refused(target.command("restore", str(folder)))
    assert target.is_empty()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with hardly any room."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_no_half_backup_and_says_what_to_do(small_disk: Path, tmp_path: Path) -> None:
    morning()
    said = refused(here(tmp_path).command("backup", str(small_disk)))
    assert "There is no room for the backup" in said
    assert "name a folder on another disk" in said
    assert list(small_disk.iterdir()) == [], "what was half written is gone"
    with pytest.raises(taking.NotTaken, match="no room"):
        taking.take(small_disk / "below")
    assert not (small_disk / "below").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(taking.NotTaken, match="cannot be written"):
        taking.take(tmp_path / "file" / "b")
    with pytest.raises(taking.NotTaken, match="too short"):
        taking.take(tmp_path / "b", passphrase="short")


# ------------------------------------------------------------------------------------------------------ credentials


@pytest.fixture
def connected() -> Works:
    return works("tryton", url="http://127.0.0.1:1", database="x", user="mes", password="canary-of-the-erp")


def test_a_stolen_backup_tells_no_secret_and_the_sealed_key_opens_only_by_its_passphrase(
    connected: Works, tmp_path: Path, target: Place
) -> None:
    words = tmp_path / "passphrase"
    words.write_text("correct horse battery\n")
    place = here(tmp_path)
    assert place.command("backup", str(tmp_path / "b"), "--passphrase-file", str(words)).returncode == 0
    plain = subprocess.run(
        ["sh", "-c", f"cat {tmp_path / 'b'}/*.* ; zcat {tmp_path / 'b'}/database/*.gz"], capture_output=True, check=True
    ).stdout
    for secret in (b"canary-of-the-erp", KEY.encode(), b"correct horse battery"):
        assert secret not in plain

    wrong = refused(
        target.command("restore", str(tmp_path / "b"), MES_BACKUP_PASSPHRASE="wrong horse", MES_FIELD_KEY=OTHER_KEY)
    )
    assert "The passphrase does not open the key" in wrong
    assert target.is_empty()
    target.more["MES_FIELD_KEY"] = OTHER_KEY
    done = target.command("restore", str(tmp_path / "b"), "--passphrase-file", str(words))
    assert done.returncode == 0, done.stderr
    assert "were taken over with the key from the backup" in done.stdout
    with target.used():
        sealed = bytes(ErpConnection.objects.get().sealed)
    assert credentials.unseal_with(sealed, [OTHER_KEY]) == {"password": "canary-of-the-erp"}


def test_without_the_old_key_the_restore_says_whose_credentials_must_be_entered_again(
    connected: Works, tmp_path: Path, target: Place
) -> None:
    taking.take(tmp_path / "b")
    done = target.command("restore", str(tmp_path / "b"), MES_FIELD_KEY=OTHER_KEY)
    assert done.returncode == 0
    assert f"The credentials of {connected.connection.name} cannot be read here" in done.stdout
    replaced = target.command(
        "connect_erp", connected.connection.name, "--replace", MES_FIELD_KEY=OTHER_KEY, MES_ERP_PASSWORD="new-one"
    )
    assert "has other secrets" in replaced.stdout, replaced.stderr
    with target.used():
        assert credentials.unseal_with(bytes(ErpConnection.objects.get().sealed), [OTHER_KEY]) == {
            "password": "new-one"
        }


# ----------------------------------------------------------------------------------------------- what is owed to ERPs


def test_what_was_unsettled_in_the_backup_is_marked_as_possibly_known_to_the_erp(
    connected: Works, tmp_path: Path, target: Place
) -> None:
    order, later = connected.erp_order(), connected.erp_order()
    connected.finish(order)
    connected.deliver()
    connected.finish(later)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_outboundmessage SET lease_token = gen_random_uuid(), leased_until = now()")
    taking.take(tmp_path / "b")
    done = target.command("restore", str(tmp_path / "b"))
    assert f"{connected.connection.name} is asked before it is told: 1 message is unsettled." in done.stdout
    assert "1 event still becomes a message, and is asked about as well." in done.stdout
    with target.used():
        message = OutboundMessage.objects.get()
        assert (message.state, message.touched, message.lease_token) == ("PENDING", True, None)
        assert ErpConnection.objects.get().restored_at is not None
