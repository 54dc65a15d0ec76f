"""What a plan keeps and what it gives up, worked by hand as restic's ``forget`` is; and what holds for any plan."""

from datetime import UTC, date, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.retention.plan import Plan, make_plan
from mm_ops.domain.retention.policy import RetentionPolicy, Rule
from mm_ops.domain.retention.units import Unit
from mm_ops_tests.retention_world import NOW, days, policy, rule, size_between, unit

LAST = date(2026, 11, 24)
YEAR = days(date(2025, 11, 25), LAST)


def plan(units: list[Unit], *rules: Rule, pinned: dict[str, str] | None = None, **different: object) -> Plan:
    return make_plan({"day": units}, policy(*rules, **different), pinned or {}, NOW)


def kept(done: Plan) -> list[str]:
    return [entry.unit.name.removeprefix("paper/") for entry in done.entries if entry.keep]


KEEPS = {
    "the last three": (rule(keep_last=3), ["2026-11-22", "2026-11-23", "2026-11-24"]),
    "three days": (rule(keep_daily=3), ["2026-11-22", "2026-11-23", "2026-11-24"]),
    # weeks of ISO 8601 end on Sundays, 2026-11-22 and 2026-11-15; the running one is of Tuesday
    "three weeks": (rule(keep_weekly=3), ["2026-11-15", "2026-11-22", "2026-11-24"]),
    "three months": (rule(keep_monthly=3), ["2026-09-30", "2026-10-31", "2026-11-24"]),
    "two years": (rule(keep_yearly=2), ["2025-12-31", "2026-11-24"]),
    # more than 2 d before the newest does not count, exactly 2 d does not either
    "within two days": (rule(keep_within=timedelta(days=2)), ["2026-11-23", "2026-11-24"]),
    "days, weeks and months": (
        rule(keep_daily=2, keep_weekly=2, keep_monthly=2),
        ["2026-10-31", "2026-11-22", "2026-11-23", "2026-11-24"],
    ),
    "the oldest end of a ttl": (rule(ttl=timedelta(days=3, hours=3)), ["2026-11-22", "2026-11-23", "2026-11-24"]),
    "a ttl above what is kept": (
        rule(ttl=timedelta(days=40), keep_monthly=12),
        ["2026-10-31", "2026-11-24"],
    ),
    "no more than two": (rule(max_count=2), ["2026-11-23", "2026-11-24"]),
    "no more than two of months": (rule(keep_monthly=12, max_count=2), ["2026-10-31", "2026-11-24"]),
}


@pytest.mark.parametrize("name", KEEPS)
def test_rules_worked_by_hand(name: str):
    asked, expected = KEEPS[name]
    assert kept(plan(YEAR, asked)) == expected


def test_buckets_without_a_unit_do_not_count():
    sparse = [unit(day) for day in (date(2024, 2, 29), date(2025, 6, 1), LAST)]
    assert kept(plan(sparse, rule(keep_monthly=3))) == ["2024-02-29", "2025-06-01", "2026-11-24"]
    assert kept(plan(sparse, rule(keep_daily=2))) == ["2025-06-01", "2026-11-24"]


DST = {
    # in Berlin the 25th of October 2026 has 25 hours: 22:30 UTC of the 24th is its first hour, 22:30 UTC its last
    "autumn": ([(24, 21, 59), (24, 22, 30), (25, 22, 30), (25, 23, 30)], ["24T2159", "25T2230", "25T2330"], 10),
    # the 29th of March has 23: from 23:00 UTC of the 28th to 22:00 UTC
    "spring": ([(28, 22, 30), (28, 23, 30), (29, 21, 30), (29, 22, 30)], ["28T2230", "29T2130", "29T2230"], 3),
}


@pytest.mark.parametrize("name", DST)
def test_a_day_is_that_of_the_time_zone_whatever_its_hours(name: str):
    times, expected, month = DST[name]
    units = [unit(datetime(2026, month, day, hour, minute, tzinfo=UTC)) for day, hour, minute in times]
    done = make_plan(
        {"day": units}, policy(rule(keep_daily=9), time_zone="Europe/Berlin"), {}, units[-1].of + timedelta(days=3)
    )
    assert kept(done) == [f"2026-{month:02d}-{at}" for at in expected]


def test_each_bot_is_counted_by_itself():
    both = [unit(day, bot) for bot in ("a", "b") for day in (LAST - timedelta(days=1), LAST)]
    assert kept(plan(both, rule(keep_last=1))) == ["a/2026-11-24", "b/2026-11-24"]


def test_what_is_needed_stays_and_says_why():
    done = plan(YEAR, rule(keep_last=1), pinned={"paper/2026-01-01": "the last GO"})
    assert kept(done) == ["2026-01-01", "2026-11-24"]
    assert done.entries[37].reason == "needed: the last GO"


def test_what_was_just_written_stays():
    young = unit(date(2026, 1, 1), changed=NOW - timedelta(hours=23, minutes=59))
    settled = unit(date(2026, 1, 2), changed=NOW - timedelta(days=1))
    assert kept(plan([young, settled, unit(LAST)], rule(keep_last=1))) == ["2026-01-01", "2026-11-24"]


def test_the_oldest_give_way_from_the_high_mark_to_the_low_one():
    ten = days(date(2026, 11, 15), LAST)
    assert plan(ten, rule(keep_last=99), max_size=size_between(4, 10)).rotated == []
    done = plan(ten, rule(keep_last=99), max_size=size_between(4, 9), pinned={"paper/2026-11-15": "needed"})
    assert kept(done) == ["2026-11-15", "2026-11-22", "2026-11-23", "2026-11-24"]
    assert (done.size, done.freed, done.short) == (10 * 1024, 6 * 1024, None)
    assert done.rotated[0].reason == "the oldest, to make room: 10 KiB of at most 9 KiB"


def test_room_that_cannot_be_made_is_told():
    needed = {f"paper/2026-11-{day}": "needed" for day in range(20, 25)}
    done = plan(days(date(2026, 11, 19), LAST), rule(keep_last=99), max_size=size_between(4, 5), pinned=needed)
    assert [entry.unit.name for entry in done.rotated] == ["paper/2026-11-19"]
    assert done.short == "what must stay takes 5 KiB, and 4 KiB was the aim"


@pytest.mark.parametrize("years", [1, 30])
def test_a_clock_that_jumped_ahead_deletes_nothing(years: int):
    later = NOW + timedelta(days=365 * years)
    with pytest.raises(IntegrityError, match=r"the newest there is, .* old: expected one within 72h; check the clock"):
        make_plan({"day": YEAR}, policy(rule(ttl=timedelta(days=9))), {}, later)


def test_a_clock_that_jumped_back_deletes_nothing():
    with pytest.raises(IntegrityError, match="expected nothing of the future; check the clock"):
        make_plan({"day": YEAR}, policy(rule(keep_last=1)), {}, NOW - timedelta(days=30))


def test_nothing_stored_is_no_reason_to_doubt_the_clock():
    assert plan([], rule(keep_last=1)).entries == ()


RULES = st.builds(
    rule,
    ttl=st.none() | st.integers(1, 60).map(lambda number: timedelta(days=number)),
    keep_within=st.none() | st.integers(1, 40).map(lambda number: timedelta(days=number)),
    keep_last=st.integers(1, 9),
    keep_daily=st.none() | st.integers(1, 9),
    keep_weekly=st.none() | st.integers(1, 9),
    keep_monthly=st.none() | st.integers(1, 3),
    max_count=st.none() | st.integers(1, 30),
)
UNITS = st.lists(
    st.builds(
        unit,
        st.integers(1, 90).map(lambda back: LAST - timedelta(days=back)),
        st.sampled_from(["a", "b"]),
        st.integers(0, 4096),
    ),
    unique_by=lambda one: one.name,
    max_size=40,
).map(lambda some: [*some, unit(LAST, "a")])
SIZES = st.none() | st.tuples(st.integers(1, 40), st.integers(0, 40)).map(lambda two: size_between(two[0], sum(two)))


@given(UNITS, RULES, SIZES, st.sets(st.integers(0, 40)))
def test_planning_twice_gives_up_nothing_more_and_what_is_needed_always_stays(
    units: list[Unit], asked: Rule, size: object, chosen: set[int]
):
    pinned = {one.name: "needed" for number, one in enumerate(units) if number in chosen}
    rules: RetentionPolicy = policy(asked, max_size=size)
    first = make_plan({"day": units}, rules, pinned, NOW)
    assert {entry.unit.name for entry in first.entries} == {one.name for one in units}
    assert not {entry.unit.name for entry in first.rotated} & set(pinned)
    left = [entry.unit for entry in first.entries if entry.keep]
    again = make_plan({"day": left}, rules, pinned, NOW)
    assert again.rotated == []
    assert again.size == first.size - first.freed
