from dataclasses import replace
from datetime import date, timedelta

from mm_ops.paperbot.drill import run_drill
from mm_ops.paperbot.engine import Breaker, BreakerState
from mm_ops.paperbot.profiles import DEGRADED, HEALTHY

DAY = date(2026, 11, 20)


def test_a_working_breaker_is_observed_within_its_limits_on_every_seed():
    drills = [run_drill(HEALTHY, DAY + timedelta(days=n), seed) for n in range(20) for seed in (1, 7)]
    assert {drill["outcome"] for drill in drills} == {"ok"}
    assert len({drill["cut_lasts_s"] for drill in drills}) == 40, "every drill cuts at another time"


def test_a_breaker_that_waits_too_long_fails_with_the_number():
    slow = run_drill(replace(HEALTHY, feed_stale_after_s=3.0), DAY, 7)
    assert slow["outcome"] == "failed"
    assert slow["observed"]["breaker_open_s"] > 2.0
    assert any(reason.startswith("breaker_open_s: expected within 2 s, was 3") for reason in slow["reasons"])


class DeafBreaker(Breaker):
    """Broken on purpose: never looks at the feed."""

    def observe(self, now: float, last_feed: float) -> BreakerState:  # noqa: ARG002
        return BreakerState.CLOSED


class StuckBreaker(Breaker):
    """Broken on purpose: once open it stays open."""

    def observe(self, now: float, last_feed: float) -> BreakerState:
        was = self.state
        self.state = BreakerState.OPEN if was is BreakerState.OPEN else super().observe(now, last_feed)
        return self.state


def test_a_deaf_breaker_fails_the_drill_that_a_sound_one_passes():
    drill = run_drill(HEALTHY, DAY, 7, DeafBreaker)
    assert drill["outcome"] == "failed"
    assert set(drill["observed"].values()) == {None}
    assert len(drill["reasons"]) == 3


def test_a_breaker_that_never_closes_again_fails_only_for_that():
    drill = run_drill(HEALTHY, DAY, 7, StuckBreaker)
    assert drill["outcome"] == "failed"
    assert drill["observed"]["no_open_orders_s"] <= 2.0
    assert drill["reasons"] == ["quoting_again_s: expected within 10 s, was never seen"]


def test_the_same_drill_is_observed_the_same():
    assert run_drill(HEALTHY, DAY, 7) == run_drill(HEALTHY, DAY, 7)


def test_a_breaker_that_never_opens_was_never_seen():
    never = run_drill(DEGRADED, DAY, 7)
    assert never["observed"]["breaker_open_s"] is None
    assert "breaker_open_s: expected within 2 s, was never seen" in never["reasons"]
