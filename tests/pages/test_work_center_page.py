"""A work center's page: its job, its queue with reasons, its last day, and the hold upon it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mes.kernel.scope import back_dating
from tests.browser import looks_right
from tests.builders import Doer, Plant, command_id, plant
from tests.pages.desk import SIZES, desk, sign_in
from workorders.models import Hold, WorkCenter


@pytest.fixture
def works(db) -> Plant:
    return plant()


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def two_steps(works: Plant, **more: object):
    works.work_center("WC2")
    return works.order(
        operations=[
            {"sequence": 10, "work_center": "WC1", "name": "Press", "run_minutes_per_unit": 6},
            {"sequence": 20, "work_center": "WC2", "name": "Turn", "run_minutes_per_unit": 6},
        ],
        **more,
    )


def test_it_shows_the_job_with_who_is_on_it_and_the_queue_with_reasons(works):
    running = two_steps(works, need_date=(timezone.now() + timedelta(hours=1)).isoformat())
    waiting = two_steps(works)
    hand = Doer(works.person("operator", "olu"))
    hand.start(works.operation(running))
    hand.report(works.operation(running), 4)
    client = desk(works)
    here, there = text_of(client.get("/floor/wc/WC1/")), text_of(client.get("/floor/wc/WC2/"))
    assert re.search(rf"{running.number}-10 Item FG Press running Olu 0:00 4 of 10 0 ", here)
    assert f"{waiting.number}-10" in here
    assert "Queue: 1 job, 1.0 h" in here
    assert "No need date; priority 0." in here
    assert "Nobody works here now" in there
    assert f"{running.number}-20" in there
    assert "Waits for operation 10 Press, 4 of 10 done." in there
    assert f"4 good on op {running.number}-10 Press" in here


def test_an_empty_work_center_says_what_would_be_here(works):
    works.work_center("WC7")
    text = text_of(desk(works).get("/floor/wc/WC7/"))
    assert "Nobody works here now" in text
    assert "Nothing is queued here" in text
    assert "Nothing happened here within a week" in text


def test_the_last_day_adds_up(works):
    order = two_steps(works)
    hand, now = Doer(works.person()), timezone.now()
    with back_dating():
        hand.start(works.operation(order), kind="SETUP", at=now - timedelta(hours=5))
        hand.start(works.operation(order), at=now - timedelta(hours=4))
        hand.suspend(works.operation(order), at=now - timedelta(hours=1))
    text = text_of(desk(works).get("/floor/wc/WC1/"))
    assert "Ran 3:00 h of the last 24 h; stopped 1 time" in text
    assert "Set-up 1:00 h" in text
    assert "Nobody on it 20:00 h" in text


def test_a_hold_is_placed_and_lifted_from_the_page(works):
    works.work_center()
    client = desk(works)
    answer = client.post("/floor/wc/WC1/", {"act": "hold", "reason": "", "note": "n", "command_id": str(command_id())})
    assert answer.status_code == 422
    assert "A reason is needed" in answer.content.decode()
    assert 'value="n"' in answer.content.decode()
    answer = client.post("/floor/wc/WC1/", {"act": "hold", "reason": "CHECK", "command_id": str(command_id())})
    assert answer.status_code == 302
    hold = Hold.objects.get(work_center=works.work_center())
    assert "on hold" in text_of(client.get("/floor/wc/WC1/"))
    answer = client.post("/floor/wc/WC1/", {"act": "release-hold", "hold": hold.pk, "command_id": str(command_id())})
    assert answer.status_code == 302
    hold.refresh_from_db()
    assert hold.released_at is not None


@pytest.mark.parametrize("code", ["A/B", "50%", "ü"])
def test_codes_with_odd_characters_have_a_page(works, code):
    works.work_center(code)
    link = re.search(r'class="f-tile"[^>]*href="([^"]+)"', desk(works).get("/floor/").content.decode())
    assert link
    assert desk(works).get(link[1]).status_code == 200


def test_unknown_and_foreign_work_centers_are_not_found(works):
    foreign: WorkCenter = plant().work_center("ELSEWHERE")
    for path in ["ELSEWHERE", f"~{foreign.pk}", "~x", "%00"]:
        assert desk(works).get(f"/floor/wc/{path}/").status_code == 404


def test_the_page_takes_the_same_queries_for_one_job_as_for_twelve(works):
    client, taken = desk(works), []
    for count in (1, 12):
        for _place in range(count):
            order = two_steps(works)
            Doer(works.person()).start(works.operation(order))
            two_steps(works)
        with CaptureQueriesContext(connection) as queries:
            client.get("/floor/wc/WC1/")
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 18


@pytest.mark.browser
@pytest.mark.parametrize(("name", "size", "theme"), SIZES)
def test_it_looks_right(open_page, name, size, theme):
    works = plant()
    for place in range(5):
        order = two_steps(works, need_date=(timezone.now() + timedelta(hours=5 * place - 3)).isoformat())
        if not place:
            Doer(works.person()).start(works.operation(order))
    page = sign_in(open_page(size, theme=theme), works, path="/floor/wc/WC1/")
    page.get_by_role("heading", level=1).wait_for()
    looks_right(page, f"work-center-{name}-{theme}")
