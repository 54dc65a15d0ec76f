"""What the live bot exports, in Prometheus' text format, version 0.0.4.

The same series as in a recording, but for the label that tells bots apart and for ``up``: both are the scraper's.

Source: prometheus.io/docs/instrumenting/exposition_formats (text-based format).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mm_ops.paperbot.control import CIRCUITS, TRADING_STATES
from mm_ops.paperbot.live import Durations, LiveBot
from mm_ops.paperbot.profiles import BUCKETS_MS, VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[str, Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its kind, what it is, and its samples (suffix, labels, value)."""

    name: str
    kind: str
    says: str
    samples: Sequence[Sample]


def expose(bot: LiveBot, started_s: float) -> str:
    """Write everything that the bot exports; ``started_s`` is when its process started, seconds since 1970."""
    return "".join(line + "\n" for family in _families(bot, started_s) for line in _lines(family))


def _families(bot: LiveBot, started_s: float) -> Iterator[Family]:
    yield from _pass_families(bot)
    yield from _trading_families(bot)
    yield from _control_families(bot)
    guards = [("", {"guard": guard}, float(trips)) for guard, trips in bot.guard_trips.items()]
    yield Family("mm_guard_trip_total", "counter", "Trips of each guard.", guards)
    yield _gauge(
        "process_resident_memory_bytes", "Resident memory of the simulated process.", bot.resident_memory_bytes
    )
    yield _gauge("process_open_fds", "Open files of the simulated process.", bot.open_files)
    yield _gauge("process_start_time_seconds", "When the process started, seconds since 1970.", started_s)
    yield Family(
        "mm_build_info", "gauge", "Always 1; its label is the bot's version.", [("", {"version": VERSION}, 1.0)]
    )


def _pass_families(bot: LiveBot) -> Iterator[Family]:
    stages = [sample for stage, taken in bot.durations.items() for sample in _histogram(stage, taken)]
    yield Family("mm_stage_duration_ms", "histogram", "How long each stage of a pass took, in ms.", stages)
    yield _counter("mm_ticks_total", "Passes of the bot's loop.", bot.ticks)
    yield _counter("mm_deadline_miss_total", "Passes that took longer than the deadline.", bot.misses)
    yield _counter("mm_md_cache_hit_total", "Look-ups that the market data cache answered.", bot.hits)
    yield _counter("mm_md_cache_miss_total", "Look-ups that it did not.", bot.lookups - bot.hits)
    if bot.lags_ms:
        lags = np.array(bot.lags_ms)
        yield _gauge("mm_ws_lag_max_ms", "The latest message of the last 15 s.", float(lags.max()))
        yield _gauge("mm_ws_lag_p95_ms", "95th percentile of the messages of the last 15 s.", _p95(bot.lags_ms))


def _trading_families(bot: LiveBot) -> Iterator[Family]:
    yield _counter("mm_orders_sent_total", "Orders sent or replaced.", bot.orders_sent)
    yield _gauge("mm_orders_open", "Orders that stand.", bot.open_orders)
    positions = [("", {"symbol": item.symbol.name}, item.position) for item in bot.symbols]
    yield Family("mm_position", "gauge", "What is held of each symbol.", positions)
    for name, edge in bot.edges.items():
        value = edge.read(bot.now_s)
        if value is not None:
            yield _gauge(f"mm_edge_bps_{name}", "Decayed net edge over notional, in bps.", 1e4 * value)
    share = bot.makers.read(bot.now_s)
    if share is not None:
        yield _gauge("mm_maker_share_ratio", "Maker notional over notional, decayed in an hour.", share)
    if bot.ages_ms:
        yield _gauge(
            "mm_order_age_p95_ms", "95th percentile of the newest orders' ages at their fill.", _p95(bot.ages_ms)
        )


def _control_families(bot: LiveBot) -> Iterator[Family]:
    asked = bot.control.asked
    yield _one_of("mm_circuit_breaker_state", "1 for the state of the circuit.", CIRCUITS, bot.circuit)
    yield _one_of("mm_trading_state", "1 for the trading state.", TRADING_STATES, asked.trading_state)
    yield _gauge("mm_strategy_scale", "Share of the usual size that is quoted.", asked.strategy_scale)
    yield Family(
        "mm_profile", "gauge", "Always 1; its label is the trading profile.", [("", {"profile": asked.profile}, 1.0)]
    )


def _counter(name: str, says: str, value: float) -> Family:
    return Family(name, "counter", says, [("", {}, float(value))])


def _gauge(name: str, says: str, value: float) -> Family:
    return Family(name, "gauge", says, [("", {}, float(value))])


def _one_of(name: str, says: str, words: Iterable[str], chosen: str) -> Family:
    return Family(name, "gauge", says, [("", {"state": word}, float(word == chosen)) for word in words])


def _histogram(stage: str, taken: Durations) -> Iterator[Sample]:
    bounds = [*(str(bound) for bound in BUCKETS_MS), "+Inf"]
    below = 0
    for bound, count in zip(bounds, taken.counts, strict=True):
        below += count
        yield "_bucket", {"stage": stage, "le": bound}, float(below)
    yield "_sum", {"stage": stage}, taken.total_ms
    yield "_count", {"stage": stage}, float(below)


def _p95(values: Iterable[float]) -> float:
    return float(np.percentile(np.array(list(values)), 95))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.says}"
    yield f"# TYPE {family.name} {family.kind}"
    for suffix, labels, value in family.samples:
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{family.name}{suffix}{f'{{{pairs}}}' if pairs else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(int(value)) if value.is_integer() else repr(value)
