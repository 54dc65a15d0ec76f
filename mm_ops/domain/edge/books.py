"""Quotes whose bid meets or passes the ask: counted, kept or excluded by policy."""

from typing import Any

import polars as pl

from mm_ops.domain.edge.inputs import Books


def choose_quotes(quotes: pl.DataFrame, policy: Books) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Leave out what the policy excludes; the quote before such a one then prevails on, until it is stale."""
    locked, crossed = quotes["bid_px"] == quotes["ask_px"], quotes["bid_px"] > quotes["ask_px"]
    counts = {
        "locked": {"count": int(locked.sum()), "treat": policy.locked},
        "crossed": {"count": int(crossed.sum()), "treat": policy.crossed},
    }
    out = (locked & (policy.locked == "exclude")) | (crossed & (policy.crossed == "exclude"))
    return quotes.filter(~out) if out.any() else quotes, counts
