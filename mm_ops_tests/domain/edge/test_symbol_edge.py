"""Parts of a window, one after the other, give what the whole gives."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

from mm_ops.domain.edge.join import STRETCH
from mm_ops.domain.edge.policy import VenuePolicy
from mm_ops.domain.edge.report import Part, build_edge_report, measure_parts
from mm_ops.domain.edge.symbol_edge import OVERLAP
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import (
    SECOND,
    START,
    START_NS,
    WORDS,
    edge_policy,
    fill,
    fills,
    instrument,
    instruments,
    quotes,
)

HOUR = TimeWindow(START, START + timedelta(hours=1))
POLICY = edge_policy(stale_after=timedelta(seconds=10))
BOTH = instruments(instrument(), instrument(symbol="Y", kind="inverse", contract_size=10.0))


def market(seed: int, symbol: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """An hour with an outage of quotes, doubled instants, and fills some of which share a millisecond."""
    rng = np.random.default_rng(seed)
    at = np.sort(np.round(rng.uniform(0, 3600, 3000), 2))
    at = at[(at < 1500) | (at > 1600)]
    bid = 100 + np.cumsum(rng.normal(0, 0.01, at.size))
    rows = [(float(t), float(b), float(b) + 0.02) for t, b in zip(at, bid, strict=True)]
    when = np.sort(np.round(rng.uniform(0, 3600, 1000), 2))
    ours = [
        fill(
            float(t),
            str(rng.choice(["buy", "sell"])),
            100 + float(rng.normal(0, 0.1)),
            float(rng.uniform(1, 5)),
            symbol=symbol,
            liquidity=str(rng.choice(["maker", "taker"])),
            order_ts_ns=START_NS + round(t * SECOND) - int(rng.integers(0, 10**9)),
        )
        for t in when
    ]
    return fills(*ours), quotes(*rows, symbol=symbol)


def between(frame: pl.DataFrame, first: float, after: float) -> pl.DataFrame:
    return frame.filter(pl.col("ts_ns").is_between(START_NS + first * SECOND, START_NS + after * SECOND, closed="left"))


def parts(symbol: str, edges: Sequence[float], seed: int, *, overlap: float = 0) -> list[Part]:
    """Days that end at the edges; ``overlap`` seconds of each are in the file of the next."""
    ours, market_quotes = market(seed, symbol)
    bounds = [(first - overlap, after - overlap) for first, after in pairwise(edges)]
    bounds[-1] = (bounds[-1][0], edges[-1])
    return [Part(symbol, between(ours, *bound), between(market_quotes, *bound)) for bound in bounds]


def measure(days: Sequence[Part]) -> dict[str, Any]:
    return measure_parts(days, policy=POLICY, instruments=BOTH, window=HOUR).report


def near(expected: Any) -> Any:
    """The same structure, numbers to 1e-12 of themselves or of a thousand, since sums are taken in another order."""
    if isinstance(expected, dict):
        return {name: near(value) for name, value in expected.items()}
    return pytest.approx(expected, rel=1e-12, abs=1e-9) if isinstance(expected, float) else expected


def whole() -> dict[str, Any]:
    pairs = [market(1, "X"), market(2, "Y")]
    return build_edge_report(
        pl.concat([ours for ours, _ in pairs]),
        pl.concat([offered for _, offered in pairs]),
        policy=POLICY,
        instruments=BOTH,
        window=HOUR,
    )


@pytest.mark.parametrize(
    "edges",
    [(0, 3600), (0, 1800, 3600), (0, 1550, 1580, 3600), (0, *range(97, 3600, 97), 3600), (0, 3599, 3600)],
    ids=["one", "two halves", "inside the outage", "many, shorter than a horizon", "a last second"],
)
def test_parts_give_what_the_whole_gives(edges: tuple[float, ...]):
    one, other = parts("X", edges, 1), parts("Y", edges, 2)
    expected = near(whole())
    assert measure([*one, *other]) == expected, "symbol by symbol"
    assert measure([day for pair in zip(one, other, strict=True) for day in pair]) == expected, "day by day"


def test_a_file_may_hold_the_end_of_the_day_before():
    days = [*parts("X", (0, 1800, 3600), 1, overlap=1.3), *parts("Y", (0, 1800, 3600), 2)]
    assert measure(days) == near(whole())


def test_a_part_without_quotes_or_without_fills_is_a_part():
    (first, second), other = parts("X", (0, 1800, 3600), 1), parts("Y", (0, 3600), 2)
    ours, offered = market(1, "X")
    apart = [Part("X", first.fills, offered.clear()), Part("X", ours.clear(), first.quotes), second]
    assert measure([*apart, *other]) == near(whole())


def test_fills_and_quotes_may_come_as_parts_of_their_own():
    apart = [
        half
        for symbol, seed in (("X", 1), ("Y", 2))
        for part in parts(symbol, (0, 1800, 3600), seed)
        for half in (Part(symbol, fills=part.fills), Part(symbol, quotes=part.quotes))
    ]
    assert measure([*apart, Part("X")]) == near(whole())


def test_a_symbol_of_which_only_quotes_come_is_left_out():
    _, offered = market(3, "Y")
    assert list(measure([*parts("X", (0, 3600), 1), Part("Y", quotes=offered)])["by_symbol"]) == ["X"]


def test_quotes_may_come_late_within_the_overlap():
    (first, second), other = parts("X", (0, 1800, 3600), 1), parts("Y", (0, 3600), 2)
    assert first.quotes is not None
    assert second.quotes is not None
    early = first.quotes.with_row_index()
    late = (pl.col("ts_ns") >= START_NS + 1780 * SECOND) & (pl.col("index") % 2 == 1)
    without = early.filter(~late).drop("index")
    following = pl.concat([early.filter(late).drop("index"), second.quotes])
    days = [Part("X", first.fills, without), Part("X", second.fills, following)]
    assert following["ts_ns"][0] < without["ts_ns"][-1]
    assert measure([*days, *other]) == near(whole())


def test_orders_that_are_later_than_their_fills_are_counted_over_all_parts():
    (first, second), (ours, _) = parts("X", (0, 1800, 3600), 1), market(1, "X")
    wrong = ours.filter(pl.col("ts_ns") >= START_NS + 1800 * SECOND).with_columns(order_ts_ns=pl.col("ts_ns") + 1)
    found = measure([first, Part("X", wrong, second.quotes)])
    assert found["quality"]["orders_after_their_fill"] == wrong.height
    assert found["total"]["order_age_known_share"] <= 1 - wrong.height / ours.height


def test_a_horizon_longer_than_the_overlap_waits_for_its_quotes():
    long = edge_policy(horizons=(timedelta(seconds=1), timedelta(minutes=5)), stale_after=timedelta(seconds=10))
    ours, offered = market(1, "X")
    expected = build_edge_report(ours, offered, policy=long, instruments=BOTH, window=HOUR)
    found = measure_parts(parts("X", (0, 1200, 2400, 3600), 1), policy=long, instruments=BOTH, window=HOUR).report
    assert found == near(expected)


def test_days_out_of_order_are_refused():
    first, second = parts("X", (0, 1800, 3600), 1)
    with pytest.raises(
        SchemaError,
        match=r"X: fills: expected them in the order of time, from 2026-11-20T00:5.* on, was 2026-11-20T00:00",
    ):
        measure([second, first])


def test_quotes_older_than_the_overlap_are_refused():
    (first, second), (_, offered) = parts("X", (0, 1800, 3600), 1), market(1, "X")
    late = between(offered, 1800 - OVERLAP.total_seconds() - 5, 3600)
    with pytest.raises(SchemaError, match="X: quotes: expected them in the order of time"):
        measure([first, Part("X", second.fills, late)])


def test_a_lag_of_the_venue_holds_across_parts():
    late = edge_policy(venues={"paper": VenuePolicy(clock="exchange", quote_lag=timedelta(seconds=2), source=WORDS)})
    ours, offered = market(1, "X")
    expected = build_edge_report(ours, offered, policy=late, instruments=BOTH, window=HOUR)
    found = measure_parts(parts("X", (0, 1700, 3600), 1), policy=late, instruments=BOTH, window=HOUR).report
    assert found == near(expected)


def test_more_fills_than_are_joined_at_once_are_all_measured():
    # three stretches, bought at 99 and sold at 102 in turn, with the mid at 100
    number = 2 * STRETCH + 2
    at = START_NS + SECOND + np.arange(number) * 10**6
    ours = pl.DataFrame(
        {
            "ts_ns": at,
            "exch_ts_ns": at,
            "symbol": "X",
            "side": ["buy", "sell"] * (number // 2),
            "price": [99.0, 102.0] * (number // 2),
            "qty": 1.0,
            "liquidity": "maker",
            "fee": 0.25,
        }
    )
    still = quotes(*((float(second), 99, 101) for second in range(0, 3600, 5)))
    found = build_edge_report(ours, still, policy=POLICY, instruments=BOTH, window=HOUR)
    # captures of 1 and 2 and a fee of 0.25 on 100 each: (1.5 − 0.25) of 100 on average
    assert found["total"]["fills"] == number
    assert found["total"]["net_edge_bps"] == pytest.approx(125.0, rel=1e-12)
    assert found["quality"]["fills_alone_in_their_millisecond"] == number
    assert found["quality"]["outside_touch_share"] == 0.5
