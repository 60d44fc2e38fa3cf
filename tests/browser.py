"""A real browser for tests: Chromium, the pages on a port, axe, pictures, and a script that finds what is cut off.

`from tests.browser import browser, open_page, served` in a conftest gives the fixtures. Without Chromium the
tests are skipped with that reason.
"""

import atexit
import functools
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests import wedge

ROOT = Path(__file__).parent
AXE = ROOT / "vendor" / "axe-core-4.14.1" / "axe.min.js"
PICTURES = ROOT / "artifacts" / "screens"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
DESK = {"width": 1440, "height": 900}
TERMINAL = {"width": 1280, "height": 800}
PORTRAIT = {"width": 800, "height": 1280}
WALL = {"width": 1920, "height": 1080}


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("MES_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@functools.cache
def _chrome(program: str) -> Browser:
    """Started once per process: every conftest that borrows the fixture has one of its own, Playwright allows one."""
    playwright = sync_playwright().start()
    chrome = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)

    def stop() -> None:
        chrome.close()
        playwright.stop()

    atexit.register(stop)
    return chrome


@pytest.fixture(scope="session")
def browser() -> Browser:
    """One Chromium for the whole run."""
    program = chromium()
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium, or set MES_CHROMIUM to its program.")
    return _chrome(program)


class _Quiet(WSGIRequestHandler):
    """The request handler without its line per request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test prints what it finds."""


@dataclass
class Served:
    """The product on two loopback ports: pages and stream."""

    url: str
    events: str


@contextmanager
def serving() -> Iterator[Served]:
    """Serve pages and stream from threads of this process, on whatever database Django points at now."""
    from mes.screens.live import make_application

    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.daemon_threads = True
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    stream = uvicorn.Server(
        uvicorn.Config(make_application(), port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
    )
    threads = [
        threading.Thread(target=server.serve_forever, daemon=True),
        threading.Thread(target=stream.run, daemon=True),
    ]
    for thread in threads:
        thread.start()
    while not stream.started:
        time.sleep(0.02)
    events_port = stream.servers[0].sockets[0].getsockname()[1]
    before = settings.EVENTS_PORT, settings.WEB_PORT
    settings.EVENTS_PORT, settings.WEB_PORT = str(events_port), str(server.server_port)
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", f"http://127.0.0.1:{events_port}")
    finally:
        settings.EVENTS_PORT, settings.WEB_PORT = before
        stream.should_exit = True
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join(timeout=5)


@pytest.fixture
def served(committed_db: None) -> Iterator[Served]:
    """The product with real commits, so that threads and the stream see what a test did."""
    with serving() as running:
        yield running


@dataclass
class Watched:
    """A page that remembers what went wrong in it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def scan(self, code: str, *, enter: bool = True) -> None:
        """Type as a wedge scanner does: fast, even, Enter at the end."""
        wedge.scan(self.page, code, enter=enter)


PageMaker = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[PageMaker]:
    """`open_page(DESK, theme="dark")` gives a watched page of its own browser context; errors fail the test."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def make(size: dict[str, int] = DESK, *, theme: str = "light", url: str = "", **options: Any) -> Watched:
        context = browser.new_context(viewport=size, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        base = url or served.url
        context.add_cookies([{"name": "mes_theme", "value": theme, "url": base}])
        watched = Watched(context.new_page(), base)
        pages.append(watched)
        watched.page.on("pageerror", lambda error: watched.errors.append(f"script: {error}"))
        watched.page.on("console", lambda line: line.type == "error" and watched.errors.append(f"console: {line.text}"))
        return watched

    yield make
    wrong = [error for watched in pages for error in watched.errors if "status of 4" not in error]
    for context in contexts:
        context.close()
    assert not wrong, wrong


def accessibility(page: Page, *, ignore: tuple[str, ...] = ()) -> list[str]:
    """What axe finds serious or critical, one line each."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text("utf-8"))
    rules = {rule: {"enabled": False} for rule in ignore}
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": {"type": "tag", "values": tags}, "rules": rules, "resultTypes": ["violations"]},
    )
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} — {node['failureSummary'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


#: Finds text that its own frame or the window cuts off, and a page that scrolls sideways. What may be cut says so by
#: class: mes-trunc sideways only, mes-sr altogether.
CUT = """() => {
  const found = [];
  const root = document.documentElement;
  const wide = root.scrollWidth - root.clientWidth;
  if (wide > 1) found.push(`the page is ${wide} px too wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.textContent.trim() || !parent) continue;
    if (parent.closest('.mes-sr,script,style,template,[hidden],.d-skip,datalist,option')) continue;
    if (!parent.checkVisibility({checkVisibilityCSS: true, checkOpacity: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rect = range.getBoundingClientRect();
    if (!rect.width || !rect.height) continue;
    for (let box = parent; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      const edge = box.getBoundingClientRect();
      const scrolls = /auto|scroll/;
      const cuts = box.classList.contains('mes-trunc') || style.textOverflow === 'ellipsis';
      const x = /hidden|clip/.test(style.overflowX) && !cuts;
      const y = /hidden|clip/.test(style.overflowY);
      if (x && (rect.right > edge.right + 1.5 || rect.left < edge.left - 1.5)) report('sideways', node, box);
      if (y && (rect.bottom > edge.bottom + 3 || rect.top < edge.top - 3)) report('below or above', node, box);
      if (cuts && box.scrollWidth > box.clientWidth + 1) break;
      if (scrolls.test(style.overflowX) || scrolls.test(style.overflowY)) break;
      if (style.position === 'fixed') break;
    }
  }
  for (const button of document.querySelectorAll('button,.btn,.t-btn,.t-primary,.mes-chip')) {
    if (!button.checkVisibility() || button.closest('.mes-sr')) continue;
    if (button.scrollWidth > button.clientWidth + 2) report('out of its button', button, button);
  }
  function report(how, node, box) {
    const line = `${how}: "${node.textContent.trim().slice(0, 60)}" in ${box.tagName.toLowerCase()}.${box.className}`;
    if (!seen.has(line)) { seen.add(line); found.push(line); }
  }
  return found;
}"""


def cut_off(page: Page) -> list[str]:
    return list(page.evaluate(CUT))


#: Controls of a terminal that are smaller than a gloved finger needs; a field is as large as the label around it.
SMALL = """least => [...document.querySelectorAll('button,a[href],input,select,summary')]
  .filter(control => control.checkVisibility() && !control.closest('.mes-sr,.d-skip') && control.type !== 'hidden')
  .map(control => [control, (control.closest('label') ?? control).getBoundingClientRect()])
  .filter(([, box]) => box.width && Math.min(box.width, box.height) < least - 1)
  .map(([control, box]) => `${control.outerHTML.slice(0, 90)}: ${Math.round(box.width)} × ${Math.round(box.height)} px`)
"""


def too_small(page: Page, millimetres: float = 15) -> list[str]:
    per_millimetre = float(
        page.evaluate("parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--mm'))")
    )
    return list(page.evaluate(SMALL, millimetres * per_millimetre))


def settled(page: Page) -> None:
    """Fonts are there and nothing is being fetched by htmx."""
    page.evaluate("document.fonts.ready.then(() => true)")
    expect(page.locator(".htmx-request")).to_have_count(0)


def picture(page: Page, name: str, *, whole: bool = False) -> Path:
    """Save a picture under tests/artifacts/screens."""
    settled(page)
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=whole)
    return path


def faults(page: Page, name: str, *, whole: bool = False, ignore: tuple[str, ...] = ()) -> list[str]:
    """Save a picture; what is cut off on it, and what axe finds serious, each with the picture's name."""
    picture(page, name, whole=whole)
    return [f"{name}: {fault}" for fault in [*cut_off(page), *accessibility(page, ignore=ignore)]]


def looks_right(page: Page, name: str, *, whole: bool = False, ignore: tuple[str, ...] = ()) -> None:
    """A picture is saved, nothing is cut off, and axe finds nothing serious."""
    found = faults(page, name, whole=whole, ignore=ignore)
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)
