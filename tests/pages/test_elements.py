"""The other elements in a real browser, on pages that hold nothing else: pads, forms, live regions."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.pages.probe import STATIC, Probe

pytestmark = pytest.mark.browser


# ---------- forms ----------

FORM = """<form hx-post="/complete/" hx-swap="none" data-command>
<input type="hidden" name="command_id" value="rendered">
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
    for wanted in (1, 2):
        page.clock.run_for(16000)
        deadline = time.monotonic() + 10
        while len(probe.reads) < wanted and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert len(probe.reads) >= wanted


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
