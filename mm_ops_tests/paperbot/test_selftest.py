"""Each self-test is shown a day with one planted fault, and must be the one that fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from mm_ops.paperbot.day import Day, day_start_s, simulate
from mm_ops.paperbot.profiles import HEALTHY
from mm_ops.paperbot.selftest import CHECKS, run_selftest
from mm_ops.paperbot.state import BotState

SYMBOL = "AAA-USDT"


@pytest.fixture(scope="module")
def day() -> Day:
    state = BotState(start_s=day_start_s(date(2026, 11, 20)))
    return simulate(HEALTHY, date(2026, 11, 20), 7, state)


def failures(day: Day) -> list[str]:
    suite = ET.fromstring(run_selftest(HEALTHY, day))  # noqa: S314 - our own bytes
    assert suite.get("tests") == str(len(CHECKS)) == str(len(suite.findall("testcase")))
    failed = [case.get("name", "") for case in suite if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failed))
    return failed


def with_fills(day: Day, *change: pl.Expr) -> Day:
    return replace(day, fills={**day.fills, SYMBOL: day.fills[SYMBOL].with_columns(*change)})


def last(name: str, value: object) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) == pl.len() - 1).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)


def with_sample(day: Day, metric: str, change: float) -> Day:
    at = (pl.col("metric") == metric) & (pl.int_range(pl.len()).over("metric", "labels") == 1000)
    value = pl.when(at).then(pl.col("value") + change).otherwise(pl.col("value"))
    return replace(day, samples=day.samples.with_columns(value=value))


FAULTS: dict[str, Callable[[Day], Day]] = {
    "fills_lie_inside_the_day": lambda day: with_fills(day, last("exch_ts_ns", day.start_ns + 86_400 * 10**9)),
    "identifiers_are_unique": lambda day: with_fills(day, last("fill_id", day.fills[SYMBOL]["fill_id"][0])),
    "fills_are_on_the_tick_grid": lambda day: with_fills(day, last("price", 2000.005)),
    "makers_fill_at_the_touch": lambda day: with_fills(day, last("price", 1999.99)),
    "fees_follow_the_schedule": lambda day: with_fills(day, last("fee", 1.0)),
    "positions_are_the_sum_of_fills": lambda day: with_sample(day, "mm_position", 0.5),
    "counters_never_fall": lambda day: with_sample(day, "mm_ticks_total", -100.0),
    "buckets_are_cumulative": lambda day: with_sample(day, "mm_stage_duration_ms_count", 0.5),
    "taker_share_is_within_the_risk_limit": lambda day: with_fills(day, pl.lit("taker").alias("liquidity")),
}


def test_a_sound_day_has_no_failure(day: Day):
    assert failures(day) == []


def test_every_check_has_a_fault_here():
    assert [check.__name__.removeprefix("_") for check in CHECKS] == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_by_its_check(day: Day, name: str):
    assert name in failures(FAULTS[name](day))
