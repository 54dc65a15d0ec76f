"""Yes, no or not decided; and no interval from too little."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from mm_ops.domain.edge.certainty import decide_above
from mm_ops.domain.edge.policy import EdgeLimit, IntervalPolicy
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, START_NS, WORDS, edge_policy, fill, fills, instrument, instruments, quotes

HOUR = TimeWindow(START, START + timedelta(hours=1))


def policy(**different: Any) -> IntervalPolicy:
    usual: dict[str, Any] = {
        "level": 0.95,
        "resamples": 1000,
        "seed": 1,
        "min_fills": 100,
        "min_blocks": 10,
        "limits": tuple(EdgeLimit(limit_bps=limit, source=WORDS) for limit in (0.0, 2.0, 2.5)),
        "source": WORDS,
    }
    return IntervalPolicy(**{**usual, **different})


def report(edge_bps: float, number: int, *, noise: float = 1.0, seed: int = 7, **different: Any) -> dict[str, Any]:
    """Fills of an hour at a mid of 100 that stays, which earn ``edge_bps`` on average."""
    rng = np.random.default_rng(seed)
    earned = edge_bps + noise * rng.normal(size=number)
    rows = [
        fill(float(at), "buy", 100 * (1 - bps / 1e4), symbol="X" if n % 2 else "Y")
        for n, (at, bps) in enumerate(zip(np.sort(rng.uniform(1, 3600, number)), earned, strict=True))
    ]
    still = [(float(at), 99.0, 101.0) for at in range(0, 3600, 30)]
    return build_edge_report(
        fills(*rows),
        quotes(*still).vstack(quotes(*still, symbol="Y")),
        policy=edge_policy(interval=policy(**different)),
        instruments=instruments(instrument(), instrument(symbol="Y")),
        window=HOUR,
    )


def answers(found: dict[str, Any]) -> dict[float, str]:
    return {each["limit_bps"]: each["answer"] for each in found["net_edge"]["above"]}


DECIDED = {
    "all of it above": ((0.1, 3.0), 0.0, "yes"),
    "none of it above": ((-3.0, -0.1), 0.0, "no"),
    "some of it above": ((-0.1, 3.0), 0.0, "not decided"),
    "at the limit below": ((2.0, 3.0), 2.0, "not decided"),
    "at the limit above": ((1.0, 2.0), 2.0, "no"),
    "no interval": (None, 0.0, "not decided"),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_limit_is_decided_by_the_interval(name: str):
    interval, limit, expected = DECIDED[name]
    assert decide_above(interval, limit) == expected


def test_an_edge_of_a_bp_and_a_half_is_above_zero_and_not_above_two():
    # 2,000 fills with a standard deviation of 1 bp: the mean is known to about 1.96/√2000 = 0.044 bps
    found = report(1.5, 2000)
    net, value = found["net_edge"], found["total"]["net_edge_bps"]
    assert net["low_bps"] < value < net["high_bps"]
    assert (net["high_bps"] - net["low_bps"]) / 2 == pytest.approx(0.044, rel=0.4)
    assert answers(found) == {0.0: "yes", 2.0: "no", 2.5: "no"}
    assert (net["reason"], net["level"], net["resamples"], net["seed"]) == (None, 0.95, 1000, 1)
    assert net["block_s"] >= net["bin_s"] == pytest.approx(3600 / 1440 * 3), "four fills a bin: 500 bins, of 3 each"


def test_each_symbol_has_intervals_of_its_net_edge_and_markouts():
    found = report(1.5, 2000)
    assert set(found["intervals_by_symbol"]) == {"X", "Y"}
    for symbol, intervals in found["intervals_by_symbol"].items():
        assert set(intervals) == {"net_edge_bps", "markout_bps_1s", "markout_bps_5s"}
        for name, (low, high) in intervals.items():
            assert low < found["by_symbol"][symbol][name] < high


def test_what_is_noise_is_not_decided():
    assert answers(report(0.0, 400, noise=100.0, seed=100)) == dict.fromkeys((0.0, 2.0, 2.5), "not decided")


TOO_LITTLE = {
    "too few fills": ((1.5, 99), {}, "99 fills were measured, at least 100 are needed"),
    "too few blocks": ((1.5, 2000), {"min_blocks": 1000}, "blocks long, at least 1000 are needed"),
}


@pytest.mark.parametrize("name", TOO_LITTLE)
def test_from_too_little_there_is_no_interval_and_a_reason(name: str):
    given, different, reason = TOO_LITTLE[name]
    found = report(*given, **different)
    assert reason in found["net_edge"]["reason"]
    assert (found["net_edge"]["low_bps"], found["net_edge"]["block_s"]) == (None, None)
    assert set(answers(found).values()) == {"not decided"}
    assert found["intervals_by_symbol"]["X"]["net_edge_bps"] is None


def test_just_enough_fills_have_an_interval():
    assert report(1.5, 100, min_blocks=5)["net_edge"]["reason"] is None


def test_a_resample_without_a_fill_leaves_it_undecided():
    rows = [fill(1 + n / 1000, "buy", 99) for n in range(150)]
    found = build_edge_report(
        fills(*rows),
        quotes((0, 99, 101)),
        policy=edge_policy(interval=policy(), stale_after=timedelta(hours=1)),
        instruments=instruments(),
        window=HOUR,
    )
    assert found["net_edge"]["reason"] == "fills are so few in time that a resample had none"
    assert set(answers(found).values()) == {"not decided"}


def test_without_a_policy_there_is_no_interval():
    found = build_edge_report(
        fills(), quotes((0, 99, 101)), policy=edge_policy(), instruments=instruments(), window=HOUR
    )
    assert found["net_edge"]["reason"] == "edge.yaml has no interval"
    assert found["net_edge"]["above"] == []


def drifting(seed: int) -> dict[str, Any]:
    """A day without any edge: zero spread, no fee, a mid that walks at random by 2 % a day, 2,000 buys at the mid."""
    rng = np.random.default_rng(seed)
    times = START_NS + np.arange(0, 86_400, 10) * 10**9
    mids = 100 * np.exp(np.cumsum(rng.normal(0, 0.02 / np.sqrt(times.size), times.size)))
    at = np.sort(rng.integers(START_NS + 11 * 10**9, START_NS + 86_399 * 10**9, 2000))
    ours = pl.DataFrame(
        {
            "ts_ns": at,
            "exch_ts_ns": at,
            "symbol": "X",
            "side": "buy",
            "price": mids[np.searchsorted(times, at) - 1],
            "qty": 1.0,
            "fee": 0.0,
            "liquidity": "maker",
        }
    )
    book = {"ts_ns": times, "exch_ts_ns": times, "symbol": "X", "bid_px": mids - 0.001, "ask_px": mids + 0.001}
    return build_edge_report(
        ours,
        pl.DataFrame(book),
        policy=edge_policy(interval=policy(), stale_after=timedelta(minutes=5)),
        instruments=instruments(),
        window=TimeWindow(START, START + timedelta(days=1)),
    )


def test_a_price_that_moves_is_no_sure_edge_of_who_happened_to_hold():
    """With one price for all fills, that of the window's end, 21 of these 30 days were called sure."""
    sure = [seed for seed in range(30) if answers(drifting(seed))[0.0] != "not decided"]
    assert len(sure) <= 4, "5 % of 30 are 1.5"


def test_the_interval_is_about_the_net_edge_itself():
    found = drifting(1)
    assert found["net_edge"]["low_bps"] < found["total"]["net_edge_bps"] < found["net_edge"]["high_bps"]
    # 2,000 of about 100 at the end: nearly all of what was bought, its price moved by a few per cent
    assert found["carried_position"]["share"] == pytest.approx(1.0, abs=0.1)
