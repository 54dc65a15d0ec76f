"""With a half-life of an hour, what closed an hour ago counts half."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.edge.ema import HALF_LIVES, NEVER, EmaState, Readings, decay, read_sums
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS
from mm_ops_tests.domain.edge.ema_worked import at, closed

HOUR = timedelta(hours=1)
TWO = closed((0, 3.0, 1000.0), (3600, 1.0, 1000.0))


def read(fills: ClosedFills, *seconds: float, before: EmaState | None = None) -> Readings:
    return decay(fills, HOUR, before).at(at(*seconds))


def test_what_closed_a_half_life_ago_counts_half():
    """At 1 h: (3/2 + 1) / (1000/2 + 1000) = 2.5/1500; at 0 s: 3/1000."""
    found = read(TWO, 0, 3600)
    assert found.edge_bps.tolist() == pytest.approx([30.0, 1e4 * 2.5 / 1500])
    assert found.notional.tolist() == pytest.approx([1000.0, 1500.0])


def test_without_fills_the_edge_stands_and_what_it_rests_on_shrinks():
    found = read(TWO, 3600, 7200, 10_800, 3600 * 3000)
    assert len(set(found.edge_bps.tolist())) == 1
    assert found.notional[:3].tolist() == pytest.approx([1500.0, 750.0, 375.0])
    assert found.notional[3] == 0.0
    assert found.age_s.tolist() == [0.0, 3600.0, 7200.0, 3600.0 * 2999]


def test_a_fill_counts_from_the_nanosecond_in_which_it_closes():
    times = at(0) + np.array([-1, 0])
    found = decay(TWO, HOUR).at(times)
    assert math.isnan(found.edge_bps[0])
    assert found.edge_bps[1] == pytest.approx(30.0)


def test_before_the_first_fill_there_is_no_value_no_share_and_no_age_and_the_weight_is_zero():
    found = read(closed(), 0)
    assert found.notional.tolist() == [0.0]
    assert np.isnan([found.edge_bps[0], found.known_share[0], found.age_s[0]]).all()


def test_fills_of_one_moment_weigh_by_size():
    """(3 + 1) / (1000 + 3000)."""
    assert read(closed((0, 3.0, 1000.0), (0, 1.0, 3000.0)), 0).edge_bps[0] == pytest.approx(10.0)


def test_a_fill_without_markout_changes_no_edge_and_lowers_what_is_known():
    """500 of the 1000 are left at 1 h beside 1500 that are not known: a quarter."""
    found = read(closed((0, 3.0, 1000.0), (3600, None, 1500.0)), 0, 3600)
    assert found.edge_bps.tolist() == pytest.approx([30.0, 30.0])
    assert found.known_share.tolist() == pytest.approx([1.0, 0.25])
    assert found.age_s[1] == 3600.0


def test_where_no_fill_has_a_markout_nothing_is_known():
    found = read(closed((0, None, 1000.0)), 0)
    assert (found.known_share[0], found.notional[0]) == (0.0, 0.0)
    assert np.isnan([found.edge_bps[0], found.age_s[0]]).all()


@pytest.mark.parametrize(("least", "share", "trusted"), [(1500, 0.5, True), (1501, 0.5, False), (1500, 0.51, False)])
def test_a_value_needs_weight_and_enough_that_is_known(least: float, share: float, *, trusted: bool):
    found = read(closed((0, 2.0, 1500.0), (0, None, 1500.0)), 0)
    assert np.isfinite(found.trusted(least, share)[0]) == trusted


def test_nothing_is_trusted_before_the_first_fill():
    assert np.isnan(read(closed(), 0).trusted(1.0, 0.5)).all()


def test_a_year_of_fills_overflows_nowhere_and_forgets_the_first_ones():
    """One fill every half-life for 9,000 of them: D = 1000·(1 + 1/2 + 1/4 + …) = 2000."""
    hours = 3600 * np.arange(9000)
    year = closed(*((float(second), 2.0, 1000.0) for second in hours))
    found = decay(year, HOUR).at(year.close_ns)
    assert found.notional[60:] == pytest.approx(2000.0, rel=1e-12)
    assert found.edge_bps == pytest.approx(20.0, rel=1e-12)


def test_a_silence_of_years_leaves_nothing_of_what_was():
    found = read(closed((0, 3.0, 1000.0), (1e8, 1.0, 1000.0)), 1e8)
    assert (found.edge_bps[0], found.notional[0]) == pytest.approx((10.0, 1000.0))


AMOUNTS = st.tuples(
    st.integers(0, 3600 * 24 * 30),
    st.none() | st.integers(-100_000, 100_000).map(lambda cents: cents / 100),
    st.floats(1e-3, 1e6),
)


@given(st.lists(AMOUNTS, max_size=40), st.integers(0, 40), st.sampled_from([60, 3600, 86_400]))
def test_all_at_once_equals_the_sum_over_every_fill(rows: list[tuple[int, float | None, float]], cut: int, life: int):
    """The formula itself, in the plain order, for every fill's time and one later; also when cut in two."""
    rows = sorted(rows, key=lambda row: row[0])
    half_life, times = timedelta(seconds=life), at(*(row[0] for row in rows), 3600 * 24 * 31)
    first = decay(closed(*rows[:cut]), half_life)
    second = decay(closed(*rows[cut:]), half_life, first.last)
    found = decay(closed(*rows), half_life).at(times)
    late = second.at(times[-1:])
    for n, when in enumerate(times.tolist()):
        past = [row for row in rows if START_NS + row[0] * 10**9 <= when]
        weight = [2 ** (-((when - START_NS) / 1e9 - row[0]) / life) for row in past]
        notional = math.fsum(w * row[2] for w, row in zip(weight, past, strict=True) if row[1] is not None)
        assert found.notional[n] == pytest.approx(notional, rel=1e-12, abs=1e-300)
        if notional < 1e-250:
            continue
        pairs = [(w, row[1], row[2]) for w, row in zip(weight, past, strict=True) if row[1] is not None]
        money, size = math.fsum(w * one for w, one, _ in pairs), math.fsum(w * abs(one) for w, one, _ in pairs)
        assert abs(found.edge_bps[n] - 1e4 * money / notional) <= 1e-12 * 1e4 * size / notional
    assert late.notional[0] == pytest.approx(found.notional[-1], rel=1e-12, abs=1e-300)


def test_cut_anywhere_and_gone_on_the_bits_are_the_same():
    whole = decay(TWO, HOUR)
    first = decay(closed((0, 3.0, 1000.0)), HOUR)
    second = decay(closed((3600, 1.0, 1000.0)), HOUR, first.last)
    assert second.last == whole.last
    assert decay(closed(), HOUR, whole.last).last == whole.last
    assert (whole.last.fills, whole.last.without, whole.last.last_ns) == (2, 0, int(at(3600)[0]))


def test_a_state_of_another_half_life_is_refused():
    with pytest.raises(SchemaError, match=r"half_life_s: expected 3600\.0, was 7200\.0"):
        decay(TWO, HOUR, EmaState(half_life_s=7200.0))


def test_a_fill_before_what_is_remembered_is_refused():
    first = decay(TWO, HOUR).last
    with pytest.raises(SchemaError, match=f"close_ns: expected {at(3600)[0]} or later, was {at(3599)[0]}"):
        decay(closed((3599, 1.0, 1.0)), HOUR, first)


def test_what_is_remembered_cannot_be_read_at_an_earlier_time():
    with pytest.raises(SchemaError, match=f"expected times from {at(3600)[0]} on, was {at(3599)[0]}"):
        decay(closed(), HOUR, decay(TWO, HOUR).last).at(at(3599))


def test_at_no_times_nothing_is_read():
    assert decay(TWO, HOUR).at(at()).edge_bps.size == 0


def test_a_fresh_state_is_the_same_as_none():
    fresh = EmaState(half_life_s=3600.0)
    assert decay(TWO, HOUR, fresh).last == decay(TWO, HOUR).last
    assert replace(fresh, fills=0) == decay(closed(), HOUR).last


def test_long_before_the_first_fill_there_is_nothing_and_no_number_overflows():
    """The first fill is 5,000 half-lives after the time that is asked about: 2^5000 is no double."""
    stretch = np.array([5000 // HALF_LIVES])
    found = read_sums(np.zeros((3, 1)), stretch, np.array([NEVER]), np.array([0]), timedelta(seconds=1))
    assert found.notional.tolist() == [0.0]
    assert np.isnan(found.edge_bps).all()
