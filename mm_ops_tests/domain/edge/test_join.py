"""The as-of joins against a slow, obvious reference in pandas."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mm_ops.domain.edge.aggregate import aggregate
from mm_ops.domain.edge.join import join_symbol, on_clock
from mm_ops.domain.edge.measures import measure_fills
from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import START_NS, edge_policy, fills, instrument, instruments, minute

MS = 1_000_000


def random_market(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Unsorted quotes with doubled times, and fills of which some fall on a quote's millisecond."""
    rng = np.random.default_rng(seed)
    at = START_NS + rng.integers(0, 60_000, 4000) * MS
    bid = 100 + np.round(rng.normal(0, 0.5, at.size), 2)
    quotes = pl.DataFrame(
        {
            "ts_ns": at,
            "exch_ts_ns": at,
            "symbol": "X",
            "bid_px": bid,
            "bid_qty": 1.0,
            "ask_px": bid + 0.05,
            "ask_qty": 1.0,
        }
    )
    when = START_NS + rng.integers(0, 60_000, 1000) * MS
    ours = fills().clear()
    frame = pl.DataFrame(
        {
            "ts_ns": when,
            "exch_ts_ns": when,
            "symbol": "X",
            "side": np.where(rng.uniform(size=when.size) < 0.5, "buy", "sell").tolist(),
            "price": 100 + np.round(rng.normal(0, 0.5, when.size), 2),
            "qty": rng.uniform(0.1, 5, when.size),
            "liquidity": "maker",
            "fee": rng.normal(0, 0.01, when.size),
        },
        schema=ours.schema,
    )
    return frame, quotes


def reference(ours: pl.DataFrame, quotes: pl.DataFrame) -> pd.DataFrame:
    book = pd.DataFrame(quotes.to_dict(as_series=False)).sort_values("exch_ts_ns", kind="stable")
    book = book.drop_duplicates("exch_ts_ns", keep="last")
    book["mid"] = (book.bid_px + book.ask_px) / 2
    found = pd.DataFrame(ours.to_dict(as_series=False)).sort_values("exch_ts_ns", kind="stable")
    found = pd.merge_asof(found, book[["exch_ts_ns", "mid"]], on="exch_ts_ns", allow_exact_matches=False)
    found["later"] = found.exch_ts_ns + 5000 * MS
    late = book[["exch_ts_ns", "mid"]].rename(columns={"exch_ts_ns": "later", "mid": "mid_5s"})
    found = pd.merge_asof(found, late, on="later")
    found.loc[found.later >= START_NS + 60_000 * MS, "mid_5s"] = np.nan
    return found.dropna(subset=["mid"])


@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_the_pandas_reference(seed: int):
    ours, quotes = random_market(seed)
    slow = reference(ours, quotes)
    sign = np.where(slow.side == "buy", 1, -1)
    notional = slow.mid * slow.qty
    total = build_edge_report(ours, quotes, policy=edge_policy(), instruments=instruments(), window=minute())["total"]
    capture = (sign * (slow.mid - slow.price) * slow.qty).sum() / notional.sum()
    known = slow.mid_5s.notna()
    markout = (sign * (slow.mid_5s - slow.price) * slow.qty)[known].sum() / notional[known].sum()
    assert total["fills"] == len(slow)
    assert total["spread_capture_bps"] == pytest.approx(1e4 * capture, rel=1e-12)
    assert total["markout_bps_5s"] == pytest.approx(1e4 * markout, rel=1e-12)
    assert total["nulls"]["5s"] == int((~known).sum())


def test_the_order_of_the_input_rows_does_not_matter_where_times_differ():
    ours, quotes = random_market(9)
    single = quotes.unique("exch_ts_ns", keep="last", maintain_order=True)
    policy = edge_policy()

    def total(market: pl.DataFrame) -> dict[str, object]:
        joined = join_symbol(
            on_clock(ours, "exchange", "fills"),
            market,
            policy=policy,
            clock="exchange",
            quote_lag=policy.venues["paper"].quote_lag,
            window=minute(),
        )
        frame = measure_fills(joined.fills, instrument(), policy).with_columns(order_age_ms=pl.lit(None, pl.Float64))
        return aggregate(frame.filter(pl.col("mid").is_not_null()), ["1s", "5s"])

    assert total(single.sample(fraction=1.0, shuffle=True, seed=1)) == total(single.sort("exch_ts_ns"))
