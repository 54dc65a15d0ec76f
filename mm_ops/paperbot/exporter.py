"""A day of the bot's metrics, computed from its fills, its outages and its ticks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.paperbot.engine import ORDERS_WHEN_QUOTING, BreakerState
from mm_ops.paperbot.feed import Outage
from mm_ops.paperbot.gauges import DAY_S, HOUR_S, decayed
from mm_ops.paperbot.profiles import (
    BUCKETS_MS,
    DEADLINE_MS,
    GUARDS,
    SCRAPES_PER_DAY,
    TICKS_PER_SCRAPE,
    VERSION,
    Profile,
)
from mm_ops.paperbot.scrapes import Counters, Scrapes
from mm_ops.paperbot.state import RECENT, BotState

_SHAPE = (SCRAPES_PER_DAY, TICKS_PER_SCRAPE)
_LOOKUPS_PER_TICK = 2


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in a day, all symbols together, each (n,) and sorted by time, but ``positions`` by symbol."""

    fill_ns: NDArray[np.int64]
    fill_notional: NDArray[np.float64]
    fill_maker: NDArray[np.bool_]
    fill_age_ms: NDArray[np.float64]
    close_ns: NDArray[np.int64]
    close_money: NDArray[np.float64]
    close_notional: NDArray[np.float64]
    positions: Mapping[str, NDArray[np.float64]]
    outages: list[Outage]


def export(rng: np.random.Generator, profile: Profile, scrapes: Scrapes, activity: Activity, state: BotState) -> None:
    """Add every series of the day to ``scrapes`` and carry the sums over into ``state``."""
    counters = Counters(scrapes, state.counters)
    _export_ticks(rng, profile, counters)
    _export_orders(scrapes, counters, activity)
    _export_edge(scrapes, activity, state)
    _export_ages(scrapes, activity, state)
    _export_connection(rng, profile, scrapes)
    _export_control(scrapes, activity)
    _export_guards(rng, profile, counters)
    _export_process(rng, profile, scrapes, state)
    state.counters = counters.ended


def _export_ticks(rng: np.random.Generator, profile: Profile, counters: Counters) -> None:
    ticks = rng.lognormal(np.log(profile.tick_median_ms), profile.tick_sigma, _SHAPE)
    counts = counters.add_histogram("mm_stage_duration_ms", ticks, {"stage": "tick_total"})
    fetch = ticks * rng.uniform(0.2, 0.5, _SHAPE)
    counters.add_histogram("mm_stage_duration_ms", fetch, {"stage": "fetch_md"})
    missed = counts[:, BUCKETS_MS.index(DEADLINE_MS) + 1 :].sum(axis=1)
    counters.add("mm_ticks_total", np.full(SCRAPES_PER_DAY, float(TICKS_PER_SCRAPE)))
    counters.add("mm_deadline_miss_total", missed)
    lookups = TICKS_PER_SCRAPE * _LOOKUPS_PER_TICK
    hits = rng.binomial(lookups, profile.cache_hit_probability, SCRAPES_PER_DAY).astype(np.float64)
    counters.add("mm_md_cache_hit_total", hits)
    counters.add("mm_md_cache_miss_total", lookups - hits)


def _export_orders(scrapes: Scrapes, counters: Counters, activity: Activity) -> None:
    slot = np.searchsorted(scrapes.grid_ns, activity.fill_ns, side="left")
    filled = np.bincount(slot, minlength=SCRAPES_PER_DAY + 1).astype(np.float64)
    closed = _breaker(scrapes, activity.outages) == BreakerState.CLOSED
    sent = filled[:-1] + np.where(closed, float(ORDERS_WHEN_QUOTING), 0.0)
    counters.add("mm_orders_sent_total", sent, after=float(filled[-1]))
    scrapes.add("mm_orders_open", np.where(closed, float(ORDERS_WHEN_QUOTING), 0.0))
    for symbol, position in activity.positions.items():
        scrapes.add("mm_position", position, {"symbol": symbol})


def _export_edge(scrapes: Scrapes, activity: Activity, state: BotState) -> None:
    for name, half_life_s in (("ema1h", HOUR_S), ("ema24h", DAY_S)):
        money = _sum(scrapes, state, f"money_{name}", activity.close_ns, activity.close_money, half_life_s)
        notional = _sum(scrapes, state, f"notional_{name}", activity.close_ns, activity.close_notional, half_life_s)
        first = int(np.argmax(notional > 0)) if (notional > 0).any() else SCRAPES_PER_DAY
        scrapes.add(f"mm_edge_bps_{name}", 1e4 * money[first:] / notional[first:], first=first)
    made = np.where(activity.fill_maker, activity.fill_notional, 0.0)
    maker = _sum(scrapes, state, "maker", activity.fill_ns, made, HOUR_S)
    both = _sum(scrapes, state, "both", activity.fill_ns, activity.fill_notional, HOUR_S)
    first = int(np.argmax(both > 0)) if (both > 0).any() else SCRAPES_PER_DAY
    scrapes.add("mm_maker_share_ratio", maker[first:] / both[first:], first=first)


def _sum(
    scrapes: Scrapes,
    state: BotState,
    name: str,
    times_ns: NDArray[np.int64],
    amounts: NDArray[np.float64],
    half_life_s: float,
) -> NDArray[np.float64]:
    sums = decayed(times_ns, amounts, scrapes.grid_ns, half_life_s=half_life_s, before=state.sums.get(name, 0.0))
    state.sums[name] = float(sums[-1])
    return sums[:-1]


def _export_ages(scrapes: Scrapes, activity: Activity, state: BotState) -> None:
    ages = np.concatenate([np.array(state.ages_ms), activity.fill_age_ms])
    known = len(state.ages_ms) + np.searchsorted(activity.fill_ns, scrapes.grid_ns, side="right")
    newest = np.unique(known)
    p95 = {end: float(np.percentile(ages[max(0, end - RECENT) : end], 95)) for end in newest.tolist() if end > 0}
    first = int(np.argmax(known > 0)) if (known > 0).any() else SCRAPES_PER_DAY
    scrapes.add("mm_order_age_p95_ms", np.array([p95[end] for end in known[first:].tolist()]), first=first)
    state.ages_ms = ages[-RECENT:].tolist()


def _export_connection(rng: np.random.Generator, profile: Profile, scrapes: Scrapes) -> None:
    lags = rng.lognormal(np.log(profile.ws_lag_median_ms), profile.ws_lag_sigma, _SHAPE)
    spikes = rng.uniform(size=SCRAPES_PER_DAY) < profile.ws_lag_spikes_per_day / SCRAPES_PER_DAY
    lags[spikes, 0] += rng.uniform(250.0, 900.0, int(spikes.sum()))
    scrapes.add("mm_ws_lag_max_ms", lags.max(axis=1))
    scrapes.add("mm_ws_lag_p95_ms", np.percentile(lags, 95, axis=1))


def _export_control(scrapes: Scrapes, activity: Activity) -> None:
    breaker = _breaker(scrapes, activity.outages)
    for state in BreakerState:
        scrapes.add("mm_circuit_breaker_state", (breaker == state).astype(np.float64), {"state": state.value})
    for name, on in (("ACTIVE", 1.0), ("REDUCING", 0.0), ("HALTED", 0.0)):
        scrapes.add("mm_trading_state", np.full(SCRAPES_PER_DAY, on), {"state": name})
    scrapes.add("mm_strategy_scale", np.ones(SCRAPES_PER_DAY))
    scrapes.add("mm_profile", np.ones(SCRAPES_PER_DAY), {"profile": "base"})


def _breaker(scrapes: Scrapes, outages: list[Outage]) -> NDArray[np.str_]:
    seconds = (scrapes.grid_ns - scrapes.start_ns) / 1e9
    found = np.full(SCRAPES_PER_DAY, BreakerState.CLOSED.value, dtype="<U9")
    for outage in outages:
        found[(seconds >= outage.opened) & (seconds < outage.closed)] = BreakerState.OPEN.value
        found[(seconds >= outage.half_open) & (seconds < outage.closed)] = BreakerState.HALF_OPEN.value
    return found


def _export_guards(rng: np.random.Generator, profile: Profile, counters: Counters) -> None:
    for guard in GUARDS:
        trips = rng.poisson(profile.guard_trips_per_day / len(GUARDS) / SCRAPES_PER_DAY, SCRAPES_PER_DAY)
        counters.add("mm_guard_trip_total", trips.astype(np.float64), {"guard": guard})


def _export_process(rng: np.random.Generator, profile: Profile, scrapes: Scrapes, state: BotState) -> None:
    memory = profile.resident_memory_mb * (1 + 0.01 * rng.normal(size=SCRAPES_PER_DAY))
    scrapes.add("process_resident_memory_bytes", np.round(memory * 1024) * 1024)
    scrapes.add("process_open_fds", rng.integers(60, 68, SCRAPES_PER_DAY).astype(np.float64))
    scrapes.add("process_start_time_seconds", np.full(SCRAPES_PER_DAY, state.start_s))
    scrapes.add("mm_build_info", np.ones(SCRAPES_PER_DAY), {"version": VERSION})
    scrapes.add("up", np.ones(SCRAPES_PER_DAY))
