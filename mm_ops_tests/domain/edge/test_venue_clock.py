from datetime import timedelta

import pytest

from mm_ops.domain.edge.policy import Clock, VenuePolicy
from mm_ops.domain.edge.venue_clock import VenueClock, clock_of, on_venue_clock
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops_tests.builders import WORDS, edge_policy, fill, fills, instrument

LAG = timedelta(milliseconds=7)
POLICY = edge_policy(venues={"paper": VenuePolicy(clock="exchange", quote_lag=LAG, source=WORDS)})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, ("exchange", LAG)), ("exchange", ("exchange", LAG)), ("receive", ("receive", timedelta(0)))],
)
def test_the_lag_stays_with_the_clock_of_the_venue(asked: Clock | None, expected: tuple[Clock, timedelta]):
    assert clock_of(instrument(), POLICY, asked) == VenueClock(*expected)


def test_a_venue_without_a_clock_has_one_only_if_it_is_asked_for():
    elsewhere = instrument(venue="nowhere")
    with pytest.raises(PolicyError, match="no clock for venue 'nowhere'"):
        clock_of(elsewhere, POLICY)
    assert clock_of(elsewhere, POLICY, "exchange") == VenueClock("exchange", timedelta(0))


def test_fills_are_sorted_by_the_clock_and_refused_without_it():
    exchange = VenueClock("exchange", LAG)
    ordered = on_venue_clock(fills(fill(2, "buy", 2), fill(1, "buy", 1)), exchange, "fills")
    assert ordered["price"].to_list() == [1, 2]
    assert ordered["at_ns"].to_list() == ordered["exch_ts_ns"].to_list(), "the lag is that of quotes"
    with pytest.raises(SchemaError, match="fills: the exchange clock needs exch_ts_ns"):
        on_venue_clock(fills(fill(0, "buy", 1)).drop("exch_ts_ns"), exchange, "fills")
