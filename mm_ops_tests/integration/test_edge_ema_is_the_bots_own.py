"""Our averages from the recorded fills and quotes against the gauges that the bot exported, at all samples of a day.

With the sums that the bot had at midnight they agree to the last bits. Begun with nothing they differ as long as what
was before weighs: after n half-lives by 2^-n of the difference. One more can differ: what falls between midnight and
the day's first quote (0.4 s at most) the bot closes at the mid of its model, which is not rounded to the price grid,
where we take the last quote of the day before. On these days there is no such fill.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.ema import EmaState, decay, stretch_ns
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.edge.ema_policy import EmaPolicy, EmaRule
from mm_ops.domain.edge.ema_track import HandedOn
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import measure_parts
from mm_ops.domain.windows import TimeWindow, to_ns
from mm_ops.paperbot.recording import record
from mm_ops_tests.closed_fills import close_fills
from mm_ops_tests.paperbot.recorded import samples, series

FIRST, SECOND = date(2026, 11, 19), date(2026, 11, 20)
DAY = TimeWindow.of_day(SECOND)
POLICIES = Path("deploy/policies")
POLICY = read_policy(POLICIES / "ema.yaml", EmaPolicy)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, profile="healthy", end=SECOND, days=2, seed=1, progress=lambda _: None)
    return folder


@pytest.fixture(scope="module")
def closed(root: Path) -> ClosedFills:
    """What closes on the second day, from both days' files."""
    both = TimeWindow(DAY.start - timedelta(days=1), DAY.end)
    return close_fills(
        read_fills(root / "fills", both),
        read_quotes(root / "quotes", both),
        horizon=POLICY.horizon,
        policy=read_policy(POLICIES / "edge.yaml", EdgePolicy),
        instruments=read_policy(POLICIES / "instruments.yaml", Instruments),
        window=DAY,
    )


def at_midnight(sums: Mapping[str, Any], rule: EmaRule) -> EmaState:
    """The bot's own sums at the second day's start, at the scale of our stretch."""
    stretch = DAY.start_ns // stretch_ns(rule.half_life)
    scale = 2 ** ((DAY.start_ns - stretch * stretch_ns(rule.half_life)) / 1e9 / rule.half_life.total_seconds())
    return EmaState(
        half_life_s=rule.half_life.total_seconds(),
        stretch=stretch,
        money=sums[f"money_{rule.name}"] * scale,
        notional=sums[f"notional_{rule.name}"] * scale,
        last_ns=DAY.start_ns,
        known_ns=DAY.start_ns,
    )


@pytest.mark.parametrize("rule", POLICY.emas, ids=lambda rule: rule.name)
def test_with_what_was_before_midnight_every_sample_is_the_bots(root: Path, closed: ClosedFills, rule: EmaRule):
    """Each is a sum of up to 10,000 fills, so equal to 1e-11 bps at least; measured 2e-14."""
    sums = json.loads((root / f"days/date={FIRST}/day.json").read_bytes())["state"]["sums"]
    day = samples(root, SECOND)
    times = day.filter(metric=f"mm_edge_bps_{rule.name}").sort("ts_ns")["ts_ns"].to_numpy()
    found = decay(closed, rule.half_life, at_midnight(sums, rule)).at(times)
    assert times.size == 5760
    assert closed.known.all()
    assert np.abs(found.edge_bps - series(day, f"mm_edge_bps_{rule.name}")).max() < 1e-11


def test_begun_with_nothing_the_difference_halves_with_each_half_life(root: Path, closed: ClosedFills):
    """After 12 h ``ema1h`` has forgotten but 2^-12 of what was before, which differs by less than 2 bps."""
    day = samples(root, SECOND)
    gauge = series(day, "mm_edge_bps_ema1h")
    times = day.filter(metric="mm_edge_bps_ema1h").sort("ts_ns")["ts_ns"].to_numpy()
    off = np.abs(decay(closed, timedelta(hours=1)).at(times).edge_bps - gauge)
    late = times - DAY.start_ns >= 12 * 3600 * 10**9
    assert 0 < off[late].max() < 2 * 2**-12


def test_the_policy_has_a_value_all_day_for_a_bot_that_ran_the_day_before(root: Path, closed: ClosedFills):
    sums = json.loads((root / f"days/date={FIRST}/day.json").read_bytes())["state"]["sums"]
    for rule in POLICY.emas:
        found = decay(closed, rule.half_life, at_midnight(sums, rule)).at(closed.close_ns)
        assert np.isfinite(found.trusted(rule.min_notional["USDT"], POLICY.min_known_share)).all()


EDGE = EdgePolicies(
    inputs=read_policy(POLICIES / "inputs.yaml", InputsPolicy),
    edge=read_policy(POLICIES / "edge.yaml", EdgePolicy),
    instruments=read_policy(POLICIES / "instruments.yaml", Instruments),
)


def averages(root: Path, day: date, before: Mapping[str, HandedOn]) -> dict[str, Any]:
    """The section ``ema`` of one day's report, as the asset makes it of that day's files alone."""
    window = TimeWindow.of_day(day)
    inputs = MarketInputs(Request(fills=root / "fills", quotes=root / "quotes", window=window), EDGE, also=before)
    measured = measure_parts(
        inputs.parts(), policy=EDGE.edge, instruments=EDGE.instruments, window=window, ema=POLICY, before=before
    )
    section: dict[str, Any] = json.loads(encode(measured.report))["ema"]
    return section


def test_reports_of_two_days_one_after_the_other_say_what_the_bot_says_on_the_second(root: Path):
    """The bot had traded before the first day: of what was then 2^-24 is left in ``ema1h``, of less than 2 bps."""
    first = averages(root, FIRST, {})
    second = averages(root, SECOND, {symbol: HandedOn.load(saved) for symbol, saved in first["handed_on"].items()})
    gauge = samples(root, SECOND).filter(metric="mm_edge_bps_ema1h").sort("ts_ns")
    at = np.array([to_ns(datetime.fromisoformat(one)) for one in second["at"]])[1:-1]
    scraped = np.searchsorted(gauge["ts_ns"].to_numpy(), at)
    assert (gauge["ts_ns"].to_numpy()[scraped] == at).all(), "the bot is scraped at round quarters too"
    bots = series(samples(root, SECOND), "mm_edge_bps_ema1h")[scraped]
    off = np.abs(np.array(second["series"]["ema1h"][1:-1]) - bots)
    assert off.max() < 2 * 2**-24
    assert off[-1] < 1e-11
    assert second["total"]["ema1h"]["edge_bps"] == second["series"]["ema1h"][-1]
