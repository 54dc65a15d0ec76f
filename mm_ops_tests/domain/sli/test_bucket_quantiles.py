import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sli.bucket_quantiles import bound_of, histogram_quantiles
from mm_ops.domain.sli.histograms import histogram_quantile
from mm_ops.domain.sli.instants import Instants, scatter

NAN, INF = math.nan, math.inf


def bucket(le: str, *values: float | None, **labels: str) -> Instants:
    present = np.array([value is not None for value in values])
    numbers = np.array([value for value in values if value is not None], dtype=np.float64)
    return scatter({**labels, "le": le}, present, numbers)


def quantile(q: float, counts: dict[str, float | None]) -> float | None:
    (found,) = histogram_quantiles(q, [bucket(le, count) for le, count in counts.items()])
    return float(found.values[0]) if found.present[0] else None


@pytest.mark.parametrize(
    ("q", "counts", "expected"),
    [
        pytest.param(0.5, {"10": 2, "20": 6, "+Inf": 8}, 15, id="rank 4 of 8: 10 + 10 * (4 - 2) / (6 - 2)"),
        pytest.param(0.25, {"10": 4, "20": 6, "+Inf": 8}, 5, id="the first bucket starts at 0: 10 * 2 / 4"),
        pytest.param(0.25, {"-1": 4, "20": 6, "+Inf": 8}, -1, id="the first bound, where it is not positive"),
        pytest.param(0.5, {"10": 4, "20": 4, "30": 8, "+Inf": 8}, 10, id="a rank on a bound, before an empty bucket"),
        pytest.param(0.9, {"10": 2, "20": 6, "+Inf": 8}, 20, id="beyond the highest finite bound"),
        pytest.param(
            0.5, {"10": 2, "20": 1, "30": 6, "+Inf": 8}, 25, id="a fall is raised: 20 + 10 * (4 - 2) / (6 - 2)"
        ),
        pytest.param(0.5, {"10": 1, "10.0": 1, "20": 6, "+Inf": 8}, 15, id="two spellings are one bucket"),
        pytest.param(0.5, {"10": 2, "20": 6, "+Inf": 8, "x": 99}, 15, id="a bound that is no number is skipped"),
        pytest.param(0.5, {"10": 2, "15": None, "20": 6, "+Inf": 8}, 15, id="an absent bucket takes no part"),
        pytest.param(0.5, {"10": 0, "20": 0, "+Inf": 0}, NAN, id="nothing observed"),
        pytest.param(0.5, {"10": 2, "20": 6}, NAN, id="no bucket +Inf"),
        pytest.param(0.5, {"10": 2, "20": 6, "+Inf": None}, NAN, id="no bucket +Inf at this time"),
        pytest.param(0.5, {"+Inf": 6}, NAN, id="one bucket"),
        pytest.param(0.5, {"10": 2, "20": 6, "+Inf": NAN}, 20, id="a total that is NaN: no rank is reached"),
        pytest.param(0.5, {"10": NAN, "20": 6, "30": 5, "+Inf": 8}, NAN, id="a NaN below the rank: 10 + 10 * NaN"),
        pytest.param(0.5, {"10": None, "+Inf": None}, None, id="no sample"),
    ],
)
def test_a_quantile_is_what_a_server_would_answer(
    q: float, counts: dict[str, float | None], expected: float | None
) -> None:
    assert quantile(q, counts) == (None if expected is None else pytest.approx(expected, rel=1e-12, nan_ok=True))


def test_each_histogram_and_each_time_has_its_own_buckets() -> None:
    """At the second time the bucket 10 of x is gone: 0 + 20 * 4 / 6."""
    parts = [bucket(le, *counts, bot="x") for le, counts in (("10", (2, None)), ("20", (6, 6)), ("+Inf", (8, 8)))]
    parts += [bucket(le, count, count, bot="y") for le, count in (("10", 8), ("+Inf", 8))]
    found = {one.labels["bot"]: one.values.tolist() for one in histogram_quantiles(0.5, parts)}
    assert found == {"x": [15, pytest.approx(40 / 3)], "y": [5, 5]}


@pytest.mark.parametrize(("le", "bound"), [("150", 150), ("150.0", 150), ("+Inf", INF), ("x", NAN), ("", NAN)])
def test_a_bound_is_read_in_either_spelling(le: str, bound: float) -> None:
    assert bound_of({"le": le}) == pytest.approx(bound, nan_ok=True)
    assert math.isnan(bound_of({}))


@given(st.floats(0.01, 0.99), st.lists(st.integers(0, 20), min_size=2, max_size=9))
def test_it_is_the_quantile_of_the_whole_window_where_counts_are_numbers(q: float, counts: list[int]) -> None:
    bounds = [float(n) for n in range(len(counts) - 1)] + [INF]
    whole, _ = histogram_quantile(q, dict(zip(bounds, map(float, counts), strict=True)))
    found = quantile(q, {str(bound): count for bound, count in zip(bounds, counts, strict=True)})
    assert found == pytest.approx(whole, rel=1e-12, abs=1e-12, nan_ok=True)
