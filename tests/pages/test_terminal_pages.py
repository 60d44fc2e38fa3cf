"""The terminal in Chromium: it looks right in both orientations, and a job is made with a scanner and a thumb."""

import uuid

import pytest
from playwright.sync_api import Page, expect

from mes.accounts import terminals
from mes.kernel.scanning import Kind, make_code
from tests.browser import PORTRAIT, TERMINAL, PageMaker, Watched, faults, looks_right, too_small
from tests.builders import Doer
from tests.pages.floor_cast import PIN, Cast, cast, operations
from workorders.actions.holds import place_hold
from workorders.models import Operation

pytestmark = pytest.mark.browser


@pytest.fixture
def floor(committed_db: None) -> Cast:
    made = cast()
    made.plant.item("PUMP")
    made.plant.item("BL-40")
    made.plant.item("RX-2", unit="kg")
    made.plant.lot("BL-40", "B-2307", 140)
    made.plant.lot("RX-2", "RX-0911", 5, unit="kg")
    made.plant.plan("PUMP", lower="21.98", upper="22.02")
    return made


MATERIALS = [
    {"item": "BL-40", "quantity_per": "1", "unit": "pc", "operation": 10},
    {"item": "RX-2", "quantity_per": "0.004", "unit": "kg", "operation": 10},
]


def at_terminal(open_page: PageMaker, floor: Cast, size: dict[str, int] = TERMINAL, theme: str = "light") -> Watched:
    watched = open_page(size, theme=theme)
    watched.page.context.add_cookies([{"name": terminals.COOKIE, "value": floor.secret, "url": watched.url}])
    return watched


def sign_in(watched: Watched, floor: Cast) -> Page:
    page = watched.open("/t/")
    watched.scan(floor.badge_code)
    expect(page.get_by_test_id("pin")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/home/")
    return page


def verdict(page: Page, kind: str) -> str:
    band = page.get_by_test_id("scan-verdict")
    expect(band).to_have_attribute("data-verdict", kind)
    return band.inner_text()


def believable(floor: Cast) -> Operation:
    """A running job with a past, and a list behind it with one of each kind."""
    running = floor.order(
        quantity=100,
        operations=[
            {
                "sequence": 10,
                "name": "Press impeller",
                "work_center": "PRESS-3",
                "run_minutes_per_unit": "1",
                "instruction": "Set the notch over the locating pin. The rim must lie flat before the guard closes.",
            }
        ],
        materials=MATERIALS,
        need_date="2030-01-02T06:00:00Z",
    )
    operation = floor.operation(running)
    ben = Doer(floor.plant.person("operator", "ben"))
    ben.start(operation)
    ben.report(operation, good=73)
    ben.report(operation, scrap=2, reason="CRACK")
    held = floor.order(operations=operations("PRESS-3"), need_date="2030-01-03T06:00:00Z", quantity=60)
    place_hold(
        actor=floor.plant.person("lead"),
        target="order",
        target_id=held.pk,
        reason="CHECK",
        note="Quality decides today",
        command_id=uuid.uuid4(),
    )
    floor.order(operations=operations("WC1", "PRESS-3"), need_date="2020-01-03T06:00:00Z", quantity=120)
    for place in range(4):
        floor.order(operations=operations("PRESS-3"), need_date=f"2030-02-0{place + 1}T06:00:00Z", quantity=50)
    return operation


@pytest.mark.parametrize(("name", "size"), [("landscape", TERMINAL), ("portrait", PORTRAIT)])
def test_every_page_of_the_terminal_is_whole_and_large_enough(
    open_page: PageMaker, floor: Cast, name: str, size: dict[str, int]
) -> None:
    operation = believable(floor)
    watched = at_terminal(open_page, floor, size)
    page = watched.open("/t/")
    found = faults(page, f"terminal-lock-{name}")
    watched.scan(floor.badge_code)
    expect(page.get_by_test_id("pin")).to_be_visible()
    expect(page.get_by_test_id("scan-verdict")).to_have_count(0, timeout=4000)
    found += faults(page, f"terminal-pin-{name}")
    page.get_by_test_id("pin").fill(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/home/")
    job = f"/t/job/{operation.pk}/"
    for path, title in [
        ("/t/home/", "dispatch"),
        (job, "job"),
        (f"{job}quantity/", "quantity"),
        (f"{job}scrap/", "scrap"),
        (f"{job}pause/", "pause"),
        (f"{job}check/dia/", "check"),
        (f"{job}materials/", "materials"),
        ("/t/setup/", "setup"),
    ]:
        watched.open(path)
        found += faults(page, f"terminal-{title}-{name}")
        if title != "setup":
            found += [f"{title}-{name}: {control}" for control in too_small(page)]
    assert found == []


@pytest.mark.parametrize("theme", ["dark", "contrast"])
def test_the_job_is_readable_in_every_theme(open_page: PageMaker, floor: Cast, theme: str) -> None:
    operation = believable(floor)
    watched = at_terminal(open_page, floor, theme=theme)
    page = sign_in(watched, floor)
    watched.open(f"/t/job/{operation.pk}/")
    looks_right(page, f"terminal-job-{theme}")
    watched.open("/t/home/")
    looks_right(page, f"terminal-dispatch-{theme}")


def test_a_job_is_made_by_scanner_and_thumb(open_page: PageMaker, floor: Cast) -> None:
    order = floor.order(quantity=10, operations=operations("PRESS-3"), materials=[MATERIALS[0]])
    operation = floor.operation(order)
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    expect(page.get_by_test_id("dispatch-row")).to_have_count(1)

    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    assert "has been started" in verdict(page, "good")
    looks_right(page, "terminal-scan-good")

    watched.scan("L-NOBODY-0")
    verdict(page, "refused")
    looks_right(page, "terminal-scan-bad")

    watched.scan(make_code(Kind.LOT, "B-2307"))
    assert "10 pc were used" in verdict(page, "good")

    page.get_by_test_id("check-value").fill("22.5")
    expect(page.get_by_text("Above the upper limit.")).to_be_visible()
    page.get_by_test_id("check-value").fill("22.001")
    expect(page.get_by_text("Inside the limits.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("scan-verdict")).to_contain_text("inside the limits")

    page.get_by_test_id("complete").click()
    page.wait_for_url("**/t/home/")
    assert "Completed with 10 pc good" in verdict(page, "good")
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("COMPLETED", 10)

    page.get_by_test_id("undo").click()
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    verdict(page, "good")
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("SUSPENDED", 0)


def test_a_part_of_the_quantity_is_asked_about_and_answered(open_page: PageMaker, floor: Cast) -> None:
    operation = floor.operation(floor.order(item="CAP", quantity=10, operations=operations("PRESS-3")))
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    page.get_by_test_id("quantity").fill("7")
    expect(page.get_by_test_id("complete")).to_have_text("Complete 7")
    page.get_by_test_id("complete").click()
    verdict(page, "question")
    looks_right(page, "terminal-question")
    page.get_by_role("button", name="3 pc will not be made").click()
    page.wait_for_url("**/t/home/")
    operation.refresh_from_db()
    assert (operation.state, operation.good, operation.short) == ("COMPLETED", 7, 3)


def test_scrap_is_counted_with_pad_and_tile(open_page: PageMaker, floor: Cast) -> None:
    operation = floor.operation(floor.order(item="CAP", quantity=10, operations=operations("PRESS-3")))
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    page.get_by_test_id("scrap").click()
    page.locator("[data-key='3']").click()
    expect(page.get_by_test_id("scrap-save")).to_have_text("Scrap 3")
    page.get_by_test_id("reason").first.click()
    page.get_by_test_id("scrap-save").click()
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    operation.refresh_from_db()
    assert operation.scrap == 3


def test_a_double_tap_on_complete_counts_once(open_page: PageMaker, floor: Cast) -> None:
    operation = floor.operation(floor.order(item="CAP", quantity=10, operations=operations("PRESS-3")))
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    page.get_by_test_id("complete").dblclick()
    page.wait_for_url("**/t/home/")
    assert verdict(page, "good")
    operation.refresh_from_db()
    assert operation.good == 10


def test_the_list_changes_by_itself_when_something_is_released(open_page: PageMaker, floor: Cast) -> None:
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    expect(page.get_by_test_id("dispatch-row")).to_have_count(0)
    expect(page.get_by_text("Nothing is waiting here.")).to_be_visible()
    order = floor.order(item="CAP", operations=operations("PRESS-3"))
    expect(page.get_by_test_id("dispatch-row")).to_have_count(1, timeout=2000)
    Doer(floor.plant.person("operator", "ben")).start(floor.operation(order))
    expect(page.get_by_test_id("dispatch-row")).to_have_count(0, timeout=2000)
    expect(page.get_by_text("Nothing runs here now.")).to_have_count(0)


def test_a_quantity_being_typed_survives_what_others_do(open_page: PageMaker, floor: Cast) -> None:
    operation = floor.operation(floor.order(item="CAP", quantity=10, operations=operations("PRESS-3")))
    watched = at_terminal(open_page, floor)
    page = sign_in(watched, floor)
    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    field = page.get_by_test_id("quantity")
    field.fill("4")
    page.locator("h1").click()
    Doer(floor.plant.person("operator", "ben")).report(operation, good=2)
    expect(page.get_by_test_id("good")).to_contain_text("2", timeout=3000)
    expect(field).to_have_value("4")


def test_a_finger_on_a_number_is_led_to_the_pad(open_page: PageMaker, floor: Cast) -> None:
    operation = floor.operation(floor.order(item="CAP", quantity=10, operations=operations("PRESS-3")))
    watched = open_page(TERMINAL, has_touch=True)
    watched.page.context.add_cookies([{"name": terminals.COOKIE, "value": floor.secret, "url": watched.url}])
    page = sign_in(watched, floor)
    watched.scan(floor.traveler(operation))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    page.get_by_test_id("quantity").tap()
    page.wait_for_url(f"**/t/job/{operation.pk}/quantity/")
    for key in ("1", "0"):
        page.locator(f"[data-key='{key}']").tap()
    page.get_by_test_id("complete").tap()
    page.wait_for_url("**/t/home/")
    operation.refresh_from_db()
    assert operation.good == 10
