"""Items, versions of components and steps, and their history: what is kept, what is refused."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mes.accounts.models import ROLES
from mes.accounts.policies import may
from mes.kernel.models import Event
from mes.screens.settings.versions import MOST, next_version
from tests.browser import DESK, TERMINAL, looks_right
from tests.builders import Plant, plant
from tests.pages.desk import desk, sign_in
from tests.pages.item_forms import IMPORT, ITEMS, bom, outcomes, paste, post, routing, text_of
from workorders.models import BillOfMaterials, BomLine, Item, Routing, WorkOrder

HOSTILE = ["<script>alert(1)</script>", "a\0b", "a\u202eb", "=1+1", "x" * 5000, "' OR 1=1 --", "{{ 7|add:7 }}"]


@pytest.fixture
def works(db: None) -> Plant:
    made = plant()
    made.work_center()
    for code in ("FG", "RM", "BOX"):
        made.item(code)
    return made


def test_an_item_is_keyed_in_changed_and_its_code_stays(works):
    client = desk(works, "planner")
    row = {"code": "NEW/1", "name": "New", "unit": "pc", "tracking": "LOT", "over_percent": "5", "active": "yes"}
    answer = post(client, ITEMS, act="add", **row)
    item = Item.objects.get(site=works.site, code="NEW/1")
    assert answer.headers["Location"] == f"{ITEMS}~{item.pk}/"
    assert "Item NEW/1 is made." in text_of(client.get(answer.headers["Location"]))
    assert "exists already" in text_of(post(client, ITEMS, act="add", **row))
    changed = post(client, f"{ITEMS}~{item.pk}/", act="change", **row | {"code": "OTHER", "name": "Newer"})
    assert changed.status_code == 302
    item.refresh_from_db()
    assert (item.code, item.name, item.over_percent) == ("NEW/1", "Newer", 5)
    event = Event.objects.get(subject=f"item:{item.pk}", name="masterdata.changed")
    assert event.payload["before"] == {"name": "New"}
    assert "name: New → Newer" in text_of(client.get(f"{ITEMS}~{item.pk}/"))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["code", "name", "unit", "tracking", "over_percent", "active"])
def test_hostile_texts_about_items_are_text_or_refused(works, field, text):
    client = desk(works, "planner")
    row = {"code": "NEW", "name": "New", "unit": "pc", "tracking": "LOT", "over_percent": "0", "active": "yes"}
    answer = post(client, ITEMS, act="add", **row | {field: text})
    assert answer.status_code in (302, 422)
    for page in (answer, client.get(ITEMS), client.get(ITEMS, {"q": text, "from": text})):
        assert "<script>alert" not in page.content.decode()
    assert client.get(f"{ITEMS}{text.replace('/', '')[:80]}/").status_code in (200, 404)


def test_a_version_of_components_is_keyed_in_and_is_the_active_one(works):
    works.item("STEEL", unit="kg")
    client = desk(works, "planner")
    assert "No components yet" in text_of(client.get(f"{ITEMS}FG/"))
    answer = bom(client, lines=[("STEEL", "2,5"), ("", ""), ("BOX", "1", "pc", "20")])
    assert answer.headers["Location"] == f"{ITEMS}FG/", text_of(answer)
    kept = BillOfMaterials.objects.get(item__site=works.site, item__code="FG")
    lines = kept.lines.order_by("id").values_list("item__code", "quantity_per", "unit__code", "operation")
    assert [(a, str(b), c, d) for a, b, c, d in lines] == [
        ("STEEL", "2.500000", "kg", None),
        ("BOX", "1.000000", "pc", 20),
    ]
    shown = text_of(client.get(f"{ITEMS}FG/"))
    assert "Components 1 · Added" in shown
    assert "STEEL Item STEEL 2.5 kg the first step" in shown
    assert "Goes into FG" in text_of(client.get(f"{ITEMS}BOX/"))
    form = client.get(f"{ITEMS}FG/bom/").content.decode()
    assert 'name="version" value="2"' in form
    assert form.count('data-testid="version-line"') == 6


def test_a_kept_version_never_changes_by_a_form_and_a_used_one_not_by_a_table_either(works):
    client = desk(works, "planner")
    bom(client)
    routing(client)
    again = bom(client, lines=[("RM", "3")])
    assert again.status_code == 422
    assert "The version 1 exists already" in text_of(again)
    assert 'value="3"' in again.content.decode(), "what was typed stays"
    row = "item,version,component,quantity_per\nFG,1,RM,4\n"
    assert outcomes(paste(client, "boms", row))[0].startswith("2 | FG 1 | changed")
    post(client, "/orders/new/", number="U1", item="FG", quantity="1")
    order = WorkOrder.objects.get(site=works.site, number="U1")
    assert order.state == "PLANNED", order.blockers
    released = post(client, "/orders/U1/", act="release")
    order.refresh_from_db()
    assert order.state == "RELEASED", text_of(released)
    refused = outcomes(paste(client, "boms", row.replace(",4", ",5")))[0]
    assert "Version 1 of FG was used by a released order and never changes" in refused
    steps = "item,version,sequence,work_center\nFG,1,30,WC1\n"
    assert "never changes" in outcomes(paste(client, "routings", steps))[0]
    assert outcomes(paste(client, "boms", row))[0].startswith("2 | FG 1 | was there already")
    assert outcomes(paste(client, "boms", row.replace("FG,1", "FG,2")))[0].startswith("2 | FG 2 | created")


def test_an_older_version_is_made_active_again_by_its_button(works):
    client = desk(works, "planner")
    bom(client)
    bom(client, "2", lines=[("BOX", "1")])
    first = BillOfMaterials.objects.get(item__site=works.site, version="1")
    shown = client.get(f"{ITEMS}FG/?bom={first.pk}").content.decode()
    assert "Plan by this version" in shown
    assert post(client, f"{ITEMS}FG/", act="activate", kind="bom", id=first.pk).status_code == 302
    active = BillOfMaterials.objects.filter(item__site=works.site, is_active=True)
    assert [one.version for one in active] == ["1"]
    for kind, pk in (("bom", "0"), ("king", first.pk), ("bom", "x"), ("bom", 2**62)):
        assert post(client, f"{ITEMS}FG/", act="activate", kind=kind, id=pk).status_code in (404, 422)
    elsewhere = plant()
    elsewhere.item("FG")
    theirs = desk(elsewhere, "planner")
    assert post(theirs, f"{ITEMS}FG/", act="activate", kind="bom", id=first.pk).status_code == 404


def test_steps_are_keyed_in_with_decimal_commas_and_instructions_of_several_lines(works):
    client = desk(works, "planner")
    answer = routing(
        client, "A", lines=[("20", "Turn", "WC1", "", "2"), ("10", "Saw", "WC1", "5", "1,5", "First.\r\nThen.", "yes")]
    )
    assert answer.status_code == 302, text_of(answer)
    steps = Routing.objects.get(item__site=works.site, version="A").steps.all()
    assert [(s.sequence, str(s.run_minutes_per_unit), s.instruction, s.overlap) for s in steps] == [
        (10, "1.500000", "First.\nThen.", True),
        (20, "2.000000", "", False),
    ]
    assert 'name="version" value="B"' in client.get(f"{ITEMS}FG/routing/").content.decode()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([("", "")], "at least one line"),
        ([("NONE", "1")], "NONE"),
        ([("FG", "1")], "component of itself"),
        ([("RM", "")], "a number is needed"),
        ([("RM", "0")], "greater than zero"),
        ([("RM", "1"), ("RM", "2")], "stands twice"),
        ([("RM", "1", "pc", "x")], "whole number"),
    ],
)
def test_components_that_cannot_be_kept_say_why(works, lines, why):
    answer = bom(desk(works, "planner"), lines=lines)
    assert answer.status_code == 422
    assert why in text_of(answer)
    assert not BillOfMaterials.objects.filter(item__site=works.site).exists()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_in_lines_are_refused_and_shown_as_text(works, text):
    client = desk(works, "planner")
    for answer in (
        bom(client, lines=[(text, "1")]),
        bom(client, lines=[("RM", text)]),
        bom(client, lines=[("RM", "1", "pc", text)]),
        routing(client, lines=[("10", "Saw", text)]),
        routing(client, lines=[(text, "Saw", "WC1")]),
    ):
        assert answer.status_code == 422
        assert "<script>alert" not in answer.content.decode()
    for answer in (
        bom(client, version=text),
        routing(client, version=text),
        routing(client, "9", [("10", text, "WC1")]),
    ):
        assert answer.status_code in (302, 422)
    assert "<script>alert" not in client.get(f"{ITEMS}FG/").content.decode()


def test_more_lines_keep_what_was_typed(works):
    answer = bom(desk(works, "planner"), lines=[("RM", "2")], act="more")
    page = answer.content.decode()
    assert page.count('data-testid="version-line"') == 9
    assert 'value="RM"' in page
    assert not BillOfMaterials.objects.filter(item__site=works.site).exists()


def test_a_version_too_long_for_the_form_is_not_cut_off(works):
    long = BillOfMaterials.objects.create(
        site=works.site, item=Item.objects.get(site=works.site, code="FG"), version="1"
    )
    raw = Item.objects.get(site=works.site, code="RM")
    BomLine.objects.bulk_create(
        BomLine(bom=long, item=raw, quantity_per=1, unit=raw.unit, operation=n) for n in range(MOST + 1)
    )
    page = text_of(desk(works, "planner").get(f"{ITEMS}FG/bom/"))
    assert "more lines than this page takes" in page
    assert "Keep this version" not in page


@pytest.mark.parametrize(
    ("known", "proposed"),
    [
        ([], "1"),
        (["1"], "2"),
        (["9", "10"], "11"),
        (["B7"], "B8"),
        (["C"], "D"),
        (["Z"], "Z-2"),
        (["1", "2", "1"], "3"),
    ],
)
def test_the_next_version_is_proposed(known, proposed):
    assert next_version(known) == proposed


@pytest.mark.parametrize("role", [code for code, _name in ROLES])
def test_who_may_not_keep_master_data_may_look_at_it(works, role):
    client = desk(works, role)
    assert client.get(ITEMS).status_code == 200
    assert client.get(f"{ITEMS}FG/").status_code == 200
    for right, answer in (
        ("save_item", post(client, ITEMS, act="add", code="X", unit="pc")),
        ("import_boms", bom(client)),
        ("import_routings", routing(client)),
    ):
        assert (answer.status_code == 403) != may(role, right), right
    assert client.get(IMPORT).status_code == (200 if may(role, "view_settings") else 403)


def test_items_of_another_plant_are_not_there(works):
    other = plant()
    client = desk(other, "planner")
    item = Item.objects.get(site=works.site, code="FG")
    for path in ("FG/", f"~{item.pk}/", "FG/bom/", "FG/routing/", "~x/", f"~{2**70}/"):
        assert client.get(f"{ITEMS}{path}").status_code == 404


def test_lists_ask_as_often_for_many_items_as_for_one(works):
    client = desk(works, "planner")
    bom(client)
    routing(client)

    def counts() -> list[int]:
        found = []
        for path in (ITEMS, f"{ITEMS}FG/", f"{ITEMS}FG/bom/", f"{ITEMS}FG/routing/", IMPORT):
            client.get(path)
            with CaptureQueriesContext(connection) as asked:
                assert client.get(path).status_code == 200
            found.append(len(asked))
        return found

    before = counts()
    assert before[0] <= 4
    assert before[1] <= 12
    for number in range(8):
        works.item(f"C{number}")
        works.work_center(f"W{number}")
    lines = [(f"C{number}", "1") for number in range(8)]
    assert bom(client, "2", lines).status_code == 302
    assert routing(client, "2", [(str(n), "x", f"W{n}") for n in range(1, 8)]).status_code == 302
    assert counts() == before


@pytest.mark.browser
def test_the_pages_of_items_look_right(open_page):
    works = plant()
    works.work_center()
    for code in ("FG", "RM", "BOX"):
        works.item(code)
    client = desk(works, "planner")
    bom(client)
    bom(client, "2", [("BOX", "1", "pc", "10"), ("RM", "2")])
    routing(client, lines=[("10", "Saw", "WC1", "5", "1.5", "Mind the burr, and keep the guard closed.")])
    works.item("x" * 64)
    for name, size, theme in [("1280", TERMINAL, "dark"), ("1440", DESK, "light")]:
        page = sign_in(open_page(size, theme=theme), works, "admin", ITEMS)
        page.wait_for_url(f"**{ITEMS}")
        base = page.url.partition("/settings/")[0]
        paths = ["items/?act=add", "items/FG/", "items/FG/bom/", "items/FG/routing/", "import/?kind=routings"]
        for place, path in enumerate(paths):
            page.goto(f"{base}/settings/{path}")
            looks_right(page, f"items-{place}-{name}", whole=True)
        page.goto(f"{base}{IMPORT}?kind=items")
        page.get_by_label("or paste the table").fill("code\tunit\nN1\tpc\nN2\t\n")
        page.get_by_role("button", name="Import", exact=True).click()
        page.get_by_test_id("result-row").nth(1).wait_for()
        looks_right(page, f"items-results-{name}", whole=True)
