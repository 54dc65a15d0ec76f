from datetime import UTC, datetime, timedelta

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.ema import EmaState
from mm_ops.domain.edge.ema_series import ema_series
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START
from mm_ops_tests.domain.edge.ema_worked import closed
from mm_ops_tests.domain.edge.test_ema_policy import policy, rule

HOUR = TimeWindow(START, START + timedelta(hours=1))
NEXT = TimeWindow(HOUR.end, HOUR.end + timedelta(hours=1))


def test_there_is_a_value_every_quarter_of_an_hour_and_at_the_end():
    """The fill at 0 s weighs 200; a quarter of an hour later 200·2^(-1/4), an hour later 100."""
    found = ema_series(closed((0, 0.1, 200.0)), policy(), HOUR, "USDT")
    assert found["at"] == [START + timedelta(minutes=15 * n) for n in range(5)]
    one = found["emas"]["ema1h"]
    assert one["edge_bps"] == pytest.approx([5.0] * 5)
    assert one["notional"] == pytest.approx([200 * 2 ** (-n / 4) for n in range(5)])
    assert one["age_s"] == [0.0, 900.0, 1800.0, 2700.0, 3600.0]
    assert (found["horizon"], found["settlement"], found["fills"]) == ("5s", "USDT", 1)


def test_below_the_least_notional_there_is_no_value_and_its_weight_is_told():
    """150 falls below 100 between 30 and 45 minutes: 150·2^(-1/2) = 106, 150·2^(-3/4) = 89."""
    one = ema_series(closed((0, 0.1, 150.0)), policy(), HOUR, "USDT")["emas"]["ema1h"]
    assert [value is None for value in one["edge_bps"]] == [False, False, False, True, True]
    assert one["notional"][3] == pytest.approx(89.19, abs=0.01)


def test_where_too_little_is_known_there_is_no_value():
    """400 of 500 are known: 0.8; at 15 min another 200 without markout: 400/700 of what is left at that time."""
    fills = closed((0, 1.0, 400.0), (0, None, 100.0), (900, None, 200.0))
    found = ema_series(fills, policy(), HOUR, "USDT")
    one = found["emas"]["ema1h"]
    assert [value is None for value in one["edge_bps"]] == [False, True, True, True, True]
    assert one["known_share"][0] == pytest.approx(0.8)
    assert (found["fills_without_markout"], found["fills_without_markout_share"]) == (2, pytest.approx(2 / 3))


def test_without_fills_nothing_is_told_and_nothing_is_zero_that_is_not_known():
    found = ema_series(closed(), policy(), HOUR, "USDT")
    one = found["emas"]["ema1h"]
    assert (one["edge_bps"], one["known_share"], one["age_s"]) == ([None] * 5, [None] * 5, [None] * 5)
    assert (found["fills"], found["fills_without_markout_share"]) == (0, None)


def test_a_window_that_begins_in_between_is_read_at_round_times_and_at_its_end():
    window = TimeWindow(START + timedelta(minutes=1), START + timedelta(minutes=31))
    minutes = [(at - START) // timedelta(minutes=1) for at in ema_series(closed(), policy(), window, "USDT")["at"]]
    assert minutes == [15, 30, 31]


def test_the_next_window_goes_on_from_the_state_of_the_last_one():
    first = ema_series(closed((0, 0.1, 800.0)), policy(), HOUR, "USDT")
    states = {name: EmaState(**one["state"]) for name, one in first["emas"].items()}
    second = ema_series(closed((5400, 0.1, 100.0)), policy(), NEXT, "USDT", states)["emas"]["ema1h"]
    assert second["notional"][0] == pytest.approx(400.0) == first["emas"]["ema1h"]["notional"][-1]
    assert second["notional"][-1] == pytest.approx(200 + 100 * 2**-0.5)
    assert second["state"]["fills"] == 2


def test_a_state_from_after_the_windows_start_is_refused():
    later = ema_series(closed((5400, 0.1, 800.0)), policy(), NEXT, "USDT")["emas"]["ema1h"]["state"]
    with pytest.raises(SchemaError, match="ema: expected times from"):
        ema_series(closed(), policy(), NEXT, "USDT", {"ema1h": EmaState(**later)})


def test_a_currency_without_a_least_notional_is_refused():
    with pytest.raises(PolicyError, match="expected one in BTC, found USDT"):
        ema_series(closed(), policy(emas=(rule(),)), HOUR, "BTC")


def test_the_series_is_written_as_canonical_json():
    written = encode(ema_series(closed((0, None, 1.0)), policy(), HOUR, "USDT"))
    assert b"NaN" not in written
    assert datetime(2026, 11, 20, 0, 15, tzinfo=UTC).isoformat().encode() in written
