"""What the soak page holds, worst first; how it looks is :mod:`mm_ops.adapters.soak_html`'s business."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.time_axis import lasting
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.markdown import number, shown_unit, signed
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import TimeWindow

_ORDER = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}
_NOTHING = "not measured"
_A_PERCENT = 0.01
_NAMED = 5
_SHOWN_WITHOUT = frozenset({"count", "ratio"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """One soak as people look at it.

    ``policies`` are names with digests, ``queries`` SLIs with their PromQL, ``remarks`` sentences that belong to the
    verdict. ``chart_of`` says which chart shows a gate, where it is not the one of the gate's name. A verdict that is
    better than its findings is refused.
    """

    bot: str
    window: TimeWindow
    verdict: Verdict
    findings: Sequence[Finding]
    charts: Sequence[Chart]
    source: str
    policies: Mapping[str, str]
    queries: Mapping[str, str]
    remarks: Sequence[str] = ()
    chart_of: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hard = [finding for finding in self.findings if finding.hard]
        failed = [finding.gate for finding in hard if finding.verdict is Verdict.FAIL]
        undecided = [finding.gate for finding in hard if finding.verdict is Verdict.INCONCLUSIVE]
        if failed and self.verdict is not Verdict.FAIL:
            raise SchemaError(f"soak page: verdict: expected fail as {failed[0]} failed, was {self.verdict}")
        if self.verdict is Verdict.PASS and (undecided or not hard):
            why = f"{undecided[0]} is inconclusive" if undecided else "no hard gate was judged"
            raise SchemaError(f"soak page: verdict: expected inconclusive as {why}, was pass")
        doubled = {chart.name for chart in self.charts if [one.name for one in self.charts].count(chart.name) > 1}
        if doubled:
            raise SchemaError(f"soak page: charts: expected every name once, was twice: {', '.join(sorted(doubled))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One gate in words; ``room`` is the margin as a share of the limit, negative beyond it, ``chart`` a name."""

    gate: str
    severity: str
    verdict: str
    value: str
    limit: str
    margin: str
    samples: str
    coverage: str
    longest_gap: str
    reason: str
    room: float | None
    room_words: str
    chart: str | None


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Fails, then what could not be decided, then passes; in each the hard ones first, then the least room."""
    return sorted(findings, key=_badness)


def room(finding: Finding) -> float | None:
    """The margin as a share of the limit, so that gates of different units compare; of itself where that is 0.

    A count that is exactly what is asked, as no trip where none may be, could not be better: it has no share.
    """
    if finding.margin is None or finding.limit is None or (finding.unit == "count" and not finding.margin):
        return None
    return finding.margin / (abs(finding.limit) or abs(finding.margin) or 1.0)


def gate_rows(page: Page) -> list[GateRow]:
    """Write every gate in words, worst first."""
    return [_row(page, finding) for finding in worst_first(page.findings)]


def charts_worst_first(page: Page) -> list[Chart]:
    """Order the charts by the worst gate that each shows; those that show none come last, as they were given."""
    shown = [_chart_of(page, finding) for finding in worst_first(page.findings)]
    return sorted(page.charts, key=lambda chart: shown.index(chart.name) if chart.name in shown else len(shown))


def headline(verdict: Verdict, findings: Sequence[Finding]) -> str:
    """Say in one sentence what the verdict rests on."""
    bad = {
        which: [one.gate for one in worst_first(findings) if one.hard and one.verdict is which]
        for which in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    }
    hard = sum(finding.hard for finding in findings)
    match verdict:
        case Verdict.FAIL if not bad[Verdict.FAIL]:
            return "The verdict is fail, though no hard gate failed."
        case Verdict.FAIL:
            return f"{len(bad[Verdict.FAIL])} of {hard} hard gates failed: {_names(bad[Verdict.FAIL])}."
        case Verdict.INCONCLUSIVE if bad[Verdict.INCONCLUSIVE]:
            undecided = bad[Verdict.INCONCLUSIVE]
            first = next(one.reason for one in findings if one.gate == undecided[0])
            told = f"{len(undecided)} of {hard} hard gates could not be decided: {_names(undecided)}."
            return f"{told} The first: {first}."
        case Verdict.INCONCLUSIVE:
            return "What was judged is not what the policy expects, or not under the policy that was registered."
        case Verdict.PASS:
            return f"All {hard} hard gates passed."
        case unknown:
            assert_never(unknown)


def warning(page: Page) -> str | None:
    """Say which soft gates did not pass; they warn and do not block."""
    soft = [one.gate for one in worst_first(page.findings) if not one.hard and one.verdict is not Verdict.PASS]
    return f"{len(soft)} soft gate{'s' if len(soft) > 1 else ''} did not pass: {_names(soft)}." if soft else None


def tally(page: Page) -> dict[str, dict[str, int]]:
    """Count the findings: severity to verdict to number, zeros included."""
    counts = Counter((finding.severity, finding.verdict) for finding in page.findings)
    return {severity.value: {verdict.value: counts[severity, verdict] for verdict in Verdict} for severity in Severity}


def room_words(finding: Finding) -> str:
    """``29 % to spare``, ``356 % beyond the limit``, or the margin itself where the limit is 0.

    Never rounded to the better side.
    """
    share = room(finding)
    if finding.margin is None:
        return _NOTHING
    if not share:
        return "at the limit"
    percent = math.floor(round(share * 100, 6))
    shown = f"{abs(percent)} %" if abs(share) >= _A_PERCENT else "under 1 %"
    if not finding.limit:
        shown = number(abs(finding.margin), _unit(finding))
    return f"{shown} to spare" if share > 0 else f"{shown} beyond the limit"


def _badness(finding: Finding) -> tuple[int, bool, float, str]:
    share = room(finding)
    unknown = -math.inf if finding.margin is None and finding.verdict is not Verdict.PASS else math.inf
    return (_ORDER[finding.verdict], not finding.hard, unknown if share is None else share, finding.gate)


def _chart_of(page: Page, finding: Finding) -> str:
    return page.chart_of.get(finding.gate, finding.gate)


def _row(page: Page, finding: Finding) -> GateRow:
    drawn = {chart.name for chart in page.charts}
    chart = _chart_of(page, finding)
    unit = _unit(finding)
    sign = Bound(finding.bound).sign if finding.bound else ""
    return GateRow(
        gate=finding.gate,
        severity=finding.severity.value,
        verdict=finding.verdict.value,
        value=number(finding.value, unit),
        limit="none" if finding.limit is None else f"{sign} {number(finding.limit, unit)}".strip(),
        margin=_NOTHING if finding.margin is None else f"{signed(finding.margin, unit)} {shown_unit(unit)}".strip(),
        samples=_NOTHING if finding.samples is None else f"{finding.samples:,}",
        coverage=_NOTHING if finding.coverage is None else f"{int(finding.coverage * 10_000) / 100:g} %",
        longest_gap=_gap(finding.longest_gap_s),
        reason=finding.reason,
        room=room(finding),
        room_words=room_words(finding),
        chart=chart if chart in drawn else None,
    )


def _gap(seconds: float | None) -> str:
    return _NOTHING if seconds is None else lasting(timedelta(seconds=seconds))


def _unit(finding: Finding) -> str:
    return "" if finding.unit in _SHOWN_WITHOUT else finding.unit


def _names(gates: Sequence[str]) -> str:
    """The first few; the table below has them all."""
    more = [f"{len(gates) - _NAMED} more"] if len(gates) > _NAMED else []
    return ", ".join([*gates[:_NAMED], *more])
