import numpy as np
import pytest

from mm_ops.paperbot.gauges import NOTHING_PENDING, Pending, decayed

NS = 1_000_000_000


def slow(times: list[int], amounts: list[float], at: int, half_life_s: float) -> float:
    return sum(a * 2 ** (-(at - t) / NS / half_life_s) for t, a in zip(times, amounts, strict=True) if t <= at)


def test_decayed_sums_equal_the_obvious_sum():
    rng = np.random.default_rng(1)
    grid = np.arange(0, 3600, 15, dtype=np.int64) * NS
    times = np.sort(rng.integers(1, 3600 * NS, 500))
    amounts = rng.normal(size=500)
    found = decayed(times, amounts, grid, half_life_s=600.0, before=0.0)
    for n in (0, 1, 57, grid.size - 1):
        expected = slow(times.tolist(), amounts.tolist(), int(grid[n]), 600.0)
        assert found[n] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_sum_carried_over_halves_after_its_half_life():
    grid = np.arange(40, dtype=np.int64) * 15 * NS
    none = np.empty(0, dtype=np.int64)
    found = decayed(none, np.empty(0), grid, half_life_s=600.0, before=8.0)
    assert found[0] == 8.0
    assert found[40] == pytest.approx(4.0, rel=1e-12), "40 steps of 15 s, one after the last of the grid"


def test_an_amount_of_the_very_first_scrape_counts_whole_from_there_on():
    grid = np.arange(3, dtype=np.int64) * 15 * NS
    found = decayed(np.array([0]), np.array([4.0]), grid, half_life_s=15.0, before=8.0)
    assert found.tolist() == [12.0, 6.0, 3.0, 1.5]


def test_two_grids_one_after_the_other_lose_nothing_that_comes_in_between_them():
    grid = np.arange(80, dtype=np.int64) * 15 * NS
    rng = np.random.default_rng(2)
    times = np.sort(rng.integers(0, 80 * 15 * NS, 200))
    amounts = rng.normal(size=200)
    first = times < grid[40]
    assert (times[first] > grid[39]).any(), "some come in after the last scrape of the first grid"
    one = decayed(times[first], amounts[first], grid[:40], half_life_s=600.0, before=0.0)
    two = decayed(times[~first], amounts[~first], grid[40:], half_life_s=600.0, before=float(one[-1]))
    whole = decayed(times, amounts, grid, half_life_s=600.0, before=0.0)
    assert np.concatenate([one[:-1], two]) == pytest.approx(whole, rel=1e-12, abs=1e-12)


def test_pending_fills_split_by_the_time_they_close():
    one = np.ones(3)
    side = np.ones(3, dtype=np.int64)
    pending = Pending(np.array([1, 5, 9]), side, one, one, one, one)
    closing, waiting = NOTHING_PENDING.then(pending).split(5)
    assert closing.close_ns.tolist() == [1]
    assert waiting.close_ns.tolist() == [5, 9]
