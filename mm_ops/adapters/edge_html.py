"""The edge page as one HTML file: no network, no script, the same bytes for the same page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mm_ops.adapters.html_pages import drawing, write_page
from mm_ops.domain.charts.curve import Curve
from mm_ops.domain.charts.picture import Picture, picture_svg
from mm_ops.domain.edge.ema_text import begins_words, ema_rows
from mm_ops.domain.edge.page import (
    EdgePage,
    answers,
    carried_words,
    certainty_words,
    concerns,
    headline,
    quality_rows,
    remarks,
    rows,
    standing,
)
from mm_ops.domain.edge.page_policy import EdgePagePolicy
from mm_ops.domain.edge.pictures import Absent, averages, draw_pictures, net_by_symbol, window_of
from mm_ops.domain.edge.policy import horizon_name
from mm_ops.domain.edge.report import Measured
from mm_ops.domain.readiness.policy import EdgeSection
from mm_ops.domain.verdict import Verdict

_WIDE, _NARROW = (960, 280), (400, 240)
_MOST_SYMBOLS = 8
_STATES = {"pass": "holds", "fail": "does not", "inconclusive": "not known"}
_COLUMNS = {
    "fills": "fills",
    "notional": "notional",
    "capture": "capture",
    "markout": "markout {}",
    "adverse": "adverse {}",
    "fee": "fee",
    "net": "net edge",
    "interval": "interval",
    "maker_share": "maker share",
    "order_age": "order age p95",
}
_NOTES = {
    "waterfall": "Inventory is what the fills earned from the horizon to the window's last mid.",
    "by_hour": "Net edge of the hour's fills by the window's last mid; hatched where there was no fill.",
    "cumulative": "Net money of the fills so far by the window's last mid.",
}


@dataclass(frozen=True, slots=True)
class _Figure:
    """A picture with both drawings, or why there is none."""

    name: str
    title: str
    wide: Markup | None = None
    narrow: Markup | None = None
    note: str = ""
    why: str = ""


def page_of(
    name: str, measured: Measured, report: Mapping[str, Any], shown: EdgePagePolicy, needs: EdgeSection
) -> EdgePage:
    """The page of a report, which may say more than what was measured; ``name`` is whose it is."""
    return EdgePage(
        bot=name,
        report=report,
        horizon=horizon_name(shown.horizon),
        limits=needs.limits,
        earned=measured.earned,
        policies=report.get("policies") or {},
        remarks=remarks(report),
    )


def render_edge_page(page: EdgePage) -> bytes:
    """Write the page as UTF-8; every text is escaped, and no moment of writing is in it.

    A page of two symbols is about 100 kB.

    Raises:
        SchemaError: the report has no window, or the cumulative edge an amount that is no number.
    """
    pictures = draw_pictures(page.report, page.horizon, page.earned, _MOST_SYMBOLS)
    drawn = [_draw(picture) for picture in pictures]
    forgetting = len(averages(page.report, window_of(page.report)))
    first, *markouts, hours, cumulative = drawn[: len(drawn) - forgetting]
    judged = concerns(page)
    return write_page(
        "edge.html.j2",
        page=page,
        window=window_of(page.report),
        headline=headline(page.report),
        certainty=certainty_words(page.report),
        carried=carried_words(page.report),
        limits=answers(page.report),
        standing=standing(page).value,
        concerns=judged,
        doubts=sum(one.verdict is not Verdict.PASS for one in judged),
        states=_STATES,
        figures={
            "waterfall": first,
            "markouts": markouts,
            "over_time": [hours, cumulative, *drawn[len(drawn) - forgetting :]],
        },
        averages=ema_rows(page.report),
        begins=begins_words(page.report),
        left_out=_left_out(page.report, markouts),
        columns={name: label.format(page.horizon) for name, label in _COLUMNS.items()},
        rows=rows(page),
        quality=quality_rows(page.report),
    )


def _left_out(report: Mapping[str, Any], drawn: Sequence[_Figure]) -> int:
    return len(net_by_symbol(report)) - len(drawn)


def _draw(picture: Picture | Absent) -> _Figure:
    if isinstance(picture, Absent):
        return _Figure(picture.name, picture.title, why=picture.why)
    wide = None if isinstance(picture, Curve) else drawing(picture_svg(picture, *_WIDE))  # markouts stand in pairs
    return _Figure(
        picture.name, picture.title, wide, drawing(picture_svg(picture, *_NARROW)), _NOTES.get(picture.name, "")
    )
