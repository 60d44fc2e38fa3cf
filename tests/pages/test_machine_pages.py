"""The pages of machines: the list with its health in words, one machine, counts without a job, a work center's day."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices import posting
from devices.actions.leases import release_groups
from devices.collector.meaning import Poll
from devices.drivers.base import Quality
from devices.models import CountEvent, Device, PollLease, Tag
from mes.kernel.scope import back_dating
from tests.browser import looks_right
from tests.builders import Doer, Plant, buckets, command_id, plant
from tests.devices.machines import Reader, a_device, a_tag, reader
from tests.devices.servers import ThreadedFaultServer
from tests.pages.desk import SIZES, desk, sign_in


@pytest.fixture
def works(db) -> Plant:
    return plant()


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def read_machine(works, name="M1", center="WC1", **fields) -> tuple[Device, dict[str, Tag], Reader]:
    """A machine that ran for the last minutes and was heard just now."""
    device = a_device(works, name, center, **fields)
    tags = {role: a_tag(works, device, role) for role in ("STATE", "GOOD", "VALUE")}
    hand = reader(device)
    hand.begun = timezone.now().timestamp() - 400
    readings = [hand.reading(tags["STATE"], after, 1) for after in range(0, 400, 5)]
    readings += [hand.reading(tags["GOOD"], 0, 5), hand.reading(tags["GOOD"], 398, 8)]
    readings.append(hand.reading(tags["VALUE"], 398, 61))
    batch = hand.batch(*readings, until=399)
    batch.polls = [Poll(device.pk, hand.begun + 399, True, 0.012, 0, "")]
    hand.store(batch)
    posting.settle()
    return device, tags, hand


def test_the_list_says_how_each_machine_is_read_and_what_it_says(works):
    device, tags, hand = read_machine(works)
    a_device(works, "M2", "WC2")
    text = text_of(desk(works).get("/settings/devices/"))
    assert re.search(rf"M1 {device.host}:502 WC1 answers running since \S+ .*good \d+ 8", text), text
    assert re.search(r"M2 .* no tags Nothing is read yet: add its first tag\.", text)
    assert "1 of 2 machines needs you" in text or "1 of 2 machines need you" in text
    hand.store(hand.batch(hand.reading(tags["VALUE"], 399.5, None, Quality.BAD_COMM)))
    assert "1 tag is bad: it does not answer in time." in text_of(desk(works).get("/settings/devices/"))


def test_a_machine_nobody_reads_says_so(works):
    device = a_device(works)
    a_tag(works, device)
    assert "No collector is running" in text_of(desk(works).get("/settings/devices/"))


def test_the_list_takes_the_same_queries_for_one_machine_as_for_twelve(works):
    client, taken = desk(works), []
    for count in (1, 11):
        for place in range(count):
            read_machine(works, f"M{count}-{place}", f"WC{count}-{place}") if count == 1 else a_tag(
                works, a_device(works, f"M{count}-{place}", f"WC{count}-{place}"), "VALUE"
            )
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/settings/devices/").status_code == 200
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 10


def test_each_role_sees_what_it_may(works):
    device = a_device(works)
    assert desk(works, "admin").get("/settings/devices/new/").status_code == 200
    for role, seen in (("supervisor", 200), ("auditor", 200), ("operator", 403)):
        assert desk(works, role).get(f"/settings/devices/{device.pk}/").status_code == seen
    assert desk(works, "supervisor").get("/settings/devices/new/").status_code == 403
    answer = desk(works, "supervisor").post(f"/settings/devices/{device.pk}/", {"act": "device", "name": "X"})
    assert answer.status_code == 403
    assert "may not do this" in text_of(answer)
    foreign = plant()
    assert desk(foreign, "admin").get(f"/settings/devices/{device.pk}/").status_code == 404


def test_a_machine_is_added_tested_looked_at_and_given_a_tag(works):
    works.work_center("WC1")
    client = desk(works, "admin")
    with ThreadedFaultServer() as plc:
        plc.registers |= {10: 0x0000, 11: 0x4272, 12: 1}
        form = {"name": "Press", "work_center": "WC1", "host": "127.0.0.1", "port": str(plc.port), "unit": "1"}
        answer = client.post("/settings/devices/new/", form | {"port": "99999", "command_id": str(command_id())})
        assert answer.status_code == 422
        assert "a whole number from 1 to 65535 is needed" in text_of(answer)
        assert 'value="Press"' in answer.content.decode()
        answer = client.post("/settings/devices/new/", form | {"command_id": str(command_id())})
        device = Device.objects.get(site=works.site)
        url = f"/settings/devices/{device.pk}/"
        assert answer.url == f"{url}?tag=new"
        tag = {
            "act": "preview", "tag": "new", "name": "Load", "role": "VALUE", "table": "HOLDING", "address": "10",
            "data_type": "FLOAT32", "byte_order": "CDAB",
        }  # fmt: skip
        shown = text_of(client.post(url, tag))
        assert "Read just now: 0000 4272" in shown
        assert re.search(r"ABCD CDAB BADC DCBA \S+ 60\.5 ", shown)
        answer = client.post(url, tag | {"act": "tag", "command_id": str(command_id())})
        assert answer.url == url
        steps = text_of(client.post(url, {"act": "test"}))
        assert f"127.0.0.1 accepts a connection at port {plc.port}." in steps
        assert "Load = 60.5" in steps
    failed = text_of(client.post(url, {"act": "test"}))
    assert "accepts no connection" in failed


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"role": "GOOD", "data_type": "FLOAT32"}, "a counter is UINT16 or UINT32"),
        ({"role": "STATE", "state_codes": ""}, "say which code means which state"),
        ({"role": "STATE", "state_codes": "1 = DANCING"}, "“DANCING” is not a state"),
        ({"role": "SCRAP"}, "choose why the machine's rejects are scrap"),
        ({"name": "a\0b"}, "plain text in one line"),
        ({"name": "x" * 61}, "1 to 60 characters are needed"),
        ({"address": "70000"}, "a whole number from 0 to 65535 is needed"),
        ({"address": "65535", "data_type": "UINT32"}, "can never be read like this"),
        ({"scale": "NaN"}, "a number from"),
        ({"bit": "99"}, "a whole number from 0 to 15 is needed"),
    ],
)
def test_a_tag_that_cannot_work_is_refused_in_words_and_nothing_typed_is_lost(works, wrong, sentence):
    device = a_device(works)
    form = {
        "act": "tag", "tag": "new", "name": "Count", "role": "VALUE", "table": "HOLDING", "address": "1",
        "data_type": "UINT16", "unit_text": "<b>x</b>", "command_id": str(command_id()),
    }  # fmt: skip
    answer = desk(works, "admin").post(f"/settings/devices/{device.pk}/", form | wrong)
    assert answer.status_code == 422
    assert sentence in text_of(answer).replace("&#x27;", "'")
    assert 'value="&lt;b&gt;x&lt;/b&gt;"' in answer.content.decode()
    assert not Tag.objects.filter(device=device).exists()


def test_a_tag_is_changed_and_switched_off(works):
    device = a_device(works)
    tag = a_tag(works, device)
    client = desk(works, "admin")
    url = f"/settings/devices/{device.pk}/"
    page = client.get(f"{url}?tag={tag.pk}").content.decode()
    assert f'value="{tag.name}"' in page
    form = {"act": "tag", "tag": tag.pk, "name": "Other", "role": "GOOD", "address": "5", "data_type": "UINT32"}
    assert client.post(url, form | {"command_id": str(command_id())}).status_code == 302
    tag.refresh_from_db()
    assert (tag.name, tag.data_type, tag.is_active) == ("Other", "UINT32", False)
    assert client.post(url, form | {"tag": "999999"}).status_code == 404
    assert client.post(url, {"act": "explode"}).status_code == 422


@pytest.fixture
def waiting(works) -> CountEvent:
    device, _tags, _hand = read_machine(works)
    return CountEvent.objects.get(tag__device=device, posting="UNASSIGNED")


def test_a_lead_books_a_count_on_a_job_or_dismisses_it(works, waiting):
    client = desk(works, "lead")
    text = text_of(client.get("/floor/counts/"))
    assert "1 count waits for its job." in text
    assert "No job ran on WC1 when it counted 3." in text
    form = {"count": waiting.pk, "command_id": str(command_id())}
    answer = client.post("/floor/counts/", form | {"act": "dismiss", "reason": " "})
    assert answer.status_code == 422
    assert "Dismissing a count needs a reason." in text_of(answer)
    assert client.post("/floor/counts/", form | {"act": "assign", "operation": ""}).status_code == 422
    assert client.post("/floor/counts/", form | {"act": "assign", "operation": "1", "count": "x"}).status_code == 404
    operation = works.operation(works.order())
    Doer(works.person()).start(operation)
    assert client.post("/floor/counts/", form | {"act": "assign", "operation": operation.pk}).status_code == 302
    assert buckets(operation)["finished"] == 3
    assert "Nothing waits" in text_of(client.get("/floor/counts/"))


def test_who_may_not_settle_sees_the_list_without_its_forms(works, waiting):
    page = desk(works, "auditor").get("/floor/counts/").content.decode()
    assert "No job ran on WC1" in page
    assert 'name="reason"' not in page
    answer = desk(works, "auditor").post("/floor/counts/", {"act": "dismiss", "count": waiting.pk, "reason": "x"})
    assert answer.status_code == 403


def test_the_list_of_counts_takes_the_same_queries_for_one_as_for_six(works, waiting):
    client, taken = desk(works, "lead"), []
    PollLease.objects.update(owner="", boot=None)
    for count in (0, 5):
        for place in range(count):
            _device, _tags, hand = read_machine(works, f"N{place}", f"NWC{place}")
            release_groups(hand.holder, [hand.device.group_id])
        with CaptureQueriesContext(connection) as queries:
            client.get("/floor/counts/")
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 8


def test_the_page_of_a_work_center_shows_its_machine_s_day(works):
    device, _tags, hand = read_machine(works)
    text = text_of(desk(works).get("/floor/wc/WC1/"))
    assert re.search(r"The machine ran 0:0[67] h of the last 24 h, with 0 faults", text), text
    assert "Counted in 24 h: 3 good, 0 rejects. 1 count waits for its job." in text
    page = desk(works).get("/floor/wc/WC1/").content.decode()
    assert 'class="st-run"' in page
    assert "style=" not in page
    hand.begun -= 3600
    Device.objects.filter(pk=device.pk).update(stale_seconds=1)
    assert "not known" in text_of(desk(works).get("/floor/wc/WC1/"))


def test_the_pad_of_a_terminal_offers_what_the_machine_proposes(works):
    from devices.queries.counts import proposed_for

    device = a_device(works, source="MACHINE_PROPOSES")
    good, bad = a_tag(works, device), a_tag(works, device, "SCRAP")
    operation = works.operation(works.order(quantity=50))
    with back_dating():
        Doer(works.person()).start(operation, at=timezone.now() - timedelta(hours=1))
    hand = reader(device)
    hand.read(good, (0, 0), (1, 7))
    hand.read(bad, (0, 0), (1, 1))
    assert proposed_for(works.site.pk, operation.pk) is None
    posting.settle()
    found = proposed_for(works.site.pk, operation.pk)
    assert found is not None
    assert (found.good, found.scrap) == (7, 1)


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size", "theme"), SIZES)
def test_they_look_right(open_page, name, size, theme):
    works = plant()
    device, tags, _hand = read_machine(works)
    a_device(works, "A machine with a long name that fills its line", "WC2")
    Doer(works.person()).start(works.operation(works.order()))
    page = sign_in(open_page(size, theme=theme), works, "admin", path="/settings/devices/")
    page.get_by_role("heading", level=1).wait_for()
    origin = page.url.split("/settings/")[0]
    for path, picture in (
        ("/settings/devices/", "machines"),
        ("/settings/devices/new/", "machine-new"),
        (f"/settings/devices/{device.pk}/", "machine"),
        (f"/settings/devices/{device.pk}/?tag={tags['STATE'].pk}", "machine-tag"),
        ("/floor/counts/", "machine-counts"),
        ("/floor/wc/WC1/", "machine-day"),
    ):
        page.goto(f"{origin}{path}")
        page.get_by_role("heading", level=1).wait_for()
        looks_right(page, f"{picture}-{name}-{theme}")
