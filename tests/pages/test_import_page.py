"""The import of tables: pasted or sent, answered line by line, refused in a sentence, saved and taken back."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mes.accounts.models import ROLES
from mes.accounts.policies import may
from mes.screens.settings import import_page
from tests.builders import Plant, command_id, plant
from tests.pages.desk import desk
from tests.pages.item_forms import IMPORT, bom, outcomes, paste, routing, text_of, upload
from workorders.models import BillOfMaterials, Item, WorkCenter, WorkOrder

HOSTILE = ["<script>alert(1)</script>", "a\0b", "a\u202eb", "=1+1", "x" * 5000, "' OR 1=1 --", "{{ 7|add:7 }}"]


@pytest.fixture
def works(db: None) -> Plant:
    made = plant()
    made.work_center()
    for code in ("FG", "RM", "BOX"):
        made.item(code)
    return made


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("way", [paste, upload])
def test_a_table_is_taken_as_spreadsheets_give_it(works, separator, mark, way):
    lines = ["Code,Unit,Name,Over percent", "N1,kg,One,2.5", "", "N2,pc,Two,"]
    text = mark + "\r\n".join(line.replace(",", separator) for line in lines)
    if separator != ",":
        text = text.replace("2.5", "2,5")
    answer = way(desk(works, "planner"), "items", text.encode() if way is upload else text)
    assert answer.status_code == 200, text_of(answer)
    assert outcomes(answer) == ["2 | N1 | created", "4 | N2 | created"]
    assert str(Item.objects.get(site=works.site, code="N1").over_percent) == "2.50"


def test_each_line_is_answered_and_a_bad_one_leaves_the_others(works):
    text = "code,unit,tracking\nFG,pc,LOT\nN1,pc,DICE\nN2,,\n=1+1,pc,LOT\n'=2,pc,\n<b>,pc,\nN3,pc,LOT,more\nN4,pc,LOT\n"
    answer = paste(desk(works, "planner"), "items", text)
    said = outcomes(answer)
    assert answer.status_code == 200
    assert said[0] == "2 | FG | was there already"
    assert "choose one of NONE, LOT, SERIAL" in said[1]
    assert "a unit of 1 to 20 characters" in said[2]
    assert said[3].startswith("5 | =1+1 | created")
    assert said[4].startswith("6 | =2 | created"), "the apostrophe of a saved file is taken off again"
    assert said[5].startswith("7 | <b> | created")
    assert said[6] == "8 | N3 | rejected | There are more cells than columns."
    assert said[7] == "9 | N4 | created"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Choose a file, or paste a table."),
        (b" \n", "file is empty"),
        (b"code,unit\n", "holds no record"),
        ("code,unit\nGr\u00f6\u00dfe,pc\n".encode("latin-1"), "not text in UTF-8"),
        ("code,unit\nN1,pc\n".encode("utf-16"), "not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not text in UTF-8"),
        (b"code\nN1\n", "missing: unit"),
        (b"code,unit,colour\nN1,pc,red\n", "not known: colour"),
        (b"code,unit,code\nN1,pc,N1\n", "a column twice: code"),
        (b'code,unit\n"' + b"x" * 140_000 + b'",pc\n', "cannot be read"),
        (b"code,unit\n" + b"N,pc\n" * 5001, "more than 5,000 lines"),
    ],
)
def test_a_table_that_cannot_be_taken_says_why(works, content, why):
    before = Item.objects.count()
    answer = upload(desk(works, "planner"), "items", content) if content else paste(desk(works, "planner"), "items", "")
    assert answer.status_code == 422
    assert "Nothing was imported." in text_of(answer)
    assert why in text_of(answer)
    assert Item.objects.count() == before


def test_a_file_of_a_million_lines_is_refused_in_a_sentence_and_at_once(works):
    client = desk(works, "planner")
    million = b"code,unit\n" + b"NUMBER,pc\n" * 1_000_000
    with CaptureQueriesContext(connection) as asked:
        answer = upload(client, "items", million)
    assert answer.status_code == 422
    assert "larger than 1 MB. Divide it into several files." in text_of(answer)
    assert len(asked) < 6
    pasted = paste(client, "items", million.decode())
    assert pasted.status_code == 400
    assert "more than this page takes" in text_of(pasted)
    assert "Send it as a file" in text_of(pasted)
    assert not Item.objects.filter(site=works.site, code="NUMBER").exists()


def test_lines_of_one_version_come_in_whole_or_not_at_all(works):
    client = desk(works, "planner")
    text = "item,version,component,quantity_per\nFG,1,RM,2\nBOX,1,RM,1\nFG,1,BOX,x\nRM,1,BOX,1,,,more\nRM,1,NONE,1\n"
    said = outcomes(paste(client, "boms", text))
    assert [line.split(" | ")[2] for line in said] == ["rejected", "created", "rejected", "rejected", "rejected"]
    assert "is not a number" in said[0]
    assert "is not a number" in said[2]
    assert "more cells than columns" in said[3]
    assert "comes in whole or not at all" in said[4]
    assert [b.item.code for b in BillOfMaterials.objects.filter(item__site=works.site)] == ["BOX"]


def test_orders_come_in_as_a_table_each_with_what_stands_in_its_way(works):
    client = desk(works, "planner")
    bom(client)
    routing(client)
    text = "number;item;quantity;need_date;priority\nA1;FG;10;2027-03-31;5\nA2;BOX;1;;\nA3;FG;0,5;;\nA4;NONE;1;;\n"
    said = outcomes(paste(client, "orders", text))
    assert said[0] == "2 | A1 | created"
    assert said[1].startswith("3 | A2 | created | Item BOX has no routing.")
    assert "whole pieces" in said[2]
    assert "item NONE is not known" in said[3]
    order = WorkOrder.objects.get(site=works.site, number="A1")
    assert (order.state, order.priority, order.source) == ("PLANNED", 5, "api")
    again = outcomes(paste(client, "orders", text))
    assert again[0] == "2 | A1 | was there already"
    changed = outcomes(paste(client, "orders", text.replace("A1;FG;10", "A1;FG;12")))
    assert changed[0].startswith("2 | A1 | changed")
    assert client.get("/orders/").content.decode().count("/settings/import/?kind=orders") == 1


def test_the_same_table_sent_twice_is_one_import_even_in_batches(works, monkeypatch):
    monkeypatch.setattr(import_page, "BATCH", 2)
    client, same = desk(works, "planner"), command_id()
    text = "code,unit\n" + "".join(f"N{number},pc\n" for number in range(5))
    first = paste(client, "items", text, command_id=same)
    assert [line.split(" | ")[2] for line in outcomes(first)] == ["created"] * 5
    assert outcomes(paste(client, "items", text, command_id=same)) == outcomes(first)
    assert [line.split(" | ")[2] for line in outcomes(paste(client, "items", text))] == ["was there already"] * 5


@pytest.mark.parametrize("kind", ["items", "boms", "routings", "work-centers", "orders"])
def test_what_is_saved_as_a_file_comes_back_in_unchanged(works, kind):
    client = desk(works, "admin")
    paste(client, "items", "code,unit,name\n=SUM(A1),pc,-plus\n")
    WorkCenter.objects.create(site=works.site, code="+W", name="@work")
    bom(client, lines=[("RM", "2.5"), ("=SUM(A1)", "1", "pc", "10")])
    routing(client, lines=[("10", "=cut", "+W", "1", "2", 'First.\nThen, "more".', "yes")])
    paste(client, "orders", "number,item,quantity,need_date\n-7,FG,10,2027-03-31\n")
    saved = client.get(f"{IMPORT}{kind}.csv")
    assert saved.headers["Content-Type"].startswith("text/csv")
    content = saved.content.decode("utf-8-sig")
    for line in content.splitlines()[1:]:
        assert not re.match(r"[=+@-]", line), "a spreadsheet would compute it"
    answer = upload(client, kind, saved.content)
    assert {line.split(" | ")[2] for line in outcomes(answer)} == {"was there already"}, outcomes(answer)


@pytest.mark.parametrize("role", [code for code, _name in ROLES])
def test_a_table_comes_in_for_those_who_may_by_hand(works, role):
    client = desk(works, role)
    for kind, right in (("items", "import_items"), ("boms", "import_boms"), ("orders", "import_orders")):
        answer = paste(client, kind, "code,unit\nN1,pc\n")
        if not may(role, "view_settings"):
            assert answer.status_code == 403
        elif not may(role, right):
            assert "This may be done by:" in text_of(answer)
            assert not outcomes(answer)
    assert client.get(f"{IMPORT}items.csv").status_code == (200 if may(role, "view_settings") else 403)
