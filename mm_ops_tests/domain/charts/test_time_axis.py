from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.charts.time_axis import lasting, moment, moment_with_year, tick_text, time_ticks
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.domain.charts.small import DAYS, HOUR, START, at


def texts(window: TimeWindow, most: int) -> list[str]:
    ticks = time_ticks(window, most)
    return [tick_text(ns, dated=n == 0) for n, ns in enumerate(ticks)]


def test_three_days_on_a_wide_chart_have_a_tick_every_six_hours_and_dates_at_midnight():
    assert texts(DAYS, 13)[:6] == ["18 Nov", "06:00", "12:00", "18:00", "19 Nov", "06:00"]
    assert texts(DAYS, 13)[-1] == "21 Nov"


def test_three_days_on_a_phone_have_a_tick_a_day():
    assert texts(DAYS, 5) == ["18 Nov", "19 Nov", "20 Nov", "21 Nov"]


def test_a_window_within_a_day_says_its_date_once():
    window = TimeWindow(START + timedelta(hours=9, minutes=50), START + timedelta(hours=11))
    assert texts(window, 4) == ["18 Nov 10:00", "10:30", "11:00"]


def test_a_minute_has_ticks_with_seconds():
    window = TimeWindow(START + timedelta(seconds=50), START + timedelta(seconds=80))
    assert texts(window, 3) == ["18 Nov 00:01", "00:01:15"]


def test_months_have_ticks_of_weeks():
    window = TimeWindow(START, START + timedelta(days=200))
    days = {(b - a) // (86_400 * 10**9) for a, b in zip(time_ticks(window, 8), time_ticks(window, 8)[1:], strict=False)}
    assert days == {28}


@given(st.integers(0, 4 * 10**9), st.integers(1, 3 * 10**9), st.integers(2, 20))
def test_every_window_has_few_ticks_and_all_lie_in_it(start: int, seconds: int, most: int):
    first = datetime(1980, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    window = TimeWindow(first, first + timedelta(seconds=seconds))
    ticks = time_ticks(window, most)
    assert len(ticks) <= most + 1
    assert all(window.start_ns <= ns <= window.end_ns for ns in ticks)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "18 Nov 00:00"), (3723, "18 Nov 01:02:03"), (86_400, "19 Nov 00:00")]
)
def test_a_moment_has_seconds_only_where_it_needs_them(seconds: int, expected: str):
    assert moment(at(seconds)) == expected


def test_a_heading_says_year_and_zone_whatever_the_zone_it_was_given_in():
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    assert moment_with_year(tokyo) == moment_with_year(HOUR.start) == "18 Nov 2026 00:00 UTC"


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "less than 1 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=45, seconds=15), "45 min 15 s"),
        (timedelta(hours=29, minutes=50, seconds=1), "1 d 5 h"),
        (timedelta(hours=2), "2 h"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(duration: timedelta, expected: str):
    assert lasting(duration) == expected
