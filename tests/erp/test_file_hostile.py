"""What must not pass: each hostile file is rejected with its own reason or tried again, and nothing is half there."""

import errno
import os
from itertools import islice, product
from pathlib import Path

import pytest

from erp_sync.adapters.file import folders, handing, results
from erp_sync.models import InboundRecord, SyncRun
from tests.erp.folder import MASTER, Exchange, checksum, exchange, later
from tests.erp.orders_as_b2mml import HEAD, SPACE, message, request, schedule
from workorders.models import Item, WorkOrder

pytestmark = pytest.mark.django_db

GOOD = schedule(request("W-1"))
LAUGHS = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + f"]>\n<OperationsSchedule {SPACE}><ID>&lol9;</ID></OperationsSchedule>\n"
)
OUTSIDE = f'<?xml version="1.0"?>\n<!DOCTYPE x SYSTEM "file:///etc/passwd">\n<OperationsSchedule {SPACE}/>'
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
MILLION = "code\n" + "".join("".join(each) + "\n" for each in islice(product(LETTERS, repeat=4), 1_000_000))
#: Name and content of a file, and words of the reason that it must be rejected with.
HOSTILE: dict[str, tuple[str, str | bytes, str]] = {
    "cut in half": ("cut.xml", GOOD[: len(GOOD) // 2], "no well-formed XML"),
    "entities that multiply": ("laughs.xml", LAUGHS, "begins a document type (<!DOCTYPE)"),
    "an entity from outside": ("outside.xml", OUTSIDE, "begins a document type (<!DOCTYPE)"),
    "entities in another encoding": ("laughs16.xml", LAUGHS.encode("utf-16"), "begins a document type (<!DOCTYPE)"),
    "fifty megabytes": ("big.xml", b"<x>" + b" " * 50 * 1024 * 1024 + b"</x>", "It has 50.0 MB; at most 5 MB"),
    "a hundred levels": ("deep.xml", HEAD + "<x>" * 100 + "</x>" * 100, "more than 40 levels deep"),
    "ten thousand levels": ("deeper.xml", HEAD + "<x>" * 10_000 + "</x>" * 10_000, "no well-formed XML"),
    "elements out of order": (
        "order.xml",
        GOOD.replace("<Priority>5</Priority>", "").replace("<StartTime>", "<Priority>5</Priority><StartTime>"),
        "not valid B2MML: Element 'StartTime'",
    ),
    "an element missing": (
        "missing.xml",
        GOOD.replace("<OperationsSegmentID>Assemble</OperationsSegmentID>", ""),
        "Expected is ( OperationsSegmentID )",
    ),
    "one order twice": ("twice.xml", schedule(request("W-1"), request("W-1", "5")), "both say what order W-1 is"),
    "another document": ("note.xml", f"{HEAD}<note xmlns='urn:x'/>", "of the namespace urn:x"),
    "a question": ("get.xml", message("Get", GOOD), "is a question or an answer"),
    "no order in it": ("empty.xml", schedule(), "Expected is one of ( ScheduleState, OperationsRequest )"),
    "no XML at all": ("binary.xml", bytes(range(1, 256)), "letters that are not UTF-8"),
    "an encoding nobody reads": ("ebcdic.xml", GOOD.replace("UTF-8", "cp037"), "declares the encoding cp037"),
    "orders in Latin-1": ("orders.csv", "number,item,quantity\nW-1,Pümp,5\n".encode("latin-1"), "Line 2 holds letters"),
    "a NUL": ("items.csv", b"code,name\nA,x\0y\n", "a character that no text may hold (NUL)"),
    "a kind nobody knows": ("customers.csv", "code,name\nA,B\n", "must begin with its kind"),
    "columns nobody knows": ("items.csv", "code,name,colour\nA,B,red\n", "not known: colour"),
    "a column missing": ("items.csv", "name,unit\nA,pc\n", "missing: code"),
    "a column twice": ("items.csv", "code,name,name\nA,B,C\n", "names a column twice: name"),
    "a row cut off": ("orders.csv", "number,item,quantity\nW-1,FG,5\nW-2,F\n", "Line 3 has 2 cells"),
    "a quotation mark left open": ("items.csv", 'code,name\nA,"B\nC,D\n', "cannot be read"),
    "a row that is nobody's": ("items.csv", "code,name\n,B\n", "Line 2 has no code"),
    "one item twice": ("items.csv", "code,name\nA,B\nA,C\n", "Lines 2 and 3 both say what A is"),
    "a head without rows": ("items.csv", "code,name\n", "holds no record"),
    "nothing": ("items.csv", "", "The file is empty"),
    "a million rows": ("items.csv", MILLION, "more than 100,000 rows"),
    "a cell of megabytes": ("items.csv", "code,name\nA," + "x" * 100_000 + "\n", "more than 4000 letters"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Exchange:
    return exchange(tmp_path)


def nothing_came(folder: Exchange) -> bool:
    site = folder.plant.site
    return not (Item.objects.filter(site=site).exists() or WorkOrder.objects.filter(site=site).exists())


@pytest.mark.parametrize("case", HOSTILE)
def test_each_hostile_file_is_rejected_with_its_own_reason_and_leaves_nothing(folder: Exchange, case: str) -> None:
    name, content, words = HOSTILE[case]
    folder.lay(name, content)
    folder.pull()

    assert folder.names("in") == []
    assert folder.names("rejected") == [name, f"{name}.reason.txt"]
    assert folder.names("archive") == []
    reason = folder.reason(name)
    assert words in reason, reason
    assert reason.rstrip().endswith(".")
    assert nothing_came(folder)
    (parked,) = folder.parked().values()
    assert parked.startswith(f"The file {name} was rejected whole. ")
    kept = (folder.path / "rejected" / name).read_bytes()
    assert kept == (content.encode() if isinstance(content, str) else content)


def test_no_two_hostile_files_are_given_the_same_reason(tmp_path: Path) -> None:
    reasons = {}
    for place, (case, (name, content, _words)) in enumerate(HOSTILE.items()):
        if "big" in name or "million" in case:
            continue
        (tmp_path / str(place)).mkdir()
        folder = exchange(tmp_path / str(place))
        folder.lay(name, content)
        folder.pull()
        reasons.setdefault(folder.reason(name), []).append(case)
    shared = [cases for cases in reasons.values() if len(cases) > 1]
    assert all("entit" in case for cases in shared for case in cases), shared


def test_a_bad_file_stops_no_good_one_beside_it(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("cut.xml", GOOD[:300])
    later(folder.lay("good.xml", GOOD))
    folder.pull()
    assert folder.order("W-1").state == "RELEASED"
    assert folder.names("rejected") == ["cut.xml", "cut.xml.reason.txt"]
    assert folder.names("in") == []


def test_a_manifest_that_lies_is_found_out(folder: Exchange) -> None:
    folder.lay("items.csv", MASTER["items.csv"], done=checksum(b"another file"))
    folder.pull()
    assert "The checksum in items.csv.done is" in folder.reason("items.csv")
    assert nothing_came(folder)


def test_a_table_whose_end_nobody_vouches_for_must_end_its_last_line(folder: Exchange) -> None:
    cut = MASTER["items.csv"][:-10]
    later(folder.lay("items.csv", cut, done=False), -60)
    folder.pull()
    assert "The last line is not ended, so the file may be cut off" in folder.reason("items.csv")
    assert nothing_came(folder)


def test_a_name_used_before_with_another_content_is_refused_and_the_first_stays_in_the_archive(
    folder: Exchange,
) -> None:
    folder.lay("items.csv", "code,unit\nA,pc\n")
    folder.pull()
    folder.lay("items.csv", "code,unit\nB,pc\n")
    folder.pull()
    assert "A file named items.csv was taken before with another content" in folder.reason("items.csv")
    assert (folder.path / "archive" / "items.csv").read_text() == "code,unit\nA,pc\n"
    assert list(Item.objects.filter(site=folder.plant.site).values_list("code", flat=True)) == ["A"]


def test_where_the_erp_may_use_a_name_again_both_contents_are_taken_and_kept(tmp_path: Path) -> None:
    folder = exchange(tmp_path, same_name="yes")
    for code in ("A", "B", "C"):
        folder.lay("items.csv", f"code,unit\n{code},pc\n")
        folder.pull()
    assert Item.objects.filter(site=folder.plant.site).count() == 3
    kept = [
        (folder.path / "archive" / name).read_text()[10] for name in folder.names("archive") if "result" not in name
    ]
    assert sorted(kept) == ["A", "B", "C"]
    assert folder.names("rejected") == []


def test_the_same_rejected_name_twice_loses_neither(folder: Exchange) -> None:
    for text in ("code,colour\nA,red\n", "code,shape\nA,round\n"):
        folder.lay("items.csv", text)
        folder.pull()
    assert folder.names("rejected") == ["items.1.csv", "items.1.csv.reason.txt", "items.csv", "items.csv.reason.txt"]
    assert "colour" in folder.reason("items.1.csv")
    assert "shape" in folder.reason("items.csv")


def test_a_file_swapped_while_it_is_taken_is_taken_anew(folder: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and archiving another content comes under the name: the first is in, the second is judged."""
    path = folder.lay("items.csv", "code,unit\nA,pc\n")
    whole = folders.Folder.archive

    def swapped(self: folders.Folder, one: folders.Arrived) -> bool:
        path.write_text("code,unit\nB,pc\n")
        monkeypatch.setattr(folders.Folder, "archive", whole)
        return whole(self, one)

    monkeypatch.setattr(folders.Folder, "archive", swapped)
    folder.pull()
    assert folder.names("in") == ["items.csv", "items.csv.done"]
    folder.pull()
    assert set(Item.objects.filter(site=folder.plant.site).values_list("code", flat=True)) == {"A", "B"}
    assert folder.names("in") == []


def test_a_link_to_somewhere_else_is_not_followed(folder: Exchange, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("code,unit\nA,pc\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "items.csv").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "items.csv.done").touch()
    folder.pull()
    assert "It is no ordinary file but a link" in folder.reason("items.csv")
    assert nothing_came(folder)


def test_names_of_unusual_signs_are_rejected_under_plainer_ones(folder: Exchange) -> None:
    folder.lay("items\n<b>.csv", MASTER["items.csv"])
    folder.lay("orders-" + "x" * 230 + ".csv", "number,item,quantity\nW-1,FG,1\n")
    folder.pull()
    assert "items__b_.csv" in folder.names("rejected")
    assert len(folder.names("rejected")) == 4
    assert nothing_came(folder)


def test_a_full_disk_leaves_the_file_where_it_is_and_it_is_taken_when_there_is_room(
    folder: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    folder.lay("items.csv", MASTER["items.csv"])
    with monkeypatch.context() as patch:
        patch.setattr(results, "lay_down", full)
        folder.pull()
    run = SyncRun.objects.filter(job__connection=folder.connection, job__entity="item").latest("pk")
    assert run.outcome == "FAILED"
    assert "No space left on device" in run.error
    folder.connection.refresh_from_db()
    assert folder.connection.failures == 1
    assert folder.names("in") == ["items.csv", "items.csv.done"]

    folder.connection.__class__.objects.filter(pk=folder.connection.pk).update(resume_at=None)
    records = InboundRecord.objects.count()
    folder.pull()
    assert folder.names("in") == []
    assert InboundRecord.objects.count() == records
    assert [outcome for _line, outcome, _reason in folder.answer("items.csv")] == ["created"] * 3


def test_a_full_disk_holds_a_completion_back_and_it_goes_out_once_there_is_room(
    folder: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.erp.completions import pumps

    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    from erp_sync.adapters.errors import Unreachable
    from erp_sync.adapters.file import FileAdapter

    adapter, fact = FileAdapter({"path": str(folder.path)}), pumps("WO-1")
    with monkeypatch.context() as patch:
        patch.setattr(handing, "write_through", full)
        with pytest.raises(Unreachable, match="No space left on device") as failure:
            adapter.push(fact)
    assert failure.value.nothing_written
    assert [name for name in folder.names("out") if not name.startswith(".")] == []
    assert folder.names("archive/out") == []
    adapter.push(fact)
    assert [name for name in folder.names("out") if not name.startswith(".")] == [f"performance_WO-1_{fact.key}.xml"]


def test_a_folder_that_is_not_mounted_is_not_made_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    folder = exchange(tmp_path / "share")
    folder.pull()
    assert not (tmp_path / "share").exists()
    folder.connection.refresh_from_db()
    assert "is not there; is the share mounted?" in folder.connection.last_error


def test_a_crash_before_the_answer_takes_the_file_again_without_doing_anything_twice(
    folder: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    from erp_sync.adapters.file import FileAdapter

    folder.lay_master_data()
    folder.lay("orders-1.csv", "number,item,quantity\nW-1,FG,5\n")
    with monkeypatch.context() as patch:
        patch.setattr(FileAdapter, "acknowledge", lambda *_: None)
        folder.pull()
    assert len([name for name in folder.names("in") if not name.endswith(".done")]) == len(MASTER) + 1
    assert folder.order("W-1").state == "RELEASED"
    folder.pull()
    assert folder.names("in") == []
    assert folder.parked() == {}
    assert WorkOrder.objects.filter(site=folder.plant.site).count() == 1


def test_a_folder_outside_the_allowed_ones_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from erp_sync.adapters.file import FileAdapter

    monkeypatch.setenv("MES_ERP_FOLDERS", str(tmp_path / "erp"))
    FileAdapter({"path": str(tmp_path / "erp" / "plant-1")})
    for path in ("/etc", str(tmp_path / "erp" / ".." / "other"), str(tmp_path / "erpx")):
        with pytest.raises(ValueError, match="one of the folders of MES_ERP_FOLDERS"):
            FileAdapter({"path": path})
