from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.retention.policy import RunsRule
from mm_ops.domain.retention.runs import Needed, Run, plan_runs, refuse_unless_fresh
from mm_ops_tests.builders import WORDS
from mm_ops_tests.retention_world import policy, rule

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
DAY = date(2026, 6, 1)
OLD = Run("old", "nightly paper", NOW - timedelta(days=100), ended=True)
LATER = Run("later", "nightly paper", NOW - timedelta(hours=1), ended=True)
NOTHING = Needed(frozenset(), frozenset(), frozenset())


def keep(days: int = 90, most: int = 500) -> RunsRule:
    return RunsRule(keep=f"{days}d", most=most, spare=("promotion", "fire_drill"), delete=True, source=WORDS)  # type: ignore[arg-type] # read as in a policy


def answers(*runs: Run, needed: Needed = NOTHING, rule: RunsRule | None = None) -> dict[str, tuple[bool, str]]:
    return {entry.run.run_id: (entry.keep, entry.reason) for entry in plan_runs(runs, needed, rule or keep(), NOW)}


STAYS: dict[str, tuple[Run, Needed, str]] = {
    "running": (replace(OLD, ended=False), NOTHING, "has not ended"),
    "young": (replace(OLD, created=NOW - timedelta(days=90)), NOTHING, "not older than 2160h"),
    "pinned": (replace(OLD, pinned=True), NOTHING, "has the tag mm_ops/keep"),
    "spared": (
        replace(OLD, about=frozenset({"nightly", "fire_drill"})),
        NOTHING,
        "of what is spared: fire_drill",
    ),
    "of an open backfill": (
        replace(OLD, backfill="b"),
        replace(NOTHING, backfills=frozenset({"b"})),
        "of a backfill that is not over",
    ),
    "the newest of an asset": (
        OLD,
        replace(NOTHING, newest=frozenset({"old"})),
        "made the newest of an asset or a check",
    ),
    "of a stored day": (
        replace(OLD, day=DAY),
        replace(NOTHING, days=frozenset({DAY})),
        "of 2026-06-01, whose evidence is stored",
    ),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_anything_asks_for_stays_with_its_reason(name: str):
    run, needed, reason = STAYS[name]
    assert answers(run, LATER, needed=needed)["old"] == (True, reason)


def test_what_nothing_asks_for_goes_when_it_is_old():
    others = Needed(frozenset({date(2026, 6, 2)}), frozenset({"x"}), frozenset({"b"}))
    for run in (OLD, replace(OLD, day=DAY, backfill="over")):
        assert answers(run, LATER, needed=others)["old"] == (False, "older than 2160h, and nothing asks for it")


def test_the_newest_run_of_each_job_and_bot_stays_however_old():
    other = replace(OLD, run_id="other", group="nightly mm2")
    assert answers(OLD, LATER, other)["other"] == (True, "the newest of its job")


def test_the_oldest_go_first_and_no_more_than_at_once():
    runs = [replace(OLD, run_id=f"r{n}", created=OLD.created + timedelta(minutes=n)) for n in range(4)]
    found = answers(*reversed(runs), LATER, rule=keep(most=2))
    assert [found[f"r{n}"][0] for n in range(4)] == [False, False, True, True]
    assert found["r2"][1] == "next time: at most 2 at once"


def test_a_clock_that_is_behind_decides_nothing():
    with pytest.raises(IntegrityError, match=r"run later: began at 2026-11-25T05:00:00Z, over an hour after now"):
        answers(OLD, replace(LATER, created=NOW + timedelta(hours=2)))
    assert answers() == {}


def test_a_run_that_began_while_the_plan_was_made_is_no_wrong_clock():
    found = answers(OLD, replace(LATER, created=NOW + timedelta(seconds=1)))
    assert found["later"] == (True, "not older than 2160h")
    assert not found["old"][0]


@given(
    st.lists(
        st.builds(
            Run,
            run_id=st.uuids().map(str),
            group=st.sampled_from(["a", "b"]),
            created=st.integers(0, 200).map(lambda days: NOW - timedelta(days=days)),
            ended=st.booleans(),
            day=st.none() | st.sampled_from([DAY, date(2026, 6, 2)]),
            pinned=st.booleans(),
        ),
        unique_by=lambda run: run.run_id,
    )
)
def test_needed_runs_are_spared_and_a_second_plan_deletes_nothing_more(runs: list[Run]):
    needed = replace(NOTHING, days=frozenset({DAY}), newest=frozenset(run.run_id for run in runs[:2]))
    entries = plan_runs(runs, needed, keep(), NOW)
    assert len(entries) == len(runs)
    gone = [entry.run for entry in entries if not entry.keep]
    assert not [run for run in gone if not run.ended or run.pinned or run.day == DAY or run.run_id in needed.newest]
    left = [entry.run for entry in entries if entry.keep]
    assert all(entry.keep for entry in plan_runs(left, needed, keep(), NOW))


def test_a_folder_without_recent_evidence_may_be_the_wrong_one():
    three_days = policy(rule(ttl=timedelta(days=1)))
    refuse_unless_fresh({DAY, date(2026, 11, 22)}, three_days, NOW, "x")
    for days, newest in (({DAY}, "2026-06-01"), (set[date](), "no day")):
        with pytest.raises(IntegrityError) as refused:
            refuse_unless_fresh(days, three_days, NOW, "/a")
        assert str(refused.value).startswith(
            f"/a: expected evidence of the last 72h, the newest is of {newest}: is it the"
        )


def test_a_month_is_the_shortest():
    with pytest.raises(ValidationError, match="keep: expected at least 30d"):
        keep(days=29)
