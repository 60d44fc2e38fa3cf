"""Working time: minutes of work pass only while a shift runs."""

from datetime import UTC, datetime, timedelta

import pytest

from workorders.worktime import WorkTime

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def hours(*pairs: tuple[float, float]) -> list[tuple[datetime, datetime]]:
    return [(NOON + timedelta(hours=start), NOON + timedelta(hours=end)) for start, end in pairs]


@pytest.mark.parametrize(
    ("spans", "minutes", "after"),
    [
        ((), 90, 1.5),
        (((-2, 4),), 60, 1),
        (((-2, 4),), 240, 4),
        (((-2, 4), (10, 14)), 241, 10 + 1 / 60),
        (((6, 8),), 0, 6),
        (((6, 8),), 30, 6.5),
        (((-4, 2), (1, 3)), 150, 2.5),
        (((-9, -1),), 30, 0.5),
        (((0, 1),), 120, 2),
    ],
)
def test_minutes_pass_only_in_shifts(spans: tuple[tuple[float, float], ...], minutes: float, after: float) -> None:
    assert WorkTime(NOON, hours(*spans)).after(minutes) == NOON + timedelta(hours=after)


def test_it_is_open_in_a_shift_and_where_no_calendar_says_otherwise() -> None:
    assert WorkTime(NOON).is_open
    assert WorkTime(NOON, hours((-1, 1))).is_open
    assert not WorkTime(NOON, hours((1, 2))).is_open
