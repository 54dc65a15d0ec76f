"""The edge, slow and obvious: pandas, one fill a row, one line a definition."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

HORIZONS = {"100ms": 100, "1s": 1000, "5s": 5000, "30s": 30_000, "60s": 60_000, "300s": 300_000}
MS = 1_000_000
MONEY = {"spread_capture": "capture", "fee": "fee", "net_edge": "net"}


def pandas_frame(frame: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame.to_dict(as_series=False))


def measured(
    fills: pl.DataFrame, quotes: pl.DataFrame, *, clock: str, kind: str, size: float, stale_ms: int, end_ns: int
) -> pd.DataFrame:
    """One symbol's fills, those without a mid too, with the money of every measure; linear or inverse."""
    book = pandas_frame(quotes).sort_values(clock, kind="stable").drop_duplicates(clock, keep="last")
    book = book[book[clock] < end_ns]
    book["mid"] = (book.bid_px + book.ask_px) / 2
    book["quoted"] = book[clock]
    ours = pandas_frame(fills).sort_values(clock, kind="stable")
    columns = [clock, "quoted", "bid_px", "ask_px", "mid"]
    found = pd.merge_asof(ours, book[columns], on=clock, allow_exact_matches=False)
    found["quote_age_ms"] = (found[clock] - found.quoted) / MS
    found["stale"] = found.quote_age_ms > stale_ms
    found.loc[found.stale, ["mid", "bid_px", "ask_px"]] = np.nan
    s, m, p, end = np.where(found.side == "buy", 1, -1), found.mid, found.price, book.mid.iloc[-1]

    def earned(start: Any, stop: Any) -> Any:
        return s * found.qty * size * ((stop - start) if kind == "linear" else (1 / start - 1 / stop))

    found["notional"] = found.qty * size * (m if kind == "linear" else 1 / m)
    found["turnover"] = found.qty * size * (p if kind == "linear" else 1 / p)
    found["capture"] = earned(p, m)
    found["net"] = earned(p, end) - found.fee
    found["role"] = np.where(found.liquidity == "maker", 1, -1)
    found["outside"] = (p < found.bid_px) | (p > found.ask_px)
    for name, horizon_ms in HORIZONS.items():
        later = pd.DataFrame({"at": found[clock] + horizon_ms * MS})
        right = book[["quoted", "mid"]].assign(at=book.quoted)
        then = pd.merge_asof(later, right, on="at")
        seen = (then["at"] < end_ns) & (then["at"] - then.quoted <= stale_ms * MS)
        mid = then.mid.where(seen).to_numpy()
        found[f"markout_{name}"] = earned(p, mid)
        found[f"adverse_selection_{name}"] = -earned(m, mid)
        found[f"inventory_{name}"] = earned(mid, end)
    found["age"] = (found.ts_ns - found.order_ts_ns) / MS
    found["hour"] = [f"{hour:02d}" for hour in pd.to_datetime(found[clock], utc=True).dt.hour]
    return found


def numbers(fills: pd.DataFrame) -> dict[str, Any]:
    """What a group of a report says of these fills, as far as this reference goes."""
    known = fills[fills.mid.notna()]
    maker = known.role == 1
    found: dict[str, Any] = {
        "fills": len(known),
        "fills_without_quote": len(fills) - len(known),
        "fills_on_a_stale_quote": int(fills.stale.sum()),
        "notional": known.notional.sum(),
        "turnover": known.turnover.sum(),
        "net_money": known.net.sum(),
        "fee_money": known.fee.sum(),
        "maker_share": known.notional[maker].sum() / known.notional.sum(),
        "maker_share_by_count": maker.mean(),
        "order_age_p50_ms": known.age.quantile(0.5),
        "order_age_p95_ms": known.age.quantile(0.95),
        "outside_touch_share": known.outside.mean(),
        "nulls": {name: int(known[f"markout_{name}"].isna().sum()) for name in HORIZONS},
        "per_fill": {},
    }
    measures = {f"{name}_bps": known[column] for name, column in MONEY.items()}
    measures["effective_spread_bps"] = 2 * known.role * known.capture
    for name in HORIZONS:
        measures |= {f"{kind}_bps_{name}": known[f"{kind}_{name}"] for kind in ("markout", "adverse_selection")}
        measures[f"inventory_bps_{name}"] = known[f"inventory_{name}"]
        measures[f"realised_spread_bps_{name}"] = 2 * known.role * known[f"markout_{name}"]
    for name, money in measures.items():
        weight = known.notional[money.notna()]
        found[name] = 1e4 * money.sum() / weight.sum() if len(weight) else None
        found["per_fill"][name] = (1e4 * money / known.notional).mean() if len(weight) else None
    return found
