"""Every SLI from a real Prometheus equals the one from the recording that was backfilled into it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import requests

from mm_ops.adapters.prometheus import PrometheusSamples
from mm_ops.adapters.recording import RecordingSamples
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.metrics import measurements_from
from mm_ops.domain.soak.resolve import selectors_of
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import TimeWindow
from mm_ops.paperbot.recording import record
from mm_ops_tests.prometheus_server import backfilled
from mm_ops_tests.soak_samples import END, WINDOW, catalogue, judged, measured, soak_policy

pytestmark = pytest.mark.integration

SELECTORS = selectors_of(catalogue(), soak_policy())
TIMEOUT = timedelta(seconds=120)
EXTRAPOLATED = {"guard_trips"}
"""Queries that stretch a count to the window's edges; in the others it cancels, or there is none."""


def say_nothing(_: str) -> None: ...


@pytest.fixture(scope="module", name="recordings")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """72 h of a healthy bot and of a degraded one, which has restarts of nothing but breaches of everything."""
    root = tmp_path_factory.mktemp("recordings")
    for profile in ("healthy", "degraded"):
        record(root / profile, profile=profile, end=END, days=3, seed=7, progress=say_nothing)
    return {profile: root / profile for profile in ("healthy", "degraded")}


@pytest.fixture(scope="module", name="url")
def served(recordings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both bots in one server, each under its own label, as a fleet is."""
    frames = []
    for bot, root in recordings.items():
        files = sorted(root.glob("samples/*/samples.parquet"))
        named = pl.col("labels").str.replace('"bot":"paper"', f'"bot":"{bot}"', literal=True)
        frames.append(pl.concat([pl.read_parquet(file) for file in files]).with_columns(labels=named))
    with backfilled(pl.concat(frames).sort("metric", "labels", "ts_ns"), tmp_path_factory.mktemp("server")) as url:
        yield url


def from_prometheus(url: str, bot: str, window: TimeWindow = WINDOW) -> pl.DataFrame:
    return PrometheusSamples(url, {"bot": bot}, TIMEOUT).read(SELECTORS, window)


@pytest.mark.parametrize("profile", ["healthy", "degraded"])
def test_every_sli_from_prometheus_is_the_one_from_the_recording(
    recordings: dict[str, Path], url: str, profile: str
) -> None:
    recorded = RecordingSamples(recordings[profile]).read(SELECTORS, WINDOW)
    scraped = from_prometheus(url, profile)
    expected = measurements_from(measured(recorded))
    found = measurements_from(measured(scraped))
    assert {name: one.problem for name, one in found.items()} == dict.fromkeys(expected)
    for name, one in expected.items():
        assert found[name].value == pytest.approx(one.value, rel=1e-12, abs=0), name
        assert (found[name].samples, found[name].coverage, found[name].longest_gap_s) == (
            one.samples,
            one.coverage,
            one.longest_gap_s,
        )
    names = pl.col("labels").str.replace(f'"bot":"{profile}"', '"bot":"paper"', literal=True)
    assert scraped.with_columns(labels=names).equals(recorded)


BROKEN = {"tick_latency_p95_ms", "deadline_miss_ratio", "edge_bps_ema24h", "md_cache_hit_ratio"}


@pytest.mark.parametrize(
    ("profile", "broken"), [("healthy", set()), ("degraded", BROKEN | {f"{gate}_sustained" for gate in BROKEN})]
)
def test_the_gates_judge_the_server_as_they_judge_the_recording(
    recordings: dict[str, Path], url: str, profile: str, broken: set[str]
) -> None:
    for frame in (RecordingSamples(recordings[profile]).read(SELECTORS, WINDOW), from_prometheus(url, profile)):
        hard = {finding.gate: finding.verdict for finding in judged(measured(frame)) if finding.hard}
        assert hard == {gate: Verdict.FAIL if gate in broken else Verdict.PASS for gate in hard}
        assert broken <= set(hard)


@pytest.mark.parametrize("profile", ["healthy", "degraded"])
def test_the_query_of_a_finding_means_what_was_measured(url: str, profile: str) -> None:
    """Asked 1 ms before the end, so that the closed window of 2.x holds the samples of the half-open one."""
    metrics = measured(from_prometheus(url, profile))
    for name, entry in metrics["slis"].items():
        asked = {"query": entry["query"], "time": f"{WINDOW.end_ns / 1e9 - 0.001:.3f}"}
        answer = requests.post(f"{url}/api/v1/query", data=asked, timeout=60).json()
        (result,) = answer["data"]["result"]
        tolerance = 1e-4 if name in EXTRAPOLATED else 1e-9
        assert float(result["value"][1]) == pytest.approx(entry["value"], rel=tolerance, abs=0), name


def test_a_window_inside_a_day_is_cut_the_same_way(recordings: dict[str, Path], url: str) -> None:
    window = TimeWindow(WINDOW.start + timedelta(hours=5, seconds=7), WINDOW.start + timedelta(hours=31))
    recorded = RecordingSamples(recordings["healthy"]).read([Selector("mm_ticks_total")], window)
    scraped = PrometheusSamples(url, {"bot": "healthy"}, TIMEOUT).read([Selector("mm_ticks_total")], window)
    assert scraped["ts_ns"].to_list() == recorded["ts_ns"].to_list()
    assert scraped["value"].to_list() == recorded["value"].to_list()


def test_a_soak_of_more_points_than_a_range_query_may_have_is_read_whole(url: str) -> None:
    """72 h at 15 s are 17,280 points; the server's own limit is 11,000."""
    asked = {"query": 'mm_ws_lag_max_ms{bot="healthy"}', "step": 15}
    span = {"start": WINDOW.start_ns // 10**9, "end": WINDOW.end_ns // 10**9}
    refused = requests.post(f"{url}/api/v1/query_range", data=asked | span, timeout=60)
    assert (refused.status_code, "exceeded maximum resolution of 11,000 points" in refused.text) == (400, True)
    (series,) = PrometheusSamples(url, {"bot": "healthy"}, TIMEOUT).read_series([Selector("mm_ws_lag_max_ms")], WINDOW)
    assert series.values.size == 17_280


def test_two_bots_that_one_selector_matches_are_inconclusive(url: str) -> None:
    frame = PrometheusSamples(url, {}, TIMEOUT).read(SELECTORS, WINDOW)
    findings = judged(measured(frame))
    assert {finding.verdict for finding in findings} == {Verdict.INCONCLUSIVE}
    assert "bot=degraded; bot=healthy" in findings[0].reason


def test_a_bot_that_the_server_does_not_know_is_inconclusive(url: str) -> None:
    findings = judged(measured(from_prometheus(url, "other")))
    assert {finding.verdict for finding in findings} == {Verdict.INCONCLUSIVE}


def test_the_server_s_own_refusal_is_passed_on(url: str) -> None:
    with pytest.raises(SourceUnavailableError, match="status 400: bad_data: "):
        PrometheusSamples(url, {"no-label": "x"}, TIMEOUT).read([Selector("mm_ticks_total")], WINDOW)
