import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats  # type: ignore[import-untyped]  # it ships no types

from mm_ops.domain.soak.rank_statistics import (
    Array,
    cliffs_delta,
    inflation,
    kendall_score,
    line_at,
    mann_kendall,
    mean_ranks,
    theil_sen,
)

TIMES = np.array([0.0, 1.0, 2.0, 4.0])
VALUES = np.array([1.0, 3.0, 2.0, 9.0])
some_values = arrays.arrays(
    np.float64, st.integers(10, 80), elements=st.integers(-20, 20).map(float) | st.floats(-1e6, 1e6)
)


def noise(n: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=n)


def carried(n: int, kept: float, seed: int) -> Array:
    """Noise of which each value keeps a part of the last one; its first 50 are left out."""
    value, values = 0.0, []
    for step in noise(n + 50, seed):
        value = kept * value + step
        values.append(value)
    return np.array(values[50:])


def test_the_slope_is_the_median_of_all_pairs() -> None:
    """Slopes 2, 1/2, 2 (8/4), -1, 2 (6/3), 7/2 (7/2): sorted -1, 0.5, 2, 2, 2, 3.5, hence 2."""
    assert theil_sen(TIMES, VALUES) == 2.0


def test_the_line_goes_through_both_medians() -> None:
    """Medians 1.5 and 2.5; at 5 it is 2.5 + 2 · 3.5."""
    assert line_at(TIMES, VALUES, 2.0, 5.0) == 9.5


@given(some_values)
def test_the_slope_is_that_of_scipy(values: Array) -> None:
    times = np.arange(values.size) / 24
    expected = stats.theilslopes(values, times)
    slope = theil_sen(times, values)
    assert slope == pytest.approx(expected[0])
    assert line_at(times, values, slope, 0.0) == pytest.approx(expected[1])


def test_one_wild_value_does_not_move_the_slope() -> None:
    times = np.arange(72.0)
    wild = np.where(times == 40, 1e9, times)
    assert theil_sen(times, wild) == pytest.approx(1.0)


def test_the_score_counts_pairs_and_ties() -> None:
    """Of 1 3 3 2: up 1<3 1<3 1<2 = 3, down 3>2 3>2 = 2, so 1; variance (4·3·13 - 2·1·9) / 18 = 138/18."""
    assert kendall_score(np.array([1.0, 3.0, 3.0, 2.0])) == (1.0, 138 / 18)


@given(some_values)
def test_without_the_corrections_p_is_that_of_scipy(values: Array) -> None:
    score, variance = kendall_score(values)
    expected = stats.kendalltau(np.arange(values.size), values, method="asymptotic").pvalue
    if not variance:
        assert math.isnan(expected)
        return
    assert math.erfc(abs(score) / math.sqrt(2 * variance)) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("n", [10, 15, 30])
def test_with_continuity_p_is_near_the_exact_one_from_ten_points_on(n: int) -> None:
    for seed in range(50):
        values = noise(n, seed)
        score, variance = kendall_score(values)
        near = math.erfc(max(0.0, abs(score) - 1) / math.sqrt(2 * variance))
        exact = stats.kendalltau(np.arange(n), values, method="exact").pvalue
        assert near == pytest.approx(exact, abs=0.004 if exact < 0.1 else 0.015)


def test_the_continuity_makes_p_larger() -> None:
    """Nine rises in a row of ten: S = 45, variance 10·9·25/18 = 125; the inflation of a perfect line is 1."""
    times = np.arange(10.0)
    assert mann_kendall(times, 2 * times, 2.0) == pytest.approx(math.erfc(44 / math.sqrt(250)))


def test_equal_values_have_no_trend() -> None:
    assert mann_kendall(np.arange(30.0), np.ones(30), 0.0) == 1.0


@given(some_values)
def test_ranks_are_those_of_scipy(values: Array) -> None:
    assert np.array_equal(mean_ranks(values), stats.rankdata(values))


def test_the_inflation_is_the_sum_of_the_paper() -> None:
    """Term by term as Hamed and Rao write it, over the lags whose correlation is beyond 1.96 / sqrt n."""
    values = carried(40, 0.7, seed=3)
    n, ranks = values.size, stats.rankdata(values)
    mean = sum(ranks) / n
    power = sum((rank - mean) ** 2 for rank in ranks)
    total = 0.0
    for lag in range(1, n):
        pairs = zip(ranks[:-lag], ranks[lag:], strict=True)
        correlation = sum((one - mean) * (two - mean) for one, two in pairs) / power
        if abs(correlation) > stats.norm.ppf(0.975) / math.sqrt(n):
            total += (n - lag) * (n - lag - 1) * (n - lag - 2) * correlation
    expected = 1 + 2 / (n * (n - 1) * (n - 2)) * total
    assert expected > 1.5
    assert inflation(values) == pytest.approx(expected)


def test_values_that_alternate_do_not_sharpen_the_test() -> None:
    assert inflation(np.array([1.0, -1.0] * 20)) == 1.0


def test_residuals_that_are_all_equal_inflate_nothing() -> None:
    assert inflation(np.zeros(20)) == 1.0


def test_what_rounding_leaves_of_a_perfect_line_is_no_correlation() -> None:
    """0.1 · n / 24 is not exact; S = 72·71/2, variance 72·71·149/18."""
    times = np.arange(72.0) / 24
    values = 100 + 0.1 * times
    expected = math.erfc((2556 - 1) / math.sqrt(2 * 42316))
    assert mann_kendall(times, values, theil_sen(times, values)) == pytest.approx(expected)


def test_p_uses_the_inflation() -> None:
    values = carried(72, 0.7, seed=5)
    times = np.arange(72.0)
    slope = theil_sen(times, values)
    score, variance = kendall_score(values)
    widened = variance * inflation(values - slope * times)
    assert widened > variance
    assert mann_kendall(times, values, slope) == pytest.approx(math.erfc((abs(score) - 1) / math.sqrt(2 * widened)))


def test_independent_values_seldom_have_a_trend_and_those_that_follow_each_other_half_as_often_as_without() -> None:
    """Of 300 series each: at p < 0.01, 3 expected; plainly 18 % of the carried ones (the module's text)."""
    times = np.arange(72.0)

    def shares(kept: float) -> tuple[float, float]:
        plain = corrected = 0
        for seed in range(300):
            values = carried(72, kept, seed)
            score, variance = kendall_score(values)
            plain += math.erfc((abs(score) - 1) / math.sqrt(2 * variance)) < 0.01
            corrected += mann_kendall(times, values, theil_sen(times, values)) < 0.01
        return plain / 300, corrected / 300

    assert max(shares(0.0)) <= 0.02
    plain, corrected = shares(0.6)
    assert 0.12 < plain < 0.25
    assert corrected < 0.65 * plain


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda t: t, id="steady"),
        pytest.param(lambda t: t**2, id="ever faster"),
        pytest.param(np.expm1, id="doubling"),
        pytest.param(lambda t: np.log1p(5 * t), id="ever slower"),
    ],
)
@pytest.mark.parametrize("n", [24, 72])
def test_a_leak_that_bends_is_not_taken_for_correlation(shape: np.ufunc, n: int) -> None:
    times = np.arange(n) / 24
    leak = np.asarray(shape(times), dtype=np.float64)
    values = 100 + 10 * leak / leak.max() + 0.1 * noise(n)
    assert mann_kendall(times, values, theil_sen(times, values)) < 0.001


def test_the_effect_is_the_share_above_less_the_share_below() -> None:
    """Of the six pairs of (1, 4) and (2, 3, 4): 4 is above 2 and 3, 1 below all three: (2 - 3) / 6."""
    assert cliffs_delta(np.array([1.0, 4.0]), np.array([2.0, 3.0, 4.0])) == pytest.approx(-1 / 6)


@given(some_values, some_values)
def test_the_effect_is_that_of_the_rank_test(these: Array, those: Array) -> None:
    """Cliff's delta = 2 U / (n m) - 1."""
    u = stats.mannwhitneyu(these, those, method="asymptotic").statistic if np.ptp(np.append(these, those)) else None
    expected = 0.0 if u is None else 2 * u / (these.size * those.size) - 1
    assert cliffs_delta(these, those) == pytest.approx(expected, abs=1e-12)


@given(some_values)
def test_what_falls_mirrors_what_rises(values: Array) -> None:
    times = np.arange(values.size, dtype=np.float64)
    slope = theil_sen(times, values)
    assert theil_sen(times, -values) == -slope
    assert mann_kendall(times, -values, -slope) == pytest.approx(mann_kendall(times, values, slope))


def test_every_pair_counts_once() -> None:
    pairs = list(itertools.combinations(range(4), 2))
    slopes = [(VALUES[j] - VALUES[i]) / (TIMES[j] - TIMES[i]) for i, j in pairs]
    assert theil_sen(TIMES, VALUES) == np.median(slopes)
