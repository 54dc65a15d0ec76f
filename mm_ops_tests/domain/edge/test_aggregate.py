"""Every number of a report's total against a slow, obvious reference in pandas; values that are not known by hand."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import (
    FILL_SCHEMA,
    START_NS,
    edge_policy,
    fill,
    fills,
    instrument,
    instruments,
    minute,
    quotes,
)

MS = 1_000_000
END = START_NS + 60_000 * MS
HORIZONS = {"1s": 1000 * MS, "5s": 5000 * MS}
KINDS = {"X": ("linear", 1.0), "Y": ("inverse", 100.0)}


def market(seed: int, symbol: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Shuffled quotes with doubled instants, and fills on the same grid of milliseconds."""
    rng = np.random.default_rng(seed)
    at = START_NS + rng.integers(500, 60_000, 3000) * MS
    bid = 100 + np.round(rng.normal(0, 0.5, at.size), 2)
    when = START_NS + rng.integers(0, 60_000, 800) * MS
    book = {"ts_ns": at, "exch_ts_ns": at, "symbol": symbol, "bid_px": bid, "ask_px": bid + 0.05}
    ours = {
        "ts_ns": when,
        "exch_ts_ns": when,
        "symbol": symbol,
        "side": rng.choice(["buy", "sell"], when.size).tolist(),
        "price": 100 + np.round(rng.normal(0, 0.5, when.size), 2),
        "qty": rng.uniform(0.1, 5, when.size),
        "liquidity": rng.choice(["maker", "taker"], when.size).tolist(),
        "fee": rng.normal(0, 0.01, when.size),
        "order_ts_ns": when - rng.integers(0, 500, when.size) * MS,
    }
    return pl.DataFrame(ours, schema_overrides=FILL_SCHEMA), pl.DataFrame(book)


def rows(frame: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame.to_dict(as_series=False)).sort_values("exch_ts_ns", kind="stable")


def joined(ours: pl.DataFrame, quotes: pl.DataFrame) -> pd.DataFrame:
    """One symbol's fills with money by measure, written as the definitions are."""
    book = rows(quotes).drop_duplicates("exch_ts_ns", keep="last")
    book["mid"] = (book.bid_px + book.ask_px) / 2
    kind, size = KINDS[book.symbol.iloc[0]]
    left = rows(ours)
    found = pd.merge_asof(
        left, book[["exch_ts_ns", "mid", "bid_px", "ask_px"]], on="exch_ts_ns", allow_exact_matches=False
    )
    s, qty, p = np.where(found.side == "buy", 1, -1), found.qty, found.price

    def gain(start: Any, end: Any) -> Any:
        return s * qty * size * ((end - start) if kind == "linear" else (1 / start - 1 / end))

    end = book.mid.iloc[-1]
    found["notional"] = qty * size * (found.mid if kind == "linear" else 1 / found.mid)
    found["spread_capture"] = gain(p, found.mid)
    found["net_edge"] = gain(p, end) - found.fee
    found["effective_spread"] = 2 * np.where(found.liquidity == "maker", 1, -1) * found.spread_capture
    for name, horizon in HORIZONS.items():
        later = pd.DataFrame({"at": found.exch_ts_ns + horizon})
        right = book[["exch_ts_ns", "mid"]].rename(columns={"exch_ts_ns": "at"})
        m = pd.merge_asof(later, right, on="at").mid.where(later["at"] < END)
        found[f"markout_{name}"] = gain(p, m)
        found[f"adverse_selection_{name}"] = -gain(found.mid, m)
        found[f"inventory_{name}"] = gain(m, end)
    found["age"] = (found.ts_ns - found.order_ts_ns) / 1e6
    return found


def weighted(found: pd.DataFrame, money: str) -> float:
    known = found[found[money].notna()]
    return float(1e4 * known[money].sum() / known.notional.sum())


@pytest.mark.parametrize("seed", range(5))
def test_every_number_of_the_total_equals_the_pandas_reference(seed: int):
    markets = [market(seed, "X"), market(100 + seed, "Y")]
    everything = pd.concat([joined(*each) for each in markets], ignore_index=True)
    slow = everything.dropna(subset=["mid"])
    report = build_edge_report(
        pl.concat([ours for ours, _ in markets]),
        pl.concat([book for _, book in markets]),
        policy=edge_policy(),
        instruments=instruments(instrument(), instrument(symbol="Y", kind=KINDS["Y"][0], contract_size=KINDS["Y"][1])),
        window=minute(),
    )
    total, quality = report["total"], report["quality"]
    assert (total["fills"], quality["fills_without_quote"]) == (len(slow), len(everything) - len(slow))
    assert quality["fills_without_quote"] > 0, "the first quote comes late, so that some fills have none"
    kinds = ("markout", "adverse_selection", "inventory")
    expected = {
        **{f"{name}_bps": weighted(slow, name) for name in ("spread_capture", "effective_spread", "net_edge")},
        **{f"{kind}_bps_{name}": weighted(slow, f"{kind}_{name}") for kind in kinds for name in HORIZONS},
        "fee_bps": weighted(slow, "fee"),
        "notional": slow.notional.sum(),
        "maker_share": slow.notional[slow.liquidity == "maker"].sum() / slow.notional.sum(),
        "maker_share_by_count": (slow.liquidity == "maker").mean(),
        "order_age_p50_ms": slow.age.quantile(0.5),
        "order_age_p95_ms": slow.age.quantile(0.95),
    }
    assert {name: total[name] for name in expected} == pytest.approx(expected, rel=1e-12, abs=1e-10)
    plain = {name: float((1e4 * slow[name] / slow.notional).mean()) for name in ("spread_capture", "net_edge")}
    assert {name: total["per_fill"][f"{name}_bps"] for name in plain} == pytest.approx(plain, rel=1e-12, abs=1e-10)
    assert total["nulls"] == {name: int(slow[f"markout_{name}"].isna().sum()) for name in HORIZONS}
    outside = ((slow.price < slow.bid_px) | (slow.price > slow.ask_px)).mean()
    assert quality["outside_touch_share"] == pytest.approx(outside, rel=1e-12)


def total_of(*rows: dict[str, Any]) -> dict[str, Any]:
    report = build_edge_report(
        fills(*rows), quotes((0, 99, 101)), policy=edge_policy(), instruments=instruments(), window=minute()
    )
    total: dict[str, Any] = report["total"]
    return total


def aged(at: float, age_ms: float | None, **different: Any) -> dict[str, Any]:
    ts_ns = fill(at, "buy", 99)["ts_ns"]
    sent = None if age_ms is None else ts_ns - round(age_ms * MS)
    return fill(at, "buy", 99, order_ts_ns=sent, **different)


def test_a_few_fills_with_an_age_do_not_stand_for_the_others():
    # one of four by number; by notional 10·100 of 13·100, so a quarter is the less
    total = total_of(aged(1, 5, qty=10), *(aged(1 + n, None) for n in range(1, 4)))
    assert total["order_age_known_share"] == 0.25
    assert (total["order_age_p50_ms"], total["order_age_p95_ms"]) == (None, None)


def test_a_share_is_known_by_notional_where_that_is_less():
    # three of four by number; by notional 3·100 of 13·100
    total = total_of(aged(1, None, qty=10), *(aged(1 + n, 5) for n in range(1, 4)))
    assert total["order_age_known_share"] == pytest.approx(3 / 13)


def test_an_age_that_is_not_known_counts_as_the_oldest():
    # 0 … 99 ms and one unknown: the quantile of 0.95 lies at position 0.95·100 = 95, that of 0.5 at 50
    total = total_of(aged(59, None), *(aged(1 + n / 2, n) for n in range(100)))
    assert (total["order_age_p50_ms"], total["order_age_p95_ms"]) == pytest.approx((50.0, 95.0))
    assert total["order_age_known_share"] == pytest.approx(100 / 101)


def test_liquidity_that_is_not_known_is_no_makers():
    # of 4·100: 2 known as a maker's, 1 as a taker's, 1 not known
    rows = [fill(1, "buy", 99, 2), fill(2, "buy", 99, liquidity="taker"), fill(3, "buy", 99, liquidity=None)]
    total = total_of(*rows)
    assert (total["maker_share"], total["taker_share"]) == (0.5, 0.5)
    assert total["maker_share_by_count"] == pytest.approx(1 / 3)
    assert total["liquidity_known_share"] == pytest.approx(2 / 3), "by number, which is less than 3 of 4 by notional"


def test_without_fills_no_share_is_known():
    total = total_of()
    assert (total["order_age_known_share"], total["liquidity_known_share"]) == (None, None)


@pytest.mark.parametrize("seed", range(20))
def test_a_lost_value_never_makes_a_share_or_an_age_better(seed: int):
    rng = np.random.default_rng(seed)
    rows = [
        aged(
            1 + n,
            float(rng.integers(0, 500)),
            qty=float(rng.uniform(1, 9)),
            liquidity=str(rng.choice(["maker", "taker"])),
        )
        for n in range(20)
    ]
    poorer = [
        {**row, str(rng.choice(["order_ts_ns", "liquidity"])): None} if rng.uniform() < 0.3 else row for row in rows
    ]
    before, after = total_of(*rows), total_of(*poorer)
    for name, worse in (("order_age_p50_ms", 1), ("order_age_p95_ms", 1), ("taker_share", 1), ("maker_share", -1)):
        assert after[name] is None or worse * (after[name] - before[name]) >= -1e-12, name
