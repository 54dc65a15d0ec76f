"""The bot's own tests of its day, on what it really recorded, as JUnit XML without times."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl

from mm_ops.paperbot.day import Day
from mm_ops.paperbot.profiles import SYMBOLS, TAKER_SHARE_LIMIT, Profile, Symbol

_BPS = 1e-4
_TOLERANCE = 1e-9
_NS_PER_DAY = 86_400 * 1_000_000_000

Check = Callable[[Profile, Day], str | None]


def run_selftest(profile: Profile, day: Day) -> bytes:
    """Run every check; a failing one carries its message. A check that cannot run raises: there is no skip."""
    answers = [(check.__name__.removeprefix("_"), check(profile, day)) for check in CHECKS]
    failed = sum(message is not None for _, message in answers)
    suite = ET.Element(
        "testsuite",
        name="paperbot",
        tests=str(len(answers)),
        failures=str(failed),
        errors="0",
        skipped="0",
        time="0",
        timestamp=_ended(day),
    )
    for name, message in answers:
        case = ET.SubElement(suite, "testcase", classname="paperbot.selftest", name=name, time="0")
        if message is not None:
            ET.SubElement(case, "failure", message=message)
    ET.indent(suite)
    data: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _fills_lie_inside_the_day(_: Profile, day: Day) -> str | None:
    times = _all_fills(day)["exch_ts_ns"]
    outside = times.filter((times < day.start_ns) | (times >= day.start_ns + _NS_PER_DAY)).len()
    return f"{outside} fills outside the day" if outside else None


def _identifiers_are_unique(_: Profile, day: Day) -> str | None:
    doubled = int(_all_fills(day)["fill_id"].is_duplicated().sum())
    return f"{doubled} fills share an identifier" if doubled else None


def _fills_are_on_the_tick_grid(_: Profile, day: Day) -> str | None:
    off = 0
    for symbol in SYMBOLS:
        ticks = day.fills[symbol.name]["price"].to_numpy() / symbol.tick
        off += int((np.abs(ticks - np.round(ticks)) > 1e-6).sum())  # noqa: PLR2004 - a millionth of a tick
    return f"{off} fills off the tick grid" if off else None


def _makers_fill_at_the_touch(_: Profile, day: Day) -> str | None:
    wrong = sum(_off_the_touch(symbol, day) for symbol in SYMBOLS)
    return f"{wrong} fills are not at the touch of the quote strictly before" if wrong else None


def _off_the_touch(symbol: Symbol, day: Day) -> int:
    quotes = day.quotes[symbol.name].rename({"exch_ts_ns": "quoted_ns"})
    joined = day.fills[symbol.name].join_asof(
        quotes.select("quoted_ns", "bid_px", "ask_px"),
        left_on="exch_ts_ns",
        right_on="quoted_ns",
        strategy="backward",
        allow_exact_matches=False,
    )
    bids = (pl.col("side") == "buy") == (pl.col("liquidity") == "maker")
    touch = pl.when(bids).then("bid_px").otherwise("ask_px")
    return int(joined.select((pl.col("price") != touch).sum()).item())


def _fees_follow_the_schedule(profile: Profile, day: Day) -> str | None:
    fills = _all_fills(day)
    rate = pl.when(pl.col("liquidity") == "maker").then(profile.maker_fee_bps).otherwise(profile.taker_fee_bps)
    off = fills.select(((pl.col("price") * pl.col("qty") * rate * _BPS - pl.col("fee")).abs() > _TOLERANCE).sum())
    return f"{off.item()} fees differ from the schedule" if off.item() else None


def _positions_are_the_sum_of_fills(_: Profile, day: Day) -> str | None:
    for symbol in SYMBOLS:
        gauge = _series(day, "mm_position", symbol=symbol.name)
        fills = day.fills[symbol.name]
        signed = fills["qty"].to_numpy() * np.where(fills["side"].to_numpy() == "buy", 1.0, -1.0)
        filled = np.searchsorted(fills["exch_ts_ns"].to_numpy(), gauge["ts_ns"].to_numpy(), side="right")
        moved = np.concatenate([[0.0], np.cumsum(signed)])[filled]
        values = gauge["value"].to_numpy()
        worst = float(np.abs(values - values[0] - (moved - moved[0])).max())
        if worst > _TOLERANCE:
            return f"{symbol.name}: the position is off by {worst:g}"
    return None


def _counters_never_fall(_: Profile, day: Day) -> str | None:
    counters = day.samples.filter(pl.col("metric").str.contains("_total$|_bucket$|_count$|_sum$"))
    falls = counters.select((pl.col("value").diff().over("metric", "labels") < 0).sum()).item()
    return f"{falls} counters fell" if falls else None


def _buckets_are_cumulative(_: Profile, day: Day) -> str | None:
    for stage in ("tick_total", "fetch_md"):
        buckets = day.samples.filter(
            (pl.col("metric") == "mm_stage_duration_ms_bucket") & pl.col("labels").str.contains(f'"{stage}"')
        ).with_columns(
            le=pl.col("labels").str.json_path_match("$.le").str.replace("+Inf", "inf", literal=True).cast(pl.Float64)
        )
        falls = buckets.sort("ts_ns", "le").select((pl.col("value").diff().over("ts_ns") < 0).sum()).item()
        last = buckets.filter(pl.col("le").is_infinite()).sort("ts_ns")["value"]
        count = _series(day, "mm_stage_duration_ms_count", stage=stage)["value"]
        if falls or not last.equals(count):
            return f"{stage}: {falls} buckets fell, or +Inf is not the count"
    return None


def _taker_share_is_within_the_risk_limit(_: Profile, day: Day) -> str | None:
    fills = _all_fills(day)
    notional = pl.col("price") * pl.col("qty")
    share = fills.select(notional.filter(pl.col("liquidity") == "taker").sum() / notional.sum()).item()
    if share <= TAKER_SHARE_LIMIT:
        return None
    return f"expected a taker share of at most {TAKER_SHARE_LIMIT:.0%}, was {share:.1%}"


def _ended(day: Day) -> str:
    """The last second of the day: the run is of this day and of no other."""
    return f"{datetime.fromtimestamp((day.start_ns + _NS_PER_DAY) // 10**9 - 1, UTC):%Y-%m-%dT%H:%M:%S+00:00}"


def _all_fills(day: Day) -> pl.DataFrame:
    return pl.concat(day.fills.values())


def _series(day: Day, metric: str, **labels: str) -> pl.DataFrame:
    text = json.dumps({"bot": "paper", **labels}, sort_keys=True, separators=(",", ":"))
    return day.samples.filter((pl.col("metric") == metric) & (pl.col("labels") == text))


CHECKS: tuple[Check, ...] = (
    _fills_lie_inside_the_day,
    _identifiers_are_unique,
    _fills_are_on_the_tick_grid,
    _makers_fill_at_the_touch,
    _fees_follow_the_schedule,
    _positions_are_the_sum_of_fills,
    _counters_never_fall,
    _buckets_are_cumulative,
    _taker_share_is_within_the_risk_limit,
)
