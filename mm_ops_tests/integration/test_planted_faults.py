"""72 h with planted faults in a real Prometheus: each is found, the same from the server as from a recording.

On top of the healthy bot of :mod:`mm_ops_tests.soak_samples`, hours after the window's start:

    10     29 min with a tenth of the ticks slower than 150 ms, at most 200 ms
    12     one guard trips
    30     a restart: 2 min without samples, and every counter from 0
    45     30 min without samples
    50     10 min of NaN for the edge
    60     one sample of 900 ms ws lag, 15 s after the hour
    65     2 h of edge at 1.5 bps
    68     the breaker is open for 3 min, and at 70 for 7 min

So every series has 17,280 - 8 - 120 samples and a gap of 30 min and one scrape.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import requests

from mm_ops.adapters.prometheus import PrometheusSamples
from mm_ops.adapters.recording import RecordingSamples
from mm_ops.domain.canonical import encode
from mm_ops.domain.sli.measurement import Measurement, Scope
from mm_ops.domain.sli.series import Series, labels_text, split_series
from mm_ops.domain.soak.alerting import alert_value
from mm_ops.domain.soak.gate import evaluate_gate
from mm_ops.domain.soak.replay import alert_values, evaluation_times, replay
from mm_ops.domain.soak.sustained import judge_sustained, measure_sustained
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import NS_PER_SECOND
from mm_ops_tests.prometheus_server import backfilled
from mm_ops_tests.soak_samples import STEP, WINDOW, Array, catalogue, frame_of, healthy, soak_policy, write_recording

pytestmark = pytest.mark.integration

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
SLIS = {sli.name: sli for sli in catalogue().slis}
GATES = {gate.name: gate for gate in soak_policy().gates if gate.alert}
SCOPE = Scope(WINDOW, STEP)
SAMPLES = 17_280 - 8 - 120
MINUTE = 1 / 60
EXACT = {"edge_bps_ema24h", "circuit_open_seconds", "guard_trips", "ws_lag_max_ms"}
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Soak:
    """The same samples from both sources."""

    url: str
    scraped: pl.DataFrame
    recorded: pl.DataFrame


def plant(series: Series, *, nan: bool = True) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Array]:
    hour = (series.ts_ns - WINDOW.start_ns) / (3600 * NS_PER_SECOND)
    values = series.values.copy()
    match series.metric, series.labels.get("guard", series.labels.get("state")):
        case "mm_stage_duration_ms_bucket", _ if 100 <= float(series.labels["le"]) <= 150:
            values -= np.cumsum((hour >= 10) & (hour < 10 + 29 * MINUTE))
        case "mm_guard_trip_total", "drift":
            values[hour >= 12] += 1
        case "mm_edge_bps_ema24h", _:
            values[(hour >= 50) & (hour < 50 + 10 * MINUTE)] = np.nan if nan else 2.5
            values[(hour >= 65) & (hour < 67)] = 1.5
        case "mm_ws_lag_max_ms", _:
            values[np.flatnonzero(hour >= 60)[0] + 1] = 900
        case "mm_circuit_breaker_state", state:
            opened = ((hour >= 68) & (hour < 68 + 3 * MINUTE)) | ((hour >= 70) & (hour < 70 + 7 * MINUTE))
            values = np.where(opened == (state == "open"), 1.0, 0.0)
    if series.metric.endswith(("_total", "_bucket")):
        values[hour >= 30] -= values[hour < 30][-1]
    lost = ((hour >= 30) & (hour < 30 + 2 * MINUTE)) | ((hour >= 45) & (hour < 45.5))
    return series.ts_ns[~lost], values[~lost]


def planted(*, nan: bool = True) -> pl.DataFrame:
    table = split_series(healthy())
    return frame_of({(one.metric, labels_text(one.labels)): plant(one, nan=nan) for one in table})


@pytest.fixture(scope="module", name="soak")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soak]:
    frame, selectors = planted(), catalogue().selectors()
    root = write_recording(tmp_path_factory.mktemp("recording"), frame)
    with backfilled(frame, tmp_path_factory.mktemp("server")) as url:
        scraped = PrometheusSamples(url, {"bot": "paper"}, timedelta(seconds=60)).read(selectors, WINDOW)
        yield Soak(url, scraped, RecordingSamples(root).read(selectors, WINDOW))


def measured(name: str, frame: pl.DataFrame) -> Measurement:
    return SLIS[GATES[name].sli].measure.evaluate(split_series(frame), SCOPE)


def sustained(name: str, frame: pl.DataFrame) -> tuple[dict[str, Any], Finding]:
    gate = GATES[name]
    stored = measure_sustained(gate, SLIS[gate.sli], split_series(frame), SCOPE, STEP)
    return stored, judge_sustained(gate, json.loads(encode(stored)), str(WINDOW), STEP)


def query(url: str, path: str, **asked: str) -> list[dict[str, Any]]:
    answer = requests.post(f"{url}/api/v1/{path}", data=asked, timeout=60).json()
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def test_both_sources_give_the_same_samples(soak: Soak) -> None:
    assert soak.scraped.equals(soak.recorded)


@pytest.mark.parametrize(
    ("name", "value", "verdict", "sustained_verdict", "firing"),
    [
        pytest.param("tick_latency_p95_ms", 98, INCONCLUSIVE, FAIL, 1, id="slow for 29 min, which the whole hides"),
        pytest.param("deadline_miss_ratio", 0.001, INCONCLUSIVE, INCONCLUSIVE, 0, id="a restart is no miss"),
        pytest.param("edge_bps_ema24h", 1.5, INCONCLUSIVE, INCONCLUSIVE, 1, id="a dip, but NaN taints it"),
        pytest.param("md_cache_hit_ratio", 0.9, INCONCLUSIVE, INCONCLUSIVE, 0, id="a gap alone"),
        pytest.param("circuit_open_seconds", 600, FAIL, FAIL, 1, id="3 min and 7 min, of which only the second fires"),
        pytest.param("guard_trips", 1, FAIL, FAIL, 1, id="a single trip"),
        pytest.param("maker_share", 0.92, INCONCLUSIVE, INCONCLUSIVE, 0, id="nothing planted but the gap"),
        pytest.param("ws_lag_max_ms", 900, FAIL, INCONCLUSIVE, 0, id="a spike of one sample"),
    ],
)
def test_what_was_planted_is_found_with_its_evidence_from_both_sources(
    soak: Soak, name: str, value: float, verdict: Verdict, sustained_verdict: Verdict, firing: int
) -> None:
    """The p95 of the whole: 0.7275 of the ticks take up to 75 ms, 0.9693 up to 100 ms, so 75 + 25 * 0.2225 / 0.2418."""
    found = measured(name, soak.scraped)
    assert found == measured(name, soak.recorded)
    assert found.value == pytest.approx(value, rel=0 if name in EXACT else 5e-3)
    assert (found.samples, found.coverage, found.longest_gap_s) == (SAMPLES, SAMPLES / 17_280, 1815)
    assert found.not_finite == (40 if name == "edge_bps_ema24h" else 0)
    assert evaluate_gate(GATES[name], found, str(WINDOW), None).verdict is verdict
    (stored, finding), (stored_too, finding_too) = sustained(name, soak.scraped), sustained(name, soak.recorded)
    assert (stored, finding) == (stored_too, finding_too)
    assert (len(stored["episodes"]), finding.verdict) == (firing, sustained_verdict)


def test_without_the_nan_the_dip_fails_both_ways() -> None:
    frame = planted(nan=False)
    assert evaluate_gate(GATES["edge_bps_ema24h"], measured("edge_bps_ema24h", frame), "", None).verdict is FAIL
    assert sustained("edge_bps_ema24h", frame)[1].verdict is FAIL


@pytest.mark.parametrize(
    ("name", "worst", "firing_since", "until"),
    [
        pytest.param(
            "tick_latency_p95_ms", 175, 10 + 12.5 * MINUTE, 10 + 36.5 * MINUTE, id="when half a window is slow"
        ),
        pytest.param("edge_bps_ema24h", 1.5, 65.5, 67 + 5 * MINUTE, id="after 30 min, kept 5 min"),
        pytest.param("circuit_open_seconds", 1, 70 + 5 * MINUTE, 70 + 7 * MINUTE, id="after 5 min of 7"),
        pytest.param("guard_trips", 1, 12, 12 + 5 * MINUTE, id="at once, as long as its window holds the step"),
    ],
)
def test_the_episodes_are_when_they_were_planted(
    soak: Soak, name: str, worst: float, firing_since: float, until: float
) -> None:
    """A p95 over 150 ms needs 5 % slower ticks, half a window of them; all of one: 150 + 50 * 0.05 / 0.1 ms."""
    gate = GATES[name]
    (episode,) = replay(gate, SLIS[gate.sli], split_series(soak.scraped), WINDOW, STEP)
    an_evaluation = 1 / 240 if name == "tick_latency_p95_ms" else 1e-9
    assert (hours(episode.firing_since), hours(episode.until)) == pytest.approx(
        (firing_since, until), abs=an_evaluation
    )
    assert episode.worst == pytest.approx(worst, rel=2e-3)


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - WINDOW.start) / timedelta(hours=1)


def test_a_subquery_misses_the_spike_that_raw_samples_show(soak: Soak) -> None:
    (result,) = query(
        soak.url, "query", query="max_over_time(mm_ws_lag_max_ms[72h:1m])", time=f"{WINDOW.end_ns / 1e9 - 0.001:.3f}"
    )
    assert float(result["value"][1]) < 101
    assert measured("ws_lag_max_ms", soak.scraped).value == 900


@pytest.mark.parametrize("name", GATES)
def test_a_server_gives_the_alert_s_value_at_every_evaluation(soak: Soak, name: str) -> None:
    gate, times_ns = GATES[name], evaluation_times(WINDOW, STEP)
    theirs = ask_in_pages(soak.url, alert_value(gate, SLIS[gate.sli]), times_ns.tolist())
    ours = alert_values(gate, SLIS[gate.sli], split_series(soak.recorded), times_ns)
    assert {labels_of(one.labels) for one in ours if one.present.any()} == theirs.keys()
    for one in ours:
        expected = np.array([theirs[labels_of(one.labels)].get(ts_ns, np.inf) for ts_ns in times_ns.tolist()])
        assert one.present.tolist() == (expected != np.inf).tolist()
        there = one.present
        assert np.allclose(one.values[there], expected[there], rtol=1e-9, atol=0, equal_nan=True)
        assert there.sum() > 17_000


def ask_in_pages(url: str, expression: str, times_ns: list[int]) -> dict[Labels, dict[int, float]]:
    """A range query has at most 11,000 points; the answer is by label set and time."""
    found: dict[Labels, dict[int, float]] = {}
    for start in range(0, len(times_ns), 10_000):
        page = times_ns[start : start + 10_000]
        span = {"start": f"{page[0] / 1e9:.3f}", "end": f"{page[-1] / 1e9:.3f}", "step": "15"}
        for series in query(url, "query_range", query=expression, **span):
            points = found.setdefault(labels_of(series["metric"]), {})
            points |= {round(second) * NS_PER_SECOND: float(value) for second, value in series["values"]}
    return found


def labels_of(labels: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")
