"""The pages of people, terminals, shifts and the network: what they show, refuse and print."""

import html
import io
import re
import uuid

import pytest
import zxingcpp
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image
from playwright.sync_api import expect

from mes.accounts import terminals
from mes.accounts.models import Badge, Terminal
from mes.kernel import labels
from mes.screens.settings.labels import badge_pdf
from mes.supervisor.tls import certificate
from tests.browser import DESK, TERMINAL, looks_right
from tests.builders import Plant, command_id, plant
from tests.pages.desk import desk, sign_in
from workorders.models import Holiday, Shift, ShiftCalendar

User = get_user_model()
PEOPLE, SHIFTS, TERMINALS = "/settings/people/", "/settings/shifts/", "/settings/terminals/"


@pytest.fixture
def works(db: None) -> Plant:
    made = plant(f"T{uuid.uuid4().hex[:8]}".upper())  # printed codes carry capitals only
    made.work_center()
    return made


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def add(client: Client, works: Plant, **fields):
    row = {"name": "Zoe Ray", "username": f"{works.prefix}-zoe", "role": "operator", "language": "en", "pin": "2468"}
    return client.post(PEOPLE, {"act": "add", "command_id": command_id(), **row, **fields})


def act(client: Client, person, key: str, **fields):
    return client.post(f"{PEOPLE}{person.pk}/", {"act": key, "command_id": command_id(), **fields})


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


def test_a_person_is_added_gets_a_badge_and_works_through_every_act(works):
    client = desk(works, "admin")
    answer = add(client, works)
    zoe = User.objects.get(username=f"{works.prefix}-zoe".lower())
    assert answer.headers["Location"] == f"{PEOPLE}{zoe.pk}/"
    shown = client.get(answer.headers["Location"])
    code = re.search(r'data-testid="badge-code">([^<]+)<', shown.content.decode())[1]
    assert Badge.objects.get(user=zoe).code in code
    assert "Zoe Ray is added." in text_of(shown)
    assert act(client, zoe, "change", name="Zoë", role="lead", language="de").status_code == 302
    assert act(client, zoe, "pin", pin="1357").status_code == 302
    assert act(client, zoe, "password", password="correct horse").status_code == 302
    assert act(client, zoe, "badge").status_code == 302
    zoe.refresh_from_db()
    assert (zoe.name, zoe.role, zoe.language) == ("Zoë", "lead", "de")
    assert zoe.check_password("correct horse")
    assert act(client, zoe, "leave").status_code == 302
    gone = text_of(client.get(f"{PEOPLE}{zoe.pk}/"))
    assert "No badge is out" in gone
    for said in ("Added", "role: operator → lead", "New PIN", "Password set", "New badge", "Deactivated"):
        assert said in gone
    assert act(client, zoe, "return").status_code == 302
    assert Badge.objects.filter(user=zoe, revoked_at__isnull=True).count() == 1


def test_a_leaver_who_is_signed_in_at_a_desk_is_out_with_the_next_click(works):
    admin, zoe = desk(works, "admin"), desk(works, "planner")
    assert zoe.get("/floor/").status_code == 200
    act(admin, User.objects.get(pk=works.person("planner").id), "leave")
    assert zoe.get("/floor/").headers["Location"].startswith("/login/")


def test_a_new_password_signs_out_who_came_in_with_the_old_one(works):
    admin, zoe = desk(works, "admin"), desk(works, "planner")
    person = User.objects.get(pk=works.person("planner").id)
    act(admin, person, "password", password="another long one")
    assert zoe.get("/floor/").headers["Location"].startswith("/login/")
    back = Client().post("/login/", {"username": person.username, "password": "another long one"})
    assert back.status_code == 302


def test_what_was_typed_stays_when_it_is_refused_but_no_secret_does(works):
    client = desk(works, "admin")
    answer = add(client, works, pin="97", name="Kept Name")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "PIN: four to eight digits are needed" in text_of(answer)
    assert 'value="Kept Name"' in page
    assert 'value="97"' not in page
    refused = act(client, User.objects.get(pk=works.person("operator").id), "password", password="short-one")
    assert "10 to 200 characters" in text_of(refused)
    assert "short-one" not in refused.content.decode()


@pytest.mark.parametrize("field", ["name", "username", "role", "language", "pin"])
@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a\0b", "a\u202eb", "x" * 5000, "' OR 1=1 --"])
def test_hostile_texts_about_people_are_text_or_refused(works, field, text):
    client = desk(works, "admin")
    answer = add(client, works, **{field: text})
    assert answer.status_code in (302, 422)
    for page in (answer, client.get(PEOPLE), client.get(PEOPLE, {"q": text, "from": text})):
        assert "<script>alert" not in page.content.decode()


def test_only_system_administrators_see_codes_and_do_anything(works):
    zoe = User.objects.get(pk=works.person("operator").id)
    badge = Badge.objects.get(user=zoe)
    for role in ("supervisor", "planner", "auditor", "erp"):
        client = desk(works, role)
        page = client.get(f"{PEOPLE}{zoe.pk}/")
        assert page.status_code == 200
        assert badge.code not in page.content.decode()
        assert client.get(f"{PEOPLE}{zoe.pk}/badge/").status_code == 403
        assert client.get(f"{PEOPLE}{zoe.pk}/badge.pdf").status_code == 403
        assert add(client, works).status_code == 403
        for key in ("change", "pin", "password", "badge", "leave"):
            fields = {"name": "X", "role": "admin", "language": "en", "pin": "1111", "password": "x" * 12}
            assert act(client, zoe, key, **fields).status_code == 403
    zoe.refresh_from_db()
    assert (zoe.role, zoe.is_active) == ("operator", True)
    assert desk(works, "operator").get(PEOPLE).status_code == 403


def test_people_of_another_plant_have_no_page_here(works):
    other = plant().person("operator")
    client = desk(works, "admin")
    for path in ("", "badge/", "badge.pdf"):
        assert client.get(f"{PEOPLE}{other.id}/{path}").status_code == 404
    assert client.get(f"{PEOPLE}{2**70}/").status_code == 404


def test_lists_ask_as_often_for_many_as_for_one(works):
    client = desk(works, "admin")
    works.person("operator")
    calendar = ShiftCalendar.objects.create(site=works.site, code="C")
    terminals.enrol_here(actor=works.person("supervisor"), name="T", work_center_id=works.work_center().pk)
    paths = {PEOPLE: 5, TERMINALS: 5, SHIFTS: 6, "/settings/first-steps/": 4, "/settings/": 4}
    before = {path: queries(client, path) for path in paths}
    assert all(before[path] <= most for path, most in paths.items()), before
    for number in range(10):
        works.person("operator", f"p{number}")
        Shift.objects.create(calendar=calendar, name="S", weekday=number % 7, starts=f"{number}:00", minutes=10)
        Holiday.objects.create(calendar=calendar, day=f"2027-01-0{number % 9 + 1}") if number < 9 else None
        ShiftCalendar.objects.create(site=works.site, code=f"C{number}")
        terminals.enrol_here(actor=works.person("supervisor"), name="T", work_center_id=works.work_center().pk)
    assert {path: queries(client, path) for path in paths} == before


def test_the_printed_badge_is_read_by_a_stranger_s_decoder(works):
    client, zoe = desk(works, "admin"), User.objects.get(pk=works.person("operator").id)
    Badge.objects.filter(user=zoe).update(code="7Q2M9X")
    page = client.get(f"{PEOPLE}{zoe.pk}/badge/").content.decode()
    code = re.search(r'data-testid="badge-code">([^<]+)<', page)[1]
    picture = re.search(r'<svg class="mes-code".*?</svg>', page, re.S)[0]
    assert [one.text for one in zxingcpp.read_barcodes(_raster(picture))] == [code]


def _raster(svg: str) -> Image.Image:
    """The dark runs of the SVG, four dots a module."""
    width, height = (int(number) for number in re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    image = Image.new("L", (width * 4, height * 4), 255)
    for x, y, w, h in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", svg.partition('fill="#000"')[2]):
        image.paste(0, (int(x) * 4, int(y) * 4, (int(x) + int(w)) * 4, (int(y) + int(h)) * 4))
    return image


def test_the_card_s_pdf_draws_the_same_bars_and_survives_any_name():
    for name in ("Zoe", "Ana María Duarte de la Serna y Fernández", "部品 太郎", "x" * 120, "<b>&", ""):
        file = badge_pdf(name, "Plant A", "B-7Q2M9X-Z")
        assert file.startswith(b"%PDF")
        assert _read_pdf(file) == "B-7Q2M9X-Z"


def _read_pdf(file: bytes) -> str:
    """Paint the filled rectangles of the page and read them as a bar code."""
    stream = file.partition(b"stream")[2].partition(b"endstream")[0].decode("latin-1")
    scale, width, height = 8, 243, 154
    image = Image.new("L", (width * scale, height * scale), 255)
    move, dark = (0.0, 0.0), False
    for line in stream.splitlines():
        for shift in re.findall(r"1 0 0 1 ([-\d.]+) ([-\d.]+) cm", line):
            move = (float(shift[0]), float(shift[1])) if float(shift[0]) > 1 else move
        for colour in re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) rg", line):
            dark = float(colour[0]) == 0
        for rect in re.findall(r"([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+) re", line):
            x, y, w, h = (float(number) for number in rect)
            left, bottom = (move[0] + x) * scale, (height - move[1] - y) * scale
            if dark and w * scale >= 1:
                image.paste(0, (round(left), round(bottom - h * scale), round(left + w * scale), round(bottom)))
    found = zxingcpp.read_barcodes(image)
    return found[0].text if found else ""


def test_a_badge_has_the_size_of_a_card_and_is_not_kept_by_caches(works):
    zoe = User.objects.get(pk=works.person("operator").id)
    Badge.objects.filter(user=zoe).update(code="7Q2M9X")
    answer = desk(works, "admin").get(f"{PEOPLE}{zoe.pk}/badge.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", answer.content)
    assert [round(float(number) / 72 * 25.4, 1) for number in box.groups()] == [85.6, 54.0]
    assert io.BytesIO(answer.content).read(4) == b"%PDF"
    assert labels.code128("B-7Q2M9X-Z").columns * 0.2 < 85.6, "the bars fit on the card"


def test_a_terminal_is_listed_with_its_last_sight_and_revoked_by_its_button(works):
    boss = works.person("supervisor")
    terminal, secret = terminals.enrol_here(actor=boss, name="Bench 4", work_center_id=works.work_center().pk)
    client = desk(works, "supervisor")
    assert "Bench 4 WC1" in text_of(client.get(TERMINALS))
    terminals.terminal_of(secret)
    assert "in use just now" in text_of(client.get(TERMINALS))
    planner = desk(works, "planner").post(TERMINALS, {"id": terminal.pk, "command_id": command_id()})
    assert planner.status_code == 403
    assert client.post(TERMINALS, {"id": terminal.pk, "command_id": command_id()}).status_code == 302
    assert Terminal.objects.get(pk=terminal.pk).revoked_at
    device = Client()
    device.cookies[terminals.COOKIE] = secret
    assert device.get("/t/").headers["Location"] == "/t/setup/"
    for wrong in ("", "x", "-1", "9" * 40):
        assert client.post(TERMINALS, {"id": wrong, "command_id": command_id()}).status_code == 404


def test_a_calendar_gets_shifts_and_holidays_by_its_forms(works):
    client = desk(works, "planner")

    def send(key: str, pk: int | None = None, **fields):
        path = f"{SHIFTS}?id={pk}" if pk else SHIFTS
        return client.post(path, {"act": key, "command_id": command_id(), **fields})

    assert "No calendar yet" in text_of(client.get(SHIFTS))
    assert send("calendar", code="2-SHIFT").status_code == 302
    week = ShiftCalendar.objects.get(site=works.site)
    assert "No shift yet" in text_of(client.get(SHIFTS))
    early = {"name": "Early", "begin": "06:00", "end": "14:00"}
    assert send("shift", week.pk, weekdays=["0", "1"], **early).status_code == 302
    assert week.shifts.count() == 2
    refused = send("shift", week.pk, weekdays=["1", "2"], **early)
    assert "Early would overlap with Early" in text_of(refused)
    assert re.search(r'value="2" checked', refused.content.decode()), "the ticked days stay ticked"
    assert "at least one day" in text_of(send("shift", week.pk, **early))
    first = week.shifts.first()
    form = client.get(f"{SHIFTS}?act=edit&id={first.pk}").content.decode()
    assert 'value="06:00"' in form
    assert send("edit", first.pk, weekdays="3", **early | {"begin": "07:00"}).status_code == 302
    first.refresh_from_db()
    assert (first.weekday, first.minutes) == (3, 420)
    assert send("holiday", week.pk, day="2027-05-01", name="May Day").status_code == 302
    assert "May Day" in text_of(client.get(SHIFTS))
    holiday = week.holidays.get()
    assert client.post(SHIFTS, {"act": "remove-holiday", "id": holiday.pk}).status_code == 302
    assert client.post(SHIFTS, {"act": "remove-shift", "id": first.pk}).status_code == 302
    assert (week.holidays.count(), week.shifts.count()) == (0, 1)
    for key in ("", "shift", "nonsense", "remove-shift", "edit"):
        assert send(key, 2**40, weekdays=["1"], **early).status_code in (404, 422)
    assert desk(works, "auditor").post(SHIFTS, {"act": "calendar", "code": "X"}).status_code == 403


def test_the_network_page_says_what_plain_http_loses_and_offers_the_root(works, tmp_path, monkeypatch):
    client = desk(works, "admin")
    plain = text_of(client.get("/settings/network/"))
    for said in ("plain HTTP", "Working offline", "camera", "screen awake"):
        assert said in plain
    assert client.get("/trust/mes-root.crt").status_code == 404
    made = certificate(tmp_path / "tls", ["localhost"])
    monkeypatch.setattr(settings, "VAR_DIR", tmp_path)
    monkeypatch.setattr(settings, "SESSION_COOKIE_SECURE", True)
    answer = Client().get("/trust/mes-root.crt")
    assert answer.content == made.root.read_bytes()
    assert b"PRIVATE KEY" not in answer.content
    secure = desk(works, "admin").get("/settings/network/", secure=True)
    assert "Download the root certificate" in text_of(secure)
    assert re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", text_of(secure))


@pytest.mark.browser
def test_the_settings_look_right(open_page):
    works = plant()
    works.work_center()
    zoe = works.person("operator", "zoe")
    Badge.objects.filter(user_id=zoe.id).update(code=f"{works.prefix}Z".upper())
    calendar = ShiftCalendar.objects.create(site=works.site, code="DAY")
    Shift.objects.create(calendar=calendar, name="Early", weekday=0, starts="06:00", minutes=480)
    Holiday.objects.create(calendar=calendar, day="2027-05-01", name="May Day")
    terminals.enrol_here(actor=works.person("supervisor"), name="Bench", work_center_id=works.work_center().pk)
    paths = [
        "/settings/",
        "/settings/first-steps/",
        "/settings/work-centers/?act=add",
        "/settings/conversions/",
        "/settings/shifts/?act=shift&id=" + str(calendar.pk),
        "/settings/people/?act=add",
        f"/settings/people/{zoe.id}/",
        f"/settings/people/{zoe.id}/badge/",
        "/settings/terminals/",
        "/settings/network/",
    ]
    for name, size, theme in [("1280", TERMINAL, "dark"), ("1440", DESK, "light")]:
        page = sign_in(open_page(size, theme=theme), works, "admin", "/settings/")
        expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
        base = page.url.partition("/settings/")[0]
        for path in paths:
            page.goto(base + path)
            mark = re.sub(r"\W+", "-", path).strip("-")
            looks_right(page, f"{mark}-{name}", whole=True)
