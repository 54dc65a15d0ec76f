"""Pages of soaks as people meet them: healthy, broken, and without any evidence."""

from datetime import timedelta
from typing import Any

import numpy as np

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.spans import Breach, Span, find_gaps
from mm_ops.domain.soak.page import Page
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.soak_samples import WINDOW

STEP_NS = 15_000_000_000
TIMES = np.arange(WINDOW.start_ns, WINDOW.end_ns, STEP_NS, dtype=np.int64)
MAX_GAP = timedelta(minutes=5)
QUERY = 'max_over_time(mm_ws_lag_max_ms{bot="paper"}[72h])'


def lag(*, spike: bool = False, outage: bool = False, **different: Any) -> Chart:
    """72 h of websocket lag around 80 ms: with one sample of 912 ms, or without 45 min and a restart after them."""
    values = 80 + 20 * np.sin(np.arange(TIMES.size) / 700)
    values[9000] = 912.0 if spike else values[9000]
    kept = (np.arange(TIMES.size) < 6000) | (np.arange(TIMES.size) >= 6180) | (not outage)
    times, values = TIMES[kept], values[kept]
    usual: dict[str, Any] = {
        "name": "ws_lag_max_ms",
        "title": "Websocket lag, maximum",
        "unit": "ms",
        "window": WINDOW,
        "limit": 200.0,
        "times_ns": times,
        "values": values,
        "gaps": find_gaps(times, values, WINDOW, MAX_GAP),
        "restarts": (int(TIMES[6180]),) if outage else (),
        "breaches": (Breach(Span(int(TIMES[9000]), int(TIMES[9001])), 912.0, "SoakWSLagHigh"),) if spike else (),
    }
    return Chart(**{**usual, **different})


def edge(**different: Any) -> Chart:
    """72 h of net edge between 2.2 and 2.8 bps."""
    usual: dict[str, Any] = {
        "name": "edge_bps_ema24h",
        "title": "Net edge, 24 h EMA",
        "unit": "bps",
        "window": WINDOW,
        "bound": "at_least",
        "limit": 2.0,
        "times_ns": TIMES,
        "values": 2.5 + 0.3 * np.sin(np.arange(TIMES.size) / 900),
    }
    return Chart(**{**usual, **different})


def nothing(chart: Chart) -> dict[str, Any]:
    """What makes a chart one without evidence."""
    gaps = find_gaps(chart.times_ns[:0], chart.values[:0], WINDOW, MAX_GAP)
    return {"times_ns": chart.times_ns[:0], "values": chart.values[:0], "gaps": gaps, "breaches": (), "restarts": ()}


def finding(gate: str, verdict: Verdict = Verdict.PASS, **different: Any) -> Finding:
    usual: dict[str, Any] = {
        "severity": Severity.HARD,
        "reason": f"{gate} was looked at",
        "unit": "ms",
        "bound": "at_most",
        "limit": 200.0,
        "query": QUERY,
    }
    return Finding(gate=gate, verdict=verdict, **{**usual, **different})


def page(verdict: Verdict, findings: list[Finding], charts: list[Chart], **different: Any) -> Page:
    usual: dict[str, Any] = {
        "source": 'prometheus, bot="paper"',
        "policies": {"slis.yaml": "sha256:aaaa", "soak.yaml": "sha256:bbbb"},
        "queries": {"ws_lag_max_ms": QUERY},
    }
    return Page(bot="paper", window=WINDOW, verdict=verdict, findings=findings, charts=charts, **{**usual, **different})


def healthy() -> Page:
    measured: dict[str, Any] = {"samples": 17_280, "coverage": 1.0, "longest_gap_s": 15.0}
    findings = [
        finding("ws_lag_max_ms", value=100.0, margin=100.0, **measured),
        finding("edge_bps_ema24h", unit="bps", bound="at_least", limit=2.0, value=2.2, margin=0.2, **measured),
    ]
    return page(Verdict.PASS, findings, [lag(), edge()])


def broken() -> Page:
    measured: dict[str, Any] = {"samples": 17_100, "coverage": 0.9895, "longest_gap_s": 2715.0}
    findings = [
        finding("edge_bps_ema24h", Verdict.INCONCLUSIVE, severity=Severity.SOFT, unit="bps"),
        finding("ws_lag_max_ms", Verdict.FAIL, value=912.0, margin=-712.0, **measured),
    ]
    charts = [edge(), lag(spike=True, outage=True)]
    return page(Verdict.FAIL, findings, charts, remarks=["soak.yaml changed after the soak began"])


def missing() -> Page:
    findings = [
        finding(name, Verdict.INCONCLUSIVE, samples=0, coverage=0.0, longest_gap_s=259_200.0, reason=f"no {name}")
        for name in ("ws_lag_max_ms", "edge_bps_ema24h")
    ]
    return page(Verdict.INCONCLUSIVE, findings, [lag(**nothing(lag())), edge(**nothing(edge()))])
