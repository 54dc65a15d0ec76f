import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.sentinel.schedule import Due, MaxAge, zone_of
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, MINUTE, at, cron, max_age, timer

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
USUAL = {"zone": "UTC", "start": "10m", "finish": "1h"}
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC


def times(due: Due, start: str, count: int) -> list[str]:
    found, moment = [], at(start)
    for _ in range(count):
        following = due.next_after(moment)
        assert following is not None
        moment = following
        found.append(f"{moment:%m-%dT%H:%M}")
    return found


@pytest.mark.parametrize(
    ("due", "start", "expected"),
    [
        # Debian's cron: what falls into the hour that is left out runs right after it
        (cron("30 2 * * *", BERLIN), "2026-03-28T00:00Z", ["03-28T01:30", "03-29T01:00", "03-30T00:30"]),
        (cron("30 2 * * *", NEW_YORK), "2026-03-07T06:00Z", ["03-07T07:30", "03-08T07:00", "03-09T06:30"]),
        # and what falls into the hour that comes twice runs in its first turn only
        (cron("30 2 * * *", BERLIN), "2026-10-24T00:00Z", ["10-24T00:30", "10-25T00:30", "10-26T01:30"]),
        (cron("30 1 * * *", NEW_YORK), "2026-10-31T05:00Z", ["10-31T05:30", "11-01T05:30", "11-02T06:30"]),
        # what runs every so often goes on by the real time
        (cron("*/30 * * * *", BERLIN), "2026-03-29T00:00Z", ["03-29T00:30", "03-29T01:00", "03-29T01:30"]),
        (cron("*/30 * * * *", BERLIN), "2026-10-25T00:00Z", ["10-25T00:30", "10-25T01:00", "10-25T01:30"]),
        (cron("*/30 * * * *", NEW_YORK), "2026-11-01T05:00Z", ["11-01T05:30", "11-01T06:00", "11-01T06:30"]),
        (cron("0 0 29 2 *"), "2026-01-01T00:00Z", ["02-29T00:00", "02-29T00:00"]),  # of 2028 and 2032
        (cron("0 0 31 * *"), "2026-01-31T00:00Z", ["03-31T00:00", "05-31T00:00", "07-31T00:00"]),
        (cron("0 0 L * *"), "2026-01-31T00:00Z", ["02-28T00:00", "03-31T00:00", "04-30T00:00"]),
        (cron("0 6 * * 1"), "2026-11-23T06:00Z", ["11-30T06:00", "12-07T06:00"]),
        # systemd 252, asked with systemd-analyze calendar: a time that is left out is not made up for
        (timer("*-*-* 02:30:00", BERLIN), "2026-03-27T22:00Z", ["03-28T01:30", "03-30T00:30"]),
        (timer("*-*-* 02:30:00", NEW_YORK), "2026-03-07T05:00Z", ["03-07T07:30", "03-09T06:30"]),
        (timer("*-*-* 02:30:00", BERLIN), "2026-10-24T22:00Z", ["10-25T00:30", "10-26T01:30"]),
        (timer("*-*-* 01:30:00", NEW_YORK), "2026-11-01T04:00Z", ["11-01T05:30", "11-02T06:30"]),
        # and the second turn of an hour is left out whole
        (timer("*-*-* *:00/30:00", BERLIN), "2026-10-25T00:00Z", ["10-25T00:30", "10-25T02:00", "10-25T02:30"]),
        (timer("*-*-* *:00/30:00", NEW_YORK), "2026-11-01T05:00Z", ["11-01T05:30", "11-01T07:00", "11-01T07:30"]),
        (timer("Mon *-*-* 06:00:00"), "2026-11-23T06:00Z", ["11-30T06:00", "12-07T06:00"]),
        (timer("*-02-29"), "2026-01-01T00:00Z", ["02-29T00:00", "02-29T00:00"]),
        (timer("*-*~01"), "2026-01-31T00:00Z", ["02-28T00:00", "03-31T00:00", "04-30T00:00"]),
        (timer("*-*-* 03:00:00 Europe/Berlin", None), "2026-11-25T00:00Z", ["11-25T02:00", "11-26T02:00"]),
        (timer("daily UTC", None), "2026-11-25T00:00Z", ["11-26T00:00"]),
        (max_age(36), "2026-10-24T12:00Z", ["10-26T00:00", "10-27T12:00"]),
    ],
    ids=str,
)
def test_a_task_is_due_when_its_scheduler_would_start_it(due: Due, start: str, expected: list[str]):
    assert times(due, start, len(expected)) == expected


def test_a_due_time_is_later_even_in_the_second_turn_of_an_hour():
    second_turn = datetime(2026, 10, 25, 1, 40, tzinfo=UTC)  # 02:40 in Berlin, for the second time
    following = cron("45 2 * * *", BERLIN).next_after(second_turn)
    assert following == at("2026-10-26T01:45")


@given(MOMENTS, st.sampled_from([BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe"]), st.integers(0, 1439))
def test_what_is_daily_is_due_within_two_days_and_never_at_once(moment: datetime, zone: str, minute: int):
    hour, minute = divmod(minute, 60)
    by_cron = cron(f"{minute} {hour} * * *", zone).next_after(moment)
    by_timer = timer(f"*-*-* {hour:02}:{minute:02}:00", zone).next_after(moment)
    assert by_cron is not None
    assert by_timer is not None
    assert moment < by_cron <= moment + 25 * HOUR
    assert moment < by_timer <= moment + 49 * HOUR  # a day that leaves the time out has none


@given(MOMENTS)
def test_nothing_is_due_between_a_moment_and_the_next_time(moment: datetime):
    due = cron("17 */5 * * 1,4", BERLIN)
    following = due.next_after(moment)
    assert following is not None
    assert due.next_after(following - timedelta(microseconds=1)) == following


def test_a_timer_that_has_elapsed_for_good_has_no_next_time():
    assert timer("2026-01-01").next_after(at("2025-12-31T00:00")) == at("2026-01-01T00:00")
    assert timer("2026-01-01").next_after(at("2026-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cron": "0 0 30 2 *"}, "cron: bad day-of-month"),
        ({"cron": "* * */20 * 1L"}, "'\\* \\* \\*/20 \\* 1L' never fires: no day is like that"),
        ({"cron": "0 25 * * *"}, "bad hour in '0 25 \\* \\* \\*': expected cron's own form"),
        ({"cron": "30 0 * *"}, "expected five fields of cron such as '30 0 \\* \\* \\*', was '30 0 \\* \\*'"),
        ({"cron": "0 30 0 * * *"}, "expected five fields"),
        ({"cron": "30 0 * * *", "zone": "Europe/Berlinn"}, "expected a time zone such as Europe/Berlin or UTC"),
        ({"cron": "30 0 * * *", "zone": "Europe"}, "expected a time zone such as"),
        ({"cron": "30 0 * * *", "zone": "/etc/passwd"}, "expected a time zone such as"),
        ({"cron": "30 0 * * *", "start": 10}, "expected a duration such as 30m, 36h, 7d or 1h30m, was 10"),
        ({"cron": "30 0 * * *", "start": "-5m"}, "expected a duration"),
        ({"cron": "30 0 * * *", "early": "11m"}, "early: expected 10m at most, as start says, was 11m"),
        ({"oncalendar": "*-*-* 03:00", "early": "30d"}, "early: expected 10m at most, as start says, was 720h"),
        ({"oncalendar": "*-02-30"}, "'\\*-02-30' never elapses: no day is like that"),
        ({"oncalendar": "*-*-* 25:00"}, "bad hour in '\\*-\\*-\\* 25:00': expected systemd's own form"),
        ({"oncalendar": "*-*-* 03:00 UTC"}, "zone: expected one time zone, in the expression or beside it"),
        ({"oncalendar": "*-*-* 03:00", "zone": None}, "zone: expected one time zone"),
        ({"oncalendar": "*-*-* 03:00 Europe/Nowhere"}, "expected a time zone such as"),
        ({"max_age": "0s", "zone": None}, "expected more than 0s"),
        ({"max_age": 36, "zone": None}, "expected a duration such as 30m, 36h, 7d or 1h30m, was 36"),
        ({"max_age": "36", "zone": None}, "expected a duration"),
        ({"max_age": "36h", "cron": "30 0 * * *"}, "expected one of max_age, cron, oncalendar"),
        ({}, "expected one of max_age, cron, oncalendar"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_impossible_schedule_is_refused_with_what_to_write(fields: dict[str, Any], words: str):
    usual = {} if "zone" in fields and fields["zone"] is None and "max_age" in fields else USUAL
    given_fields = {name: value for name, value in {**usual, **fields}.items() if value is not None}
    with pytest.raises(ValidationError, match=words.removeprefix("cron: ")):
        TypeAdapter(Due).validate_json(json.dumps(given_fields))


@pytest.mark.parametrize(
    ("text", "length"), [("30m", 30 * MINUTE), ("36h", 36 * HOUR), ("7d", 168 * HOUR), ("1h30m", 90 * MINUTE)]
)
def test_durations_are_read_as_they_are_written(text: str, length: timedelta):
    due: Due = TypeAdapter(Due).validate_json(json.dumps({"max_age": text}))
    assert isinstance(due, MaxAge)
    assert due.max_age == length


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (max_age(36), "every 36h"),
        (cron("30 0 * * *", BERLIN), "30 0 * * * Europe/Berlin"),
        (timer("daily"), "daily UTC"),
        (timer("daily UTC", None), "daily UTC"),
    ],
)
def test_a_schedule_says_what_it_is(due: Due, words: str):
    assert due.words == words


def test_a_key_that_means_nothing_is_refused():
    with pytest.raises(ValidationError, match="Unexpected keyword argument"):
        TypeAdapter(Due).validate_json('{"max_age": "36h", "graces": "10m"}')


def test_zones_are_found_by_name():
    assert str(zone_of("UTC")) == "UTC"
