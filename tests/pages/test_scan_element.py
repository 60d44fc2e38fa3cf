"""The scan router in a real browser: what is a scan, what is typing, and what the person is told."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.pages.probe import ROUTER, Probe, band, verdict

pytestmark = pytest.mark.browser


def test_a_scan_reaches_the_server_from_a_page_where_nothing_has_the_focus(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.scan("L-B2291-R")
    band(page, "good")
    [scan] = probe.scans
    assert scan["code"] == "L-B2291-R"
    assert json.loads(scan["context"]) == {"operation": 7}
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", scan["command_id"])
    assert scan["at"].endswith("Z")


@pytest.mark.parametrize("text", ["lower-UPPER_:/?#", "https://mes.example/b/O5521.K", "Lot 12 x"])
def test_case_and_signs_arrive_as_they_were_sent(probe: Probe, text: str) -> None:
    page = probe.show(ROUTER)
    probe.scan(text)
    band(page, "good")
    assert probe.codes() == [text]


def test_a_scan_into_a_field_gives_the_field_back_what_it_held_and_submits_nothing(probe: Probe) -> None:
    page = probe.show(
        f'<form method="post" action="/note/"><input id="note" name="note" value="half a sen"></form>{ROUTER}'
    )
    page.focus("#note")
    page.keyboard.press("End")
    probe.scan("L-B2291-R")
    band(page, "good")
    assert page.input_value("#note") == "half a sen"
    assert probe.codes() == ["L-B2291-R"]
    assert probe.posts == []
    assert page.evaluate("document.activeElement.id") == "note"


def test_slow_typing_into_a_field_stays_there(probe: Probe) -> None:
    page = probe.show(f'<form method="post" action="/note/"><input id="note" name="note"></form>{ROUTER}')
    page.focus("#note")
    probe.scan("hello there", gap=0.07, enter=False)
    assert page.input_value("#note") == "hello there"
    page.keyboard.press("Enter")
    page.wait_for_url("**/note/")
    assert probe.posts == [{"note": "hello there"}]
    assert probe.scans == []


def test_a_gauge_fills_the_number_field_that_waits_for_it(probe: Probe) -> None:
    page = probe.show(f'<form method="post" action="/value/"><input id="v" name="v" inputmode="none"></form>{ROUTER}')
    page.focus("#v")
    probe.scan("22.0134")
    page.wait_for_url("**/value/")
    assert probe.posts == [{"v": "22.0134"}]
    assert probe.scans == []


def test_a_marked_scan_is_kept_out_of_the_field_altogether_and_keeps_its_separators(probe: Probe) -> None:
    page = probe.show(f'<input id="note" value="">{ROUTER}')
    page.focus("#note")
    probe.scan("]C1010950110153000310LOT7\x1d21SN9")
    band(page, "good")
    assert probe.codes() == ["]C1010950110153000310LOT7\x1d21SN9"]
    assert page.input_value("#note") == ""


def test_a_scanner_without_a_suffix_ends_by_falling_silent(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.scan("L-B2291-R", enter=False)
    band(page, "good")
    assert probe.codes() == ["L-B2291-R"]


def test_a_scanner_that_sends_enter_may_pause_without_being_cut_in_two(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.scan("L-B2291-R")
    band(page, "good")
    probe.scan("L-B23", enter=False)
    page.wait_for_timeout(700)
    probe.scan("07-A")
    band(page, "good")
    page.wait_for_timeout(300)
    assert probe.codes() == ["L-B2291-R", "L-B2307-A"]


def test_a_code_typed_slowly_where_no_field_is_meant_is_a_scan_too(probe: Probe) -> None:
    page = probe.show(ROUTER)
    probe.scan("5521", gap=0.25)
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
    probe.scan("LOT 12 34")
    band(page, "good")
    assert probe.codes() == ["LOT 12 34"]
    assert probe.posts == []


def test_a_scan_is_taken_while_a_dialog_is_open(probe: Probe) -> None:
    page = probe.show(f"<dialog id=d><button>Close</button></dialog>{ROUTER}")
    page.evaluate("document.getElementById('d').showModal()")
    probe.scan("L-B2291-R")
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
    probe.scan("L-B2291-R")
    probe.scan("L-B2291-R")
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
    probe.scan("L-B2291-R")
    band(page, "good")
    assert len(probe.scans) == 3
    assert len({scan["command_id"] for scan in probe.scans}) == 1


def test_without_any_answer_the_band_says_that_nothing_was_sent(probe: Probe) -> None:
    probe.answers = [(0, "")] * 4
    page = probe.show(ROUTER)
    probe.scan("L-B2291-R")
    expect(page.locator("[data-v=bad] .did")).to_have_text("Not sent.", timeout=15000)
    assert len(probe.scans) == 4


def test_the_verdict_follows_to_the_page_it_sends_to(probe: Probe) -> None:
    probe.answers = [(200, verdict("good", "Opened 5521-20", 'data-go="/t/job/7/"'))]
    page = probe.show(ROUTER)
    probe.scan("P-5521.20-U")
    page.wait_for_url("**/t/job/7/")
    band(page, "good")


def test_what_a_code_says_is_never_markup(probe: Probe) -> None:
    probe.answers = [(0, "")] * 4
    page = probe.show(ROUTER)
    probe.scan("<img src=x onerror=alert(1)>")
    expect(page.locator("[data-v=bad] .what")).to_have_text("<img src=x onerror=alert(1)>", timeout=15000)
    assert page.locator("scan-band img").count() == 0


def test_escape_and_a_touch_put_the_verdict_away(probe: Probe) -> None:
    probe.answers = [(200, verdict("bad", "wrong lot"))]
    page = probe.show(ROUTER)
    probe.scan("L-B2291-R")
    band(page, "bad")
    page.keyboard.press("Escape")
    expect(page.locator("[data-testid=scan-verdict]")).to_have_count(0)
