"""The floor page: its numbers, its filters, and that it follows the plant by itself."""

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser import DESK, TERMINAL, WALL, looks_right
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import SIGNED_IN, desk, sign_in
from traceability.actions.lots import hold_lot
from workorders.actions.holds import place_hold
from workorders.models import Area, WorkCenter

QUERIES = 13


def number(text: str, key: str) -> int:
    found = re.search(rf'data-testid="{key}-count">(\d+)<', text)
    assert found, key
    return int(found[1])


def in_areas(works: Plant) -> None:
    for place, code in enumerate(["WC1", "WC2", "WC3"]):
        area, _new = Area.objects.get_or_create(
            site=works.site, code=f"A{place % 2}", defaults={"name": f"Hall {place}"}
        )
        works.work_center(code)
        WorkCenter.objects.filter(site=works.site, code=code).update(area=area, sequence=place)


@pytest.fixture
def works(db) -> Plant:
    return plant()


def test_the_five_numbers_count_what_is(works):
    late = (timezone.now() - timedelta(days=1)).isoformat()
    running = works.order(operations=2, need_date=late)
    works.order()
    held = works.order()
    Doer(works.person()).start(works.operation(running))
    place_hold(actor=works.person("lead"), target="order", target_id=held.pk, reason="CHECK", command_id=command_id())
    works.item("RAW")
    hold_lot(actor=works.person("lead"), lot_id=works.lot("RAW", "R1").pk, reason="CHECK", command_id=command_id())
    text = desk(works).get("/floor/").content.decode()
    counts = {key: number(text, key) for key in ("running", "queued", "behind", "hold", "done")}
    assert counts == {"running": 1, "queued": 2, "behind": 1, "hold": 2, "done": 0}
    assert "Nothing needs you" not in text


def test_an_empty_plant_says_what_would_be_here(works):
    text = desk(works).get("/floor/").content.decode()
    assert "No work centers yet" in text
    assert "Nothing needs you" in text
    assert "No released order has a need date" in text


def test_work_centers_stand_in_their_areas_in_physical_order(works):
    in_areas(works)
    text = desk(works).get("/floor/").content.decode()
    assert re.findall(r'<b class="mes-trunc">(WC\d)</b>', text) == ["WC1", "WC3", "WC2"]
    only = desk(works).get("/floor/?area=A1").content.decode()
    assert re.findall(r'<b class="mes-trunc">(WC\d)</b>', only) == ["WC2"]
    assert "There is no such area" in desk(works).get("/floor/?area=NONE").content.decode()


def test_behind_only_leaves_the_work_centers_with_late_jobs(works):
    in_areas(works)
    late = (timezone.now() - timedelta(days=1)).isoformat()
    order = works.order(need_date=late, operations=[{"sequence": 10, "work_center": "WC2"}])
    Doer(works.person()).start(works.operation(order))
    text = desk(works).get("/floor/?behind=1").content.decode()
    assert re.findall(r'<b class="mes-trunc">(WC\d)</b>', text) == ["WC2"]


def test_other_plants_do_not_show(works):
    plant().order(number="FOREIGN-1")
    assert "FOREIGN-1" not in desk(works).get("/floor/").content.decode()


def test_the_live_part_answers_304_until_something_happens(works):
    order = works.order()
    client = desk(works)
    first = client.get("/floor/?part=floor")
    assert "<html" not in first.content.decode()
    assert number(first.content.decode(), "running") == 0
    again = client.get("/floor/?part=floor", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Doer(works.person()).start(works.operation(order))
    changed = client.get("/floor/?part=floor", headers={"If-None-Match": first["ETag"]})
    assert number(changed.content.decode(), "running") == 1


def test_the_page_takes_the_same_queries_whatever_the_plant_holds(works, django_assert_num_queries):
    client = desk(works)
    client.get("/floor/")
    with django_assert_num_queries(SIGNED_IN + QUERIES):
        client.get("/floor/")
    in_areas(works)
    for place in range(15):
        order = works.order(need_date=(timezone.now() + timedelta(days=place - 5)).isoformat())
        if place % 3 == 0:
            Doer(works.person()).start(works.operation(order))
        elif place % 3 == 1:
            place_hold(
                actor=works.person("lead"), target="order", target_id=order.pk, reason="CHECK", command_id=command_id()
            )
    with django_assert_num_queries(SIGNED_IN + QUERIES):
        client.get("/floor/")


OTHER_PROCESS = """
import django; django.setup()
from tests.builders import Doer
from mes.accounts.models import User
from mes.kernel.actors import Actor
from workorders.models import Operation
user = User.objects.get(pk={person})
Doer(Actor("person", user.pk, str(user), user.role, user.site_id)).start(Operation.objects.get(pk={operation}))
print("committed", flush=True)
"""


@pytest.mark.browser
def test_a_commit_of_another_process_shows_within_two_seconds_without_reload(open_page):
    works = plant()
    in_areas(works)
    order, person = works.order(), works.person()
    page = sign_in(open_page(DESK), works)
    expect(page.get_by_test_id("running-count")).to_have_text("0")
    expect(page.get_by_test_id("queued-count")).to_have_text("1")
    page.evaluate("window.notReloaded = true")
    page.wait_for_timeout(700)  # the stream opens
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    code = OTHER_PROCESS.format(person=person.id, operation=works.operation(order).pk)
    done = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"DATABASE_URL": url, "MES_SECRET_KEY": "x" * 40, "DJANGO_SETTINGS_MODULE": "mes.settings", "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout is not None
    assert done.stdout.readline() == "committed\n"
    expect(page.get_by_test_id("running-count")).to_have_text("1", timeout=2000)
    expect(page.get_by_test_id("queued-count")).to_have_text("0", timeout=500)
    assert page.evaluate("window.notReloaded")
    assert done.wait(20) == 0


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_floor_looks_right_at_every_size(open_page, theme):
    works = plant()
    in_areas(works)
    for place in range(12):
        order = works.order(
            quantity=40,
            need_date=(timezone.now() + timedelta(hours=7 * place - 20)).isoformat(),
            operations=[{"sequence": 10, "work_center": f"WC{place % 3 + 1}", "run_minutes_per_unit": 6}],
        )
        if place < 2:
            hand = Doer(works.person())
            hand.start(works.operation(order))
            hand.report(works.operation(order), 7)
    for name, size in [("1280", TERMINAL), ("1440", DESK), ("1920", WALL)]:
        watched = open_page(size, theme=theme)
        looks_right(watched.open("/login/"), f"sign-in-{name}-{theme}")
        page = sign_in(watched, works)
        expect(page.get_by_test_id("running-count")).to_have_text("2")
        looks_right(page, f"floor-{name}-{theme}")
