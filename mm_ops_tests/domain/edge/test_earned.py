from datetime import timedelta

import pytest

from mm_ops.domain.edge.report import measure_parts, split_symbols
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, START_NS, edge_policy, fill, fills, instrument, instruments, quotes

BOTH = instruments(instrument(), instrument(symbol="Y"))
DAY = TimeWindow(START, START + timedelta(days=1))
MINUTE_NS = 60 * 10**9


def test_money_is_told_at_the_end_of_each_minute_with_fills_and_adds_up_to_the_net():
    market = [quotes((0, 99, 101), (86_390, 99, 101), symbol=symbol) for symbol in ("X", "Y")]
    ours = fills(fill(1, "buy", 99), fill(59, "buy", 98), fill(59, "sell", 101, symbol="Y"), fill(86_399, "buy", 97))
    policy = edge_policy(stale_after=timedelta(days=1))
    parts = split_symbols(ours, market[0].vstack(market[1]))
    measured = measure_parts(parts, policy=policy, instruments=BOTH, window=DAY)
    assert measured.earned is not None
    assert (measured.earned.times_ns - START_NS).tolist() == [MINUTE_NS - 1, 1440 * MINUTE_NS - 1]
    assert measured.earned.money.tolist() == pytest.approx([1 + 2 + 1, 3])
    assert measured.earned.money.sum() == pytest.approx(measured.report["total"]["net_money"])


def test_without_fills_nothing_was_earned():
    assert measure_parts([], policy=edge_policy(), instruments=BOTH, window=DAY).earned is None
