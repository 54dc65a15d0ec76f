"""Statistics that one wild value does not move: slope, trend test and effect size.

    theil_sen        slope = median over i < j of (y[j] - y[i]) / (t[j] - t[i])
                     level at t = median(y) + slope · (t - median(t))
    mann_kendall     S   = sum over i < j of sign(y[j] - y[i])
                     var = (n(n-1)(2n+5) - sum over ties of u(u-1)(2u+5)) / 18, u values in a tie
                     z   = (|S| - 1) / sqrt(var · inflation), at least 0; p = erfc(z / sqrt 2), two-sided
    inflation        1 + 2 / (n(n-1)(n-2)) · sum over lags k of (n-k)(n-k-1)(n-k-2) · r[k], at least 1
                     r[k]: autocorrelation of the ranks of y - slope · t, only where |r[k]| > 1.96 / sqrt n
    cliffs_delta     (#(x > y) - #(x < y)) / (n_x · n_y)

Values that follow each other closely hold less evidence than as many independent ones, and plain Mann-Kendall calls
their wander a trend; the inflation corrects it. Below 1 it would sharpen the test on the strength of a few
negative correlations, so it is not let there. It corrects in part only: of 2,000 series of 72 points without a
trend, where each keeps 0.6 of the last one, 18 % had p < 0.01 without it and 9 % with it; of independent ones
0.6 %. What corrects fully (by the first lag alone) takes a leak that bends for correlation, and misses it. The
normal approximation serves from n = 10 on, with the 1 for continuity. Lags count measured buckets; a lost one
between them shortens a lag.

Source: Sen (1968), J. American Statistical Association 63(324); Mann (1945), Econometrica 13(3); Kendall (1975), Rank
Correlation Methods; Hamed and Rao (1998), J. Hydrology 204(1-4); Cliff (1993), Psychological Bulletin 114(3).
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DIGITS = 9
"""Of the largest value: what is left of it below that is rounding, and its ranks would mean nothing."""

_SIGNIFICANT_LAG = 1.959964
"""Of a standard normal, two-sided 5 %: the level at which Hamed and Rao take a lag's correlation for real."""


def theil_sen(times: Array, values: Array) -> float:
    """Give the median slope of all pairs, exact; both arrays (n_points,), n >= 2, times strictly increasing."""
    early, late = np.triu_indices(times.size, k=1)
    return float(np.median((values[late] - values[early]) / (times[late] - times[early])))


def line_at(times: Array, values: Array, slope: float, moment: float) -> float:
    """Give the level at a time of the line with this slope through the medians."""
    return float(np.median(values) + slope * (moment - np.median(times)))


def mann_kendall(times: Array, values: Array, slope: float) -> float:
    """Give the two-sided p of no trend, corrected for ties and for autocorrelation.

    Args:
        times: (n_points,), strictly increasing, n >= 3.
        values: (n_points,), finite.
        slope: what is taken out before the autocorrelation is looked at.
    """
    score, variance = kendall_score(values)
    if not variance:
        return 1.0
    spread = math.sqrt(variance * inflation(_residuals(times, values, slope)))
    return math.erfc(max(0.0, abs(score) - 1) / spread / math.sqrt(2))


def kendall_score(values: Array) -> tuple[float, float]:
    """Give S and its variance among independent values; the variance is 0 where all values are equal."""
    n = values.size
    early, late = np.triu_indices(n, k=1)
    score = float(np.sign(values[late] - values[early]).sum())
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return score, (n * (n - 1) * (2 * n + 5) - tied) / 18


def inflation(residuals: Array) -> float:
    """Give the factor by which autocorrelation widens the variance of S; (n_points,), n >= 3."""
    n = residuals.size
    ranks = mean_ranks(residuals)
    centred = ranks - ranks.mean()
    power = float(centred @ centred)
    if not power:
        return 1.0
    lags = np.arange(1, n)
    correlation = np.array([float(centred[:-lag] @ centred[lag:]) for lag in lags.tolist()]) / power
    real = np.abs(correlation) > _SIGNIFICANT_LAG / math.sqrt(n)
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return max(1.0, 1 + 2 / (n * (n - 1) * (n - 2)) * float((weights * correlation)[real].sum()))


def _residuals(times: Array, values: Array, slope: float) -> Array:
    """Take the slope out; ``values`` has one that is not 0, or no two would differ."""
    residuals: Array = np.round((values - slope * times) / np.abs(values).max(), _DIGITS)
    return residuals


def mean_ranks(values: Array) -> Array:
    """Rank from 1 to n; equal values share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[which]
    return ranks


def cliffs_delta(these: Array, those: Array) -> float:
    """Give how much more often a value of ``these`` is above one of ``those`` than below it, -1 to 1."""
    return float(np.sign(these[:, None] - those[None, :]).mean())
