import math

import numpy as np
import pytest

from mm_ops.domain.sli.instants import LOOKBACK_NS, Instants, above, add, chosen, divide, latest, scatter, sum_by
from mm_ops.domain.sli.series import Selector
from mm_ops_tests.domain.sli.small import scope, series

NONE = None
START_NS = scope().window.start_ns


def instants(*values: float | None, **labels: str) -> Instants:
    """A value, NaN, or no sample at each time."""
    present = np.array([value is not None for value in values])
    return scatter(labels, present, np.array([value for value in values if value is not None], dtype=np.float64))


def shown(found: Instants) -> list[float | str | None]:
    pairs = zip(found.values.tolist(), found.present.tolist(), strict=True)
    return [None if not there else "nan" if math.isnan(value) else value for value, there in pairs]


def test_a_sample_stands_for_five_minutes_that_age_included() -> None:
    one = series("g", [7, 8], at=[10, 20])
    times = START_NS + np.array([9, 10, 19, 20, 320, 321]) * 1_000_000_000
    assert shown(latest(one, times)) == [None, 7, 7, 8, 8, None]
    assert shown(latest(one, times[4:5] + 1)) == [None]
    assert LOOKBACK_NS == 300 * 10**9


def test_a_nan_is_a_sample_and_no_sample_is_not_a_nan() -> None:
    one = series("g", [math.nan], at=[10])
    assert shown(latest(one, START_NS + np.array([0, 10]) * 1_000_000_000)) == [None, "nan"]


def test_a_sum_is_over_what_is_there_for_each_set_of_labels() -> None:
    parts = [
        instants(1, NONE, NONE, math.nan, bot="x", guard="a"),
        instants(2, 5, NONE, 1, bot="x", guard="b"),
        instants(10, 10, 10, 10, bot="y", guard="a"),
    ]
    found = {one.labels["bot"]: shown(one) for one in sum_by(parts, ("bot", "job"))}
    assert found == {"x": [3, 5, None, "nan"], "y": [10, 10, 10, 10]}


def test_a_label_that_is_empty_or_absent_is_no_label() -> None:
    (found,) = sum_by([instants(1, bot=""), instants(2)], ("bot",))
    assert (dict(found.labels), shown(found)) == ({}, [3])


def test_infinities_of_both_signs_add_to_nan() -> None:
    (found,) = sum_by([instants(math.inf), instants(-math.inf)], ())
    assert shown(found) == ["nan"]


def test_only_what_has_the_same_labels_is_matched_and_only_where_both_are_there() -> None:
    left = [instants(6, 1, NONE, 0, 1, bot="x"), instants(1, 1, 1, 1, 1, bot="z")]
    right = [instants(2, NONE, 3, 0, 0, bot="x"), instants(1, 1, 1, 1, 1, bot="y")]
    assert [(one.labels["bot"], shown(one)) for one in divide(left, right)] == [("x", [3, None, None, "nan", math.inf])]
    assert [shown(one) for one in add(left, right)] == [[8, None, None, 0, 1]]


def test_a_filter_keeps_what_is_greater_and_neither_the_limit_nor_nan() -> None:
    (found,) = above([instants(0, 1e-9, math.nan, NONE, -1)], 0)
    assert found.present.tolist() == [False, True, False, False, False]
    assert np.isfinite(found.values).tolist() == found.present.tolist()


@pytest.mark.parametrize(("match", "count"), [({}, 2), ({"bot": "x"}, 1), ({"bot": "z"}, 0)])
def test_a_series_without_a_sample_is_not_chosen(match: dict[str, str], count: int) -> None:
    table = [series("g", [1], bot="x"), series("g", [2], bot="y"), series("g", [], bot="z"), series("other", [1])]
    assert len(chosen(table, Selector("g", match))) == count
