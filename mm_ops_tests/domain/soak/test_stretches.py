from datetime import timedelta

import numpy as np
import pytest

from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.bucket_rules import Needs
from mm_ops.domain.soak.buckets import Buckets, Restart
from mm_ops.domain.soak.needs import points_of
from mm_ops.domain.soak.stretches import Level, Stretch, fit, newer_halves, split, steep_quarters, worst_level
from mm_ops_tests.builders import START
from mm_ops_tests.domain.soak.bucketed import HOUR, buckets, restarted


def stretches(found: Buckets) -> list[Stretch]:
    return split(found, points_of(Needs(min_points=10), found.slis["x"]))


def values(found: Buckets) -> list[list[float]]:
    return [stretch.values.tolist() for stretch in stretches(found)]


SIX = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_without_a_restart_there_is_one_stretch() -> None:
    """Six hours; the centre of the first is 5.5 h before the end."""
    found = stretches(buckets(SIX))
    assert [stretch.start for stretch in found] == [START]
    assert found[0].days.tolist() == pytest.approx([-5.5 / 24, -4.5 / 24, -3.5 / 24, -2.5 / 24, -1.5 / 24, -0.5 / 24])


def test_the_bucket_of_a_restart_is_left_out() -> None:
    found = buckets(SIX, restarts=restarted(2.5))
    assert values(found) == [[0.0, 1.0], [3.0, 4.0, 5.0]]
    assert stretches(found)[1].start == START + 2.5 * HOUR + timedelta(seconds=15)


def test_a_restart_in_an_outage_takes_every_bucket_that_may_hold_it() -> None:
    long = Restart(after=START + 1.5 * HOUR, by=START + 3.5 * HOUR)
    assert values(buckets(SIX, restarts=(long,))) == [[0.0], [4.0, 5.0]]


def test_a_restart_between_two_buckets_takes_both() -> None:
    between = Restart(after=START + 3 * HOUR - timedelta(seconds=15), by=START + 3 * HOUR)
    assert values(buckets(SIX, restarts=(between,))) == [[0.0, 1.0], [4.0, 5.0]]


def test_two_restarts_in_one_bucket_leave_an_empty_stretch() -> None:
    assert values(buckets(SIX, restarts=restarted(2.1, 2.6))) == [[0.0, 1.0], [], [3.0, 4.0, 5.0]]


def test_a_bucket_that_was_not_measured_is_no_point() -> None:
    found = stretches(buckets([0.0, None, 2.0]))
    assert found[0].values.tolist() == [0.0, 2.0]
    assert found[0].days.tolist() == pytest.approx([-2.5 / 24, -0.5 / 24])


def test_the_newer_half_begins_with_its_first_measured_bucket() -> None:
    """Hours 0, 2, 3 and 4 are measured before the restarts, so 3 and 4 are the newer half; the others are empty."""
    found = buckets([0.0, None, 2.0, 3.0, 4.0, 5.0], restarts=restarted(5.2, 5.6))
    halves = newer_halves(found, stretches(found))
    assert [half.values.tolist() for half in halves] == [[3.0, 4.0], [], []]
    assert halves[0].start == START + 3 * HOUR
    assert halves[0].days.tolist() == pytest.approx([-2.5 / 24, -1.5 / 24])
    assert halves[1].start == START + 5.2 * HOUR + timedelta(seconds=15)


def test_the_line_of_a_stretch_goes_on_to_the_window_s_end() -> None:
    """One an hour from 0 at 0:00 for 12 h, then a restart: centres at -23.5 h …, so 24 · 1 - 0.5 at the end."""
    found = buckets([float(n) for n in range(12)] + [0.0] * 12, restarts=restarted(12.5))
    first, second = fit(stretches(found), min_points=10)
    assert (first.points, second.points) == (12, 11)
    assert first.slope == pytest.approx(24.0)
    assert first.level == 5.5
    assert first.at_end == pytest.approx(23.5)
    assert first.after(timedelta(days=2)) == pytest.approx(71.5)
    assert first.p < 1e-4
    assert (second.level, second.slope, second.p) == (0.0, 0.0, 1.0)


def test_a_stretch_that_is_too_short_has_no_line() -> None:
    assert fit(stretches(buckets(SIX)), min_points=7) == []
    assert [line.points for line in fit(stretches(buckets(SIX)), min_points=6)] == [6]


def test_a_lost_bucket_does_not_bend_the_line() -> None:
    """Times are those of the buckets, not their numbers."""
    whole = [float(n) for n in range(20)]
    holes = [None if n % 3 == 1 else value for n, value in enumerate(whole)]
    (line,) = fit(stretches(buckets(holes)), min_points=10)
    assert line.slope == pytest.approx(24.0)
    assert np.isclose(line.at_end, 19.5)


def test_a_level_is_the_worst_median_of_buckets_in_a_row() -> None:
    """Medians of three: 1, 5, 5, 4, 4 (the lost hour is left out)."""
    points = np.array([0.0, 1.0, 9.0, np.nan, 5.0, 2.0, 4.0, 8.0])
    found = buckets([0.0] * 8)
    assert worst_level(found, points, 3, Bound.AT_MOST) == Level(
        start=START + 1 * HOUR, end=START + 5 * HOUR, value=5.0
    )
    assert worst_level(found, points, 3, Bound.AT_LEAST) == Level(start=START, end=START + 3 * HOUR, value=1.0)
    assert worst_level(found, points, 7, Bound.AT_MOST) == Level(start=START, end=START + 8 * HOUR, value=4.0)
    assert worst_level(found, points, 8, Bound.AT_MOST) is None


LATE = [0.0] * 30 + [float(n) for n in range(10)]


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        pytest.param(LATE, [10], id="one an hour in the newest of four quarters"),
        pytest.param(LATE[1:], [], id="39 points have no quarter of ten"),
        pytest.param([4.0 - n / 2 if n < 9 else 0.0 for n in range(30)] + LATE[30:], [], id="half of it before"),
        pytest.param([4.0 - n / 2.5 if n < 9 else 0.0 for n in range(30)] + LATE[30:], [10], id="less before"),
        pytest.param(LATE[:35] + [8.0] * 5, [], id="it stands still in the newest half of the quarter"),
        pytest.param([-value for value in LATE], [10], id="it falls"),
        pytest.param([0.0] * 40, [], id="it never moved"),
    ],
)
def test_a_newest_quarter_stands_out_or_is_left_out(values: list[float], sizes: list[int]) -> None:
    found = buckets(values)
    quarters = steep_quarters(found, stretches(found))
    assert [quarter.numbers.size for quarter in quarters] == sizes
    assert all(quarter.start == START + 30 * HOUR for quarter in quarters)
