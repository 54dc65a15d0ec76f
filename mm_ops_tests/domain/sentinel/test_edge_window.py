from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.sentinel.edge_window import (
    EdgeWindow,
    Fills,
    closed_end,
    ends_within,
    find_ends,
    read_span,
    read_windows,
    selectors_of,
)
from mm_ops.domain.sli.series import Series
from mm_ops.domain.windows import TimeWindow, to_ns
from mm_ops_tests.domain.sentinel.edge_rows import POLICY, policy

END = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOON = END
MINUTE = timedelta(minutes=1)


def series(metric: str, values: dict[int, float], **labels: str) -> Series:
    """Values by seconds before the window's end."""
    times = sorted(values, reverse=True)
    ts_ns = np.array([to_ns(END - timedelta(seconds=second)) for second in times], dtype=np.int64)
    return Series(metric, labels, ts_ns, np.array([values[second] for second in times]))


def table(**different: Series | None) -> list[Series]:
    usual: dict[str, Series | None] = {
        "fast": series("mm_edge_bps_ema1h", {30: 1.0, 15: 2.0, 0: 9.0}),
        "slow": series("mm_edge_bps_ema24h", {15: 3.0}),
        "active": series("mm_trading_state", {15: 1.0}, state="ACTIVE"),
        "halted": series("mm_trading_state", {15: 0.0}, state="HALTED"),
        "one": series("mm_position", {15: 0.0}, symbol="AAA-USDT"),
        "two": series("mm_position", {15: 0.0}, symbol="BBB-USDT"),
        "profile": series("mm_profile", {15: 1.0}, profile="moderate"),
    }
    return [one for one in {**usual, **different}.values() if one is not None]


def read(**different: Any) -> EdgeWindow:
    (found,) = read_windows(table(**different), [END], POLICY, [Fills(1.0, 2.0)])
    return found


def test_the_last_sample_before_the_windows_end_is_what_counts():
    assert read() == EdgeWindow(
        end=END,
        fast=2.0,
        slow=3.0,
        fills_fast=1.0,
        fills_slow=2.0,
        trading_state=TradingState.ACTIVE,
        profile="moderate",
        flat=True,
    )
    assert {one.metric for one in table()} == {one.metric for one in selectors_of(POLICY)}
    assert read_span([END + MINUTE * 30, END], POLICY) == TimeWindow(END - MINUTE * 5, END + MINUTE * 30)


UNKNOWN: dict[str, tuple[dict[str, Any], str, str]] = {
    "no series": ({"fast": None}, "fast", "mm_edge_bps_ema1h: expected one series, was none"),
    "a stale sample": (
        {"slow": series("mm_edge_bps_ema24h", {301: 3.0})},
        "slow",
        "mm_edge_bps_ema24h: expected one series, was none",
    ),
    "not a number": ({"fast": series("mm_edge_bps_ema1h", {15: np.nan})}, "fast", "mm_edge_bps_ema1h: not a number"),
    "infinite": ({"fast": series("mm_edge_bps_ema1h", {15: np.inf})}, "fast", "fast: was inf bps"),
    "two bots": (
        {"other": series("mm_edge_bps_ema1h", {15: 1.0}, bot="b")},
        "fast",
        "mm_edge_bps_ema1h: expected one series, was 2",
    ),
    "no trading state": (
        {"active": None},
        "trading_state",
        "mm_trading_state: expected 1 for one state, was for none",
    ),
    "two trading states": (
        {"halted": series("mm_trading_state", {15: 1.0}, state="HALTED")},
        "trading_state",
        "mm_trading_state: expected 1 for one state, was for 2",
    ),
    "no profile": ({"profile": None}, "profile", "mm_profile: expected 1 for one profile, was for none"),
}


@pytest.mark.parametrize(("different", "field", "why"), UNKNOWN.values(), ids=list(UNKNOWN))
def test_what_is_not_known_is_none_and_says_why(different: dict[str, Any], field: str, why: str):
    found = read(**different)
    assert getattr(found, field) is None
    assert found.unknown == (why,)


def test_a_trading_state_of_another_name_is_not_known():
    assert read(active=series("mm_trading_state", {15: 1.0}, state="DREAMING")).trading_state is None


def test_a_position_in_any_symbol_is_not_flat_and_none_known_is_neither():
    assert read(two=series("mm_position", {15: -2.0}, symbol="BBB-USDT")).flat is False
    assert read(one=None, two=None).flat is None


def test_without_fills_it_says_so():
    (found,) = read_windows(table(), [END], POLICY)
    assert (found.fills_fast, found.unknown) == (None, ("fills: not read",))


@pytest.mark.parametrize(
    ("now", "expected"),
    [("12:30:59", "12:00"), ("12:31:00", "12:30"), ("00:00:30", "23:30"), ("00:01:00", "00:00")],
)
def test_a_window_is_looked_at_a_minute_after_it_closed(now: str, expected: str):
    found = closed_end(datetime.fromisoformat(f"2026-11-26T{now}+00:00"), POLICY)
    assert f"{found:%H:%M}" == expected


def ends(last: datetime | None, now: datetime) -> list[str]:
    return [f"{end:%H:%M}" for end in find_ends(last, now, POLICY)]


def test_at_first_only_the_newest_window_is_looked_at():
    assert ends(None, NOON + MINUTE * 40) == ["12:30"]


def test_every_window_since_the_last_one_is_looked_at_unless_it_is_too_late():
    assert ends(NOON, NOON + MINUTE * 30) == []
    assert ends(NOON, NOON + MINUTE * 31) == ["12:30"]
    assert ends(NOON, NOON + MINUTE * 91) == ["12:30", "13:00", "13:30"]
    assert ends(NOON, NOON + MINUTE * 120) == ["13:00", "13:30"]  # 12:30 closed an hour and a half ago
    assert ends(NOON, NOON + timedelta(days=1, minutes=10)) == ["11:00", "11:30", "12:00"]


def test_a_clock_that_was_set_back_looks_at_nothing():
    assert ends(NOON, NOON - timedelta(hours=5)) == []


def test_the_windows_of_a_stretch_lie_whole_in_it():
    def within(start: timedelta, end: timedelta) -> list[str]:
        return [f"{one:%H:%M}" for one in ends_within(TimeWindow(NOON + start, NOON + end), POLICY)]

    assert within(timedelta(0), MINUTE * 60) == ["12:30", "13:00"]
    assert within(MINUTE, MINUTE * 61) == ["13:00"]
    assert within(MINUTE, MINUTE * 59) == []
    assert len(ends_within(TimeWindow.of_day(NOON.date()), POLICY)) == 48
    assert len(ends_within(TimeWindow.of_day(NOON.date()), policy(window=timedelta(hours=1)))) == 24
