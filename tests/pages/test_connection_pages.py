"""One ERP connection at the desk: made, tested, changed and scheduled from pages; runs and records looked at."""

import uuid
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import expect

from erp_sync import credentials
from erp_sync.models import ErpConnection, InboundRecord, SyncJob, SyncRun
from tests.browser import looks_right
from tests.builders import Plant, plant
from tests.erp.conftest import scripted, site
from tests.erp.engine import Works
from tests.erp.folder import Exchange, exchange
from tests.erp.scripted import ScriptedAdapter
from tests.pages.desk import SIZES, desk, sign_in

__all__ = ["scripted", "site"]

QUERIES = {"/integrations/{0}/": 17, "/integrations/runs/{1}/": 7, "/integrations/records/{2}/": 7}


@pytest.fixture
def works(db: None) -> Plant:
    return plant()


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Exchange:
    return exchange(tmp_path)


def post(client: Client, path: str, **fields: str):
    return client.post(path, {"command_id": str(uuid.uuid4()), **fields})


def text_of(response) -> str:
    assert response.status_code in (200, 422)
    return " ".join(response.content.decode().split())


def form(path: Path, **changes: str) -> dict[str, str]:
    return {"adapter": "file", "name": "Plant folder", "s-path": str(path), "auto_release": "1"} | changes


def test_a_folder_is_connected_from_the_page_after_a_test(works: Plant, tmp_path: Path) -> None:
    client = desk(works, "erp")
    assert 'href="/integrations/new/"' in text_of(client.get("/integrations/"))
    page = text_of(client.get("/integrations/new/"))
    assert "Files (CSV, B2MML)" in page
    assert "Tryton" in page

    page = text_of(post(client, "/integrations/new/", act="test", **form(tmp_path / "missing")))
    assert "The connection does not work yet" in page
    assert "is the share mounted?" in page
    assert "Not looked at, because of what stands above." in page
    assert 'value="Plant folder"' in page
    assert not ErpConnection.objects.filter(site=works.site).exists()

    page = text_of(post(client, "/integrations/new/", act="test", **form(tmp_path)))
    assert "The connection works" in page
    assert "No order waits there yet." in page
    answer = post(client, "/integrations/new/", act="save", **form(tmp_path))
    made = ErpConnection.objects.get(site=works.site)
    assert answer["Location"] == f"/integrations/{made.pk}/"
    assert (made.name, made.adapter, made.settings["path"]) == ("Plant folder", "file", str(tmp_path))
    assert made.jobs.count() == 7
    page = text_of(client.get(f"/integrations/{made.pk}/"))
    assert "Plant folder" in page
    assert str(tmp_path) in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "a name of 1 to 60 characters is needed"),
        ({"s-path": "etc"}, "The setting path must be the full path of a folder"),
        ({"s-path": ""}, "The setting path is missing."),
        ({"prefix": "12345678901"}, "at most 10 printable characters"),
        ({"name": "<script>alert(1)</script>", "s-path": "x"}, "&lt;script&gt;"),
        ({"adapter": "tryton", "s-url": "ftp://erp"}, "The setting"),
    ],
)
def test_what_cannot_work_is_said_in_the_form_and_what_was_typed_stays(
    works: Plant, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    answer = post(desk(works, "erp"), "/integrations/new/", act="save", **form(tmp_path, **changes))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not ErpConnection.objects.filter(site=works.site).exists()


def test_a_password_is_written_only_and_an_empty_one_keeps_what_there_is(works: Plant) -> None:
    client = desk(works, "erp")
    typed = {
        "adapter": "tryton",
        "name": "Tryton",
        "s-url": "http://127.0.0.1:9",
        "s-database": "erp",
        "s-user": "mes",
        "s-password": "s3cret-password",
    }
    page = text_of(post(client, "/integrations/new/", act="test", **typed))
    assert "The connection does not work yet" in page
    assert "Check address, network and whether the ERP runs" in page
    assert "s3cret-password" not in page

    post(client, "/integrations/new/", act="save", **typed)
    made = ErpConnection.objects.get(site=works.site)
    assert made.all_settings()["password"] == "s3cret-password"
    assert "password" not in made.settings
    path = f"/integrations/{made.pk}/"
    page = text_of(client.get(path))
    assert "s3cret-password" not in page
    assert "It is set. Leave this empty to keep it." in page

    kept = {key: value for key, value in typed.items() if key != "s-password"} | {"s-database": "other"}
    assert post(client, f"{path}edit/", **kept).status_code == 302
    made.refresh_from_db()
    assert (made.settings["database"], made.all_settings()["password"]) == ("other", "s3cret-password")
    assert post(client, f"{path}edit/", **(typed | {"s-password": "newer"})).status_code == 302
    made.refresh_from_db()
    assert credentials.unseal(bytes(made.sealed)) == {"password": "newer"}


def test_the_prefix_stays_once_orders_came_under_it(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("orders-1.csv", "number,item,quantity\nW-1,FG,5\n")
    folder.pull()
    client, path = desk(folder.plant, "erp"), f"/integrations/{folder.connection.pk}/edit/"
    answer = post(client, path, **form(folder.path, prefix="A-"))
    assert answer.status_code == 422
    assert "stand here under its prefix already" in text_of(answer)
    assert post(client, path, **form(folder.path, name="Another name")).status_code == 302
    folder.connection.refresh_from_db()
    assert folder.connection.name == "Another name"


def test_how_often_a_kind_is_fetched_is_set_on_the_page(folder: Exchange) -> None:
    client = desk(folder.plant, "erp")
    job = SyncJob.objects.get(connection=folder.connection, entity="order")
    answer = post(client, f"/integrations/jobs/{job.pk}/", seconds="600")
    assert answer["Location"].startswith(f"/integrations/{folder.connection.pk}/")
    before = job.next_due_at
    job.refresh_from_db()
    assert job.interval_seconds == 600
    assert job.next_due_at <= before
    for wrong in ("5", "soon", "", "-1", "999999999", "٣٠"):
        assert "from 10 seconds to 24 hours" in text_of(post(client, f"/integrations/jobs/{job.pk}/", seconds=wrong))


def test_a_test_of_a_stored_connection_names_each_step(folder: Exchange) -> None:
    client, path = desk(folder.plant, "erp"), f"/integrations/{folder.connection.pk}/test/"
    folder.lay("orders-1.csv", "number,item,quantity\nW-1,FG,5\n")
    page = text_of(post(client, path))
    for words in ("Settings", "Answer", "Rights and fields", "Clock", "First record", "1 order was read."):
        assert words in page
    assert folder.names("in") == ["orders-1.csv", "orders-1.csv.done"]
    assert not InboundRecord.objects.filter(connection=folder.connection).exists()


def test_a_run_shows_what_became_of_each_record_and_a_record_its_words(folder: Exchange) -> None:
    folder.lay_master_data()
    folder.lay("orders-1.csv", "number,item,quantity\nW-1,FG,5\nW-2,NOBODY,5\n")
    folder.pull()
    client = desk(folder.plant, "auditor")
    run = SyncRun.objects.get(job__connection=folder.connection, job__entity="order")
    page = text_of(client.get(f"/integrations/runs/{run.pk}/"))
    assert page.count('data-testid="record"') == 2
    assert "item NOBODY is not known" in page
    record = InboundRecord.objects.get(connection=folder.connection, key="W-2")
    page = text_of(client.get(f"/integrations/records/{record.pk}/"))
    assert "NOBODY" in page
    assert "item NOBODY is not known" in page
    assert "set-aside" not in page


def test_a_record_that_nothing_will_cure_is_set_aside_with_its_reason(folder: Exchange) -> None:
    folder.lay("orders-1.csv", "number,colour\nW-1,red\n")
    folder.pull()
    record = InboundRecord.objects.get(connection=folder.connection, state="PARKED")
    client, path = desk(folder.plant, "erp"), f"/integrations/records/{record.pk}/"
    assert "The file orders-1.csv was rejected whole." in text_of(client.get(path))
    assert post(client, f"{path}aside/", reason=" ").status_code == 422
    assert post(client, f"{path}aside/", reason="Sent again as orders-2.csv.").status_code == 302
    record.refresh_from_db()
    assert record.state == "SET_ASIDE"
    assert "Sent again as orders-2.csv." in record.reason
    folder.pull()
    record.refresh_from_db()
    assert record.state == "SET_ASIDE"
    answer = post(client, f"{path}aside/", reason="Again")
    assert answer.status_code == 422
    assert "waits for nothing any more" in text_of(answer)


@pytest.mark.parametrize(
    ("role", "looks", "changes"),
    [("operator", 403, 403), ("auditor", 200, 403), ("planner", 200, 403), ("admin", 200, 302)],
)
def test_who_may_look_and_who_may_change(folder: Exchange, role: str, looks: int, changes: int) -> None:
    client, own = desk(folder.plant, role), f"/integrations/{folder.connection.pk}/"
    assert client.get(own).status_code == looks
    assert client.get("/integrations/new/").status_code == (200 if changes == 302 else 403)
    assert post(client, f"{own}edit/", **form(folder.path)).status_code == changes
    job = folder.connection.jobs.first()
    assert post(client, f"/integrations/jobs/{job.pk}/", seconds="60").status_code == changes
    assert post(client, f"{own}test/").status_code == (200 if changes == 302 else 403)


def test_another_sites_connection_is_neither_shown_nor_touched(folder: Exchange, works: Plant) -> None:
    folder.lay("orders-1.csv", "number,colour\nW-1,red\n")
    folder.pull()
    record = InboundRecord.objects.get(connection=folder.connection)
    stranger, own = desk(works, "erp"), f"/integrations/{folder.connection.pk}/"
    for path in (own, f"/integrations/records/{record.pk}/", f"/integrations/runs/{record.run_id}/"):
        assert stranger.get(path).status_code == 404
    job = folder.connection.jobs.first()
    for path in (
        f"{own}edit/",
        f"{own}test/",
        f"/integrations/jobs/{job.pk}/",
        f"/integrations/records/{record.pk}/aside/",
    ):
        assert post(stranger, path, seconds="60", reason="x").status_code == 404


def test_a_question_is_answered_on_the_page_and_the_message_goes_through(
    site: Works, scripted: type[ScriptedAdapter]
) -> None:
    from erp_sync.adapters.errors import NeedsDecision
    from erp_sync.facts import OrderCompletion

    def asks(fact: OrderCompletion) -> None:
        raise NeedsDecision("under", "Less resin than planned: 2.1 kg of at least 2.25 kg.")

    order = site.erp_order()
    site.finish(order)
    scripted.script.append(asks)
    site.work()
    message = site.message(order)
    client = desk(site.plant, "erp")
    assert "Less resin than planned" in text_of(client.get("/integrations/messages/"))
    assert post(client, f"/integrations/messages/{message.pk}/retry/", accept="1").status_code == 302
    site.hurry()
    site.tell()
    message.refresh_from_db()
    assert (message.state, message.accepted) == ("POSTED", ["under"])
    assert f"push {order.number} under" in scripted.calls
    assert site.state(order) == "CLOSED"


@pytest.mark.parametrize("path", QUERIES)
def test_a_page_takes_the_same_queries_however_much_there_is(
    folder: Exchange, path: str, django_assert_max_num_queries: object
) -> None:
    folder.lay("orders-1.csv", "number,item,quantity\nW-1,FG,5\n")
    folder.pull()
    run = SyncRun.objects.filter(job__connection=folder.connection).latest("pk")
    record = InboundRecord.objects.get(connection=folder.connection)
    client, where = desk(folder.plant, "erp"), path.format(folder.connection.pk, run.pk, record.pk)
    client.get(where)
    with django_assert_max_num_queries(QUERIES[path]) as few:  # type: ignore[operator]
        client.get(where)
    for place in range(5):
        folder.lay(f"orders-1{place}.csv", f"number,item,quantity\nW-1{place},FG,5\n")
        folder.pull()
    InboundRecord.objects.filter(connection=folder.connection).update(run=run)
    with django_assert_max_num_queries(len(few.captured_queries)):  # type: ignore[operator]
        client.get(where)


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size", "theme"), SIZES, ids=[size[0] for size in SIZES])
def test_the_pages_look_right_and_work_in_the_browser(tmp_path: Path, open_page, name, size, theme) -> None:
    folder = exchange(tmp_path)
    folder.lay_master_data()
    folder.lay("orders-1.csv", "number,item,quantity,need_date\nW-1,FG,5,2026-12-01\nW-2,NOBODY,5,\nW-3,FG,few,soon\n")
    folder.lay("orders-cut.csv", "number,item\nW-1\n")
    folder.pull()
    page = sign_in(open_page(size, theme=theme), folder.plant, "erp", "/integrations/")
    looks_right(page, f"connections-folder-{name}-{theme}")
    page.get_by_role("link", name=folder.connection.name).first.click()
    page.get_by_test_id("test").click()
    expect(page.get_by_test_id("steps")).to_contain_text("The connection works")
    looks_right(page, f"connection-{name}-{theme}")
    page.get_by_test_id("run").first.get_by_role("link").click()
    looks_right(page, f"erp-run-{name}-{theme}")
    page.goto(page.url.split("/integrations/")[0] + "/integrations/")
    page.get_by_test_id("incomplete-record").first.get_by_role("link").click()
    looks_right(page, f"erp-record-{name}-{theme}")
    page.get_by_label("Why?").fill("Sent again")
    page.get_by_test_id("set-aside").click()
    expect(page.locator(".mes-toast, .mes-banner").filter(has_text="is set aside").first).to_be_visible()
    page.goto(page.url.split("/integrations/")[0] + "/integrations/new/")
    page.get_by_label("Name", exact=True).fill("Another folder")
    page.get_by_label("Folder", exact=True).fill(str(folder.path / "not-there"))
    page.get_by_test_id("test").click()
    expect(page.get_by_test_id("steps")).to_contain_text("does not work yet")
    looks_right(page, f"connection-new-{name}-{theme}")
