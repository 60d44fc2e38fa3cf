"""A page without a server, for the custom elements: what it asks for is answered here and written down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests import wedge

STATIC = Path(__file__).parents[2] / "static"
HTMX = Path(__import__("django_htmx").__file__).parent / "static/django_htmx/htmx-2.min.js"
ORIGIN = "http://plant.test"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'"
)
HEAD = """<!doctype html><html lang="en" data-density="terminal"><head><meta charset="utf-8"><title>probe</title>
<meta name="mes-csrf" content="token"><meta name="mes-events" content="/events/"><meta name="mes-now" content="{now}">
<meta name="mes-zone" content="Europe/Berlin">
<meta name="htmx-config" content='{{"allowEval":false,"includeIndicatorStyles":false}}'>
<script src="/htmx.js" defer></script><script src="/static/vendor/idiomorph-0.8.0/idiomorph.min.js" defer></script>
<script src="/static/js/forms.js" defer></script><script src="/static/js/live.js" defer></script>
<script src="/static/js/scan.js" defer></script><script src="/static/js/pad.js" defer></script></head><body>
<div id="live-polite"></div><div id="live-now"></div>"""
ROUTER = """<scan-band id="band"></scan-band><scan-router url="/t/scan/" context='{"operation": 7}'
 data-lost="Not sent.|Scan again." data-waiting="Still checking.|" data-again="Already read." data-full="Too many.|"
 data-dropped="{count} scans were dropped."></scan-router>"""


def verdict(kind: str, did: str = "done", extra: str = "") -> str:
    return f'<div class="mes-band" data-testid="scan-verdict" data-v="{kind}" {extra}><div><p>{did}</p></div></div>'


@dataclass
class Probe:
    """A page without a server: what it asks for is answered here and written down."""

    page: Page
    scans: list[dict[str, str]] = field(default_factory=list)
    posts: list[dict[str, str]] = field(default_factory=list)
    reads: list[Request] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    streams: int = 0
    stream_answer: tuple[int, str] = (403, "")
    fragment: str = ""
    dead: bool = False
    violations: list[str] = field(default_factory=list)

    def show(self, body: str, now: int = 0) -> Page:
        html = HEAD.format(now=now or "") + body
        self.page.route(f"{ORIGIN}/probe/", lambda route: self._html(route, html))
        self.page.goto(f"{ORIGIN}/probe/")
        return self.page

    def _html(self, route: Route, html: str) -> None:
        route.fulfill(body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    def answer(self, route: Route) -> None:
        request = route.request
        path = re.sub(r"\?.*", "", request.url.removeprefix(ORIGIN))
        if self.dead:
            route.abort()
        elif path == "/htmx.js":
            route.fulfill(path=HTMX)
        elif path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/"))
        elif path == "/events/":
            self.streams += 1
            status, body = self.stream_answer
            route.fulfill(status=status, body=body, content_type="text/event-stream")
        elif path == "/part/":
            self.reads.append(request)
            if request.headers.get("if-none-match") == '"1"' and '"1"' in self.fragment:
                route.fulfill(status=304)
            else:
                route.fulfill(body=self.fragment, content_type="text/html", headers={"ETag": '"1"'})
        elif request.method == "POST":
            sent = {key: values[0] for key, values in parse_qs(request.post_data or "").items()}
            (self.scans if path == "/t/scan/" else self.posts).append(sent)
            status, body = self.answers.pop(0) if self.answers else (200, verdict("good"))
            if status == 0:
                route.abort()
            else:
                route.fulfill(status=status, body=body, content_type="text/html")
        else:
            route.fulfill(status=200, body=HEAD.format(now="") + ROUTER, content_type="text/html")

    def scan(self, text: str, *, gap: float = 0.003, enter: bool = True) -> None:
        wedge.scan(self.page, text, gap=gap, enter=enter)

    def codes(self) -> list[str]:
        return [scan["code"] for scan in self.scans]


@pytest.fixture
def probe(browser: Browser) -> Iterator[Probe]:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    probe = Probe(page)
    page.on("pageerror", lambda error: probe.violations.append(str(error)))
    page.on("console", lambda line: "Content Security" in line.text and probe.violations.append(line.text))
    context.route("**/*", probe.answer)
    yield probe
    context.close()
    assert not probe.violations


def band(page: Page, kind: str) -> None:
    expect(page.locator(f'[data-testid=scan-verdict][data-v="{kind}"]')).to_be_visible()
