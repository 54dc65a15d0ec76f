"""Quantiles of lists of ages: exact where they are few, at most a thousandth too old where they are many."""

import numpy as np
import pytest

from mm_ops.domain.edge.ages import EXACT, ROUNDED_UP_BY, Ages, age_quantiles

SHARES = (0.0, 0.5, 0.95, 1.0)


def ages(*parts: list[float]) -> Ages:
    found = Ages()
    for part in parts:
        found.add(np.array(part))
    return found


def test_a_quantile_lies_between_its_neighbours():
    # 0 … 10: position 10·0.95 = 9.5
    assert age_quantiles([ages(list(range(11)))], SHARES) == [0.0, 5.0, 9.5, 10.0]


@pytest.mark.parametrize("seed", range(5))
def test_lists_in_any_number_of_parts_give_what_numpy_gives_for_all(seed: int):
    rng = np.random.default_rng(seed)
    values = np.round(rng.lognormal(3, 2, 501), 2) * rng.integers(0, 2, 501)
    found = age_quantiles([ages(part.tolist()) for part in np.array_split(values, 7)], SHARES)
    assert found == pytest.approx(np.quantile(values, SHARES), rel=1e-15)


def test_what_is_not_known_is_the_oldest():
    # of 4 the ranks 0 … 3: the median lies at 1.5, half way from 2 to what is not known
    assert age_quantiles([ages([1.0, 2.0], [np.nan, np.nan])], (0.25, 0.5, 0.95)) == [1.75, None, None]
    assert age_quantiles([ages([1.0, 2.0, 3.0]), ages([np.nan])], (0.5, 0.95)) == [2.5, None]


def test_without_an_age_there_is_no_quantile():
    assert age_quantiles([], (0.5,)) == [None]
    assert age_quantiles([ages([np.nan])], (0.5,)) == [None]


def test_very_many_are_at_most_a_thousandth_too_old_and_never_too_young():
    values = np.random.default_rng(1).lognormal(3, 3, 5 * EXACT)
    many = Ages()
    for part in np.array_split(values, 7):
        many.add(part)
    few = ages([0.5, 1.0, 1e9])
    assert (many.rounded, few.rounded) == (True, False)
    shares = (0.0, 0.01, 0.5, 0.95, 0.999)
    exact = np.quantile(np.concatenate([values, [0.5, 1.0, 1e9]]), shares)
    found = np.array(age_quantiles([many, few], shares), dtype=float)
    assert (found >= exact).all()
    assert (found <= exact * (1 + ROUNDED_UP_BY)).all()


def test_exact_ages_stay_exact_beside_rounded_ones():
    many = ages(np.linspace(1, 2, EXACT + 1).tolist())
    assert age_quantiles([many, ages([1e6 + 0.123])], (1.0,)) == [1e6 + 0.123]


def test_as_many_as_are_kept_are_exact():
    assert not ages(np.linspace(1, 2, EXACT).tolist()).rounded
