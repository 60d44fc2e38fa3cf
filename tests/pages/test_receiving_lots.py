"""The page where lots are received: one by hand, a file of many."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import expect

from mes.screens.desk import receive
from tests.browser import DESK, TERMINAL, looks_right
from tests.builders import Plant, command_id, plant
from tests.pages.desk import desk, sign_in
from tests.pages.test_lot_pages import text_of
from traceability.models import LotBalance, MaterialLot


@pytest.fixture
def works(db) -> Plant:
    return plant()


def upload(client: Client, content: str | bytes, **fields):
    body = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("lots.csv", body, content_type="text/csv")
    return client.post("/trace/receive/", {"by": "file", "file": file, "command_id": command_id(), **fields})


def outcomes(response) -> list[str]:
    """What the page says of each line, in words."""
    found = []
    for row in re.findall(r'data-testid="result-row">(.*?)</tr>', text_of(response)):
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)
        found.append(" | ".join(re.sub(r"<[^>]+>", "", cells[place]).strip() for place in (0, 1, 4, 5)))
    return found


def test_one_lot_is_received_by_hand(works):
    works.item("RAW", unit="kg")
    client = desk(works)
    assert "Item RAW" in text_of(client.get("/trace/receive/"))
    row = {"item": "RAW", "number": "R-1", "quantity": "12,5", "location": "RACK-7", "expiry": "2027-03-31"}
    answer = client.post("/trace/receive/", {"by": "hand", "command_id": command_id(), **row})
    lot = MaterialLot.objects.get(site=works.site, number="R-1")
    assert answer["Location"] == f"/trace/lot/~{lot.pk}/"
    assert str(lot.received_quantity) == "12.500000"
    assert "Lot R-1 is received." in text_of(client.get(answer["Location"]))
    again = client.post("/trace/receive/", {"by": "hand", "command_id": command_id(), **row}, follow=True)
    assert "Lot R-1 was there already." in text_of(again)
    other = client.post("/trace/receive/", {"by": "hand", "command_id": command_id(), **row, "quantity": "13"})
    assert other.status_code == 422
    assert "exists already with another received_quantity" in text_of(other)
    assert 'value="13"' in text_of(other)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"item": "NONE"}, "NONE"),
        ({"quantity": "many"}, "is not a number"),
        ({"quantity": "-1"}, "greater than zero"),
        ({"expiry": "tomorrow"}, "a date such as"),
        ({"number": "~1"}, "must not begin with a tilde"),
        ({"number": ""}, "number"),
    ],
)
def test_a_lot_that_cannot_be_received_says_why(works, typed, why):
    works.item("RAW")
    row = {"item": "RAW", "number": "R-1", "quantity": "5", **typed}
    answer = desk(works).post("/trace/receive/", {"by": "hand", "command_id": command_id(), **row})
    assert answer.status_code == 422
    assert "The lot was not received." in text_of(answer)
    assert why in text_of(answer)
    assert not MaterialLot.objects.filter(site=works.site).exists()


def test_receiving_is_for_those_who_may(works):
    works.item("RAW")
    operator = desk(works, "operator")
    assert operator.get("/trace/receive/").status_code == 403
    assert upload(operator, "item,number,quantity\nRAW,R-1,5\n").status_code == 403
    assert not MaterialLot.objects.filter(site=works.site).exists()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "text",
    [
        "item,number,quantity,location\nRAW,R-1,5,A\nRAW,R-2,2.5,\n",
        "Item;Number;Quantity;Location\r\nRAW;R-1;5;A\r\n\r\nRAW;R-2;2,5;\r\n",
        '"number","item","quantity"\n"R-1","RAW","5"\n"R-2","RAW","2.5"',
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(works, mark, text):
    works.item("RAW", unit="kg")
    answer = upload(desk(works), mark + text)
    assert answer.status_code == 200
    assert [line.partition(" | ")[2] for line in outcomes(answer)] == ["R-1 | received | ", "R-2 | received | "]
    found = MaterialLot.objects.filter(site=works.site).order_by("number").values_list("received_quantity", flat=True)
    assert [str(quantity) for quantity in found] == ["5.000000", "2.500000"]


def test_each_line_of_a_file_is_answered_and_a_bad_one_leaves_the_others(works):
    works.item("RAW")
    works.lot("RAW", "OLD", 7)
    text = "item,number,quantity\nRAW,OLD,7\nRAW,=1+1,5\nRAW,@SUM(A1),x\nNONE,R-3,1\nRAW,R-4,1,,more\nRAW,R-5,1\n"
    answer = upload(desk(works), text + 'RAW,"<script>alert(1)</script>",1\nRAW,R-7,"1,000"\nRAW,R-8,0.5\n')
    said = outcomes(answer)
    assert answer.status_code == 200
    assert said[0] == "2 | OLD | was there already | "
    assert said[1] == "3 | =1+1 | received | "
    assert said[2].startswith("4 | @SUM(A1) | rejected | ")
    assert "is not a number" in said[2]
    assert "NONE" in said[3]
    assert said[4] == "6 | R-4 | rejected | There are more cells than columns."
    assert said[5] == "7 | R-5 | received | "
    assert "<script>alert" not in answer.content.decode()
    assert "&lt;script&gt;alert(1)" in said[6]
    assert "is not a number" in said[7]
    assert "whole pieces" in said[8]
    numbers = set(MaterialLot.objects.filter(site=works.site).values_list("number", flat=True))
    assert numbers == {"OLD", "=1+1", "R-5", "<script>alert(1)</script>"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf \r\n", "The file is empty"),
        (b"item,number,quantity\n", "holds no record"),
        ("item,number,quantity\nRAW,Gr\u00f6\u00dfe,1\n".encode("latin-1"), "not text in UTF-8"),
        ("item,number,quantity\nRAW,R-1,1\n".encode("utf-16"), "not text in UTF-8"),
        (bytes(range(256)) * 20, "not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not text in UTF-8"),
        (b"item,quantity\nRAW,1\n", "missing: number"),
        (b"RAW,R-1,5\n", "missing: item, number, quantity"),
        (b"item,number,quantity,colour\nRAW,R-1,1,red\n", "not known: colour"),
        (b"item,number,quantity,item\nRAW,R-1,1,RAW\n", "a column twice: item"),
        (b'item,number,quantity\n"' + b"x" * 140_000 + b'",1,1\n', "cannot be read"),
        (b"item,number,quantity\n" + b"RAW,R,1\n" * 5001, "more than 5,000 lines"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MB"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(works, content, why):
    works.item("RAW")
    answer = upload(desk(works), content)
    assert answer.status_code == 422
    assert "no lot was received" in text_of(answer) or why == "The file is empty"
    assert why in text_of(answer)
    assert not MaterialLot.objects.filter(site=works.site).exists()


def test_no_file_at_all_and_a_file_of_which_nothing_is_taken_say_so(works):
    client = desk(works)
    answer = client.post("/trace/receive/", {"by": "file", "command_id": command_id()})
    assert answer.status_code == 422
    assert "Choose a file." in text_of(answer)
    assert upload(client, "item,number,quantity\nNONE,R-1,1\n").status_code == 422


def test_the_same_file_sent_twice_receives_once_even_in_batches(works, monkeypatch):
    monkeypatch.setattr(receive, "BATCH", 2)
    works.item("RAW")
    client, same = desk(works), command_id()
    text = "item,number,quantity\n" + "".join(f"RAW,R-{place},5\n" for place in range(5))
    first = outcomes(upload(client, text, command_id=same))
    assert outcomes(upload(client, text, command_id=same)) == first
    assert [line.split(" | ")[2] for line in outcomes(upload(client, text))] == ["was there already"] * 5
    assert sum(LotBalance.objects.filter(lot__site=works.site).values_list("quantity", flat=True)) == 25


@pytest.mark.browser
def test_receiving_looks_right(open_page):
    works = plant()
    works.item("RAW")
    for name, size in [("1280", TERMINAL), ("1440", DESK)]:
        page = sign_in(open_page(size), works, "admin", "/trace/receive/")
        expect(page.get_by_role("heading", name="Receive lots")).to_be_visible()
        looks_right(page, f"receive-{name}")
        lots = f"item,number,quantity\nRAW,{name}-1,5\nRAW,{name}-2,x\nNONE,{name}-3,1\n"
        file = {"name": "lots.csv", "mimeType": "text/csv", "buffer": lots.encode()}
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Receive the file").click()
        expect(page.get_by_test_id("result-row")).to_have_count(3)
        looks_right(page, f"receive-results-{name}", whole=True)
