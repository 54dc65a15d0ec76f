from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.prints import choose_moments, choose_prints
from mm_ops.domain.edge.venue_clock import VenueClock
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import fill, fills
from mm_ops_tests.edge_inputs import condition, prints

LATE, AUCTION = condition("late", "4800"), condition("auction", "40")
CLOCKS = {symbol: VenueClock("exchange", timedelta(0)) for symbol in ("X", "Y")}


def printed(*marks: tuple[str | None, str | None]) -> pl.DataFrame:
    """One print for each exchange and sale condition, a second apart, at a price that counts them."""
    rows = [fill(n, "buy", 100 + n, exch=exch, sale_cond=cond) for n, (exch, cond) in enumerate(marks)]
    return pl.DataFrame(rows, schema_overrides={"exch": pl.String, "sale_cond": pl.String})


def test_prints_are_counted_by_class_and_excluded_once():
    marked = printed(("N", "1"), ("D", "20"), ("D", "4000"), ("N", "840"), ("N", None))
    kept, counts = choose_prints(marked, prints(LATE, AUCTION))
    # bits 4800: 4000 and 840 (= 800 + 40); bits 40: 840, which is counted in both and left out once
    assert kept["price"].to_list() == [100, 101, 104]
    assert counts == {
        "rows": 5,
        "off_exchange": {"count": 2, "share": 0.4, "treat": "keep"},
        "late": {"count": 2, "share": 0.4, "treat": "exclude"},
        "auction": {"count": 1, "share": 0.2, "treat": "exclude"},
        "excluded": 2,
    }


def test_what_is_kept_by_policy_is_counted_all_the_same():
    kept, counts = choose_prints(printed(("N", "4000")), prints(condition("late", "4800", "keep")))
    assert (kept.height, counts["late"]["count"], counts["excluded"]) == (1, 1, 0)


def test_off_exchange_prints_are_left_out_where_the_policy_says_so():
    kept, counts = choose_prints(printed(("N", "1"), ("D", "1"), (None, "1")), prints(off_exchange="exclude"))
    assert kept["price"].to_list() == [100, 102], "an exchange that is not told is not off-exchange"
    assert counts["excluded"] == 1


def test_the_highest_bit_is_a_bit_like_any_other():
    assert choose_prints(printed(("N", "80000000")), prints(condition("odd", "80000000")))[0].is_empty()


@pytest.mark.parametrize("marked", [fills(fill(0, "buy", 99)), printed((None, None))], ids=["no columns", "all null"])
def test_where_the_data_does_not_say_no_count_is_made_up(marked: pl.DataFrame):
    kept, counts = choose_prints(marked, prints(LATE, off_exchange="exclude"))
    assert kept.height == 1
    assert (counts["off_exchange"]["count"], counts["late"]["count"], counts["excluded"]) == (None, None, 0)


@pytest.mark.parametrize("text", ["@ T", "0xZZ", ""])
def test_a_condition_that_is_no_bit_mask_is_refused(text: str):
    with pytest.raises(SchemaError, match=r"sale_cond: expected a bit mask in hexadecimal, was .* \(1 such rows\)"):
        choose_prints(printed(("N", "1"), ("N", text)), prints(LATE))


def moments(*rows: dict[str, Any], **policy: Any) -> tuple[list[float], dict[str, Any]]:
    kept, counts = choose_moments(fills(*rows), prints(**policy), CLOCKS)
    assert kept.columns == fills(*rows).columns
    return kept["price"].to_list(), counts


# the first two share a millisecond and sweep; the third is alone; the last two share one at one price
MIXED = [
    fill(1.0001, "buy", 1),
    fill(1.0004, "buy", 2),
    fill(1.0011, "buy", 3),
    fill(2.0, "buy", 4),
    fill(2.0, "buy", 4),
]


def test_fills_of_one_millisecond_and_sweeps_are_counted():
    prices, counts = moments(*MIXED)
    assert prices == [1, 2, 3, 4, 4]
    assert (counts["several_in_one_millisecond"]["count"], counts["sweeps"]["count"]) == (4, 2)
    assert (counts["several_in_one_millisecond"]["share"], counts["excluded"]) == (0.8, 0)


def test_they_are_left_out_where_the_policy_says_so():
    assert moments(*MIXED, sweeps="exclude")[0] == [3, 4, 4]
    assert moments(*MIXED, several_in_one_millisecond="exclude")[0] == [3]
    assert moments(*MIXED, sweeps="exclude")[1]["excluded"] == 2


NO_SWEEP = {
    "two sides": [fill(1, "buy", 1), fill(1, "sell", 2)],
    "two milliseconds": [fill(1, "buy", 1), fill(1.001, "buy", 2)],
    "two symbols": [fill(1, "buy", 1), fill(1, "buy", 2, symbol="Y")],
    "one price": [fill(1, "buy", 1), fill(1, "buy", 1)],
}


@pytest.mark.parametrize("name", NO_SWEEP)
def test_a_sweep_is_one_side_of_one_symbol_in_one_millisecond_at_several_prices(name: str):
    assert moments(*NO_SWEEP[name])[1]["sweeps"]["count"] == 0


def test_the_clock_of_the_symbol_says_what_one_millisecond_is():
    rows = [fill(1, "buy", 1), fill(1, "buy", 2)]
    frame = fills(*rows).with_columns(ts_ns=pl.col("ts_ns") + pl.Series([0, 10**9]))
    for clock, count in (("exchange", 2), ("receive", 0)):
        of_clock = {"X": VenueClock(clock, timedelta(0))}  # type: ignore[arg-type]  # both are clocks
        assert choose_moments(frame, prints(), of_clock)[1]["sweeps"]["count"] == count


def test_without_fills_there_is_no_share():
    assert moments()[1]["sweeps"] == {"count": 0, "share": None, "treat": "keep"}
