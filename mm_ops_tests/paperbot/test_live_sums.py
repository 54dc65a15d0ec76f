import numpy as np
import pytest

from mm_ops.paperbot.gauges import decayed
from mm_ops.paperbot.live_sums import DecayingRatio, DecayingSum


def test_an_amount_counts_half_after_its_half_life_and_a_quarter_after_two():
    total = DecayingSum(60.0)
    total.add(10.0, 8.0)
    assert [total.read(at) for at in (10.0, 70.0, 130.0)] == [8.0, 4.0, 2.0]


def test_it_is_the_same_sum_as_that_of_a_recording():
    rng = np.random.default_rng(3)
    times = np.sort(rng.integers(0, 600, 50)) * 1_000_000_000
    amounts = rng.normal(size=50)
    grid = np.arange(41, dtype=np.int64) * 15_000_000_000
    wanted = decayed(times, amounts, grid, half_life_s=100.0, before=2.5)[:-1]
    total, seen = DecayingSum(100.0, 2.5), []
    for at in grid.tolist():
        for time, amount in zip(times.tolist(), amounts.tolist(), strict=True):
            if at - 15_000_000_000 < time <= at:
                total.add(time / 1e9, amount)
        seen.append(total.read(at / 1e9))
    assert seen == pytest.approx(wanted.tolist(), rel=1e-12)


def test_there_is_no_ratio_before_there_is_anything_below():
    ratio = DecayingRatio.of(60.0)
    assert ratio.read(5.0) is None
    ratio.add(5.0, 1.0, 4.0)
    assert ratio.read(5.0) == 0.25
    assert ratio.read(500.0) == pytest.approx(0.25), "both decay alike"


def test_what_was_there_before_counts_on():
    ratio = DecayingRatio.of(60.0, 6.0, 2.0)
    ratio.add(60.0, 0.0, 1.0)
    assert ratio.read(60.0) == 1.5, "3 over 1 + 1"
