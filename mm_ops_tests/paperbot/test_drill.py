from dataclasses import replace
from datetime import date, timedelta

from mm_ops.paperbot.drill import run_drill
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


def test_a_breaker_that_never_opens_was_never_seen():
    never = run_drill(DEGRADED, DAY, 7)
    assert never["observed"]["breaker_open_s"] is None
    assert "breaker_open_s: expected within 2 s, was never seen" in never["reasons"]
