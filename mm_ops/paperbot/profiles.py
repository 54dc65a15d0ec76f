"""Every number of the simulated market and bot; the two profiles differ in nothing else."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way for the bot and its market to behave. bps are of the mid, times in the unit of the name."""

    name: str
    number: int
    half_spread_bps: float
    daily_volatility_bps: float
    impact_bps: float
    impact_delay_s: tuple[float, float]
    fills_per_day: float
    position_limit_lots: int
    hedge_probability: float
    maker_fee_bps: float
    taker_fee_bps: float
    order_age_median_ms: float
    order_age_sigma: float
    tick_median_ms: float
    tick_sigma: float
    cache_hit_probability: float
    guard_trips_per_day: float
    ws_lag_median_ms: float
    ws_lag_sigma: float
    ws_lag_spikes_per_day: float
    feed_gaps_per_day: int
    feed_gap_s: tuple[float, float]
    feed_stale_after_s: float
    resident_memory_mb: float


HEALTHY = Profile(
    name="healthy",
    number=1,  # of the day's random stream, so that profiles never share one
    half_spread_bps=4.0,  # a thin market: capture pays for adverse selection and hedges
    daily_volatility_bps=100.0,  # standard deviation of a day's log return: 1 %
    impact_bps=0.8,  # the mid moves this much against us after each maker fill
    impact_delay_s=(1.0, 4.0),  # uniform; all of it is inside the markout horizon of 5 s
    fills_per_day=2500.0,  # per symbol, Poisson
    position_limit_lots=12,  # small, so that carried inventory moves the day's edge by a tenth of a bp
    hedge_probability=0.04,  # with the forced ones about 5 % of notional is taken
    maker_fee_bps=-0.2,  # a rebate
    taker_fee_bps=4.0,  # paid, of notional at the price
    order_age_median_ms=120.0,  # of the order when it filled
    order_age_sigma=0.45,  # p95 = 120·exp(1.645·0.45) = 252 ms
    tick_median_ms=60.0,  # of one pass of the bot's loop, lognormal
    tick_sigma=0.34,  # p95 = 60·exp(1.645·0.34) = 105 ms; 0.35 % above the deadline of 150 ms
    cache_hit_probability=0.82,  # of one lookup; a soak needs 0.70
    guard_trips_per_day=0.0,  # all guards together; a healthy bot has none
    ws_lag_median_ms=15.0,  # of one message, lognormal
    ws_lag_sigma=0.42,  # the largest of a soak's half a million draws is near 15·exp(4.7·0.42) = 108 ms
    ws_lag_spikes_per_day=0.0,  # scrapes with one message 250 to 900 ms late
    feed_gaps_per_day=1,  # one reconnect of the exchange a day
    feed_gap_s=(8.0, 30.0),  # uniform; at most 3·30 s open in a soak of 72 h, which allows 300 s
    feed_stale_after_s=1.5,  # the breaker opens; the drill allows 2 s
    resident_memory_mb=180.0,  # level, with 1 % of noise and no trend
)

DEGRADED = replace(
    HEALTHY,
    name="degraded",
    number=2,  # a random stream of its own
    impact_bps=1.6,  # twice as adverse
    hedge_probability=0.24,  # about 20 % of notional is taken, the limit is 15 %
    maker_fee_bps=0.2,  # paid: the rebate tier is lost
    order_age_median_ms=350.0,  # p95 = 734 ms
    tick_median_ms=95.0,
    tick_sigma=0.405,  # p95 = 185 ms; 13 % above the deadline
    cache_hit_probability=0.62,  # a soak needs 0.70
    guard_trips_per_day=1.5,  # three days of four have one (1 − exp(−1.5) = 78 %)
    ws_lag_spikes_per_day=12.0,  # far above the limit of 200 ms, every day
    feed_gaps_per_day=4,  # each opens the breaker for one to two and a half minutes
    feed_gap_s=(90.0, 180.0),  # uniform
    feed_stale_after_s=30.0,  # misconfigured: the drill allows 2 s
    resident_memory_mb=420.0,  # level
)

PROFILES = {profile.name: profile for profile in (HEALTHY, DEGRADED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One linear instrument of the paper venue, settled in USDT."""

    name: str
    first_mid: float
    tick: float
    lot: float


SYMBOLS = (
    Symbol(name="AAA-USDT", first_mid=2000.0, tick=0.01, lot=0.5),
    Symbol(name="BBB-USDT", first_mid=500.0, tick=0.01, lot=2.0),
)
VENUE = "paper"
VERSION = "1.0.0"
"""The bot's own, exported as ``mm_build_info``: what ran is told by who ran it, not by who judges it."""
SETTLEMENT = "USDT"
GUARDS = ("max_position", "price_band", "loss_limit", "drift")
TAKER_SHARE_LIMIT = 0.15
DEADLINE_MS = 150.0
TICKS_PER_SCRAPE = 30
SCRAPE_S = 15
SCRAPES_PER_DAY = 86_400 // SCRAPE_S
BUCKETS_MS = (5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0)
MARKOUT_HORIZON_S = 5
