"""How much of the fills and of the day the report speaks for; worked by hand."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.edge.report_text import edge_markdown
from mm_ops_tests.builders import edge_policy, fill, fills, instrument, instruments, minute, quotes

BOTH = instruments(instrument(), instrument(symbol="Y"))
FRESH = [(at, 99.0, 101.0) for at in range(0, 60, 5)]
"""A quote each 5 s, of which one is fresh for 10 s: all of the minute is covered."""


def report(market: pl.DataFrame, *rows: dict[str, Any]) -> dict[str, Any]:
    policy = edge_policy(stale_after=timedelta(seconds=10))
    return build_edge_report(fills(*rows), market, policy=policy, instruments=BOTH, window=minute())


def quality(market: pl.DataFrame, *rows: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = report(market, *rows)["quality"]
    return found


def test_a_whole_day_is_measured_and_covered_by_young_quotes():
    found = quality(quotes(*FRESH), fill(1, "buy", 99), fill(7, "buy", 99))
    # ages 1 s and 2 s: the quantile of 0.95 lies at 1 + 0.95
    assert (found["measured_share"], found["quote_coverage"]) == (1.0, 1.0)
    assert found["quote_age_p95_ms"] == pytest.approx(1950.0)


def test_a_large_fill_that_could_not_be_measured_counts_by_its_notional():
    # three of four by number; by notional at the price 3·99 of 3·99 + 7·99
    rows = [fill(at, "buy", 99) for at in (1, 2, 3)]
    assert quality(quotes((0, 99, 101)), *rows, fill(30, "buy", 99, 7))["measured_share"] == pytest.approx(0.3)


def test_many_small_fills_that_could_not_be_measured_count_by_their_number():
    rows = [fill(30 + at, "buy", 99) for at in (1, 2, 3)]
    assert quality(quotes((0, 99, 101)), fill(1, "buy", 99, 7), *rows)["measured_share"] == 0.25


def test_the_symbol_with_the_fewest_and_oldest_quotes_decides():
    # Y: quotes at 0 s and 30 s cover 20 of 60 s, and the one before its fill is 8 s old
    market = pl.concat([quotes(*FRESH), quotes((0, 99, 101), (30, 99, 101), symbol="Y")])
    found = quality(market, fill(1, "buy", 99), fill(8, "buy", 99, symbol="Y"))
    assert found["quote_coverage"] == pytest.approx(20 / 60)
    assert found["quote_age_p95_ms"] == 8000.0


def test_a_symbol_with_fills_and_no_quotes_is_not_covered_at_all():
    found = quality(quotes(*FRESH), fill(1, "buy", 99), fill(2, "buy", 99, symbol="Y"))
    assert (found["quote_coverage"], found["measured_share"]) == (0.0, 0.5)
    assert found["quote_age_p95_ms"] == 1000.0, "of X, since Y has no quote that could have an age"


def test_a_stale_quote_is_old_and_not_left_out():
    assert quality(quotes((0, 99, 101)), fill(50, "buy", 99))["quote_age_p95_ms"] == 50_000.0


@pytest.mark.parametrize("rows", [(), (fill(70, "buy", 99),)], ids=["none", "none in the window"])
def test_without_fills_nothing_was_measured(rows: tuple[dict[str, Any], ...]):
    found = quality(quotes(*FRESH), *rows)
    assert (found["measured_share"], found["quote_age_p95_ms"]) == (None, None)


def test_the_text_shows_them():
    text = edge_markdown(report(quotes(*FRESH), fill(1, "buy", 99)))
    assert "| measured share | 1 |" in text
    assert "| quote coverage | 1 |" in text
    assert "| quote age p95 ms | 1000 |" in text
