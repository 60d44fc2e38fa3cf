"""The pages of lots: search, what a lot was made of and went into, its forms."""

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.browser import DESK, TERMINAL, looks_right
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import desk, sign_in
from traceability.actions.lots import hold_lot
from traceability.models import LotBalance, MaterialLot


def made(works: Plant, component: str, item: str, number: str = "", quantity: int = 5) -> MaterialLot:
    """A lot of ITEM out of an order that used two of the lot COMPONENT for each piece."""
    source = MaterialLot.objects.get(site=works.site, number=component)
    materials = [{"item": source.item.code, "quantity_per": "2", "operation": 10}]
    order = works.order(item, quantity, materials=materials, **({"number": number} if number else {}))
    hand, operation = Doer(works.person()), works.operation(order)
    hand.start(operation)
    hand.consume(operation, component, 2 * quantity)
    hand.complete(operation, quantity)
    return MaterialLot.objects.get(made_by=operation)


@pytest.fixture
def works(db) -> Plant:
    return plant()


def act(client: Client, lot: MaterialLot, **fields):
    return client.post(f"/trace/lot/~{lot.pk}/", {"command_id": command_id(), **fields})


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_an_empty_plant_says_where_lots_come_from(works):
    text = text_of(desk(works).get("/trace/"))
    assert "No lots yet" in text
    assert "/trace/receive/" in text
    assert "/trace/receive/" not in text_of(desk(works, "operator").get("/trace/"))


def test_lots_are_found_by_number_supplier_lot_and_item(works):
    works.item("RAW")
    works.item("OTHER")
    works.lot("RAW", "R-1", supplier_lot="HEAT-77")
    works.lot("OTHER", "X-9")
    client = desk(works)
    everything = text_of(client.get("/trace/"))
    assert everything.index("X-9") < everything.index("R-1")
    for search in ("R-", "heat-77", "Item RAW"):
        text = text_of(client.get("/trace/", {"q": search}))
        assert "R-1" in text
        assert "X-9" not in text
    assert "No lot matches" in text_of(client.get("/trace/", {"q": "<nothing>"}))


def test_the_whole_number_of_a_lot_or_an_order_leads_to_its_page(works):
    works.item("RAW")
    works.lot("RAW", "R-1")
    works.lot("RAW", "R-10")
    odd = works.lot("RAW", "R/1 ?")
    order = works.order()
    client = desk(works)
    assert client.get("/trace/", {"q": " R-1 "})["Location"] == "/trace/lot/R-1/"
    assert client.get("/trace/", {"q": "R/1 ?"})["Location"] == f"/trace/lot/~{odd.pk}/"
    assert client.get("/trace/", {"q": order.number})["Location"] == f"/orders/{order.number}/"
    assert client.get("/trace/lot/R-1/").status_code == 200
    assert client.get(f"/trace/lot/~{odd.pk}/").status_code == 200


def test_a_number_of_several_items_asks_which_one(works):
    for item in ("RAW", "OTHER"):
        works.item(item)
        works.lot(item, "SAME")
    client = desk(works)
    for answer in (client.get("/trace/lot/SAME/"), client.get("/trace/", {"q": "SAME"})):
        text = text_of(answer)
        assert "Lot number SAME exists for several items" in text
        chosen = re.findall(r'href="(/trace/lot/~\d+/)"', text)
        assert len(set(chosen)) == 2
        assert client.get(chosen[0]).status_code == 200


def test_the_list_goes_on_after_fifty(works):
    works.item("RAW")
    for number in range(52):
        works.lot("RAW", f"N-{number:02}")
    client = desk(works)
    first = text_of(client.get("/trace/"))
    assert first.count('data-testid="lot-row"') == 50
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward
    second = text_of(client.get(f"/trace/{onward[1]}"))
    assert re.findall(r'class="mes-id">(N-\d+)<', second) == ["N-01", "N-00"]


def test_a_lot_shows_what_it_is_where_it_lies_and_what_moved(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1", 100, location="RACK-7", supplier_lot="HEAT-77", expiry="2020-01-31")
    text = text_of(desk(works).get("/trace/lot/R-1/"))
    for words in ("R-1", "Item RAW", "available", "HEAT-77", "31 Jan 2020", "Expired on", "RACK-7", "+100"):
        assert words in text
    assert "Lot R-1 received: 100 pc to RACK-7" in text
    assert 'data-testid="in-stock">100<' in text
    assert f'topics="lot:{lot.pk}"' in text


def test_both_traces_stand_with_their_quantities_and_orders(works):
    works.item("RAW")
    works.lot("RAW", "R-1")
    half = made(works, "R-1", "HALF")
    whole = made(works, half.number, "WHOLE", quantity=2)
    client = desk(works)
    forward = text_of(client.get("/trace/lot/R-1/")).split('data-testid="forward"')[1].split("</section>")[0]
    assert forward.index(half.number) < forward.index(whole.number)
    assert '<li data-depth="1">' in forward
    assert '<li data-depth="2">' in forward
    assert "10 pc" in forward
    assert f"order {half.made_by.order.number}" in forward
    assert f"by lot {half.number}" in forward
    assert "scanned" in forward
    backward = text_of(client.get(f"/trace/lot/{whole.number}/")).split('data-testid="backward"')[1]
    assert half.number in backward
    assert "R-1" in backward
    assert "It was received, not made here" in text_of(client.get("/trace/lot/R-1/"))


def test_the_live_part_answers_304_until_something_happens(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1")
    client = desk(works)
    first = client.get("/trace/lot/R-1/?part=body")
    assert "<html" not in first.content.decode()
    same = client.get("/trace/lot/R-1/?part=body", headers={"If-None-Match": first["ETag"]})
    assert same.status_code == 304
    hold_lot(actor=works.person("lead"), lot_id=lot.pk, reason="CHECK", command_id=command_id())
    changed = client.get("/trace/lot/R-1/?part=body", headers={"If-None-Match": first["ETag"]})
    assert "On hold: Check" in text_of(changed)


def test_adjusting_says_what_is_there_and_refuses_below_zero(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1", 100, location="RACK-7")
    client = desk(works)
    form = text_of(client.get("/trace/lot/R-1/?act=adjust"))
    assert 'value="RACK-7"' in form
    assert "COUNT" in form
    done = act(client, lot, act="adjust", delta="−3", location="RACK-7", reason="COUNT")
    assert done["Location"] == f"/trace/lot/~{lot.pk}/"
    assert LotBalance.objects.get(lot=lot).quantity == 97
    assert "Lot R-1 adjusted by −3 pc at RACK-7 · Count" in text_of(client.get(done["Location"]))
    refused = act(client, lot, act="adjust", delta="-98", location="RACK-7", reason="COUNT")
    assert refused.status_code == 422
    text = text_of(refused)
    assert "has only 97 pc at RACK-7" in text
    assert "Count again" in text
    assert 'value="-98"' in text
    for typed, why in [("abc", "is not a number"), ("", "is not a number"), ("0", "other than zero")]:
        assert why in text_of(act(client, lot, act="adjust", delta=typed, location="RACK-7", reason="COUNT"))
    assert act(client, lot, act="adjust", delta="1", location="RACK-7").status_code == 422
    assert LotBalance.objects.get(lot=lot).quantity == 97


def test_a_lot_at_several_places_is_adjusted_at_a_named_one(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1", 100, location="RACK-7")
    client = desk(works)
    act(client, lot, act="adjust", delta="5", location="MAIN", reason="COUNT")  # a place nobody knows yet
    works.lot("RAW", "R-2", location="MAIN")
    act(client, lot, act="adjust", delta="5", location="MAIN", reason="COUNT")
    refused = text_of(act(client, lot, act="adjust", delta="1", reason="COUNT"))
    assert "lies at several locations" in refused
    assert "<li>MAIN</li><li>RACK-7</li>" in refused


def test_the_same_form_sent_twice_adjusts_once(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1", 100)
    client, same = desk(works), command_id()
    for _time in range(2):
        answer = act(client, lot, act="adjust", delta="5", reason="COUNT", command_id=same)
        assert answer.status_code == 302
    assert LotBalance.objects.get(lot=lot).quantity == 105


def test_a_hold_is_placed_by_anybody_and_lifted_by_quality(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1")
    operator, quality = desk(works, "operator"), desk(works, "quality")
    assert act(operator, lot, act="hold", note="wet").status_code == 422
    assert act(operator, lot, act="hold", reason="CHECK", note="wet <b>").status_code == 302
    hold = lot.holds.get()
    text = text_of(operator.get("/trace/lot/R-1/"))
    assert "On hold: Check · wet &lt;b&gt;" in text
    assert "act=lift" not in text
    assert act(operator, lot, act="lift", hold=hold.pk).status_code == 403
    assert f"act=lift&amp;hold={hold.pk}" in text_of(quality.get("/trace/lot/R-1/"))
    assert "choose one" in text_of(act(quality, lot, act="lift", hold="9" * 40))
    assert act(quality, lot, act="lift", hold=hold.pk, note="dried").status_code == 302
    hold.refresh_from_db()
    assert hold.released_at is not None
    assert "lifted by Quality" in text_of(quality.get("/trace/lot/R-1/"))


def test_a_lot_is_closed_when_nothing_is_left_and_opened_again(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1", 5)
    client = desk(works)
    refused = act(client, lot, act="close")
    assert refused.status_code == 422
    assert "still has 5 pc" in text_of(refused)
    act(client, lot, act="adjust", delta="-5", reason="COUNT")
    assert act(client, lot, act="close").status_code == 302
    page = text_of(client.get("/trace/lot/R-1/"))
    assert 'value="reopen"' in page
    assert "act=adjust" not in page
    assert act(client, lot, act="reopen").status_code == 302
    lot.refresh_from_db()
    assert lot.state == "AVAILABLE"
    assert act(client, lot, act="nonsense").status_code == 422


def test_an_auditor_sees_and_changes_nothing(works):
    works.item("RAW")
    lot = works.lot("RAW", "R-1")
    client = desk(works, "auditor")
    text = text_of(client.get("/trace/lot/R-1/?act=adjust"))
    assert "act=" not in text.split("<main")[1]
    assert 'name="delta"' not in text
    for key in ("adjust", "hold", "close"):
        assert act(client, lot, act=key, delta="1", reason="COUNT").status_code == 403


def test_other_plants_do_not_show(works):
    other = plant()
    other.item("RAW")
    foreign = other.lot("RAW", "FOREIGN-1")
    client = desk(works)
    assert "FOREIGN-1" not in text_of(client.get("/trace/"))
    assert client.get("/trace/lot/FOREIGN-1/").status_code == 404
    assert client.get(f"/trace/lot/~{foreign.pk}/").status_code == 404
    assert act(client, foreign, act="hold", reason="CHECK").status_code == 404
    for odd in ("~x", "~", "~99999999999999999999", "%00", "..%2F"):
        assert client.get(f"/trace/lot/{odd}/").status_code == 404
    for search in ("%", "\0", "'" * 80, "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert client.get("/trace/", {"q": search, "before": "9" * 29}).status_code == 200


def test_the_pages_take_the_same_queries_whatever_there_is(works, django_assert_num_queries):
    works.item("RAW")
    works.lot("RAW", "R-1", 1000)
    made(works, "R-1", "HALF", "H-0")
    client = desk(works)
    client.get("/trace/")
    with django_assert_num_queries(4):
        client.get("/trace/")
    with django_assert_num_queries(19) as few:
        client.get("/trace/lot/R-1/")
    assert few
    for number in range(4):
        half = made(works, "R-1", "HALF", f"H-{number + 1}")
        made(works, half.number, f"WHOLE{number}", quantity=2)
    with django_assert_num_queries(4):
        client.get("/trace/")
    with django_assert_num_queries(19):
        client.get("/trace/lot/R-1/")


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lots_look_right_at_every_size(open_page, theme):
    works = plant()
    works.item("RAW")
    works.lot("RAW", "R-1", 1000, location="RACK-7", supplier_lot="HEAT-77", expiry="2027-03-31")
    for _number in range(4):
        half = made(works, "R-1", "HALF")
        whole = made(works, half.number, "WHOLE", quantity=2)
    hold_lot(
        actor=works.person("lead"), lot_id=whole.pk, reason="CHECK", note="burr at the rim", command_id=command_id()
    )
    for name, size in [("1280", TERMINAL), ("1440", DESK)]:
        page = sign_in(open_page(size, theme=theme), works, "admin", "/trace/")
        expect(page.get_by_test_id("lot-row")).to_have_count(9)
        looks_right(page, f"trace-{name}-{theme}")
        page.get_by_role("link", name="R-1", exact=True).click()
        expect(page.get_by_test_id("in-stock")).to_have_text("960")
        looks_right(page, f"lot-{name}-{theme}", whole=True)
        page.get_by_role("link", name="Adjust").click()
        page.get_by_label("Change").fill("-2000")
        page.get_by_label("Reason").select_option("COUNT")
        page.get_by_role("button", name="Adjust").click()
        expect(page.get_by_text("has only 960 pc at RACK-7")).to_be_visible()
        looks_right(page, f"lot-adjust-{name}-{theme}")
        page.goto(page.url.split("/trace/")[0] + f"/trace/lot/~{whole.pk}/")
        looks_right(page, f"lot-held-{name}-{theme}", whole=True)
