"""What is told of the averages, and why a value is missing; worked on fills at seconds after the start."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.domain.edge.ema_report import ema_section, read_handed_on
from mm_ops.domain.edge.ema_track import EmaTrack, Grid, HandedOn
from mm_ops.domain.edge.join import Book, Reach
from mm_ops.domain.edge.report import measure_parts, split_symbols
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, START_NS, edge_policy, fill, fills, instrument, instruments, quotes
from mm_ops_tests.domain.edge.test_ema_policy import policy

HOUR = TimeWindow(START, START + timedelta(hours=1))
NEXT = TimeWindow(HOUR.end, HOUR.end + timedelta(hours=1))
EDGE = edge_policy(stale_after=timedelta(seconds=10))


def measured(*rows: dict[str, Any], window: TimeWindow = HOUR) -> dict[str, Any]:
    """Quotes of 99 to 101 a second before each fill, so that its mid is 100 then and 5 s later."""
    market = quotes(*((around(row), 99, 101) for row in rows))
    parts = split_symbols(fills(*rows), market)
    return measure_parts(parts, policy=EDGE, instruments=instruments(), window=window, ema=policy()).report


def told(*rows: dict[str, Any], window: TimeWindow = HOUR) -> dict[str, Any]:
    section: dict[str, Any] = measured(*rows, window=window)["ema"]
    return section


def around(row: dict[str, Any]) -> float:
    return float((row["ts_ns"] - START_NS) / 1e9 - 1)


def test_there_is_a_value_every_quarter_of_an_hour_and_at_the_end():
    """Two bought at 99.95 with a mid of 100: 5 bps of 200. Closed at 900 s; at 1800 s 200·2^(-1/4) are left."""
    found = told(fill(895, "buy", 99.95, 2))
    assert found["at"] == [START + timedelta(minutes=15 * n) for n in range(5)]
    assert found["series"]["ema1h"] == [None, *[pytest.approx(5.0)] * 4]
    assert found["total"]["ema1h"]["notional"] == pytest.approx(200 * 2 ** (-3 / 4))
    assert found["total"]["ema1h"]["age_s"] == 2700.0
    assert (found["horizon"], found["settlement"], found["fills"]) == ("5s", "USDT", 1)


def test_below_the_least_notional_there_is_no_value_and_the_reason_is_told():
    """150 falls below 100 between 30 and 45 minutes: 150·2^(-1/2) = 106, 150·2^(-3/4) = 89."""
    found = told(fill(-5 + 1e-3, "buy", 99.95, 9), fill(0, "buy", 100, 1.5))
    values = found["series"]["ema1h"]
    assert [value is None for value in values] == [True, False, False, True, True]
    assert found["total"]["ema1h"]["reason"] == "75 USDT are left of what was filled, at least 100 are needed"


def test_where_too_little_is_known_there_is_no_value():
    """Of 400 and 600 the second has no mid 5 s later: its quote is stale by then."""
    market_late = told(fill(10, "buy", 99.95, 4), fill(100, "buy", 99, 4))
    assert market_late["total"]["ema1h"]["known_share"] == 1.0
    stale = edge_policy(stale_after=timedelta(seconds=3))
    market = quotes((9, 99, 101), (13, 99, 101), (99, 99, 101))
    parts = split_symbols(fills(fill(10, "buy", 99.95, 4), fill(100, "buy", 99, 6)), market)
    found = measure_parts(parts, policy=stale, instruments=instruments(), window=HOUR, ema=policy()).report["ema"]
    assert (found["fills_without_markout"], found["fills_without_markout_share"]) == (1, 0.5)
    assert found["total"]["ema1h"]["known_share"] == pytest.approx(0.4, rel=0.03)
    assert found["total"]["ema1h"]["reason"] == ("of 0.396 of the notional a markout is known, at least 0.75 is needed")


def test_a_currency_without_a_least_notional_has_no_value_and_says_so():
    parts = split_symbols(fills(fill(10, "buy", 99, 4)), quotes((9, 99, 101)))
    btc = instruments(instrument(settlement="BTC"))
    found = measure_parts(parts, policy=EDGE, instruments=btc, window=HOUR, ema=policy()).report["ema"]
    assert found["total"]["ema1h"]["reason"] == "ema.yaml has no min_notional of ema1h in BTC"
    assert found["min_notional"] == {"ema1h": None}


def test_a_window_that_begins_in_between_is_read_at_round_times_and_at_its_end():
    window = TimeWindow(START + timedelta(minutes=1), START + timedelta(minutes=31))
    minutes = [(at - START) // timedelta(minutes=1) for at in told(window=window)["at"]]
    assert minutes == [15, 30, 31]


def test_of_no_symbol_nothing_is_known():
    grid = Grid.of(policy(), HOUR, Reach.of(EDGE, HOUR))
    found = ema_section({}, grid, None)
    assert (found["series"]["ema1h"], found["by_symbol"]) == ([None] * 5, {})
    with_one = ema_section({"X": EmaTrack(grid, instrument())}, grid, "USDT")
    assert with_one["by_symbol"]["X"]["ema1h"]["edge_bps"] is None


def stored(**different: Any) -> dict[str, Any]:
    track = EmaTrack(Grid.of(policy(), HOUR, Reach.of(EDGE, HOUR)), instrument())
    section = {"horizon": "5s", "handed_on": {"X": track.handed_on(Book.empty()).saved()}}
    return {"window": {"start": HOUR.start.isoformat(), "end": HOUR.end.isoformat()}, "ema": section, **different}


def test_a_report_hands_on_to_the_window_that_follows_it():
    found = read_handed_on(stored(), policy(), NEXT)
    assert isinstance(found, dict)
    assert isinstance(found["X"], HandedOn)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an older report": ({"ema": None}, "it has no averages"),
    "a report that hands nothing on": ({"ema": {"horizon": "5s"}}, "it has no averages"),
    "a report of another horizon": ({"ema": {"horizon": "1s", "handed_on": {}}}, "its horizon is 1s"),
    "a report of another window": (
        {"window": {"start": START.isoformat(), "end": datetime(2026, 11, 20, 0, 30, tzinfo=UTC).isoformat()}},
        "it ends at 2026-11-20T00:30:00+00:00",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_report_that_cannot_hand_on_says_why(name: str):
    different, words = REFUSED[name]
    assert read_handed_on(stored(**different), policy(), NEXT) == words


def test_what_is_handed_on_and_is_broken_is_refused_and_not_begun_anew():
    with pytest.raises(SchemaError, match="ema: handed_on: expected emas, open and quoted"):
        read_handed_on(stored(ema={"horizon": "5s", "handed_on": {"X": {}}}), policy(), NEXT)
