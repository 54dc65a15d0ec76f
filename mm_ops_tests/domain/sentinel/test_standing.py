import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.notify.policy import Rate
from mm_ops.domain.sentinel.runs import Evidence, Run, in_order
from mm_ops.domain.sentinel.schedule import Due
from mm_ops.domain.sentinel.standing import WELL, State, judge_task
from mm_ops.domain.sentinel.tasks import AssetProof, Pause, Task
from mm_ops_tests.domain.sentinel.cron_tasks import (
    HOUR,
    MINUTE,
    SKEW,
    at,
    cron,
    judged,
    known,
    max_age,
    run,
    task,
    timer,
)

TWICE = Rate(most=2, within=HOUR, source="made up for a test")
NIGHTLY = task(due=cron("30 0 * * *"))  # 10 min to begin, 1 h to finish
YESTERDAY = run("2026-11-24T00:30:02", "2026-11-24T00:50")
TODAY = run("00:30:02", "00:50")
MTIME = run(None, "2026-11-24T00:50")  # nobody saw it begin


@pytest.mark.parametrize(
    ("now", "runs", "state", "words"),
    [
        ("00:29:59", [YESTERDAY], State.UP, "it ran at 2026-11-24T00:50:00Z; due 30 0 * * * UTC"),
        ("00:30", [YESTERDAY], State.GRACE, "it is due since 2026-11-25T00:30:00Z, and late from 2026-11-25T00:40:00Z"),
        ("00:39:59", [YESTERDAY], State.GRACE, "it is due"),
        ("00:40", [YESTERDAY], State.DOWN, "it was due at 2026-11-25T00:30:00Z and had not begun by"),
        ("00:35", [YESTERDAY, run("00:31")], State.STARTED, "it began at 2026-11-25T00:31:00Z and may take 1h"),
        ("01:30:59", [YESTERDAY, run("00:31")], State.STARTED, "may take 1h"),
        (
            "01:31",
            [YESTERDAY, run("00:31")],
            State.DOWN,
            "it began at 2026-11-25T00:31:00Z and has not ended within 1h",
        ),
        ("00:45", [YESTERDAY, run("00:44")], State.DOWN, "it began late, at 2026-11-25T00:44:00Z, and has not ended"),
        ("01:00", [YESTERDAY, run("00:44", "00:55")], State.UP, "it ran at 2026-11-25T00:55:00Z"),
        ("01:00", [YESTERDAY, TODAY], State.UP, "it ran at 2026-11-25T00:50:00Z"),
        ("01:00", [YESTERDAY, run("00:31", "00:32", "it said that it failed")], State.DOWN, "it said that it failed"),
        ("09:00", [YESTERDAY, run("00:31", "00:32", "bad"), run("08:00")], State.DOWN, "bad"),
        ("09:00", [YESTERDAY, run("00:31", "00:32", "bad"), run("08:00", "08:20")], State.UP, "it ran at"),
        ("00:05", [YESTERDAY, run("2026-11-24T23:00", "2026-11-24T23:20")], State.UP, "it ran at"),
        ("00:45", [YESTERDAY, run("2026-11-24T23:00", "2026-11-24T23:20")], State.DOWN, "it was due at"),
        ("00:35", [YESTERDAY, run("2026-11-24T23:50")], State.STARTED, "may take 1h"),
        ("00:45", [YESTERDAY, run("2026-11-24T23:50", "00:35")], State.DOWN, "had not begun by"),
        ("01:39:59", [MTIME], State.GRACE, "late from 2026-11-25T01:40:00Z"),
        ("01:40", [MTIME], State.DOWN, "it was due at 2026-11-25T00:30:00Z and had not run by 2026-11-25T01:40:00Z"),
        ("05:00", [MTIME, run("00:31")], State.DOWN, "has not ended within 1h"),
        ("00:35", [run("00:31")], State.STARTED, "may take 1h"),
        ("02:00", [run("00:31")], State.DOWN, "has not ended within 1h"),
        ("02:00", [run("2026-11-24T00:30"), run("00:30", "00:50")], State.UP, "it ran at 2026-11-25T00:50:00Z"),
        ("02:00", [run("00:40"), run("00:30", "00:50")], State.DOWN, "has not ended within 1h"),
        ("02:00", [run("00:30", "00:50"), run("00:10")], State.UP, "it ran at 2026-11-25T00:50:00Z"),
    ],
)
def test_two_graces_decide_when_a_scheduled_task_is_down(now: str, runs: list[Run], state: State, words: str):
    one = task(due=cron("30 0 * * *"), overlap="allow")
    standing = judged(one, now, *in_order(runs))
    assert (standing.state, words in standing.reason) == (state, True), standing.reason


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-26T12:49:59", State.UP),
        ("2026-11-26T12:50", State.GRACE),
        ("2026-11-26T13:49:59", State.GRACE),
        ("2026-11-26T13:50", State.DOWN),
    ],
)
def test_an_age_counts_from_the_end_of_the_last_run(now: str, state: State):
    assert judged(task(due=max_age(36, HOUR)), now, TODAY).state is state


@pytest.mark.parametrize(
    ("now", "state"),
    [("2026-11-26T12:49", State.STARTED), ("2026-11-26T13:49", State.STARTED), ("2026-11-26T13:50", State.DOWN)],
)
def test_a_start_makes_nothing_younger(now: str, state: State):
    assert judged(task(due=max_age(36, HOUR)), now, TODAY, run("2026-11-26T11:00")).state is state
    assert judged(task(due=max_age(36, HOUR)), now, run("2026-11-26T11:00")).state is State.STARTED


def test_the_table_gets_due_seen_since_and_what_is_next():
    standing = judged(NIGHTLY, "09:00", run("2026-11-23T00:30", "2026-11-23T00:40"), YESTERDAY, TODAY)
    assert (standing.state, standing.due, standing.seen) == (State.UP, at("2026-11-26T00:30"), at("00:50"))
    assert (standing.since, standing.until) == (at("2026-11-23T00:40"), at("2026-11-26T00:30"))
    late = judged(NIGHTLY, "2026-11-26T09:00", YESTERDAY, TODAY)
    assert (late.state, late.since, late.until) == (State.DOWN, at("2026-11-26T00:40"), None)
    grace = judged(NIGHTLY, "2026-11-26T00:35", YESTERDAY, TODAY)
    assert (grace.since, grace.until) == (at("2026-11-26T00:30"), at("2026-11-26T00:40"))


@pytest.mark.parametrize(
    ("runs", "since"),
    [
        ([YESTERDAY, TODAY], "2026-11-24T00:50"),
        ([YESTERDAY, run("00:45", "00:50")], "00:50"),  # it began late
        ([YESTERDAY, run("00:31", "01:40")], "01:40"),  # it ended late
        ([MTIME, run(None, "01:45")], "01:45"),
        ([MTIME, run(None, "01:35")], "2026-11-24T00:50"),
        ([run("2026-11-24T00:30", "2026-11-24T00:31", "bad"), TODAY], "00:50"),
    ],
)
def test_a_task_is_up_since_it_came_back(runs: list[Run], since: str):
    assert judged(NIGHTLY, "03:00", *runs).since == at(since)


@pytest.mark.parametrize(
    ("now", "ended", "state"),
    [("2026-03-29T01:09", "2026-03-28T01:40", State.GRACE), ("2026-03-29T01:10", "2026-03-28T01:40", State.DOWN)],
)
def test_a_run_of_the_hour_that_is_left_out_is_due_right_after_it(now: str, ended: str, state: State):
    one = task(due=cron("30 2 * * *", "Europe/Berlin"))
    assert judged(one, now, run("2026-03-28T01:30", ended)).state is state


@pytest.mark.parametrize(("now", "state"), [("2026-10-26T01:29", State.UP), ("2026-10-26T01:40", State.DOWN)])
def test_a_run_of_the_hour_that_comes_twice_is_due_once(now: str, state: State):
    one = task(due=cron("30 2 * * *", "Europe/Berlin"))
    assert judged(one, now, run("2026-10-25T00:30", "2026-10-25T00:40")).state is state


def test_a_start_a_moment_early_counts_where_the_clocks_may_differ():
    early = run("00:29:58", "00:50")
    assert judged(NIGHTLY, "00:55", YESTERDAY, early).state is State.DOWN
    lenient = task(due=cron("30 0 * * *", early=timedelta(seconds=5)))
    assert judged(lenient, "00:55", YESTERDAY, early).state is State.UP


@pytest.mark.parametrize("due", [cron("30 0 * * *"), max_age(20, HOUR)], ids=["a schedule", "an age"])
@pytest.mark.parametrize("ended", [[run("2026-11-20T00:30", "2026-11-20T00:50")], []], ids=["once", "never"])
def test_a_task_that_begins_again_and_again_and_never_ends_is_down(due: Due, ended: list[Run]):
    begun = [run(f"2026-11-{day}T00:30") for day in range(21, 26)]
    standing = judged(task(due=due, overlap="allow"), "00:40", *ended, *begun)
    assert standing.state is State.DOWN
    assert re.search(r"it began (late, )?at 2026-11-21T00:30:00Z,? and has not ended", standing.reason)


def test_a_run_beside_one_that_began_in_time_does_not_make_it_late():
    beside = judged(task(overlap="allow"), "01:10", YESTERDAY, run("00:31"), run("00:55"))
    assert (beside.state, beside.since) == (State.STARTED, at("00:31"))


def test_a_run_far_longer_than_allowed_counts_by_its_end():
    # the start that was lost a day ago must not be taken for today's
    assert judged(NIGHTLY, "01:00", run("2026-11-24T00:30", "00:50")).state is State.UP


def test_what_has_never_run_is_new_until_it_should_have():
    assert judged(NIGHTLY, "09:00").state is State.NEW
    watched = task(since=at("2026-11-24T09:00"))
    assert judged(watched, "01:39").state is State.NEW
    late = judged(watched, "01:40")
    assert (late.state, late.since) == (State.DOWN, at("01:40"))
    assert late.reason == "it has never run; it was due at 2026-11-25T00:30:00Z"
    ended = task(since=at("2026-11-24T09:00"), due=timer("2026-01-01"))
    assert judged(ended, "09:00").state is State.DOWN
    assert (
        "it has never run; 2026-01-01 UTC: no time after 2026-11-24T09:00:00Z is like that"
        in judged(ended, "09:00").reason
    )
    told = judge_task(NIGHTLY, Evidence(remark="no file matches x"), at("09:00"), SKEW)
    assert told.reason == "it has never run: no file matches x"


def test_what_else_was_found_is_told_of_what_is_late_and_not_of_what_is_up():
    evidence = Evidence(runs=(TODAY,), remark="its tick of 08:59 failed")
    assert "failed" not in judge_task(NIGHTLY, evidence, at("09:00"), SKEW).reason
    assert judge_task(NIGHTLY, evidence, at("2026-11-26T09:00"), SKEW).reason.endswith("; its tick of 08:59 failed")


def test_an_oncalendar_with_no_next_elapse_is_down_and_says_so():
    standing = judged(task(due=timer("2026-11-24")), "09:00", run("2026-11-24T00:00", "2026-11-24T00:10"))
    assert (standing.state, standing.due) == (State.DOWN, None)
    assert "2026-11-24 UTC: no time after 2026-11-24T00:10:00Z is like that: correct it" in standing.reason
    before = run("2026-11-25T00:00", "2026-11-25T00:10")
    assert judged(task(due=timer("2026-11-24")), "09:00", before, TODAY).state is State.DOWN


@pytest.mark.parametrize(("ahead", "state"), [(timedelta(seconds=5), State.UP), (timedelta(seconds=6), State.DOWN)])
@pytest.mark.parametrize("known_before", [(), (YESTERDAY,)])
def test_a_time_to_come_is_an_error(ahead: timedelta, state: State, known_before: tuple[Run, ...]):
    coming = Run(ended_at=at("09:00") + ahead)
    standing = judge_task(NIGHTLY, known(*known_before, coming), at("09:00"), SKEW)
    assert standing.state is state
    if state is State.DOWN:
        assert standing.reason == "its last sign is 6s in the future: expected none after now; see the clocks"


def test_evidence_that_cannot_be_read_is_down_with_the_reason():
    standing = judge_task(NIGHTLY, Evidence(runs=(TODAY,), fault="s3://x: forbidden"), at("01:00"), SKEW)
    assert (standing.state, standing.reason, standing.since) == (State.DOWN, "s3://x: forbidden", None)


@pytest.mark.parametrize(
    ("runs", "state", "words"),
    [
        ([YESTERDAY, run("00:30", "00:30:02")], State.DOWN, "it ended after 2s: expected at least 5m"),
        ([YESTERDAY, run("00:30", "00:30:00.200000")], State.DOWN, "it ended after 200ms: expected at least 5m"),
        ([YESTERDAY, run(None, "00:50")], State.DOWN, "nobody saw it begin: expected a start"),
        ([YESTERDAY, run("00:30", "00:35")], State.UP, "it ran at"),
    ],
)
def test_a_run_that_ends_too_fast_is_down(runs: list[Run], state: State, words: str):
    standing = judged(task(min_duration=5 * MINUTE), "01:00", *runs)
    assert (standing.state, words in standing.reason) == (state, True), standing.reason


def test_a_task_that_runs_too_often_is_down_until_it_does_not():
    often = task(due=max_age(24), at_most=TWICE, overlap="allow")
    runs = [run("08:00", "08:05"), run("08:20", "08:25"), run("08:40", "08:45")]
    assert judged(often, "08:30", *runs[:2]).state is State.UP
    down = judged(often, "08:50", *runs)
    assert (down.state, down.since, down.until) == (State.DOWN, at("08:40"), at("09:00"))
    assert down.reason == "it ran 3 times since 2026-11-25T08:00:00Z: expected at most 2 within 1h"
    assert down.due == at("2026-11-26T08:45")
    assert judged(often, "09:00", *runs).state is State.UP


@pytest.mark.parametrize(
    ("now", "runs", "state", "words"),
    [
        ("00:40", [run("00:30"), run("00:35")], State.DOWN, "it began at 2026-11-25T00:35:00Z while the run of"),
        ("00:40", [run("00:30"), run("00:35", "00:39")], State.DOWN, "while the run of 2026-11-25T00:30:00Z had not"),
        ("02:00", [run("00:30"), run("00:35", "00:39")], State.UP, "it ran at"),  # the first was lost, and told so
        ("00:50", [run("00:30", "00:45"), run("00:35", "00:46")], State.DOWN, "while another was going on, until"),
        ("00:50", [run("00:30", "00:45"), run("00:45", "00:46")], State.UP, "it ran at"),
        ("00:50", [run("00:35", "00:40"), run("00:30", "00:46")], State.DOWN, "while another was going on"),
    ],
)
def test_runs_that_overlap_are_down(now: str, runs: list[Run], state: State, words: str):
    standing = judged(NIGHTLY, now, *in_order(runs))
    assert (standing.state, words in standing.reason) == (state, True), standing.reason
    allowed = judged(task(overlap="allow"), now, *in_order(runs))
    assert allowed.state in WELL


@pytest.mark.parametrize(
    ("recovery", "good", "state"),
    [(1, 1, State.UP), (2, 1, State.DOWN), (2, 2, State.UP), (3, 2, State.DOWN), (3, 3, State.UP)],
)
@pytest.mark.parametrize("bad", [run("2026-11-20T00:30", "2026-11-20T00:31", "bad"), run(None, "2026-11-18T00:50")])
def test_after_a_bad_run_it_takes_some_good_ones(recovery: int, good: int, state: State, bad: Run):
    days = [run(f"2026-11-2{n}T00:30", f"2026-11-2{n}T00:50") for n in range(1, 6)][-good:]
    before = run("2026-11-19T00:30", "2026-11-19T00:50")
    standing = judged(task(recovery=recovery), "01:00", *in_order([before, bad]), *days)
    assert standing.state is state
    if state is State.DOWN:
        assert standing.reason == f"{good} of {recovery} good runs in a row since it was down"
        assert standing.since is not None
        assert standing.since < days[0].last_at


def test_good_runs_in_a_row_need_no_recovery():
    runs = [run(f"2026-11-2{n}T00:30", f"2026-11-2{n}T00:50") for n in range(1, 6)]
    assert judged(task(recovery=3), "01:00", *runs[-2:]).state is State.UP


def test_bad_runs_in_a_row_are_down_since_the_first():
    bad = [run(f"2026-11-2{n}T00:30", f"2026-11-2{n}T00:50", "bad") for n in range(3, 6)]
    standing = judged(NIGHTLY, "01:00", *bad)
    assert (standing.state, standing.since) == (State.DOWN, bad[0].ended_at)


def pause(since: str, until: str) -> Pause:
    return Pause(since=at(since), until=at(until), by="ada", reason="the disk is exchanged")


def test_a_paused_task_is_paused_until_it_is_over():
    one = task(paused=pause("01:00", "05:00"))
    assert judged(one, "00:59", YESTERDAY).until == at("01:00")
    standing = judged(one, "01:00", YESTERDAY)
    assert (standing.state, standing.since, standing.until) == (State.PAUSED, at("01:00"), at("05:00"))
    assert standing.reason == "paused by ada until 2026-11-25T05:00:00Z: the disk is exchanged"
    assert judged(one, "05:00", YESTERDAY).state is State.DOWN


def test_the_backfill_of_an_old_day_proves_nothing_of_a_new_one():
    one = task(due=max_age(36), proof=AssetProof(kind="asset", key="paper/soak_metrics", day_within=12 * HOUR))
    day = at("00:00").date()
    fresh = Run(ended_at=at("00:50"), day=day - timedelta(days=1))
    old = Run(ended_at=at("08:00"), day=day - timedelta(days=30))
    none = Run(ended_at=at("08:00"))
    assert judged(one, "09:00", fresh, old).seen == at("00:50")
    assert judged(one, "09:00", fresh, old).due == at("2026-11-26T12:50")
    down = judged(one, "09:00", old, none)
    assert (down.state, down.reason) == (
        State.DOWN,
        "of 2 materialisations none was made within 12h of the end of its day",
    )
    anyday = task(due=max_age(36), proof=AssetProof(kind="asset", key="paper/soak_metrics"))
    assert judged(anyday, "09:00", old, none).state is State.UP


RUNS = st.lists(
    st.builds(
        lambda began, length, ends, fault: Run(
            began_at=at("2026-11-20T00:00") + timedelta(minutes=began),
            ended_at=at("2026-11-20T00:00") + timedelta(minutes=began + length) if ends else None,
            fault=fault if ends else "",
        ),
        st.integers(0, 7000),
        st.integers(0, 90),
        st.booleans(),
        st.sampled_from(["", "", "bad"]),
    ),
    max_size=8,
)
NOWS = st.integers(0, 8000).map(lambda minutes: at("2026-11-20T00:00") + timedelta(minutes=minutes))
TASKS = st.sampled_from(
    [
        NIGHTLY,
        task(due=max_age(20, HOUR)),
        task(due=timer("*-*-* 00/6:00:00 Europe/Berlin", None), recovery=2),
        task(due=cron("0 */3 * * *", "America/New_York"), min_duration=5 * MINUTE, at_most=TWICE),
    ]
)


@given(TASKS, RUNS, NOWS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_evidence_do_not_matter(one: Task, runs: list[Run], now: Any, random: Any):
    shuffled = [*runs, *runs]
    random.shuffle(shuffled)
    first = judge_task(one, known(*in_order(runs)), now, SKEW)
    assert judge_task(one, known(*in_order(shuffled)), now, SKEW) == first


@given(TASKS, RUNS, NOWS)
def test_nothing_changes_before_it_is_said_to(one: Task, runs: list[Run], now: Any):
    evidence = known(*in_order(run for run in runs if run.last_at <= now))
    standing = judge_task(one, evidence, now, SKEW)
    until = standing.until or now + timedelta(days=30)
    assert until > now
    just_before = until - timedelta(microseconds=1)
    assert judge_task(one, evidence, just_before, SKEW).state is standing.state


@given(TASKS, RUNS, NOWS)
def test_with_no_sign_of_life_every_task_is_down_or_new_in_the_end(one: Task, runs: list[Run], now: Any):
    evidence = known(*in_order(run for run in runs if run.last_at <= now))
    end = judge_task(one, evidence, now + timedelta(days=400), SKEW)
    assert end.state is (State.DOWN if evidence.runs else State.NEW)


@given(st.sampled_from([task(due=cron("*/45 */2 * * *")), task(due=max_age(20, HOUR))]), RUNS, NOWS)
def test_losing_the_last_good_run_never_makes_a_late_task_better(one: Task, runs: list[Run], now: Any):
    ended = [run for run in in_order(runs) if run.ended_at is not None and run.last_at <= now and not run.fault]
    allowing = replace(one, overlap="allow")
    whole, less = (judge_task(allowing, known(*some), now, SKEW) for some in (ended, ended[:-1]))
    if whole.state not in WELL:
        assert less.state not in WELL


@given(TASKS, RUNS, NOWS)
def test_what_cannot_be_read_is_never_well(one: Task, runs: list[Run], now: Any):
    unread = Evidence(runs=in_order(runs), fault="s3://x: forbidden")
    assert judge_task(one, unread, now, SKEW).state is State.DOWN
