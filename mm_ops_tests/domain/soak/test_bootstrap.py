import numpy as np
import pytest

from mm_ops.domain.soak.bootstrap import resample

SERIES = np.arange(64.0)


def drawn(draws: int = 2000, seed: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return resample(SERIES, draws, np.random.default_rng(seed))


def test_equal_seeds_give_equal_draws_and_others_give_others() -> None:
    assert np.array_equal(drawn(), drawn())
    assert not np.array_equal(drawn(), drawn(seed=2))


def test_every_draw_has_the_length_of_the_series_and_values_of_it() -> None:
    assert drawn(5).shape == (5, 64)
    assert set(drawn(5).ravel()) <= set(SERIES)


def test_every_value_is_drawn_equally_often() -> None:
    """2,000 draws of 64 from 64: 2,000 each, give or take; the circle spares neither the first nor the last."""
    counts = np.bincount(drawn().ravel().astype(int), minlength=64)
    assert counts == pytest.approx(2000, rel=0.2)


def test_blocks_have_the_mean_length_of_the_cube_root() -> None:
    """64^(1/3) = 4: three of four steps go on to the next value, and around the end to the first."""
    goes_on = np.diff(drawn(), axis=1) % 64 == 1
    assert goes_on.mean() == pytest.approx(0.75 + 0.25 / 64, abs=0.01)
    assert ((drawn()[:, :-1] == 63) & (drawn()[:, 1:] == 0)).any()


def test_a_single_value_is_drawn_again_and_again() -> None:
    assert resample(np.array([7.0]), 3, np.random.default_rng(1)).tolist() == [[7.0]] * 3


def test_the_mean_of_alike_neighbours_spreads_wider_than_single_draws_would() -> None:
    """Blocks of 16 equal values: single draws would give a spread of std / 8; blocks of 4 in the mean about twice."""
    steps = np.repeat([0.0, 1.0, 0.0, 1.0], 16)
    spread = resample(steps, 4000, np.random.default_rng(1)).mean(axis=1).std()
    assert spread > 1.7 * steps.std() / 8
