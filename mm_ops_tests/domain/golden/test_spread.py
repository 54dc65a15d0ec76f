from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.golden.policy import GoldenPolicy, Limits, PathLimits, Spread
from mm_ops.domain.golden.spread import MeasuredSpread, NumberSpread, find_too_tight, measure_spread
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.golden.test_policy import case

LIMITS = Limits(absolute=0.01, relative=0.001, source=WORDS)
POLICY = GoldenPolicy(
    tolerance=LIMITS,
    paths=(PathLimits(path="$.rows[*].noisy", absolute=1.0, relative=0.0, source=WORDS),),
    spread=Spread(runs=3, factor=10, source=WORDS),
    creep=LIMITS,
    cases=(case(),),
)


def test_runs_that_agree_have_no_spread():
    assert measure_spread([{"a": 1.0}] * 3) == MeasuredSpread(3, [], [])


def test_the_spread_is_the_highest_less_the_lowest_of_all_runs():
    (number,) = measure_spread([{"a": [1.0]}, {"a": [1.5]}, {"a": [0.25]}]).numbers
    assert (number, number.width) == (NumberSpread("$.a[0]", 0.25, 1.5), 1.25)


TIGHT: dict[str, tuple[list[Any], list[str]]] = {
    "ten times the spread is within the tolerance": ([{"a": 1.0}, {"a": 1.001}], []),
    "more is not": (
        [{"a": 1.0}, {"a": 1.0011}],
        ["$.a: golden.yaml tolerates 0.01, and 2 runs differed by 0.0011", "(10 times as much)"],
    ),
    "a path with its own tolerance has that": ([{"rows": [{"noisy": 1.0}]}, {"rows": [{"noisy": 1.05}]}], []),
    "and is held to it": (
        [{"rows": [{"noisy": 1.0}]}, {"rows": [{"noisy": 1.2}]}],
        ["$.rows[0].noisy: golden.yaml tolerates 1.0"],
    ),
    "what comes and goes no tolerance covers": ([{"a": 1.0}, {}], ["$.a: key missing from run to run"]),
}


@pytest.mark.parametrize("name", TIGHT)
def test_a_tolerance_tighter_than_the_spread_is_said(name: str):
    runs, words = TIGHT[name]
    found = find_too_tight(measure_spread(runs), POLICY)
    assert len(found) == bool(words)
    assert all(word in found[0] for word in words)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_under_a_tolerance_that_is_not_too_tight_no_two_of_the_runs_drift(values: list[float]):
    runs = [{"a": value} for value in values]
    if not find_too_tight(measure_spread(runs), POLICY):
        assert not [1 for one in runs for other in runs if POLICY.compare(one, other)]


def test_the_derived_tolerance_itself_is_never_too_tight():
    spread = measure_spread([{"a": 1.0}, {"a": 1.3}])
    least = replace(POLICY, tolerance=Limits(absolute=10 * (1.3 - 1.0), relative=0.0, source=WORDS))
    assert find_too_tight(spread, least) == []
