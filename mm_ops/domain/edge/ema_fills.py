"""Fills whose horizon has closed, and what each had earned by then.

    closes = fill time + horizon        money = s·qty·(U(m') − U(p)) − fee        notional = at the mid m of the fill

U, m and m' are those of :mod:`.measures`. A fill belongs to the window in which it closes, so that days follow one
another without a fill lost or told twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

import numpy as np
import polars as pl

from mm_ops.domain.edge.arrays import Bools, Floats, Ints
from mm_ops.domain.edge.join import join_symbol, nanoseconds, on_clock
from mm_ops.domain.edge.measures import measure_fills
from mm_ops.domain.edge.policy import EdgePolicy, Instruments, horizon_name
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow

_MOST = 1e200
"""No amount of money is larger; sums of such, scaled, stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedFills:
    """Arrays of shape (n,), in one settlement currency.

    close_ns: int64, UTC nanoseconds, never decreasing. money: float64, NaN or infinite where there is no markout.
    notional: float64, above zero: the weight of the fill, or of what is left out.
    """

    close_ns: Ints
    money: Floats
    notional: Floats

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.close_ns, self.money, self.notional)}
        if len(shapes) != 1 or self.close_ns.ndim != 1:
            raise SchemaError(f"closed fills: expected three columns of one length, was {sorted(shapes)}")
        back = np.flatnonzero(np.diff(self.close_ns) < 0)
        if back.size:
            at = int(back[0]) + 1
            raise SchemaError(
                f"closed fills: row {at}: close_ns: expected {self.close_ns[at - 1]} or later, was {self.close_ns[at]}"
            )
        wrong = np.flatnonzero(~((self.notional > 0) & (self.notional < _MOST)))
        wrong = wrong if wrong.size else np.flatnonzero(self.known & (np.abs(self.money) >= _MOST))
        if wrong.size:
            at = int(wrong[0])
            raise SchemaError(
                f"closed fills: row {at}: expected a notional above 0 and money, both below {_MOST:g}, "
                f"was {self.notional[at]} and {self.money[at]}"
            )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The fills of several symbols in the order of time; at equal times in the order given."""
        columns = [
            np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])
            for name, kind in (("close_ns", np.int64), ("money", np.float64), ("notional", np.float64))
        ]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    @property
    def known(self) -> Bools:
        """Which fills have a markout."""
        return np.isfinite(self.money)


def close_fills(
    fills: pl.DataFrame,
    quotes: pl.DataFrame,
    *,
    horizon: timedelta,
    policy: EdgePolicy,
    instruments: Instruments,
    window: TimeWindow,
) -> ClosedFills:
    """Measure every fill that closes in the window, and none that closes before or after.

    A fill without a fresh mid before it has no markout either; it weighs by its own price.

    Args:
        fills: as for the edge report, from the window's start less the horizon on, or those are not there.
        quotes: likewise, from some time before on.
        horizon: of the markout.
        policy: clock by venue and the stale limit.
        instruments: kind, contract size and venue of every symbol.
        window: half-open, of the closing times.

    Raises:
        SchemaError: a symbol is unknown, a clock or a fee is missing.
        PolicyError: a venue has no clock.
    """
    single = replace(policy, horizons=(horizon,))
    parts = [
        _close_symbol(fills.filter(symbol=symbol), quotes.filter(symbol=symbol), single, instruments, window)
        for symbol in sorted(fills["symbol"].unique())
    ]
    return ClosedFills.join(parts)


def _close_symbol(
    fills: pl.DataFrame, quotes: pl.DataFrame, policy: EdgePolicy, instruments: Instruments, window: TimeWindow
) -> ClosedFills:
    (horizon,) = policy.horizons
    instrument = instruments.of(fills["symbol"][0])
    how = policy.venue(instrument.venue)
    timed = on_clock(fills, how.clock, f"{instrument.symbol}: fills").with_columns(
        close_ns=pl.col("at_ns") + nanoseconds(horizon)
    )
    closing = timed.filter(pl.col("close_ns").is_between(window.start_ns, window.end_ns, closed="left"))
    joined = join_symbol(closing, quotes, policy=policy, clock=how.clock, quote_lag=how.quote_lag, window=window)
    measured = measure_fills(joined.fills, instrument, policy)
    money = measured[f"markout_{horizon_name(horizon)}"] - measured["fee_money"]
    seen = measured["mid"].is_not_null()
    return ClosedFills(
        measured["close_ns"].to_numpy(),
        money.set(~seen, None).cast(pl.Float64).fill_null(np.nan).to_numpy(),
        measured["notional"].fill_null(measured["notional_at_price"]).to_numpy(),
    )
