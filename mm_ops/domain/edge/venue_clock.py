"""Which clock orders a symbol's quotes and fills."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from mm_ops.domain.edge.join import on_clock
from mm_ops.domain.edge.policy import Clock, EdgePolicy, Instrument


@dataclass(frozen=True, slots=True)
class VenueClock:
    """The clock that orders a symbol, and how late its quotes are known."""

    clock: Clock
    quote_lag: timedelta


def clock_of(instrument: Instrument, policy: EdgePolicy, clock: Clock | None = None) -> VenueClock:
    """The clock of an instrument's venue, or the one that is asked for; a lag stays with the venue's own clock.

    Raises:
        PolicyError: the venue has no clock, and none is asked for.
    """
    listed = policy.venues.get(instrument.venue)
    if clock is not None and (listed is None or listed.clock != clock):
        return VenueClock(clock, timedelta(0))
    venue = policy.venue(instrument.venue)
    return VenueClock(venue.clock, venue.quote_lag)


def on_venue_clock(frame: pl.DataFrame, clock: VenueClock, what: str) -> pl.DataFrame:
    """Add ``at_ns`` and sort by it; the lag is not added.

    Raises:
        SchemaError: the frame does not have that clock.
    """
    return on_clock(frame, clock.clock, what)
