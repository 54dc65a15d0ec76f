from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.kinds import ConditionTime, CounterIncrease, Gauge
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Action, Alert, Gate, Level
from mm_ops.domain.soak.replay import Episode, evaluation_times, find_firing, replay
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.domain.sli.small import series

START = datetime(2026, 11, 20, tzinfo=UTC)
STEP = timedelta(seconds=15)
WORDS = "made up for a test"
NAN = float("nan")


def alert(hold: float = 0, keep: float = 0, window: timedelta | None = None) -> Alert:
    return Alert(
        name="Lagging",
        window=window,
        hold=timedelta(seconds=hold),
        keep_firing_for=timedelta(seconds=keep),
        level=Level.WARNING,
        action=Action.NOTIFY,
        source=WORDS,
    )


GATE = Gate(
    name="lag",
    sli="lag",
    bound=Bound.AT_MOST,
    limit=10.0,
    unit="ms",
    severity=Severity.HARD,
    min_samples=1,
    alert=alert(hold=30),
    source=WORDS,
)
LAG = Sli(name="lag", unit="ms", measure=Gauge(metric="lag", statistic="max"), source=WORDS)


def replayed(*table: Series, gate: Gate = GATE, sli: Sli = LAG, steps: int = 20) -> list[Episode]:
    return replay(gate, sli, table, TimeWindow(START, START + steps * STEP), STEP)


def second(moment: datetime) -> int:
    return round((moment - START).total_seconds())


def spans(episodes: Sequence[Episode]) -> list[tuple[int, int, int | None]]:
    """Seconds from the start: pending since, firing since, until."""
    return [
        (second(one.pending_since), second(one.firing_since), None if one.until is None else second(one.until))
        for one in episodes
    ]


def marks(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """``#`` is a breach, one evaluation every 15 s."""
    return np.array([letter == "#" for letter in text])


@pytest.mark.parametrize(
    ("text", "hold", "keep", "expected"),
    [
        pytest.param("..###..", 30, 0, [(2, 4, 5)], id="fires at the evaluation that is `for` after the first breach"),
        pytest.param("..##...", 30, 0, [], id="just does not fire"),
        pytest.param("..#.....", 0, 0, [(2, 2, 3)], id="fires at once without a `for`"),
        pytest.param("##.##.##", 30, 0, [], id="one evaluation without a breach starts the `for` anew"),
        pytest.param("..###", 30, 0, [(2, 4, None)], id="still fires at the end"),
        pytest.param("###..", 30, 0, [(0, 2, 3)], id="what runs at the start counts from there"),
        pytest.param("###.....", 30, 45, [(0, 2, 6)], id="is kept from the first evaluation without a breach"),
        pytest.param("###..#.....", 30, 45, [(0, 2, 9)], id="a single breach keeps it, and starts the keeping anew"),
        pytest.param(
            "###...#....", 30, 45, [(0, 2, 10)], id="a breach at the evaluation that would resolve it keeps it"
        ),
        pytest.param("###....#...", 30, 45, [(0, 2, 6)], id="a breach after it was resolved must hold again"),
        pytest.param("###....###.", 30, 45, [(0, 2, 6), (7, 9, None)], id="two episodes, the last one kept to the end"),
        pytest.param("###.###", 30, 0, [(0, 2, 3), (4, 6, None)], id="without keeping a flap is two episodes"),
        pytest.param("..###..", 31, 0, [], id="a `for` between evaluations waits for the next one: too late"),
        pytest.param("..####.", 31, 0, [(2, 5, 6)], id="a `for` between evaluations waits for the next one: in time"),
        pytest.param("###....", 30, 16, [(0, 2, 5)], id="a keeping between evaluations ends at the next one"),
        pytest.param(".......", 0, 0, [], id="nothing"),
    ],
)
def test_an_alert_fires_and_resolves_as_its_rule_says(
    text: str, hold: float, keep: float, expected: list[tuple[int, int, int | None]]
) -> None:
    times = evaluation_times(TimeWindow(START, START + len(text) * STEP), STEP)
    assert find_firing(marks(text), times, alert(hold, keep)) == expected


def step_by_step(breach: Sequence[bool], hold: float, keep: float) -> list[int]:
    """At which evaluations the alert fires: the machine of the module's text, one evaluation after the other."""
    firing, active, clear = False, -1, -1
    found = []
    for now, broken in enumerate(breach):
        if broken:
            active = now if active < 0 else active
            clear = -1
            firing = firing or (now - active) * 15 >= hold
        elif firing:
            clear = now if clear < 0 else clear
            firing = (now - clear) * 15 < keep
        if not firing and not broken:
            active = -1
        if firing:
            found.append(now)
    return found


@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.sampled_from([0, 15, 20, 30, 60]),
    st.sampled_from([0, 15, 20, 30, 60]),
)
def test_runs_of_breaches_give_what_each_evaluation_in_turn_gives(breach: list[bool], hold: int, keep: int) -> None:
    times = evaluation_times(TimeWindow(START, START + len(breach) * STEP), STEP)
    found = find_firing(np.array(breach), times, alert(hold, keep))
    firing = [n for _, start, until in found for n in range(start, len(breach) if until is None else until)]
    assert firing == step_by_step(breach, hold, keep)


def test_an_episode_says_when_how_long_and_how_bad() -> None:
    (found,) = replayed(series("lag", [1, 11, 30, 12, 1, 1], bot="x"))
    assert spans([found]) == [(15, 45, 60)]
    assert (found.labels, found.worst, found.duration_s) == ({"bot": "x"}, 30, 15)


def test_the_worst_value_of_a_floor_is_the_lowest() -> None:
    gate = replace(GATE, bound=Bound.AT_LEAST)
    (found,) = replayed(series("lag", [11, 9, 2, 8, 11]), gate=gate)
    assert (spans([found]), found.worst) == ([(15, 45, 60)], 2)


def test_an_infinite_worst_value_has_no_number() -> None:
    (found,) = replayed(series("lag", [11, np.inf, 11, 1]))
    assert (spans([found]), found.worst) == ([(0, 30, 45)], None)


def test_a_nan_is_no_breach_on_either_side_and_starts_the_hold_anew() -> None:
    for gate, value in ((GATE, 11), (replace(GATE, bound=Bound.AT_LEAST), 9)):
        assert replayed(series("lag", [value, value, NAN, value, value, 10]), gate=gate) == []


def test_what_still_fires_at_the_end_has_lasted_to_the_last_evaluation() -> None:
    (found,) = replayed(series("lag", [11] * 20))
    assert (spans([found]), found.duration_s) == ([(0, 30, None)], 255)


def test_a_gauge_that_went_away_in_breach_fires_until_the_lookback_ends() -> None:
    """Its last sample at 45 s stands to 345 s, that age included."""
    (found,) = replayed(series("lag", [1, 11, 11, 11]), steps=40)
    assert spans([found]) == [(15, 45, 360)]


def test_each_label_set_has_its_own_state_and_the_oldest_episode_comes_first() -> None:
    table = [series("lag", [1] * 5 + [11] * 5 + [1], bot="x"), series("lag", [11] * 3 + [1], bot="y")]
    assert [(one.labels["bot"], second(one.firing_since)) for one in replayed(*table)] == [("y", 30), ("x", 105)]


def test_samples_outside_the_window_are_not_looked_at() -> None:
    early = series("lag", [99] * 40, at=[15 * n - 600 for n in range(40)])
    assert replayed(early) == []


def test_the_state_whose_time_is_limited_is_the_breach() -> None:
    measure = ConditionTime(metric="breaker", match={"state": "open"})
    sli = Sli(name="lag", unit="s", measure=measure, source=WORDS)
    gate = replace(GATE, unit="s", limit=300.0)
    (found,) = replayed(series("breaker", [0, 1, 1, 1, 2, 0], state="open"), gate=gate, sli=sli)
    assert (spans([found]), found.worst) == ([(15, 45, 60)], 1)


def test_an_alert_on_a_counter_looks_at_its_window() -> None:
    """One trip at 30 s is inside the closed range of 60 s from 30 s to 75 s: samples at 15 s and 30 s."""
    sli = Sli(name="lag", unit="count", measure=CounterIncrease(metric="trips"), source=WORDS)
    gate = replace(GATE, unit="count", limit=0.0, alert=alert(window=timedelta(minutes=1)))
    (found,) = replayed(series("trips", [0, 0] + [1] * 10), gate=gate, sli=sli)
    assert spans([found]) == [(30, 30, 90)]
    with pytest.raises(PolicyError, match=r"lag: alert\.window: expected one for a counter_increase"):
        replayed(gate=replace(gate, alert=alert()), sli=sli)


def test_a_gate_without_an_alert_cannot_be_replayed() -> None:
    with pytest.raises(PolicyError, match=r"soak\.yaml: lag: expected an alert, was none"):
        replayed(gate=replace(GATE, alert=None))
