"""The page of one stop as one HTML file: no network, no script, the same bytes for the same report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mm_ops.adapters.html_pages import drawing, write_page
from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.svg import chart_svg
from mm_ops.domain.rollback.report.text import (
    action_rows,
    halt_words,
    headline,
    indicator_rows,
    metrics_words,
    stamp,
    versions_words,
)

_WIDE, _NARROW = (960, 240), (400, 220)
_STANDING = {"confirmed": "pass", "unconfirmed": "fail", "not ended": "inconclusive"}
_WORDS = {"confirmed": "Stopped", "unconfirmed": "NOT confirmed", "not ended": "Not ended"}


@dataclass(frozen=True, slots=True)
class _Figure:
    chart: Chart
    wide: Markup
    narrow: Markup


def render_rollback_page(report: Mapping[str, Any], charts: Sequence[Chart]) -> bytes:
    """Write the page as UTF-8; every text is escaped, and no moment of writing is in it."""
    drawn = [_Figure(one, drawing(chart_svg(one, *_WIDE)), drawing(chart_svg(one, *_NARROW))) for one in charts]
    return write_page(
        "rollback.html.j2",
        report=report,
        standing=_STANDING[report["answer"]],
        word=_WORDS[report["answer"]],
        headline=headline(report),
        actions=list(action_rows(report["rounds"])),
        indicators=list(indicator_rows(report["metrics"])),
        metrics=metrics_words(report["metrics"]),
        halt=list(halt_words(report)),
        versions=list(versions_words(report["release"])),
        figures=drawn,
        stamp=stamp,
    )
