"""The bot as it runs: one step of half a second of its own clock at a time, obeying what it is asked.

An order is sent, changed or cancelled at the next step, never within a request. A profile's settings say how wide it
quotes and how many orders stand at most; the paper venue refuses no order, so the pause after one is told and not felt.
The wall clock only says how many steps are due; the same seed, commands and steps give the same bot.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mm_ops.paperbot.control import Control, RefusalError, check, check_settings, strictest
from mm_ops.paperbot.engine import ORDERS_WHEN_QUOTING, Breaker, BreakerState
from mm_ops.paperbot.faults import Strengths, under
from mm_ops.paperbot.gauges import DAY_S, HOUR_S
from mm_ops.paperbot.live_sums import DecayingRatio
from mm_ops.paperbot.live_symbol import STEP_S, Leave, LiveFill, LiveSymbol
from mm_ops.paperbot.profiles import (
    BUCKETS_MS,
    DEADLINE_MS,
    GUARDS,
    SYMBOLS,
    TICKS_PER_SCRAPE,
    VERSION,
    Profile,
)
from mm_ops.paperbot.state import RECENT, BotState

_LOOKUPS_PER_TICK = 2
RECEIVE_AHEAD_S = 1.0
"""How far ahead of its own clock an exchange takes an order's time (Binance's documentation: timing security)."""
_STEPS_PER_DAY = DAY_S / STEP_S
STAGES = ("tick_total", "fetch_md")


@dataclass(slots=True)
class Durations:
    """How long passes took, by bucket (the last one is unbounded), and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))
    total_ms: float = 0.0

    def observe(self, duration_ms: float) -> None:
        """Count one."""
        self.counts[sum(duration_ms > bound for bound in BUCKETS_MS)] += 1
        self.total_ms += duration_ms


class LiveBot:
    """The simulated bot and what it counts.

    Args:
        profile: of the market and the bot.
        seed: of everything that is drawn.
        warm: mids, positions, decayed sums and order ages to begin with.
        control: what it was asked for.
    """

    def __init__(self, profile: Profile, seed: int, warm: BotState, control: Control) -> None:
        self.control, self.now_s = control, 0.0
        self.symbols = [LiveSymbol(item, *_start(warm, item.name)) for item in SYMBOLS]
        self.breaker = Breaker(profile.feed_stale_after_s)
        self.open_orders, self.orders_sent = 0, 0
        self.durations = {stage: Durations() for stage in STAGES}
        self.ticks, self.misses, self.hits, self.lookups = 0, 0, 0, 0
        self.guard_trips = dict.fromkeys(GUARDS, 0)
        self.edges = {
            "ema1h": _ratio(warm, HOUR_S, "money_ema1h", "notional_ema1h"),
            "ema24h": _ratio(warm, DAY_S, "money_ema24h", "notional_ema24h"),
        }
        self.makers = _ratio(warm, HOUR_S, "maker", "both")
        self.ages_ms = deque(warm.ages_ms, maxlen=RECENT)
        self.lags_ms: deque[float] = deque(maxlen=TICKS_PER_SCRAPE)
        self.leaked_mb = 0.0
        self._rng = np.random.default_rng([seed, profile.number])
        self._noise = np.random.default_rng([seed, profile.number, 1])  # so that looking changes nothing
        self._usual, self._faults = profile, dict[str, float]()
        self._profile = profile
        self._feed_s, self._gap_until_s = 0.0, -1.0
        self.order_breaker, self._accepted_s = Breaker(profile.feed_stale_after_s), 0.0
        self._adopt()

    @property
    def half_spread_bps(self) -> float:
        """Of its quotes now, from their mid."""
        return self._profile.half_spread_bps

    @property
    def faults(self) -> Strengths:
        """What goes wrong now."""
        return self._faults

    @property
    def resident_memory_bytes(self) -> int:
        """Of the simulated process: what its profile says, with 1 % of noise, and what has leaked."""
        level = self._profile.resident_memory_mb * (1 + 0.01 * self._noise.standard_normal()) + self.leaked_mb
        return round(level * 1024) * 1024

    @property
    def open_files(self) -> int:
        """Of the simulated process."""
        return int(self._noise.integers(60, 68))

    @property
    def circuit(self) -> str:
        """The strictest of what it was asked for and of what its breakers on feed and orders say."""
        own = strictest(self.breaker.state.value, self.order_breaker.state.value)
        return strictest(self.control.asked.circuit, own)

    @property
    def clock_skew_s(self) -> float:
        """How far its clock is ahead."""
        return self._faults.get("clock_skew", 0.0)

    def state(self) -> dict[str, Any]:
        """What it says of itself, but for the clock."""
        asked = self.control.asked
        return {
            **asked.as_dict(),
            "circuit": self.circuit,
            "asked_circuit": asked.circuit,
            "open_orders": self.open_orders,
            "quotes": self._quotes(),
            "version": VERSION,
            "sequence": self.control.sequence,
        }

    def suffer(self, faults: Strengths) -> None:
        """Let these faults, and no others, be the case from now on."""
        self._faults = dict(faults)
        self._adopt()

    def put(self, name: str, value: Any, key: str | None, settings: Any = None) -> bool:
        """Obey one command.

        Raises:
            RefusalError: as :meth:`Control.put`.
        """
        done = self.control.put(name, value, key, settings)
        self._adopt()
        return done

    def override(self, values: Mapping[str, Any]) -> list[str]:
        """Obey what an overrides file says, field by field; gives back what was refused, in words."""
        refused = []
        settings = values.get("profile_settings")
        for name, value in values.items():
            if name == "profile_settings" and "profile" in values:
                continue
            try:
                own = check_settings(settings) if name == "profile" else None
                self.control.change(name, check(name, value), own)
            except KeyError:
                refused.append(f"no field {name!r}")
            except RefusalError as error:
                refused.append(error.detail)
        self._adopt()
        return refused

    def step(self) -> None:
        """Run one pass of the bot's loop."""
        self.now_s += STEP_S
        self._watch_feed()
        self._trade()
        self._measure_pass()
        self._requote()
        self.ticks += 1

    def _adopt(self) -> None:
        factor = self.control.asked.profile_settings.spread_factor
        asked = replace(
            self._usual,
            half_spread_bps=self._usual.half_spread_bps * factor,
            fills_per_day=self._usual.fills_per_day / factor,
        )
        self._profile = under(asked, self._faults)

    def _quotes(self) -> dict[str, dict[str, float]]:
        """Where its orders stand, by symbol; nowhere without one."""
        if self.open_orders == 0:
            return {}
        touches = {item.symbol.name: item.touch(self._profile.half_spread_bps) for item in self.symbols}
        return {name: {"bid": bid, "ask": ask} for name, (bid, ask) in touches.items()}

    def _watch_feed(self) -> None:
        profile, rng, was = self._profile, self._rng, self.circuit
        if self.now_s > self._gap_until_s and rng.random() < profile.feed_gaps_per_day / _STEPS_PER_DAY:
            self._gap_until_s = self.now_s + float(rng.uniform(*profile.feed_gap_s))
        if self.now_s > self._gap_until_s and "feed_cut" not in self._faults:
            self._feed_s = self.now_s
        self.breaker.observe(self.now_s, self._feed_s)
        if not self._rejected():
            self._accepted_s = self.now_s
        self.order_breaker.observe(self.now_s, self._accepted_s)
        self.control.sequence += self.circuit != was

    def _rejected(self) -> bool:
        """Whether the exchange takes no order now, nor a test order while the breaker is open."""
        return "order_rejects" in self._faults or self.clock_skew_s > RECEIVE_AHEAD_S

    def _leave(self) -> Leave:
        if self.open_orders == 0:
            return Leave.NOTHING
        return Leave.REDUCE if self.control.asked.trading_state == "REDUCING" else Leave.QUOTE

    def _trade(self) -> None:
        profile, asked = self._profile, self.control.asked
        scale, frozen = asked.strategy_scale, asked.orders_frozen
        for symbol in self.symbols:
            fill = symbol.trade(self._rng, profile, self.now_s, self._leave(), scale, frozen=frozen)
            if fill is not None:
                self._count_fill(fill)
            symbol.walk(self._rng, profile, self.now_s)
            for money, notional in symbol.close_due(self.now_s, profile.half_spread_bps):
                for edge in self.edges.values():
                    edge.add(self.now_s, money, notional)

    def _count_fill(self, fill: LiveFill) -> None:
        self.makers.add(self.now_s, fill.notional if fill.maker else 0.0, fill.notional)
        self.ages_ms.append(fill.age_ms)
        if fill.maker:
            self.open_orders -= 1
        else:
            self.orders_sent += 1

    def _measure_pass(self) -> None:
        profile, rng = self._profile, self._rng
        took_ms = float(rng.lognormal(math.log(profile.tick_median_ms), profile.tick_sigma))
        self.durations["tick_total"].observe(took_ms)
        self.durations["fetch_md"].observe(took_ms * float(rng.uniform(0.2, 0.5)))
        self.misses += took_ms > DEADLINE_MS
        self.hits += int(rng.binomial(_LOOKUPS_PER_TICK, profile.cache_hit_probability))
        self.lookups += _LOOKUPS_PER_TICK
        late_ms = float(rng.lognormal(math.log(profile.ws_lag_median_ms), profile.ws_lag_sigma))
        if rng.random() < profile.ws_lag_spikes_per_day / _STEPS_PER_DAY:
            late_ms += float(rng.uniform(250.0, 900.0))
        self.lags_ms.append(late_ms)
        if rng.random() < profile.guard_trips_per_day / _STEPS_PER_DAY:
            self.guard_trips[GUARDS[int(rng.integers(len(GUARDS)))]] += 1
        self.leaked_mb += self._faults.get("memory_leak", 0.0) * STEP_S / HOUR_S

    def _requote(self) -> None:
        wanted = self._wanted()
        self.open_orders = min(wanted, self.open_orders)  # cancels are always allowed
        if self.control.asked.orders_frozen:
            return
        if self._rejected():
            self.orders_sent += wanted
            self.open_orders = 0
            return
        renewed = wanted if self.ticks % TICKS_PER_SCRAPE == 0 else wanted - self.open_orders
        self.orders_sent += renewed
        self.open_orders = wanted

    def _wanted(self) -> int:
        asked = self.control.asked
        if asked.trading_state == "HALTED" or self.circuit != BreakerState.CLOSED or asked.strategy_scale == 0:
            return 0
        if asked.trading_state == "REDUCING":
            return min(sum(symbol.position_lots != 0 for symbol in self.symbols), asked.profile_settings.max_in_flight)
        return min(ORDERS_WHEN_QUOTING, asked.profile_settings.max_in_flight)


def _start(warm: BotState, name: str) -> tuple[float, int]:
    return warm.symbols[name].log_mid, warm.symbols[name].position_lots


def _ratio(warm: BotState, half_life_s: float, above: str, below: str) -> DecayingRatio:
    return DecayingRatio.of(half_life_s, warm.sums.get(above, 0.0), warm.sums.get(below, 0.0))
