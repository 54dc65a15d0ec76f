"""What the edge sentinel saw and did, drawn and in words: averages with their thresholds, the profile over time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.spans import Breach, Moment, Span, find_gaps
from mm_ops.domain.markdown import table
from mm_ops.domain.sentinel.edge_count import Row
from mm_ops.domain.sentinel.edge_history import EdgeHistory, changes_in, switches_in
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import TimeWindow, to_ns

APPLIED, AGREE = "profile_applied", "gauges_agree"
"""The two checks."""
HEADER = ("window up to", "ema1h", "ema24h", "by fills", "profile", "answer", "why")
_NOT_KNOWN = "—"


def draw(rows: Sequence[Row], policy: EdgeSentinelPolicy) -> list[Chart]:
    """Draw each average at the windows' ends, its threshold, the careful profile as shade, and every switch.

    Args:
        rows: oldest first; of none there is no chart.
        policy: the thresholds.
    """
    if not rows:
        return []
    lines = (
        ("fast", policy.fast, policy.degradation.below_bps),
        ("slow", policy.slow, policy.recovery.slow_bps),
    )
    return [_chart(rows, policy, *line) for line in lines]


def _chart(rows: Sequence[Row], policy: EdgeSentinelPolicy, field: str, name: str, limit: float) -> Chart:
    room = policy.window / 10
    window = TimeWindow(rows[0].window.end - policy.window, rows[-1].window.end + room)
    times = np.array([to_ns(row.window.end) for row in rows], dtype=np.int64)
    known = [getattr(row.window, field) for row in rows]
    values = np.array([np.nan if value is None else value for value in known], dtype=np.float64)
    return Chart(
        name=f"edge_{name}",
        title=f"{name} at each window's end, shaded while {policy.degradation.profile}",
        unit="bps",
        window=window,
        bound="at_least",
        limit=limit,
        times_ns=times,
        values=values,
        breaches=tuple(Breach(span, None, policy.degradation.profile) for span in _careful(rows, policy)),
        gaps=find_gaps(times, values, window, policy.window + room),
        moments=tuple(Moment(to_ns(row.window.end), str(row.state.profile)) for row in switches_in(rows)),
    )


def _careful(rows: Sequence[Row], policy: EdgeSentinelPolicy) -> list[Span]:
    """The stretches in which degradation's profile held, each to the end of the window that left it."""
    spans: list[Span] = []
    began: int | None = None
    for row in rows:
        at = to_ns(row.window.end)
        if row.state.profile == policy.degradation.profile:
            began = at if began is None else began
        elif began is not None:
            spans.append(Span(began, at))
            began = None
    return [*spans, *([] if began is None else [Span(began, to_ns(rows[-1].window.end))])]


def tell_rows(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Each change as a line: window, both averages by gauge and by fills, profile, answer, reason."""
    return [
        (
            f"{row.window.end:%Y-%m-%d %H:%M}",
            _bps(row.window.fast),
            _bps(row.window.slow),
            f"{_bps(row.window.fills_fast)}, {_bps(row.window.fills_slow)}",
            row.state.profile or "its own",
            row.answer.value,
            "; ".join((*([f"{row.missed} windows were missed"] if row.missed else []), row.reason, *row.pages)),
        )
        for row in rows
    ]


def describe(history: EdgeHistory) -> str:
    """Tell in Markdown where the bot stands, and every change of what is kept."""
    effect, state = history.effect, history.state
    lines = [
        f"Profile: **{state.profile or 'its own'}**" + ("" if state.since is None else f" since {state.since:%F %R}")
    ]
    if effect is not None:
        came = "read back" if effect.confirmed else f"not confirmed: {effect.reason}"
        lines.append(f"Asked for last: {effect.profile}, {came}.")
    if history.rows:
        lines.append(f"Last window: {history.rows[-1].reason}.")
    return "\n\n".join([*lines, table(HEADER, tell_rows(changes_in(history.rows)))])


def applied_finding(document: Mapping[str, Any]) -> Finding:
    """Judge a stored history: does the bot trade by the profile that it should, as it was read back."""
    history = EdgeHistory.load(document, APPLIED)
    effect = history.effect
    verdict, reason = Verdict.PASS, "the bot trades by its own profile: nothing was asked of it"
    if effect is not None:
        reason = f"profile {effect.profile}, read back" if effect.confirmed else effect.reason
        verdict = Verdict.PASS if effect.confirmed else Verdict.INCONCLUSIVE if effect.deferred else Verdict.FAIL
    return Finding(gate=APPLIED, severity=Severity.HARD, verdict=verdict, reason=reason)


def agree_finding(document: Mapping[str, Any]) -> Finding:
    """Judge a stored history: do the bot's gauges and its fills tell the same edge in the newest window.

    ``within_bps`` of the document is what the policy allowed when it was made.
    """
    history, limit = EdgeHistory.load(document, AGREE), float(document["within_bps"])
    if not history.rows:
        return _agreement(Verdict.INCONCLUSIVE, "no window was looked at", None, limit)
    window = history.rows[-1].window
    pairs = ((window.fast, window.fills_fast), (window.slow, window.fills_slow))
    known = [abs(gauge - fills) for gauge, fills in pairs if gauge is not None and fills is not None]
    most = max(known, default=None)
    if most is not None and most > limit:
        return _agreement(Verdict.FAIL, f"gauges and fills are {most:.3f} bps apart", most, limit)
    if len(known) < len(pairs):
        return _agreement(Verdict.INCONCLUSIVE, "; ".join(window.unknown), most, limit)
    return _agreement(Verdict.PASS, f"gauges and fills are {most:.3f} bps apart", most, limit)


def _agreement(verdict: Verdict, reason: str, value: float | None, limit: float) -> Finding:
    return Finding(
        gate=AGREE,
        severity=Severity.SOFT,
        verdict=verdict,
        reason=reason,
        unit="bps",
        bound="at_most",
        value=value,
        limit=limit,
        margin=None if value is None else limit - value,
    )


def _bps(value: float | None) -> str:
    return _NOT_KNOWN if value is None else f"{value:+.3f}".replace("-", "−")
