"""The as-of joins against a slow, obvious reference in pandas; ages and coverage by hand."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mm_ops.domain.edge.join import Reach, covered_ns, find_last, join_fills
from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import SECOND, START_NS, edge_policy, fills, instruments, minute, quotes
from mm_ops_tests.edge_inputs import book_of

MS = 1_000_000


COVERED = {
    # a quote is fresh for 10 s: [0, 2) + [2, 4) + [4, 14) = 14 of 60 s
    "until the next quote, the last one for ten seconds": ([0, 2, 4], 14 / 60),
    # [0, 10) + [30, 40) = 20 of 60 s
    "not in between": ([0, 30], 20 / 60),
    # the quote of −5 s is fresh until 5 s: 5 of 60 s
    "from before the window on": ([-5], 5 / 60),
    "not by one that was stale before the window": ([-10], 0.0),
    # [55, 60): what comes after the window does not count
    "to the window's end and no further": ([55], 5 / 60),
    "all of it": (list(range(-1, 60, 7)), 1.0),
    "none of it": ([], 0.0),
}


@pytest.mark.parametrize("name", COVERED)
def test_quotes_cover_the_window_as_far_as_they_are_fresh(name: str):
    at, expected = COVERED[name]
    assert covered(at) == pytest.approx(expected, abs=1e-12)


def covered(at: Sequence[float], lag: timedelta = timedelta(0)) -> float:
    book = book_of(quotes(*((each, 99, 101) for each in at)), "exchange", lag, minute())
    return covered_ns(book.at, minute().end_ns, 10 * SECOND, minute()) / (minute().end_ns - minute().start_ns)


def test_a_late_quote_covers_from_when_it_is_known():
    # known at 57 s: 3 s of 60 s
    assert covered([50], timedelta(seconds=7)) == pytest.approx(3 / 60)


@pytest.mark.parametrize("seed", range(20))
def test_a_lost_quote_never_covers_more(seed: int):
    rng = np.random.default_rng(seed)
    at = sorted(rng.uniform(-20, 60, 12).tolist())
    fewer = [each for each in at if rng.uniform() < 0.6]
    assert covered(fewer) <= covered(at)


def test_the_age_of_a_quote_is_told_also_where_it_is_stale():
    book = book_of(quotes((0, 99, 101), (2, 99, 101)), "exchange", timedelta(0), minute())
    at = START_NS + np.array([0, 2.5, 30]) * SECOND
    met = join_fills(at.astype(np.int64), book, Reach((SECOND,), 10 * SECOND, minute().end_ns))
    assert met.age_ms.tolist() == pytest.approx([np.nan, 500.0, 28_000.0], nan_ok=True), "nothing is known before 0 s"
    assert met.mid.tolist() == pytest.approx([np.nan, 100.0, np.nan], nan_ok=True)
    assert met.stale.tolist() == [False, False, True]


def random_market(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Unsorted quotes with doubled times, and fills of which some fall on a quote's millisecond."""
    rng = np.random.default_rng(seed)
    at = START_NS + rng.integers(0, 60_000, 4000) * MS
    bid = 100 + np.round(rng.normal(0, 0.5, at.size), 2)
    book = pl.DataFrame(
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
    return frame, book


def reference(ours: pl.DataFrame, market: pl.DataFrame) -> pd.DataFrame:
    book = pd.DataFrame(market.to_dict(as_series=False)).sort_values("exch_ts_ns", kind="stable")
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
    ours, market = random_market(seed)
    slow = reference(ours, market)
    sign = np.where(slow.side == "buy", 1, -1)
    notional = slow.mid * slow.qty
    total = build_edge_report(ours, market, policy=edge_policy(), instruments=instruments(), window=minute())["total"]
    capture = (sign * (slow.mid - slow.price) * slow.qty).sum() / notional.sum()
    known = slow.mid_5s.notna()
    markout = (sign * (slow.mid_5s - slow.price) * slow.qty)[known].sum() / notional[known].sum()
    assert total["fills"] == len(slow)
    assert total["spread_capture_bps"] == pytest.approx(1e4 * capture, rel=1e-12)
    assert total["markout_bps_5s"] == pytest.approx(1e4 * markout, rel=1e-12)
    assert total["nulls"]["5s"] == int((~known).sum())


def test_the_order_of_the_input_rows_does_not_matter_where_times_differ():
    ours, offered = random_market(9)
    single = offered.unique("exch_ts_ns", keep="last", maintain_order=True)

    def report(market: pl.DataFrame) -> dict[str, object]:
        return build_edge_report(ours, market, policy=edge_policy(), instruments=instruments(), window=minute())

    assert report(single.sample(fraction=1.0, shuffle=True, seed=1)) == report(single.sort("exch_ts_ns"))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_the_last_quote_is_found_for_every_needle(seed: int, before: bool):  # noqa: FBT001 - a parameter of the test
    rng = np.random.default_rng(seed)
    at = np.unique(rng.integers(0, 200, 60))
    needles = np.sort(rng.integers(-20, 220, 100))
    expected = [max((i for i, t in enumerate(at) if t < n or (t == n and not before)), default=-1) for n in needles]
    assert find_last(at, needles, before=before).tolist() == expected


def test_no_quote_is_found_for_needles_before_all_quotes_or_without_any():
    needles = np.array([1, 2], dtype=np.int64)
    assert find_last(np.array([2, 5], dtype=np.int64), needles, before=True).tolist() == [-1, -1]
    assert find_last(np.empty(0, dtype=np.int64), needles, before=True).tolist() == [-1, -1]
    assert find_last(np.array([2, 5], dtype=np.int64), needles[:0], before=True).size == 0
