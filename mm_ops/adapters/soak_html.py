"""The soak page as one HTML file: no network, no script, the same bytes for the same page."""

from dataclasses import dataclass

from markupsafe import Markup

from mm_ops.adapters.html_pages import drawing, write_page
from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.svg import chart_svg
from mm_ops.domain.soak.page import (
    GateRow,
    Page,
    charts_worst_first,
    gate_rows,
    headline,
    tally,
    warning,
)

_WIDE, _NARROW = (960, 260), (400, 240)
_SHOWN_BREACHES, _SHOWN_MARGINS = 6, 5
_CHARTS_A_GRAIN = 16


@dataclass(frozen=True, slots=True)
class _Figure:
    """A chart with both drawings and the gates that it shows."""

    chart: Chart
    wide: Markup
    narrow: Markup
    rows: tuple[GateRow, ...]


def render_soak_page(page: Page) -> bytes:
    """Write the page as UTF-8; every text is escaped, and no moment of writing is in it.

    The charts of a page must fit in memory; a page of nine is about 350 kB, one of fifty below 1 MB.
    """
    rows = gate_rows(page)
    grain = 1 + len(page.charts) // _CHARTS_A_GRAIN
    return write_page(
        "soak.html.j2",
        page=page,
        rows=rows,
        closest=[row for row in rows if row.severity == "hard" or row.room is not None][:_SHOWN_MARGINS],
        figures=[_draw(chart, rows, grain) for chart in charts_worst_first(page)],
        shown_breaches=_SHOWN_BREACHES,
        headline=headline(page.verdict, page.findings),
        warning=warning(page),
        tally=tally(page),
    )


def _draw(chart: Chart, rows: list[GateRow], grain: int) -> _Figure:
    wide, narrow = (drawing(chart_svg(chart, *size, grain=grain)) for size in (_WIDE, _NARROW))
    return _Figure(chart, wide, narrow, tuple(row for row in rows if row.chart == chart.name))
