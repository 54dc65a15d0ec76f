import re

import pytest

from mm_ops.adapters.bot_metrics import CONTROL_METRICS, check_metrics
from mm_ops.adapters.exposition import parse_exposition
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.verdict import Verdict
from mm_ops.paperbot.control import Control
from mm_ops.paperbot.live import LiveBot
from mm_ops.paperbot.live_metrics import expose
from mm_ops.paperbot.profiles import HEALTHY
from mm_ops.paperbot.state import BotState
from mm_ops_tests.requirements import PROJECT


@pytest.fixture(scope="module")
def catalogue() -> SliCatalogue:
    return read_policy(PROJECT / "deploy/policies/slis.yaml", SliCatalogue)


@pytest.fixture(scope="module")
def text() -> str:
    bot = LiveBot(HEALTHY, 7, BotState(0.0), Control(0))
    for _ in range(1000):
        bot.step()
    return expose(bot, 1.0)


def failed(catalogue: SliCatalogue, text: str) -> dict[str, str]:
    checks = check_metrics(parse_exposition(text, "scrape"), catalogue)
    assert len(checks) == len(catalogue.slis) + len(CONTROL_METRICS)
    return {check.promise: check.was for check in checks if check.verdict is not Verdict.PASS}


def without(text: str, pattern: str) -> str:
    lines = [line for line in text.splitlines() if not re.search(pattern, line)]
    assert len(lines) < len(text.splitlines())
    return "\n".join(lines)


def test_a_scrape_with_everything_passes_everywhere(catalogue: SliCatalogue, text: str):
    assert failed(catalogue, text) == {}


def test_nothing_at_all_fails_everywhere(catalogue: SliCatalogue):
    assert len(failed(catalogue, "")) == len(catalogue.slis) + len(CONTROL_METRICS)


LACKING = {
    r'^mm_guard_trip_total\{guard="drift"': {
        "sli guard_trips": 'no series mm_guard_trip_total{guard="drift"} yet: it must be there at 0 from the start'
    },
    r'tick_total",le="150\.0"': {
        "sli tick_latency_p95_ms": "no bucket le=150",
        "sli tick_latency_p50_ms": "no bucket le=150",
    },
    r'tick_total",le="\+Inf"': {
        "sli tick_latency_p95_ms": "no bucket le=inf",
        "sli tick_latency_p50_ms": "no bucket le=inf",
    },
    r"^mm_deadline_miss_total": {"sli deadline_miss_ratio": "no series mm_deadline_miss_total"},
    r'^mm_circuit_breaker_state\{state="open"': {
        "sli circuit_open_seconds": 'no series mm_circuit_breaker_state{state="open"}',
        "metric mm_circuit_breaker_state": "no state=open",
    },
    r'^mm_trading_state\{state="HALTED"': {"metric mm_trading_state": "no state=HALTED"},
    r"^mm_orders_sent_total": {"metric mm_orders_sent_total": "no series mm_orders_sent_total"},
    r"^mm_build_info": {
        "sli bot_version": "no series mm_build_info",
        "metric mm_build_info": "no series mm_build_info",
    },
}


@pytest.mark.parametrize("pattern", LACKING)
def test_what_is_lacking_is_named_and_nothing_else(catalogue: SliCatalogue, text: str, pattern: str):
    assert failed(catalogue, without(text, pattern)) == LACKING[pattern]


def test_a_profile_without_its_label_is_no_profile(catalogue: SliCatalogue, text: str):
    assert failed(catalogue, text.replace('mm_profile{profile="base"}', "mm_profile")) == {
        "metric mm_profile": "no profile=label"
    }


def test_a_gauge_that_is_no_number_is_named(catalogue: SliCatalogue, text: str):
    changed = re.sub(r"^mm_edge_bps_ema24h .*$", "mm_edge_bps_ema24h NaN", text, flags=re.MULTILINE)
    assert failed(catalogue, changed) == {"sli edge_bps_ema24h": "mm_edge_bps_ema24h is nan"}


def test_a_negative_edge_is_a_number_and_a_negative_counter_is_not(catalogue: SliCatalogue, text: str):
    edge = re.sub(r"^mm_edge_bps_ema24h .*$", "mm_edge_bps_ema24h -3", text, flags=re.MULTILINE)
    assert failed(catalogue, edge) == {}
    ticks = re.sub(r"^mm_ticks_total .*$", "mm_ticks_total -3", text, flags=re.MULTILINE)
    assert failed(catalogue, ticks) == {"sli deadline_miss_ratio": "mm_ticks_total is -3"}


def test_buckets_that_fall_or_are_not_foreseen_are_named(catalogue: SliCatalogue, text: str):
    line = 'mm_stage_duration_ms_bucket{stage="tick_total",le="'
    falling = re.sub(rf'^{re.escape(line)}300\.0"}} .*$', f'{line}300.0"}} 0', text, flags=re.MULTILINE)
    assert set(failed(catalogue, falling).values()) == {"buckets that do not cumulate"}
    more = f'{text}{line}175.0"}} 1000\n'
    assert any("does not foresee: le=175" in said for said in failed(catalogue, more).values())


def test_a_bound_may_be_written_without_its_fraction(catalogue: SliCatalogue, text: str):
    assert failed(catalogue, text.replace('.0"}', '"}')) == {}
