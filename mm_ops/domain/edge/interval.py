"""How sure is a net edge: a stationary block bootstrap of sums of money over sums of notional.

    θ    = Σ money / Σ notional           over the bins of the window (each a short stretch of its time, all symbols)
    θ*_r = the same over a resample: blocks of consecutive bins from random starts, of geometric length with mean b,
           wrapped round the end, until as many bins are drawn as there are
    interval = the quantiles (1 ∓ level)/2 of θ*_1 … θ*_R

Fills of one moment and of one drift are not independent; blocks keep them together. Bins of time, not single fills, are
resampled, so that what happened to all symbols at once stays at once, and memory does not grow with the fills.
b is chosen from the data, from the autocovariance R of money_k − θ·notional_k:

    m̂ = the lag after which K = max(5, √log₁₀ N) autocorrelations in a row lie within ±2·√(log₁₀ N / N);  M = 2·m̂
    λ(x) = 1 up to ½, 2·(1 − |x|) up to 1, 0 beyond;    G = Σ λ(k/M)·|k|·R(k),    D = 2·(Σ λ(k/M)·R(k))²
    b = (2·G²/D)^(1/3)·N^(1/3), at least 1, at most min(3·√N, N/3)

Source: Politis and Romano (1994), J. American Statistical Association 89; Politis and White (2004), Econometric Reviews
23(1), with the correction of D for the stationary bootstrap by Patton, Politis and White (2009), Econometric Reviews
28(4). The random numbers are a bit generator's raw ones, whose stream is the same in every version of numpy.
"""

import math

import numpy as np

from mm_ops.domain.edge.arrays import Bools, Floats, Ints

_DRAWN_AT_ONCE = 1_000_000
"""Blocks: 8 MB for each of the few arrays that describe them."""
_COUNTED_AT_ONCE = 32
"""Resamples whose bins stay in the cache of a core while they are counted."""
_PRODUCT = 250_000
"""Multiplications."""


def choose_block(money: Floats, notional: Floats) -> float:
    """The mean block length in bins, by the formulas above; 1 where neighbouring bins tell nothing of each other."""
    rest = money - money.sum() / notional.sum() * notional
    rest -= rest.mean()
    bins = rest.size
    least = max(5, math.ceil(math.sqrt(math.log10(bins))))
    longest = min(bins - 1, math.ceil(math.sqrt(bins)) + least)
    covariance = np.array([float(rest[lag:] @ rest[: bins - lag]) / bins for lag in range(longest + 1)])
    if not covariance[0] > 0:
        return 1.0
    small = np.abs(covariance[1:] / covariance[0]) < 2 * math.sqrt(math.log10(bins) / bins)
    lags = np.arange(1, min(2 * max(_last_large(small, least), 1), longest) + 1)
    weights = np.clip(2 * (1 - lags / max(lags.size, 1)), 0, 1)
    spectrum = covariance[0] + 2 * float(weights @ covariance[lags])
    slope = 2 * float((weights * lags) @ covariance[lags])
    slope_each = slope / spectrum if spectrum else math.inf  # 2·G²/D is its square, since D = 2·spectrum²
    block: float = math.cbrt(slope_each**2 * bins)
    return min(max(block, 1.0), _most(bins))


def _most(bins: int) -> float:
    return float(math.ceil(min(3 * math.sqrt(bins), bins / 3)))


def _last_large(small: Bools, least: int) -> int:
    """The lag before the first run of ``least`` small ones; the last large one where there is no such run."""
    for lag in range(small.size - least + 1):
        if small[lag : lag + least].all():
            return lag
    large = np.flatnonzero(~small)
    return int(large[-1]) + 1 if large.size else 0


def draw_resamples(bins: int, block: float, resamples: int, seed: int) -> Floats:
    """Draw the blocks; the same for the same four numbers.

    Returns:
        (resamples, bins): how often each bin is in each resample; a row adds up to ``bins``.
    """
    random = np.random.PCG64(seed)
    blocks = math.ceil(bins / block + 3 * math.sqrt(bins / block))
    rows = max(1, _DRAWN_AT_ONCE // blocks)
    draw = _draw_single if block <= 1 else _draw
    counts = [draw(random, min(rows, resamples - done), blocks, bins, block) for done in range(0, resamples, rows)]
    found: Floats = np.concatenate(counts)
    return found


def _draw(random: np.random.PCG64, rows: int, blocks: int, bins: int, block: float) -> Floats:
    starts, lengths = _blocks(random, rows, blocks, bins, block)
    while lengths.sum(axis=1).min() < bins:  # some row drew short blocks only: all get some more
        more = _blocks(random, rows, blocks, bins, block)
        starts, lengths = np.hstack([starts, more[0]]), np.hstack([lengths, more[1]])
    lengths = np.diff(np.minimum(np.cumsum(lengths, axis=1), bins), axis=1, prepend=0)
    few = [slice(at, at + _COUNTED_AT_ONCE) for at in range(0, rows, _COUNTED_AT_ONCE)]
    return np.concatenate([_count_drawn(starts[some], lengths[some], bins) for some in few])


def _count_drawn(starts: Ints, lengths: Ints, bins: int) -> Floats:
    """How often each bin is in the blocks of each row: those begun so far less those done, and those wrapped round."""
    ends = starts + lengths
    row = bins * np.arange(len(starts))[:, np.newaxis]
    begun, done = (np.bincount((row + at).ravel(), minlength=bins * len(starts)) for at in (starts, ends % bins))
    wrapped = np.count_nonzero(ends >= bins, axis=1)[:, np.newaxis]
    found: Floats = (np.cumsum((begun - done).reshape(-1, bins), axis=1) + wrapped).astype(np.float64)
    return found


def _draw_single(random: np.random.PCG64, rows: int, blocks: int, bins: int, _: float) -> Floats:
    """Blocks of one bin: as :func:`_draw`, which would draw the lengths too, so these numbers are passed over."""
    starts = (_uniform(random, rows, blocks)[:, :bins] * bins).astype(np.int64)
    random.advance(rows * blocks)
    row = bins * np.arange(rows)[:, np.newaxis]
    found: Floats = np.bincount((row + starts).ravel(), minlength=bins * rows).reshape(rows, bins).astype(np.float64)
    return found


def _blocks(random: np.random.PCG64, rows: int, blocks: int, bins: int, block: float) -> tuple[Ints, Ints]:
    starts = (_uniform(random, rows, blocks) * bins).astype(np.int64)
    return starts, _geometric(_uniform(random, rows, blocks), block, bins)


def _uniform(random: np.random.PCG64, rows: int, columns: int) -> Floats:
    """Numbers from 0 to below 1, of 53 random bits each."""
    raw = random.random_raw(rows * columns)
    return (raw >> np.uint64(11)).astype(np.float64).reshape(rows, columns) * 2.0**-53


def _geometric(uniform: Floats, mean: float, most: int) -> Ints:
    """Whole numbers from 1 with P(n) = (1 − 1/mean)^(n−1)/mean, of a mean above 1; cut at the window's length."""
    found: Ints = np.minimum(1 + np.log1p(-uniform) / math.log1p(-1 / mean), most).astype(np.int64)
    return found


def ratio_intervals(money: Floats, notional: Floats, drawn: Floats, level: float) -> list[tuple[float, float] | None]:
    """The intervals of Σ money / Σ notional of several series at once; null where a resample has no notional at all.

    Args:
        money: (bins, series).
        notional: (bins, series).
        drawn: (resamples, bins), from :func:`draw_resamples`.
        level: the share of the resamples that lies inside.
    """
    above, below = _added_up(drawn, money), _added_up(drawn, notional)
    usable = below.min(axis=0) > 0
    ratios = above / np.where(usable, below, 1.0)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return [(float(low[at]), float(high[at])) if usable[at] else None for at in range(money.shape[1])]


def _added_up(drawn: Floats, series: Floats) -> Floats:
    """The product of the two, in parts that are too small for threads: see :func:`.sums.sums_of`."""
    rows = max(1, _PRODUCT // series.size)
    found: Floats = np.concatenate([drawn[at : at + rows] @ series for at in range(0, len(drawn), rows)])
    return found
