from datetime import UTC, date, datetime, timedelta, timezone

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.windows import (
    DAY,
    EPOCH,
    LAST_MOMENT,
    NS_PER_SECOND,
    TimeWindow,
    format_duration,
    from_ns,
    parse_duration,
    to_ns,
)

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("36h", 129_600), ("7d", 604_800), ("1h30m", 5400), ("500ms", 0.5), ("1w", 604_800), ("1m", 60), ("0s", 0)],
)
def test_a_duration_reads_as_prometheus_reads_it(text: str, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", 90, "-5m", "1M", "5 m", "30m1h", "1.5h", "٣h", "h", None, "1h 30m"])
def test_anything_else_is_refused(text: object):
    with pytest.raises(ValueError, match="expected a duration such as 30m"):
        parse_duration(text)


@given(st.integers(0, 10**12))
def test_a_duration_survives_being_written_and_read(milliseconds: int):
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


def test_nanoseconds_are_exact_beyond_what_a_float_keeps():
    moment = datetime(2026, 11, 20, 0, 0, 0, 123_457, tzinfo=UTC)
    assert to_ns(moment) == 1_795_132_800_123_457_000
    assert from_ns(to_ns(moment) + 999) == moment


def test_a_zone_is_needed_and_any_zone_will_do():
    assert to_ns(datetime(2026, 11, 20, 1, tzinfo=timezone(timedelta(hours=1)))) == to_ns(MOMENT)
    with pytest.raises(ValueError, match="expected a time with a zone"):
        to_ns(datetime(2026, 11, 20))  # noqa: DTZ001 - no zone, on purpose


def test_a_window_is_half_open_and_has_a_length():
    window = TimeWindow.of_day(date(2026, 11, 20))
    assert (window.end_ns - window.start_ns) == 86_400 * NS_PER_SECOND
    assert window.duration == timedelta(days=1)
    assert window.days() == [date(2026, 11, 20)]
    assert str(window) == "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z"


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_window_without_length_is_refused(seconds: int):
    with pytest.raises(ValueError, match="expected start before end"):
        TimeWindow(MOMENT, MOMENT + timedelta(seconds=seconds))


def test_a_window_touches_every_day_it_reaches_into():
    soak = TimeWindow.ending(MOMENT + timedelta(hours=1), timedelta(hours=72))
    assert soak.days() == [date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "99999999w",
            "at most 106651d",
        ),  # from 1970 to 2262 are 292 years, 73 that four divides less 2100 and 2200: 292·365 + 71
        ("106652d", "at most 106651d"),
        ("9" * 5000 + "d", "expected a duration such as 30m"),  # more digits than Python turns into a number
    ],
)
def test_a_duration_that_no_window_can_have_is_refused(text: str, why: str):
    with pytest.raises(ValueError, match=why) as refusal:
        parse_duration(text)
    assert len(str(refusal.value)) < 150


def test_the_longest_duration_is_the_longest_window():
    assert TimeWindow.ending(LAST_MOMENT, parse_duration("106651d")) == TimeWindow(EPOCH, LAST_MOMENT)


OUTSIDE = {
    "a start before 1970": lambda: TimeWindow(EPOCH - DAY, EPOCH + DAY),
    "an end after 2261": lambda: TimeWindow(LAST_MOMENT - DAY, LAST_MOMENT + timedelta(microseconds=1)),
    "a duration that goes back beyond 1970": lambda: TimeWindow.ending(MOMENT, timedelta(hours=99_999_999)),
    "an end in year 1": lambda: TimeWindow.ending(datetime(1, 1, 1, tzinfo=UTC), timedelta(hours=72)),
    "the first day there is": lambda: TimeWindow.of_day(date.min),
    "the last day there is": lambda: TimeWindow.of_day(date.max),
    "the day after the last": lambda: TimeWindow.of_day(date(2262, 1, 1)),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_window_that_no_sample_can_lie_in_is_refused(name: str):
    with pytest.raises(ValueError, match=r"expected a (window|day|start)"):
        OUTSIDE[name]()


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2261, 12, 31)])
def test_the_first_and_the_last_day_are_days(day: date):
    assert TimeWindow.of_day(day).days() == [day]
