import subprocess
from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.exposition import Sample, parse_exposition
from mm_ops.domain.sli.series import parse_labels
from mm_ops.paperbot.control import Control
from mm_ops.paperbot.live import LiveBot
from mm_ops.paperbot.live_metrics import expose
from mm_ops.paperbot.profiles import HEALTHY
from mm_ops.paperbot.state import BotState
from mm_ops_tests.paperbot.recorded import samples
from mm_ops_tests.requirements import require_binary

Key = tuple[str, tuple[tuple[str, str], ...]]


def exported(steps: int) -> str:
    found = LiveBot(HEALTHY, 7, BotState(0.0), Control(0))
    for _ in range(steps):
        found.step()
    return expose(found, 1_795_564_800.25)


def key(sample: Sample) -> Key:
    return sample.metric, tuple(sorted(sample.labels.items()))


@pytest.fixture(scope="module")
def hour() -> dict[Key, float]:
    return {key(one): one.value for one in parse_exposition(exported(7200), "live")}


def test_the_series_are_those_of_a_recording_but_for_what_the_scraper_adds(hour: dict[Key, float], healthy: Path):
    recorded = samples(healthy, date(2026, 11, 20)).select("metric", "labels").unique()
    wanted = set()
    for metric, text in recorded.iter_rows():
        labels = parse_labels(metric, text)
        assert labels.pop("bot") == "paper"
        wanted.add((metric, tuple(sorted(labels.items()))))
    assert set(hour) == wanted - {("up", ())}


def test_what_has_not_happened_yet_is_there_at_zero_and_what_cannot_be_known_is_not_there():
    first = {key(one): one.value for one in parse_exposition(exported(0), "live")}
    guards = [value for (metric, _), value in first.items() if metric == "mm_guard_trip_total"]
    buckets = [value for (metric, _), value in first.items() if metric == "mm_stage_duration_ms_bucket"]
    assert (guards, buckets) == ([0.0] * 4, [0.0] * 24)
    assert first["mm_ticks_total", ()] == first["mm_orders_sent_total", ()] == 0.0
    unknown = {"mm_edge_bps_ema24h", "mm_maker_share_ratio", "mm_order_age_p95_ms", "mm_ws_lag_max_ms"}
    assert not unknown & {metric for metric, _ in first}


def test_buckets_cumulate_up_to_the_count(hour: dict[Key, float]):
    for stage in ("tick_total", "fetch_md"):
        counts = [
            v for (metric, labels), v in hour.items() if metric.endswith("_bucket") and ("stage", stage) in labels
        ]
        assert counts == sorted(counts)
        assert counts[-1] == hour["mm_stage_duration_ms_count", (("stage", stage),)] == 7200.0


def test_the_numbers_agree_with_each_other(hour: dict[Key, float]):
    assert hour["mm_ticks_total", ()] == 7200.0
    assert hour["mm_md_cache_hit_total", ()] + hour["mm_md_cache_miss_total", ()] == 14_400.0
    within = hour["mm_stage_duration_ms_bucket", (("le", "150.0"), ("stage", "tick_total"))]
    assert hour["mm_deadline_miss_total", ()] == 7200.0 - within
    assert hour["process_start_time_seconds", ()] == 1_795_564_800.25
    assert hour["mm_ws_lag_max_ms", ()] >= hour["mm_ws_lag_p95_ms", ()] > 0


@pytest.mark.integration
def test_promtool_has_nothing_against_it_but_the_unit_in_a_name():
    done = subprocess.run(
        [require_binary("promtool"), "check", "metrics"],
        input=exported(7200),
        capture_output=True,
        text=True,
        check=False,
    )
    lints = done.stderr.splitlines()
    assert [line for line in lints if "should not contain abbreviated units" not in line] == []
    assert {line.split()[0] for line in lints} == {
        "mm_order_age_p95_ms", "mm_stage_duration_ms", "mm_ws_lag_max_ms", "mm_ws_lag_p95_ms",
    }  # fmt: skip
