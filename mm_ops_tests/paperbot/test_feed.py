import numpy as np
import pytest

from mm_ops.paperbot.feed import Outage, draw_gaps, is_blocked, react
from mm_ops.paperbot.profiles import DEGRADED, HEALTHY, Profile

EACH = pytest.mark.parametrize("profile", [HEALTHY, DEGRADED], ids=lambda profile: profile.name)


def test_a_gap_opens_the_breaker_when_stale_and_fresh_seconds_close_it():
    # stale after 1.5 s, observed every 0.5 s: 101.5 is not yet longer, 102.0 is; back at 110, watched for 5 s
    assert react(HEALTHY, np.array([[100.0, 110.0]])) == [Outage(opened=102.0, half_open=110.0, closed=115.0)]


@pytest.mark.parametrize(("length", "opens"), [(1.4, False), (2.4, True), (1.6, False)])
def test_only_a_gap_that_is_seen_stale_opens_it(length: float, *, opens: bool):
    assert bool(react(HEALTHY, np.array([[100.0, 100.0 + length]]))) is opens


def test_a_misconfigured_limit_leaves_it_closed_for_half_a_minute():
    assert react(DEGRADED, np.array([[100.0, 129.0]])) == []
    assert react(DEGRADED, np.array([[100.0, 200.0]]))[0].opened == 130.5


def test_the_bot_is_out_from_the_opening_until_it_is_closed_again():
    outages = [Outage(102.0, 110.0, 115.0)]
    assert is_blocked(outages, np.array([101.9, 102.0, 112.0, 114.9, 115.0])).tolist() == [0, 1, 1, 1, 0]


@EACH
def test_gaps_lie_apart_and_far_from_midnight(profile: Profile):
    for seed in range(200):
        gaps = draw_gaps(np.random.default_rng(seed), profile)
        assert gaps.shape == (profile.feed_gaps_per_day, 2)
        assert gaps[0, 0] > 60
        assert gaps[-1, 1] < 86_400 - 60
        assert (gaps[1:, 0] - gaps[:-1, 1] > 60).all(), "the breaker has closed before the next one"


def test_a_healthy_soak_never_spends_its_300_s_and_a_degraded_one_always_does():
    def open_s(profile: Profile, seed: int) -> float:
        days = [react(profile, draw_gaps(np.random.default_rng([seed, day]), profile)) for day in range(3)]
        return sum(outage.half_open - outage.opened for outages in days for outage in outages)

    assert max(open_s(HEALTHY, seed) for seed in range(200)) < 100
    assert min(open_s(DEGRADED, seed) for seed in range(200)) > 300
