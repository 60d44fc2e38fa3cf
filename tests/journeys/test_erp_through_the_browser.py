"""The whole promise: an order of a real Tryton is made by hand at a terminal in Chromium and stands done in Tryton."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from mes.accounts import badges, terminals
from mes.accounts.models import Badge, Terminal, User, digest_of
from mes.kernel.scanning import Kind, make_code, make_id_code
from tests.browser import TERMINAL, PageMaker, Watched
from tests.erp.fault_proxy import FaultProxy
from tests.erp.journey import Journey, journey
from tests.erp.peer.server import PeerServer
from workorders.models import Operation, WorkCenter

pytestmark = [pytest.mark.erp_peer, pytest.mark.browser, pytest.mark.heavy]

PIN = "2468"


@pytest.fixture
def way(committed_db: None, proxy: FaultProxy) -> Journey:
    return journey(proxy.url)


def at_the_terminal(open_page: PageMaker, way: Journey) -> Watched:
    center = WorkCenter.objects.get(site=way.plant.site, code="Assembly cell 1")
    secret = f"{way.plant.prefix}-terminal"
    Terminal.objects.create(
        site_id=way.plant.site.pk, work_center_id=center.pk, name="Assembly", token=digest_of(secret), millimetre="5.0"
    )
    watched = open_page(TERMINAL)
    watched.page.context.add_cookies([{"name": terminals.COOKIE, "value": secret, "url": watched.url}])
    return watched


def sign_in(watched: Watched, way: Journey) -> Page:
    user = User.objects.get(pk=way.plant.person().id)
    user.pin = badges.hashed_pin(PIN)
    user.save(update_fields=["pin"])
    badge = Badge.objects.get(user=user)
    Badge.objects.filter(pk=badge.pk).update(code=badge.code.upper())
    page = watched.open("/t/")
    watched.scan(make_code(Kind.BADGE, badge.code.upper()))
    expect(page.get_by_test_id("pin")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/home/")
    return page


def open_job(watched: Watched, operation: Operation) -> Page:
    page = watched.page
    watched.scan(make_id_code(Kind.OPERATION, operation.pk))
    page.wait_for_url(f"**/t/job/{operation.pk}/")
    start = page.get_by_test_id("start")
    operation.refresh_from_db()
    if operation.state == "READY":
        start.click()
        expect(page.get_by_test_id("complete")).to_be_visible()
    return page


def scrap_one(page: Page, operation: Operation, reason: str) -> None:
    page.get_by_test_id("scrap").click()
    page.wait_for_url(f"**/t/job/{operation.pk}/scrap/")
    page.locator(f"[data-choose={reason}]").click()
    page.get_by_test_id("scrap-save").click()
    page.wait_for_url(f"**/t/job/{operation.pk}/")


def complete(page: Page) -> None:
    page.get_by_test_id("complete").click()
    page.wait_for_url("**/t/home/")


def test_an_order_made_at_the_terminal_stands_done_in_the_erp(
    open_page: PageMaker, peer: PeerServer, way: Journey
) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    assemble, test = way.operation(order, 10), way.operation(order, 20)

    watched = at_the_terminal(open_page, way)
    sign_in(watched, way)
    page = open_job(watched, assemble)
    for code in ("H-2026-01", "R-77", "RM-SEAL"):
        watched.scan(code)
        expect(page.get_by_test_id("scan-verdict")).to_have_attribute("data-verdict", "good")
        expect(page.get_by_test_id("scan-verdict")).to_contain_text("used")
        page.wait_for_timeout(1700)  # the same text scanned again sooner would be an echo, a new one is not
    scrap_one(page, assemble, "CRACK")
    complete(page)
    open_job(watched, test)
    scrap_one(page, test, "SIZE")
    complete(page)
    assert way.state(order) == "DONE"
    way.tell()

    assert peer_order.state == "done"
    assert peer_order.consumed() == {
        ("RM-HOUS", "H-2026-01"): 10.0,
        ("RM-SEAL", None): 20.0,
        ("RM-RESIN", "R-77"): 2.5,
    }
    assert peer_order.good() == {("FG-100", order.number): 8.0}
    assert peer_order.scrapped() == {("FG-100", None): 2.0}
    assert peer_order.traced_lots(order.number) == {"H-2026-01", "R-77"}
    cycles = peer_order.cycles()
    for operation in (assemble, test):
        (run,) = operation.runs.all()
        ((state, duration),) = cycles[operation.name]
        assert state == "done"
        assert abs(duration - (run.ended_at - run.started_at)) < timedelta(seconds=1)
    assert way.state(order) == "CLOSED"
