from datetime import timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mm_ops.domain.sli.instants import Marks, Times
from mm_ops.domain.sli.kinds import Ratio
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.soak.unseen import find_unseen, widen
from mm_ops.domain.windows import NS_PER_SECOND
from mm_ops_tests.domain.sli.small import scope, series

EVERY = timedelta(seconds=15)
MINUTE = timedelta(minutes=1)
START_NS = scope().window.start_ns


def grid(steps: int) -> Times:
    return START_NS + np.arange(steps) * 15 * NS_PER_SECOND


def text(marks: Marks) -> str:
    return "".join("?" if mark else "." for mark in marks)


@pytest.mark.parametrize(
    ("at", "window", "expected"),
    [
        pytest.param([0, 15, 30, 45, 60, 75], None, "......", id="a sample every 15 s"),
        pytest.param([3, 18, 33, 48, 63, 78], None, "?.....", id="before the first sample nothing is seen"),
        pytest.param([0, 15, 45, 60, 75], None, "..?...", id="one lost sample"),
        pytest.param([3, 18, 48, 63, 78], None, "?..?..", id="one lost sample, between evaluations"),
        pytest.param([0, 15], None, "..????", id="after the last one"),
        pytest.param([0, 15, 30, 45, 60, 75], MINUTE, "......", id="a range that begins with the window is whole"),
        pytest.param([15, 30, 45, 60, 75], MINUTE, "?????.", id="what it began with is lost, until it begins later"),
        pytest.param([0, 30, 45, 60, 75, 90, 105], MINUTE, ".???.?..", id="a hole in a range that begins earlier"),
    ],
)
def test_an_evaluation_is_seen_where_its_evidence_is_whole(
    at: list[float], window: timedelta | None, expected: str
) -> None:
    one = series("g", range(len(at)), at=at)
    assert text(find_unseen([one], grid(len(expected)), window, EVERY)) == expected


def test_a_lost_sample_inside_a_later_range_hides_nothing_but_at_its_edges_and_at_a_reset() -> None:
    """Lost is the sample at 120 s; the range of a minute has it at its right end at 120 s, at its left at 180 s."""
    at = [15 * n for n in range(16) if n != 8]
    counter = series("c", [10 * n for n in range(15)], at=at)
    assert text(find_unseen([counter], grid(16), MINUTE, EVERY)) == "........?...?..."
    reset = series("c", [10 * n if n < 8 else n for n in range(15)], at=at)
    assert text(find_unseen([reset], grid(16), MINUTE, EVERY)) == "........?????..."


def test_what_one_series_lost_is_not_seen() -> None:
    whole, partial = series("a", [1] * 4), series("b", [1] * 3, at=[0, 15, 45])
    assert text(find_unseen([whole, partial], grid(4), None, EVERY)) == "..?."


@pytest.mark.parametrize(
    ("breach", "unseen", "widened"),
    [
        pytest.param("..##....", "....??..", "..####..", id="after a breach"),
        pytest.param("....##..", "..??....", "..####..", id="before a breach"),
        pytest.param("##...##.", "..???...", "#######.", id="between two"),
        pytest.param("##......", "...??...", "##......", id="not next to one"),
        pytest.param(".###....", ".???....", ".###....", id="a breach that is unseen is one"),
        pytest.param("......#.", "???.??.?", "....####", id="at the window's ends"),
        pytest.param("........", "????????", "........", id="no breach at all"),
    ],
)
def test_unseen_evaluations_that_touch_a_breach_may_belong_to_it(breach: str, unseen: str, widened: str) -> None:
    found = widen(np.array([letter == "#" for letter in breach]), np.array([letter == "?" for letter in unseen]))
    assert "".join("#" if mark else "." for mark in found) == widened


def counter(metric: str, steps: list[int], reset: int, keep: Marks) -> Series:
    values = np.cumsum(steps)
    values[reset:] -= values[reset - 1]
    times = grid(len(steps))
    return Series(metric, {}, times[keep], values[keep].astype(np.float64))


def falls(one: Series) -> bool:
    return bool((np.diff(one.values) < 0).any())


def test_a_reset_that_is_past_its_old_value_when_it_is_seen_again_shows_in_no_value() -> None:
    """1, 2, then anew: 1 is lost, and 2 looks as if nothing had been counted; the limit that the module names."""
    kept = np.array([True, True, False, *[True] * 5])
    young = counter("c", [1] * 8, 2, kept)
    assert not falls(young)
    assert text(find_unseen([young], grid(8), MINUTE, EVERY)) == "..??..?."
    old = counter("c", [50, *[1] * 7], 2, kept)
    assert falls(old)
    assert text(find_unseen([old], grid(8), MINUTE, EVERY)) == "..?????."


@given(
    st.lists(st.integers(0, 3), min_size=40, max_size=40),
    st.lists(st.integers(1, 9), min_size=40, max_size=40),
    st.integers(2, 38),
    st.sets(st.integers(0, 39), max_size=12),
)
def test_what_is_seen_has_the_value_of_the_whole_evidence(
    bad: list[int], good: list[int], reset: int, lost: set[int]
) -> None:
    kind = Ratio(numerator=(Selector("bad"),), denominator=(Selector("bad"), Selector("good")))
    keep = np.array([n not in lost for n in range(40)])
    all_of_it = np.ones(40, dtype=np.bool_)
    shows = [any(falls(counter("c", steps, reset, kept)) for steps in (bad, good)) for kept in (all_of_it, keep)]
    assume(shows[1] or not shows[0])
    whole, partial = (
        kind.alert_values([counter("bad", bad, reset, kept), counter("good", good, reset, kept)], grid(40), MINUTE, ())[
            0
        ]
        for kept in (all_of_it, keep)
    )
    read = [counter("bad", bad, reset, keep), counter("good", good, reset, keep)]
    seen = ~find_unseen(read, grid(40), MINUTE, EVERY)
    assert partial.present[seen].tolist() == whole.present[seen].tolist()
    assert partial.values[seen].tolist() == pytest.approx(whole.values[seen].tolist(), rel=1e-12, nan_ok=True)
