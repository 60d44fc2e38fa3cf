"""The custom elements in a real browser, on pages that hold nothing else: scans, pads, forms, live regions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

pytestmark = pytest.mark.browser
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

    def type(self, text: str, delay: float = 2) -> None:
        self.page.keyboard.type(text, delay=delay)

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


# ---------- scans ----------


def test_a_scan_reaches_the_server_from_a_page_where_nothing_has_the_focus(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.type("L-B2291-R\n")
    band(page, "good")
    [scan] = probe.scans
    assert scan["code"] == "L-B2291-R"
    assert json.loads(scan["context"]) == {"operation": 7}
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", scan["command_id"])
    assert scan["at"].endswith("Z")


@pytest.mark.parametrize("text", ["lower-UPPER_:/?#", "https://mes.example/b/O5521.K", "Lot 12 x"])
def test_case_and_signs_arrive_as_they_were_sent(probe: Probe, text: str) -> None:
    page = probe.show(ROUTER)
    probe.type(text + "\n")
    band(page, "good")
    assert probe.codes() == [text]


def test_a_scan_into_a_field_gives_the_field_back_what_it_held_and_submits_nothing(probe: Probe) -> None:
    page = probe.show(
        f'<form method="post" action="/note/"><input id="note" name="note" value="half a sen"></form>{ROUTER}'
    )
    page.focus("#note")
    page.keyboard.press("End")
    probe.type("L-B2291-R\n")
    band(page, "good")
    assert page.input_value("#note") == "half a sen"
    assert probe.codes() == ["L-B2291-R"]
    assert probe.posts == []
    assert page.evaluate("document.activeElement.id") == "note"


def test_slow_typing_into_a_field_stays_there(probe: Probe) -> None:
    page = probe.show(f'<form method="post" action="/note/"><input id="note" name="note"></form>{ROUTER}')
    page.focus("#note")
    probe.type("hello there", delay=70)
    assert page.input_value("#note") == "hello there"
    page.keyboard.press("Enter")
    page.wait_for_url("**/note/")
    assert probe.posts == [{"note": "hello there"}]
    assert probe.scans == []


def test_a_gauge_fills_the_number_field_that_waits_for_it(probe: Probe) -> None:
    page = probe.show(f'<form method="post" action="/value/"><input id="v" name="v" inputmode="none"></form>{ROUTER}')
    page.focus("#v")
    probe.type("22.0134\n")
    page.wait_for_url("**/value/")
    assert probe.posts == [{"v": "22.0134"}]
    assert probe.scans == []


def test_a_marked_scan_is_kept_out_of_the_field_altogether_and_keeps_its_separators(probe: Probe) -> None:
    page = probe.show(f'<input id="note" value="">{ROUTER}')
    page.focus("#note")
    probe.type("]C1010950110153000310LOT7")
    page.keyboard.press("Control+]")
    probe.type("21SN9\n")
    band(page, "good")
    assert probe.codes() == ["]C1010950110153000310LOT7\x1d21SN9"]
    assert page.input_value("#note") == ""


def test_a_scanner_without_a_suffix_ends_by_falling_silent(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.type("L-B2291-R")
    band(page, "good")
    assert probe.codes() == ["L-B2291-R"]


def test_a_code_typed_slowly_where_no_field_is_meant_is_a_scan_too(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.type("5521", delay=250)
    page.keyboard.press("Enter")
    band(page, "good")
    assert probe.codes() == ["5521"]


def test_a_held_key_is_no_scan(probe: Probe) -> None:
    page = probe.show(ROUTER)
    page.keyboard.down("a")
    for _ in range(12):
        page.keyboard.down("a")
    page.keyboard.up("a")
    page.keyboard.press("Enter")
    page.wait_for_timeout(400)
    assert probe.scans == []


def test_a_scan_presses_no_button_and_follows_no_short_cut(probe: Probe) -> None:
    page = probe.show(
        '<form method="post" action="/complete/" data-command><input type="hidden" name="command_id">'
        f'<button id="b" data-hotkey="Enter">Complete</button></form>{ROUTER}'
    )
    page.focus("#b")
    probe.type("LOT 12 34\n")
    band(page, "good")
    assert probe.codes() == ["LOT 12 34"]
    assert probe.posts == []


def test_a_scan_is_taken_while_a_dialog_is_open(probe: Probe) -> None:
    page = probe.show(f"<dialog id=d><button>Close</button></dialog>{ROUTER}")
    page.evaluate("document.getElementById('d').showModal()")
    probe.type("L-B2291-R\n")
    expect(page.locator("[data-testid=scan-verdict]")).to_have_count(1)
    assert probe.codes() == ["L-B2291-R"]


def test_a_scan_on_a_german_or_french_keyboard_is_decoded_by_the_place_of_the_key(probe: Probe) -> None:
    page = probe.show(ROUTER)
    # What an AZERTY computer makes of a US scanner's Q-1: A, ) and & at the places of Q, Minus and Digit1.
    page.evaluate(
        """() => {
        const press = (key, code, shiftKey) => document.body.dispatchEvent(
            new KeyboardEvent('keydown', {key, code, shiftKey, bubbles: true, cancelable: true}));
        press('A', 'KeyQ', true); press(')', 'Minus', false); press('&', 'Digit1', false); press(')', 'Minus', false);
        press('M', 'Semicolon', true); press('Enter', 'Enter', false);
        }"""
    )
    band(page, "good")
    assert probe.codes()[0][1:] == "-1-:"


def test_the_same_code_twice_at_once_is_one_scan(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.type("L-B2291-R\n")
    probe.type("L-B2291-R\n")
    band(page, "good")
    page.wait_for_timeout(300)
    assert probe.codes() == ["L-B2291-R"]


def test_scans_wait_their_turn_and_a_refusal_drops_the_rest_aloud(probe: Probe) -> None:
    probe.answers = [(200, verdict("good")), (200, verdict("bad", "wrong lot"))]
    page = probe.show(ROUTER)
    page.evaluate(
        "['CODE-1', 'CODE-2', 'CODE-3', 'CODE-4'].forEach(c => document.querySelector('scan-router').read(c))"
    )
    band(page, "bad")
    page.wait_for_timeout(300)
    assert probe.codes() == ["CODE-1", "CODE-2"]
    assert page.inner_text("#live-now") == "2 scans were dropped."


def test_a_lost_answer_is_asked_again_with_the_same_key(probe: Probe) -> None:
    probe.answers = [(0, ""), (503, ""), (200, verdict("good"))]
    page = probe.show(ROUTER)
    probe.type("L-B2291-R\n")
    band(page, "good")
    assert len(probe.scans) == 3
    assert len({scan["command_id"] for scan in probe.scans}) == 1


def test_without_any_answer_the_band_says_that_nothing_was_sent(probe: Probe) -> None:
    probe.answers = [(0, "")] * 4
    page = probe.show(ROUTER)
    probe.type("L-B2291-R\n")
    expect(page.locator("[data-v=bad] .did")).to_have_text("Not sent.", timeout=15000)
    assert len(probe.scans) == 4


def test_the_verdict_follows_to_the_page_it_sends_to(probe: Probe) -> None:
    probe.answers = [(200, verdict("good", "Opened 5521-20", 'data-go="/t/job/7/"'))]
    page = probe.show(ROUTER)
    probe.type("P-5521.20-U\n")
    page.wait_for_url("**/t/job/7/")
    band(page, "good")


def test_what_a_code_says_is_never_markup(probe: Probe) -> None:
    probe.answers = [(0, "")] * 4
    page = probe.show(ROUTER)
    probe.type("<img src=x onerror=alert(1)>\n")
    expect(page.locator("[data-v=bad] .what")).to_have_text("<img src=x onerror=alert(1)>", timeout=15000)
    assert page.locator("scan-band img").count() == 0


def test_escape_and_a_touch_put_the_verdict_away(probe: Probe) -> None:
    probe.answers = [(200, verdict("bad", "wrong lot"))]
    page = probe.show(ROUTER)
    probe.type("L-B2291-R\n")
    band(page, "bad")
    page.keyboard.press("Escape")
    expect(page.locator("[data-testid=scan-verdict]")).to_have_count(0)


# ---------- forms ----------

FORM = """<form hx-post="/complete/" hx-swap="none" data-command><input type="hidden" name="command_id" value="rendered">
<input type="hidden" name="at" value=""><input name="good" value="25"><button>Complete</button></form>"""


def test_a_double_tap_is_one_command(probe: Probe) -> None:
    page = probe.show(FORM)
    page.evaluate("() => { const b = document.querySelector('button'); b.click(); b.click(); b.click(); }")
    page.wait_for_timeout(300)
    assert len(probe.posts) == 1
    assert probe.posts[0]["command_id"] not in {"", "rendered"}
    assert probe.posts[0]["at"].endswith("Z")


def test_each_gesture_has_an_id_of_its_own_and_a_retry_keeps_it(probe: Probe) -> None:
    probe.answers = [(200, ""), (0, ""), (503, ""), (409, ""), (422, ""), (200, "")]
    page = probe.show(FORM)
    for count in range(6):
        page.click("button")
        expect(page.locator("form[data-pending]")).to_have_count(0)
        assert len(probe.posts) == count + 1
    ids = [post["command_id"] for post in probe.posts]
    assert ids[0] != ids[1]
    assert ids[1] == ids[2] == ids[3] == ids[4]
    assert ids[5] != ids[4]
    assert len({post["at"] for post in probe.posts[1:5]}) == 1


# ---------- pad ----------

PAD = """<input id="q" name="q" inputmode="none" value="25" data-proposed><num-pad for="q">
<button type="button" data-key="7">7</button><button type="button" data-key="0">0</button>
<button type="button" data-key=".">.</button><button type="button" data-key="clear">C</button>
<button type="button" data-key="back">⌫</button></num-pad><button type="button" data-set="25" data-for="q">All</button>
<button type="button" data-add="1" data-for="q">+1</button>
<span id="label" data-echo="q" data-text="Complete {value}"></span>
<span id="sum" data-echo="q" data-base="75" data-text="{sum}"></span>"""


def test_the_first_key_replaces_the_proposed_amount_and_the_words_follow(probe: Probe) -> None:
    page = probe.show(PAD)
    assert page.inner_text("#label") == "Complete 25"
    page.click("[data-key='7']")
    assert page.input_value("#q") == "7"
    page.click("[data-key='0']")
    assert page.input_value("#q") == "70"
    assert page.inner_text("#label") == "Complete 70"
    assert page.inner_text("#sum") == "145"
    page.click("[data-key='back']")
    page.click("[data-key='.']")
    page.click("[data-key='.']")
    page.click("[data-key='7']")
    assert page.input_value("#q") == "7.7"
    page.click("[data-add]")
    assert page.input_value("#q") == "8.7"
    page.click("[data-set]")
    assert page.input_value("#q") == "25"
    assert page.get_attribute("[data-set]", "aria-pressed") == "true"
    page.click("[data-key='clear']")
    assert page.inner_text("#label") == "Complete –"


def test_a_value_is_judged_while_it_is_typed(probe: Probe) -> None:
    page = probe.show(
        """<input id="v" inputmode="none"><value-judge for="v" lower="21.98" upper="22.02"><p data-when="none">type</p>
        <p data-when="in">inside</p><p data-when="low high">outside</p></value-judge>"""
    )
    said = page.locator("value-judge p:not([hidden])")
    expect(said).to_have_text("type")
    for value, words in [
        ("22.0", "inside"),
        ("21,979", "outside"),
        ("22.02", "inside"),
        ("22.021", "outside"),
        ("x", "type"),
    ]:
        page.fill("#v", value)
        expect(said).to_have_text(words)


# ---------- live ----------

REGION = """<span class="mes-live" data-live-stamp data-text="as of {time}"></span>
<live-region src="/part/" topics="floor order:12"><p id="p">old</p><input id="i" value=""></live-region>"""


def event(name: str, data: object) -> str:
    return f"retry: 100000\n\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def test_a_change_of_its_topic_makes_a_region_fetch_and_morph_itself(probe: Probe) -> None:
    probe.stream_answer = (200, event("change", {"t": ["order:12"]}))
    probe.fragment = '<p id="p">new</p><input id="i" value="">'
    page = probe.show(REGION)
    expect(page.locator("#p")).to_have_text("new")
    assert probe.reads[0].headers["hx-request"] == "true"
    assert re.fullmatch(r"as of \d\d:\d\d:\d\d", page.inner_text("[data-live-stamp]"))


def test_a_region_is_not_changed_under_a_hand_that_writes(probe: Probe) -> None:
    probe.stream_answer = (403, "")
    probe.fragment = '<p id="p">new</p><input id="i" value="">'
    page = probe.show(REGION)
    page.focus("#i")
    page.keyboard.type("half")
    page.evaluate("document.dispatchEvent(new Event('mes:refresh'))")
    page.wait_for_timeout(300)
    assert page.inner_text("#p") == "old"
    assert page.input_value("#i") == "half"
    page.evaluate("document.getElementById('i').blur()")
    expect(page.locator("#p")).to_have_text("new")


def test_a_second_look_is_conditional_and_an_unchanged_part_is_not_sent_again(probe: Probe) -> None:
    probe.fragment = '<p id="p" title=\'"1"\'>same</p>'
    page = probe.show(REGION)
    page.evaluate("document.dispatchEvent(new Event('mes:refresh'))")
    expect(page.locator("#p")).to_have_text("same")
    page.evaluate("document.dispatchEvent(new Event('mes:refresh'))")
    page.wait_for_timeout(200)
    assert probe.reads[-1].headers["if-none-match"] == '"1"'


def test_all_regions_share_one_stream(probe: Probe) -> None:
    probe.stream_answer = (200, event("beat", {}))
    probe.fragment = "<p>x</p>"
    page = probe.show(
        '<live-region src="/part/" topics="a"></live-region><live-region src="/part/" topics="b,c"></live-region>'
    )
    page.wait_for_timeout(500)
    assert probe.streams == 1


def test_the_age_of_what_is_shown_turns_amber_and_red(probe: Probe) -> None:
    page = probe.page
    page.clock.install()
    probe.show(REGION)
    stamp = page.locator("[data-live-stamp]")
    page.clock.run_for(2000)
    expect(stamp).not_to_have_attribute("data-age", "old")
    probe.dead = True
    page.clock.run_for(40000)
    expect(stamp).to_have_attribute("data-age", "old")
    page.clock.run_for(100000)
    expect(stamp).to_have_attribute("data-age", "stale")


def test_without_a_stream_a_region_asks_every_fifteen_seconds(probe: Probe) -> None:
    page = probe.page
    page.clock.install()
    probe.fragment = "<p>x</p>"
    probe.show(REGION)
    before = len(probe.reads)
    page.clock.run_for(16000)
    page.wait_for_timeout(200)
    page.clock.run_for(15000)
    page.wait_for_timeout(200)
    assert len(probe.reads) - before >= 2


def test_elapsed_times_follow_the_servers_clock(probe: Probe) -> None:
    page = probe.page
    page.clock.install(time="2026-11-17T09:42:00Z")
    # The server is an hour ahead of this browser.
    probe.show(
        '<elapsed-time since="2026-11-17T09:18:00Z"></elapsed-time><time data-clock></time>',
        now=1794912120000 + 3600000 - 120000,
    )
    page.clock.run_for(1500)
    server = page.evaluate("mes.now() - Date.now()")
    assert abs(server) > 1
    assert page.inner_text("elapsed-time") == page.evaluate(
        "(() => { const t = Math.floor((mes.now() - Date.parse('2026-11-17T09:18:00Z')) / 1000);"
        " return Math.floor(t / 3600) + ':' + String(Math.floor(t / 60) % 60).padStart(2, '0'); })()"
    )
    assert re.fullmatch(r"\d\d:\d\d", page.inner_text("[data-clock]"))


def test_all_scripts_together_are_small() -> None:
    import gzip

    size = sum(len(gzip.compress(file.read_bytes())) for file in (STATIC / "js").glob("*.js"))
    assert size <= 25_000
