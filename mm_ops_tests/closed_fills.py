"""The fills of whole frames that close in a window, by the parts of which the averages are made."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from mm_ops.domain.edge.ema_fills import ClosedFills, OpenFills
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.join import Reach, join_fills, nanoseconds, on_clock
from mm_ops.domain.edge.measures import price_fills
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.symbol_edge import with_order_age
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.edge_inputs import book_of


def close_fills(
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    horizon: timedelta,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
) -> ClosedFills:
    single, parts = replace(policy, horizons=(horizon,)), []
    for symbol in sorted(fills["symbol"].unique()):
        instrument = instruments.of(symbol)
        how = policy.venue(instrument.venue)
        timed = with_order_age(on_clock(fills.filter(symbol=symbol), how.clock, "fills"))
        ours = FillArrays.of(price_fills(timed, instrument))
        book = book_of(quotes.filter(symbol=symbol), how.clock, how.quote_lag, window)
        met = join_fills(ours.at, book, Reach.of(single, window))
        every = OpenFills.of(ours, met, nanoseconds(horizon), instrument).close(met.later[0], met.seen[0], instrument)
        inside = (every.close_ns >= window.start_ns) & (every.close_ns < window.end_ns)
        parts.append(ClosedFills(every.close_ns[inside], every.money[inside], every.notional[inside]))
    joined = ClosedFills.join(parts)
    assert np.all(np.diff(joined.close_ns) >= 0)
    return joined
