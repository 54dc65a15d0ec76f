from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from mm_ops.domain.sli.series import split_series
from mm_ops.domain.soak.history import (
    Change,
    describe,
    find_changes,
    find_excess,
    replay_history,
    soaks_in,
    why_no_soak,
)
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.verdicts import Reference
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import DAY, TimeWindow
from mm_ops_tests.soak_samples import VERSION, WINDOW, catalogue, healthy, soak_policy

LONGER = TimeWindow(WINDOW.start, WINDOW.end + DAY)
HOUR_NS = 3_600_000_000_000
HERE = Reference(version=VERSION)


def spiked(frame: pl.DataFrame) -> pl.DataFrame:
    """The lag stands at 900 ms for an hour from the tenth hour on."""
    start = LONGER.start_ns + 10 * HOUR_NS
    high = (pl.col("metric") == "mm_ws_lag_max_ms") & pl.col("ts_ns").is_between(start, start + HOUR_NS, closed="left")
    return frame.with_columns(value=pl.when(high).then(900.0).otherwise("value"))


TABLE = split_series(spiked(healthy(LONGER)))
TOLD: list[str] = []
BEFORE = replay_history(catalogue(), soak_policy(), TABLE, LONGER, HERE, tell=TOLD.append)


def looser() -> SoakPolicy:
    policy = soak_policy()
    gates = tuple(replace(gate, limit=1000.0) if gate.name == "ws_lag_max_ms" else gate for gate in policy.gates)
    return replace(policy, gates=gates)


def test_an_alert_that_would_have_fired_is_told_once_with_its_times():
    (one,) = BEFORE.fired
    assert (one.alert, one.gate, one.action) == ("SoakWSLagHigh", "ws_lag_max_ms", "notify")
    fired = LONGER.start + timedelta(hours=10, minutes=15)
    assert (one.episode.firing_since, one.episode.until) == (fired, LONGER.start + timedelta(hours=11))
    assert (one.episode.worst, one.episode.duration) == (900.0, timedelta(minutes=45))


def test_every_soak_that_lies_in_the_stretch_is_judged():
    assert [soak.window for soak in BEFORE.soaks] == [WINDOW, TimeWindow(WINDOW.start + DAY, WINDOW.end + DAY)]
    first, second = ({one.gate: one.verdict for one in soak.findings}["ws_lag_max_ms"] for soak in BEFORE.soaks)
    assert (first, second) == (Verdict.FAIL, Verdict.PASS)


@pytest.mark.parametrize(("hours", "count"), [(71, 0), (72, 1), (95, 1), (96, 2)])
def test_a_stretch_holds_as_many_soaks_as_midnights_with_a_whole_window_before(hours: int, count: int):
    stretch = TimeWindow(WINDOW.start, WINDOW.start + timedelta(hours=hours))
    assert len(soaks_in(stretch, soak_policy())) == count


def test_the_same_policy_changes_nothing():
    assert find_changes(BEFORE, BEFORE) == []


def test_another_policy_changes_what_it_changes_and_nothing_else():
    after = replay_history(catalogue(), looser(), TABLE, LONGER, HERE)
    changes = find_changes(BEFORE, after)
    assert [change.what for change in changes] == [
        "SoakWSLagHigh {bot=paper}",
        "ws_lag_max_ms, soak up to 2026-11-21T00:00:00Z",
        "ws_lag_max_ms_sustained, soak up to 2026-11-21T00:00:00Z",
    ]
    assert changes[0] == Change(
        what="SoakWSLagHigh {bot=paper}",
        before="fired 1 times, 45m in all; first 2026-11-18T10:15:00Z until 2026-11-18T11:00:00Z, worst 900",
        after="did not fire",
    )
    assert changes[1].before.startswith("fail: ws_lag_max_ms was 900 ms")
    assert changes[1].after.startswith("pass: ws_lag_max_ms was 900 ms")


def test_a_gate_that_only_one_policy_has_is_a_change():
    without = replace(soak_policy(), trends=())
    changes = find_changes(BEFORE, replay_history(catalogue(), without, TABLE, LONGER, HERE))
    assert {change.after for change in changes} == {"no such gate"}
    assert len(changes) == 2 * len(soak_policy().trends)


def test_an_episode_that_goes_on_and_has_no_number_is_said_so():
    (one,) = BEFORE.fired
    episode = replace(one.episode, until=None, worst=None)
    assert describe(episode) == "2026-11-18T10:15:00Z still firing, worst not finite"


def test_each_soak_is_told_before_it_is_judged():
    assert TOLD == [
        "judging soak 1 of 2, 2026-11-18T00:00:00Z/2026-11-21T00:00:00Z",
        "judging soak 2 of 2, 2026-11-19T00:00:00Z/2026-11-22T00:00:00Z",
    ]


def test_a_stretch_of_a_year_is_replayed_and_a_longer_one_is_not():
    year = TimeWindow.ending(WINDOW.end, 366 * DAY)
    assert find_excess(year) is None
    longer = TimeWindow(year.start - timedelta(hours=12), year.end)
    assert find_excess(longer) == "expected a stretch of at most 366 days, was 366.5; replay it in parts"


def test_why_a_stretch_holds_no_soak_is_told_with_the_length_of_one():
    assert why_no_soak(TimeWindow(WINDOW.start + DAY, WINDOW.end), soak_policy()) == (
        "no soak of 72h begins in 2026-11-19T00:00:00Z/2026-11-21T00:00:00Z and ends with a UTC midnight of it, so "
        "nothing was decided"
    )
