"""The pictures and numbers of every page: what a tag draws, what a screen reader hears, how a quantity is written."""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone, translation

from mes.screens.templatetags import mes as tags


def attributes(svg: str) -> list[tuple[str, dict[str, str]]]:
    return [(element.tag, dict(element.attrib)) for element in ET.fromstring(svg).iter()]


def test_an_icon_names_the_sprite_and_is_silent() -> None:
    svg = Template('{% icon "check" %}').render(Context())
    assert 'href="/static/icons/sprite.svg#check"' in svg
    assert 'aria-hidden="true"' in svg


@pytest.mark.parametrize("state", sorted(tags.SHAPES))
def test_every_chip_has_a_shape_beside_its_word(state: str) -> None:
    html = tags.chip(state, "word")
    assert f"#{tags.SHAPES[state]}" in html
    assert "word" in html


def test_every_shape_and_icon_used_is_in_the_sprite() -> None:
    from django.conf import settings

    sprite = (settings.BASE_DIR / "static/icons/sprite.svg").read_text("utf-8")
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = set(tags.SHAPES.values())
    for file in (settings.BASE_DIR / "templates").rglob("*.html"):
        used |= set(re.findall(r'{% icon "([^"]+)"', file.read_text("utf-8")))
    assert used <= there


def test_a_chip_says_the_long_form_where_the_short_one_is_an_abbreviation() -> None:
    html = tags.chip("pred", "−9 h pred.", "Predicted 9 hours late")
    assert '<span aria-hidden="true">−9 h pred.</span><span class="mes-sr">Predicted 9 hours late</span>' in html


def test_a_chip_escapes_its_text() -> None:
    assert "<script>" not in tags.chip("late", "<script>", "<script>")


def test_progress_draws_bar_scrap_and_marker_in_per_cent() -> None:
    drawn = attributes(tags.progress(Decimal("75"), standard=84, bad=6, size="lg"))
    assert drawn[0][1]["aria-label"] == "75 % done, the standard expects 84 %"
    assert [(place.get("x"), place.get("width")) for _, place in drawn[1:]] == [
        (None, "100%"),
        (None, "75%"),
        ("75%", "6%"),
        ("84%", None),
    ]


@pytest.mark.parametrize(("value", "drawn"), [(-5, "0"), (140, "100"), ("33.333", "33.3"), (Decimal("0.04"), "0")])
def test_progress_stays_inside_its_bar(value: object, drawn: str) -> None:
    assert attributes(tags.progress(value))[2][1]["width"] == f"{drawn}%"  # type: ignore[arg-type]


def test_the_ring_shares_its_circle_between_made_scrapped_and_open() -> None:
    svg = tags.ring(75, 2, 102, 25)
    assert 'aria-label="75 of 102 made, 2 scrap, 25 to go"' in svg
    assert 'stroke-dasharray="73.53 100"' in svg
    assert 'stroke-dasharray="1.96 100" transform="rotate(174.71 60 60)"' in svg
    assert ">25</text>" in svg


def test_an_empty_ring_and_an_overfull_one_are_drawn() -> None:
    assert "done" not in [place.get("class") for _, place in attributes(tags.ring(0, 0, 0, 0))]
    assert 'stroke-dasharray="100.00 100"' in tags.ring(12, 0, 10, 0)


@pytest.mark.parametrize(
    ("hours", "place"),
    [
        (-100, 0),
        (-72, 0),
        (-24, 100 / 6),
        (-4, 200 / 6),
        (-2, 250 / 6),
        (0, 50),
        (2, 350 / 6),
        (24, 500 / 6),
        (99, 100),
    ],
)
def test_slack_lies_at_equal_steps(hours: float, place: float) -> None:
    assert tags.slack_position(hours) == pytest.approx(place)


def test_slack_says_in_words_what_it_shows() -> None:
    assert 'aria-label="Predicted 9 h late"' in tags.slack(-9, -14)
    assert 'data-s="pred"' in tags.slack(-9, -14)
    assert 'data-s="risk"' in tags.slack(2, -1)
    assert 'data-s="ok"' in tags.slack(6, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("25.000000"), "25"),
        (Decimal("0.400000"), "0.4"),
        (Decimal("100"), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12500"), "12,500"),
        (Decimal("-3.50"), "−3.5"),
        (Decimal(0), "0"),
        (None, "–"),
    ],
)
def test_a_quantity_is_written_without_needless_zeros(value: Decimal | None, text: str) -> None:
    assert tags.quantity(value) == text


def test_a_quantity_follows_the_language() -> None:
    with translation.override("de"):
        assert tags.quantity(Decimal("12500.250"), "kg") == "12.500,25 kg"


def test_a_value_attribute_keeps_the_point_in_every_language() -> None:
    with translation.override("de"):
        assert tags.plain_number(Decimal("12500.250")) == "12500.25"


@time_machine.travel(dt.datetime(2026, 11, 17, 9, 42, tzinfo=dt.UTC), tick=False)
def test_times_are_said_in_the_zone_of_the_site_and_as_short_as_they_may_be() -> None:
    with timezone.override("Europe/Berlin"):
        at = dt.datetime(2026, 11, 17, 9, 42, tzinfo=dt.UTC)
        assert tags.clock(at) == "10:42"
        assert ">10:42</time>" in tags.moment(at)
        assert ">Sun 10:42</time>" in tags.moment(at - dt.timedelta(days=2))
        assert ">1 Nov 10:42</time>" in tags.moment(at - dt.timedelta(days=16))
        assert ">17 Nov 2025</time>" in tags.moment(at - dt.timedelta(days=365))
        assert tags.ago(at - dt.timedelta(minutes=5)) == "5 minutes ago"
        assert tags.ago(at - dt.timedelta(hours=1)) == "1 hour ago"
        assert tags.ago(at) == "just now"


@pytest.mark.parametrize(
    ("hours", "text"), [(0.5, "30 min"), (9, "9 h"), (1.25, "1.2 h"), (28.8, "29 h"), (72, "3 d"), (None, "–")]
)
def test_spans_are_short(hours: float | None, text: str) -> None:
    assert tags.hours_text(hours) == text


def test_minutes_are_written_as_hours_and_minutes() -> None:
    assert tags.minutes(84) == "1:24"


def test_every_rendered_form_has_an_id_of_its_own() -> None:
    first, second = tags.command_id(), tags.command_id()
    assert first != second
    assert re.fullmatch(r'<input type="hidden" name="command_id" value="[0-9a-f-]{36}">', first)
