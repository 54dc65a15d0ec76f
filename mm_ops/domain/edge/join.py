"""Which mid prevailed when: one symbol's fills joined to its quotes.

    m      the last quote strictly before the fill, at most ``stale_after`` old
    m'     the last quote at or before fill time + horizon, at most ``stale_after`` old; null past the window's end
    m_end  the last quote of the window

How much of the window the quotes speak for is measured beside it: the share of its time in which some quote is at most
``stale_after`` old, and the age of the quote at each fill. Thinned quotes give a mid everywhere, and an old one.

Both sides are ordered by one clock. Quotes at the same nanosecond (or millisecond, as the exchange stamps them) are one
moment of which the last prevails, so they are deduplicated first: engines differ in which of several they pick. As-of
joins do not check that their input is sorted, so it is sorted here.
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from mm_ops.domain.edge.policy import Clock, EdgePolicy, horizon_name
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import NS_PER_SECOND, TimeWindow


@dataclass(frozen=True, slots=True)
class Joined:
    """Fills with ``mid``, ``bid_px``, ``ask_px``, ``mid_<horizon>`` and ``mid_end``, and what was met on the way.

    ``quote_age_ms`` of a fill is null where no quote came before it, and known where that quote is stale; ``covered``
    is the share of the window (0 to 1) in which a quote is fresh.
    """

    fills: pl.DataFrame
    quotes: int
    quotes_deduplicated: int
    locked: int
    crossed: int
    stale: int
    last_quote_age_s: float | None
    covered: float


def clock_column(clock: Clock) -> str:
    """The column that holds the clock's time."""
    return "exch_ts_ns" if clock == "exchange" else "ts_ns"


def nanoseconds(duration: timedelta) -> int:
    """Whole nanoseconds of a duration."""
    return duration // timedelta(microseconds=1) * 1000


def on_clock(frame: pl.DataFrame, clock: Clock, what: str) -> pl.DataFrame:
    """Add ``at_ns``, the time by which a frame is ordered, and sort by it; equal times keep their order.

    Raises:
        SchemaError: the frame does not have that clock.
    """
    column = clock_column(clock)
    if column not in frame.columns or frame[column].null_count():
        raise SchemaError(f"{what}: the {clock} clock needs {column} in every row; give --clock, or see edge.yaml")
    return frame.with_columns(at_ns=pl.col(column)).sort("at_ns", maintain_order=True)


def join_symbol(
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    policy: EdgePolicy,
    clock: Clock,
    quote_lag: timedelta,
    window: TimeWindow,
) -> Joined:
    """Join one symbol.

    Args:
        fills: at least ``at_ns`` (sorted) and the columns of fills.
        quotes: one symbol's quotes, any order.
        policy: horizons and the stale limit.
        clock: which time orders the quotes.
        quote_lag: added to the quotes' time: how late they are known.
        window: quotes from its end on are not used, fills lie inside it.

    Raises:
        SchemaError: a quote lacks the clock.
    """
    known = on_clock(quotes, clock, "quotes").with_columns(pl.col("at_ns") + nanoseconds(quote_lag))
    known = known.filter(pl.col("at_ns") < window.end_ns)
    last = known.unique("at_ns", keep="last", maintain_order=True)
    book = last.select("at_ns", "bid_px", "ask_px", mid=(pl.col("bid_px") + pl.col("ask_px")) / 2).sort("at_ns")
    stale_ns = nanoseconds(policy.stale_after)
    joined = _prevailing(fills, book, stale_ns)
    for horizon in policy.horizons:
        joined = _at_horizon(joined, book, horizon, stale_ns, window)
    end = book["mid"][-1] if book.height else None
    return Joined(
        fills=joined.with_columns(mid_end=pl.lit(end, dtype=pl.Float64)),
        quotes=book.height,
        quotes_deduplicated=known.height - last.height,
        locked=int((book["bid_px"] == book["ask_px"]).sum()),
        crossed=int((book["bid_px"] > book["ask_px"]).sum()),
        stale=int(joined["stale"].sum()),
        last_quote_age_s=(window.end_ns - int(book["at_ns"][-1])) / NS_PER_SECOND if book.height else None,
        covered=_covered(book["at_ns"], stale_ns, window),
    )


def _covered(quoted: pl.Series, stale_ns: int, window: TimeWindow) -> float:
    """The share of the window in which the last quote is at most ``stale_ns`` old: each lasts until the next one."""
    times = pl.DataFrame({"from": quoted, "next": quoted.shift(-1, fill_value=window.end_ns)})
    until = pl.min_horizontal("next", pl.col("from") + stale_ns)
    fresh = times.select((until - pl.max_horizontal("from", pl.lit(window.start_ns))).clip(0).sum()).item()
    return int(fresh) / (window.end_ns - window.start_ns)


def _prevailing(fills: pl.DataFrame, book: pl.DataFrame, stale_ns: int) -> pl.DataFrame:
    met = fills.join_asof(
        book.rename({"at_ns": "quoted_ns"}),
        left_on="at_ns",
        right_on="quoted_ns",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    age_ns = pl.col("at_ns") - pl.col("quoted_ns")
    met = met.with_columns(stale=(age_ns > stale_ns).fill_null(value=False), quote_age_ms=age_ns / 1e6)
    prices = [pl.when(~pl.col("stale")).then(name).alias(name) for name in ("bid_px", "ask_px", "mid")]
    return met.with_columns(prices).drop("quoted_ns")


def _at_horizon(
    fills: pl.DataFrame, book: pl.DataFrame, horizon: timedelta, stale_ns: int, window: TimeWindow
) -> pl.DataFrame:
    name = f"mid_{horizon_name(horizon)}"
    later = pl.col("at_ns") + nanoseconds(horizon)
    met = fills.with_columns(later_ns=later).join_asof(
        book.select(quoted_ns="at_ns", later_mid="mid"),
        left_on="later_ns",
        right_on="quoted_ns",
        strategy="backward",
        check_sortedness=False,
    )
    known = (pl.col("later_ns") < window.end_ns) & (pl.col("later_ns") - pl.col("quoted_ns") <= stale_ns)
    return met.with_columns(pl.when(known).then("later_mid").alias(name)).drop("later_ns", "quoted_ns", "later_mid")
