"""One person at a terminal, another before the floor page: every act reaches the second without a reload."""

import time

import pytest
from playwright.sync_api import Page, expect

from mes.accounts import terminals
from mes.accounts.models import User
from mes.kernel.invariants import violations
from mes.kernel.scanning import Kind, make_code
from tests.browser import DESK, TERMINAL, PageMaker, Watched, looks_right
from tests.pages.floor_cast import PIN, Cast, cast, operations

pytestmark = [pytest.mark.browser, pytest.mark.heavy]

#: Milliseconds from a commit to its trace on another person's page.
SOON = 2000


@pytest.fixture
def floor(committed_db: None) -> Cast:
    made = cast()
    made.plant.item("PUMP")
    made.plant.item("BL-40")
    made.plant.lot("BL-40", "B-2307", 140)
    made.plant.plan("PUMP", lower="21.98", upper="22.02")
    return made


def before_the_floor(open_page: PageMaker, floor: Cast) -> Page:
    supervisor = User.objects.get(pk=floor.plant.person("supervisor", "sam").id)
    supervisor.set_password("demo")
    supervisor.save(update_fields=["password"])
    watched = open_page(DESK)
    page = watched.open("/floor/")
    page.fill("[name=username]", supervisor.username)
    page.fill("[name=password]", "demo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/floor/")
    return page


def at_the_terminal(open_page: PageMaker, floor: Cast) -> Watched:
    watched = open_page(TERMINAL)
    watched.page.context.add_cookies([{"name": terminals.COOKIE, "value": floor.secret, "url": watched.url}])
    return watched


def stamp(page: Page) -> str:
    return str(page.locator("live-region").first.evaluate("region => region.innerText"))


def test_badge_traveler_lot_value_complete_and_undo_each_reach_the_floor_page(
    open_page: PageMaker, floor: Cast
) -> None:
    order = floor.order(
        quantity=10,
        operations=operations("PRESS-3"),
        materials=[{"item": "BL-40", "quantity_per": "1", "unit": "pc", "operation": 10}],
    )
    operation = floor.operation(order)
    floor_page = before_the_floor(open_page, floor)
    expect(floor_page.get_by_test_id("running-count")).to_have_text("0")
    expect(floor_page.get_by_test_id("queued-count")).to_have_text("1")
    marker = floor_page.evaluate("() => (window.neverReloaded = Math.random())")

    watched = at_the_terminal(open_page, floor)
    page = watched.open("/t/")
    watched.scan(floor.badge_code)
    expect(page.get_by_test_id("pin")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/home/")

    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    expect(floor_page.get_by_test_id("running-count")).to_have_text("1", timeout=SOON)
    expect(floor_page.get_by_test_id("queued-count")).to_have_text("0", timeout=SOON)

    fetched: list[float] = []
    floor_page.on("response", lambda answer: "/floor/" in answer.url and fetched.append(time.monotonic()))

    def told_after(act) -> None:
        before = len(fetched)
        act()
        floor_page.wait_for_timeout(SOON)
        assert len(fetched) > before, "the floor page did not look again within two seconds"

    def use_a_lot() -> None:
        watched.scan(make_code(Kind.LOT, "B-2307"))
        expect(page.get_by_test_id("scan-verdict")).to_contain_text("10 pc were used")

    def enter_the_value() -> None:
        page.get_by_test_id("check-value").fill("22.001")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("scan-verdict")).to_contain_text("inside the limits")

    told_after(use_a_lot)
    told_after(enter_the_value)

    page.get_by_test_id("complete").click()
    page.wait_for_url("**/t/home/")
    expect(floor_page.get_by_test_id("running-count")).to_have_text("0", timeout=SOON)

    def undo() -> None:
        page.get_by_test_id("undo").click()
        page.wait_for_url(f"**/t/job/{operation.pk}/")

    told_after(undo)
    expect(floor_page.get_by_text("1 interrupted")).to_be_visible(timeout=SOON)
    operation.refresh_from_db()
    order.refresh_from_db()
    assert (operation.state, order.state) == ("SUSPENDED", "RUNNING")
    assert floor_page.evaluate("() => window.neverReloaded") == marker
    looks_right(floor_page, "journey-floor")
    looks_right(page, "journey-job")
    assert violations() == []
