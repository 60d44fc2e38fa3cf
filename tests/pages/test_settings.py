"""The settings of places, reasons and units: lists, forms, refusals, rights, what hostile texts come to."""

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mes.accounts.models import ROLES
from mes.accounts.policies import may
from mes.kernel.models import Event
from mes.screens.settings.plant_registers import AREAS, LOCATIONS, REASONS, WORK_CENTERS, WORK_UNITS
from mes.screens.settings.registers import Register
from mes.screens.settings.unit_registers import CONVERSIONS, UNITS
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import desk
from workorders.models import Area, Reason, StorageLocation, UnitConversion, UnitOfMeasure, WorkCenter, WorkUnit

REGISTERS = [AREAS, LOCATIONS, REASONS, WORK_CENTERS, WORK_UNITS, UNITS, CONVERSIONS]
HOSTILE = [
    "<script>alert(1)</script>",
    "a\0b",
    "a\u202eb",
    "=HYPERLINK(1)",
    "x" * 5000,
    "' OR 1=1; --",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "{{ 7|add:7 }}",
    " lead",
    "~7",
]


@pytest.fixture
def works(db: None) -> Plant:
    made = plant()
    made.work_center()
    return made


def sound(register: Register, works: Plant, mark: str = "1") -> dict[str, str]:
    """A row that the form of REGISTER takes."""
    if register is CONVERSIONS:
        for code in (f"{works.prefix}a{mark}", f"{works.prefix}b{mark}"):
            UnitOfMeasure.objects.create(code=code, name=code)
        return {
            "from_unit": f"{works.prefix}a{mark}",
            "to_unit": f"{works.prefix}b{mark}",
            "numerator": "12",
            "denominator": "1",
        }
    row = {"code": f"{works.prefix}{mark}", "name": "Some name", "sequence": "3", "active": "yes"}
    extra = {
        REASONS: {"kind": "SCRAP", "text": "Bent"},
        WORK_UNITS: {"work_center": "WC1"},
        WORK_CENTERS: {"count_source": "MACHINE_PROPOSES"},
        LOCATIONS: {"default": "no"},
        UNITS: {"decimals": "2"},
    }
    return row | extra.get(register, {})


def post(client: Client, register: Register, row: dict[str, str], act: str = "add", pk: int | None = None):
    path = f"{register.path}?id={pk}" if pk else register.path
    return client.post(path, {"act": act, "command_id": command_id(), **row})


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.mark.parametrize("register", REGISTERS, ids=lambda one: one.path)
def test_a_record_is_added_by_its_form_and_stands_in_the_list(works, register):
    client = desk(works, "admin")
    assert 'name="act" value="add"' in client.get(f"{register.path}?act=add").content.decode()
    row = sound(register, works)
    answer = post(client, register, row)
    assert answer.headers["Location"] == register.path, text_of(answer)
    shown = text_of(client.get(register.path))
    assert str(register.saved) in shown
    assert row.get("code", row.get("from_unit")) in shown
    again = post(client, register, row)
    assert again.status_code == 422
    assert "exists already" in text_of(again)


@pytest.mark.parametrize("register", [one for one in REGISTERS if one.can_change], ids=lambda one: one.path)
def test_a_record_is_changed_and_its_history_says_what_it_was(works, register):
    client = desk(works, "admin")
    post(client, register, sound(register, works))
    row = register.rows(works.site, works.prefix).get()
    form = client.get(f"{register.path}?act=edit&id={row.pk}")
    assert 'name="act" value="edit"' in form.content.decode()
    field = "text" if register is REASONS else "name"
    answer = post(client, register, register.values(row) | {field: "Another"}, "edit", row.pk)
    assert answer.status_code == 302, text_of(answer)
    row.refresh_from_db()
    assert getattr(row, field) == "Another"
    event = Event.objects.filter(name="masterdata.changed", subject__endswith=f":{row.pk}").latest("id")
    assert event.payload["values"] == {field: "Another"}
    assert event.payload["before"][field]
    events = Event.objects.count()
    assert post(client, register, register.values(row), "edit", row.pk).status_code == 302
    assert Event.objects.count() == events, "saving the same again is no change"


@pytest.mark.parametrize("register", REGISTERS, ids=lambda one: one.path)
def test_who_may_not_change_sees_the_list_and_who_may(works, register):
    for role, _name in ROLES:
        client = desk(works, role)
        answer = client.get(f"{register.path}?act=add")
        assert answer.status_code == (200 if may(role, "view_settings") else 403)
        if may(role, register.right):
            continue
        assert 'value="add"' not in answer.content.decode()
        refused = post(client, register, {"code": "X"})
        assert refused.status_code == 403
        if may(role, "view_settings"):
            assert "This may be done by:" in text_of(answer)


@pytest.mark.parametrize("register", REGISTERS, ids=lambda one: one.path)
@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_a_hostile_text_in_any_field_is_kept_as_text_or_refused_in_a_sentence(works, register, place):
    client = desk(works, "admin")
    for number, field in enumerate(sound(register, works, "s")):
        row = sound(register, works, f"h{number}") | {field: HOSTILE[place]}
        answer = post(client, register, row)
        assert answer.status_code in (302, 422), (field, text_of(answer)[:300])
        page = answer if answer.status_code == 422 else client.get(register.path)
        assert "<script>alert" not in page.content.decode()
        if answer.status_code == 422:
            assert re.search(r'role="alert"', page.content.decode())


@pytest.mark.parametrize("register", REGISTERS, ids=lambda one: one.path)
def test_a_search_finds_and_a_hostile_search_breaks_nothing(works, register):
    client = desk(works, "admin")
    post(client, register, sound(register, works))
    assert 'data-testid="setting-row"' in client.get(register.path, {"q": works.prefix}).content.decode()
    for text in ("nothing-is-called-so", *HOSTILE):
        answer = client.get(register.path, {"q": text, "from": "9" * 30, "id": "-1", "act": "edit"})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize("register", REGISTERS, ids=lambda one: one.path)
def test_a_list_asks_as_often_for_many_records_as_for_one(works, register):
    client = desk(works, "admin")
    post(client, register, sound(register, works))
    client.get(register.path)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(register.path).status_code == 200
        return len(asked)

    one = count()
    for number in range(12):
        assert post(client, register, sound(register, works, f"n{number}")).status_code == 302
    client.get(register.path)
    assert count() == one
    assert one <= 5


def test_a_long_list_comes_in_pages(works):
    Area.objects.bulk_create(Area(site=works.site, code=f"A{n:03}", name="x", sequence=n) for n in range(150))
    client = desk(works, "admin")
    first = client.get(AREAS.path)
    assert first.content.decode().count('data-testid="setting-row"') == 100
    assert "?from=100" in first.content.decode()
    second = client.get(AREAS.path, {"from": "100"})
    assert second.content.decode().count('data-testid="setting-row"') == 50


def test_records_of_another_plant_are_not_there(works):
    other = plant()
    area = Area.objects.create(site=other.site, code="THEIRS", name="x")
    client = desk(works, "admin")
    assert "THEIRS" not in text_of(client.get(AREAS.path))
    answer = post(client, AREAS, {"code": "MINE"}, "edit", area.pk)
    assert answer.status_code == 404
    area.refresh_from_db()
    assert area.code == "THEIRS"
    answer = post(client, WORK_CENTERS, sound(WORK_CENTERS, works) | {"area": "THEIRS"})
    assert answer.status_code == 422
    assert "Area: THEIRS is not known" in text_of(answer)


def test_the_mark_of_the_default_location_moves(works):
    client = desk(works, "admin")
    for code in ("ONE", "TWO"):
        row = {"code": code, "default": "yes", "active": "yes"}
        assert post(client, LOCATIONS, row).status_code == 302
    marked = StorageLocation.objects.filter(site=works.site, is_default=True)
    assert [place.code for place in marked] == ["TWO"]
    two = marked.get()
    closed = post(client, LOCATIONS, {"code": "TWO", "default": "yes", "active": "no"}, "edit", two.pk)
    assert "it is the default one" in text_of(closed)


def test_a_location_with_stock_and_a_work_center_with_work_cannot_be_closed(works):
    works.item("RM")
    lot = works.lot("RM", "R1", 5, location="RACK")
    client = desk(works, "admin")
    rack = StorageLocation.objects.get(site=works.site, code="RACK")
    closed = post(client, LOCATIONS, {"code": "RACK", "default": "no", "active": "no"}, "edit", rack.pk)
    assert closed.status_code == 422
    assert "material lies there" in text_of(closed)
    order = works.order("RM")
    center = WorkCenter.objects.get(site=works.site, code="WC1")
    values = WORK_CENTERS.values(center)
    closed = post(client, WORK_CENTERS, values | {"active": "no"}, "edit", center.pk)
    assert "1 operations are still open there" in text_of(closed)
    Doer(works.person()).start(works.operation(order))
    counted = post(client, WORK_CENTERS, values | {"count_source": "MACHINE"}, "edit", center.pk)
    assert "the counting would change" in text_of(counted)
    center.refresh_from_db()
    assert (center.is_active, center.count_source, lot.item.code) == (True, "OPERATOR", "RM")


def test_a_closed_work_center_blocks_orders_that_would_go_there(works):
    works.work_center("OLD", is_active=False)
    works.item("FG")
    row = [{"sequence": 10, "work_center": "OLD"}]
    order = works.order("FG", operations=row, released=False)
    assert [one["reason"] for one in order.blockers] == ["unknown_work_center"]


def test_kind_and_code_of_a_reason_stay_and_it_can_be_closed(works):
    client = desk(works, "admin")
    reason = Reason.objects.get(site=works.site, kind="SCRAP", code="CRACK")
    row = {"kind": "HOLD", "code": "OTHER", "text": "Cracked", "active": "no"}
    assert post(client, REASONS, row, "edit", reason.pk).status_code == 302
    reason.refresh_from_db()
    assert (reason.kind, reason.code, reason.text, reason.is_active) == ("SCRAP", "CRACK", "Cracked", False)


def test_work_units_of_two_work_centers_may_share_a_code(works):
    works.work_center("WC2")
    client = desk(works, "admin")
    for center in ("WC1", "WC2"):
        assert post(client, WORK_UNITS, {"work_center": center, "code": "A", "active": "yes"}).status_code == 302
    assert WorkUnit.objects.filter(work_center__site=works.site, code="A").count() == 2
    assert "choose one of the work centers" in text_of(post(client, WORK_UNITS, {"code": "B"}))


def test_the_decimals_of_a_unit_stay_once_an_item_is_counted_in_it(works):
    client = desk(works, "admin")
    unit = works.item("FG", unit=f"{works.prefix}u").unit
    answer = post(client, UNITS, {"name": unit.name, "decimals": "1"}, "edit", unit.pk)
    assert "its decimals cannot change" in text_of(answer)
    assert post(client, UNITS, {"name": "Other", "decimals": str(unit.decimals)}, "edit", unit.pk).status_code == 302
    assert "at most six decimal places" in text_of(post(client, UNITS, {"code": "zz", "decimals": "7"}))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"numerator": "0"}, "greater than zero"),
        ({"numerator": "1.5"}, "whole number"),
        ({"denominator": "-1"}, "whole number"),
        ({"to_unit": "nix"}, "nix is not known"),
        ({"item": "NONE"}, "item NONE is not known"),
    ],
)
def test_a_conversion_that_cannot_be_says_why(works, wrong, why):
    answer = post(desk(works, "admin"), CONVERSIONS, sound(CONVERSIONS, works) | wrong)
    assert answer.status_code == 422
    assert why in text_of(answer)


def test_a_conversion_is_removed_and_told_of(works):
    client, row = desk(works, "admin"), sound(CONVERSIONS, works)
    assert "two different units" in text_of(post(client, CONVERSIONS, row | {"to_unit": row["from_unit"]}))
    post(client, CONVERSIONS, row)
    turned = {**row, "from_unit": row["to_unit"], "to_unit": row["from_unit"]}
    assert "exists already" in text_of(post(client, CONVERSIONS, turned))
    made = UnitConversion.objects.get(from_unit__code=row["from_unit"])
    answer = client.post(CONVERSIONS.path, {"act": "remove", "id": made.pk, "command_id": command_id()})
    assert answer.status_code == 302
    assert not UnitConversion.objects.filter(pk=made.pk).exists()
    told = Event.objects.get(subject=f"conversion:{made.pk}", name="masterdata.removed")
    assert told.payload["before"]["numerator"] == 12
    gone = client.post(CONVERSIONS.path, {"act": "remove", "id": made.pk, "command_id": command_id()})
    assert gone.status_code == 404


def test_the_menu_leads_to_the_settings_only_those_who_may_see_them(works):
    assert 'href="/settings/"' in desk(works, "planner").get("/floor/").content.decode()
    assert 'href="/settings/"' not in desk(works, "operator").get("/floor/").content.decode()
    assert desk(works, "operator").get("/settings/").status_code == 403
    assert "First steps: " in text_of(desk(works, "planner").get("/settings/"))
