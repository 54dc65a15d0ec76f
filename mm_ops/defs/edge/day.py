"""One bot's day, measured: what is read, left out, measured and drawn, for the asset to store."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from mm_ops.adapters.evidence import EDGE_REPORT
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.windows import TimeWindow

if TYPE_CHECKING:
    from mm_ops.domain.charts.picture import Picture
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.page import EdgePage
    from mm_ops.domain.edge.report import Measured

POLICIES = ("edge.yaml", "instruments.yaml", "inputs.yaml")


@dataclass(frozen=True, slots=True)
class EdgeDay:
    """The report, the rows that were left out of it as JSON lines, and the page with its pictures."""

    report: dict[str, Any]
    rejects: bytes
    page: "EdgePage"
    pictures: "list[Picture]"


def measure_day(site: Site, bot: Bot, day: date) -> EdgeDay:
    """Read a day's fills and quotes, leave out what the policy says, and measure the rest.

    Raises:
        MmOpsError: an input is missing, altered, or of a kind that the policy refuses.
    """
    from mm_ops.adapters.market_files import locate
    from mm_ops.adapters.market_inputs import MarketInputs, Request
    from mm_ops.domain.edge.report import measure_parts

    window, root = TimeWindow.of_day(day), site.environment().root
    policies = _policies(site)
    request = Request(fills=locate(bot.fills, root), quotes=locate(bot.quotes, root), window=window)
    inputs = MarketInputs(request, policies)
    measured = measure_parts(inputs.parts(), policy=policies.edge, instruments=policies.instruments, window=window)
    basis = site.basis(bot, site.evidence(bot).report(day, EDGE_REPORT), *POLICIES, day=day)
    report = {**measured.report, "bot": bot.name, "day": day, "intake": inputs.section, **basis}
    page, pictures = _draw(site, bot, measured, report)
    return EdgeDay(report, inputs.rejects, page, pictures)


def _policies(site: Site) -> "EdgePolicies":
    from mm_ops.domain.edge.inputs import InputsPolicy
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.policy import EdgePolicy, Instruments

    return EdgePolicies(
        inputs=site.policy("inputs.yaml", InputsPolicy),
        edge=site.policy("edge.yaml", EdgePolicy),
        instruments=site.policy("instruments.yaml", Instruments),
    )


def _draw(site: Site, bot: Bot, measured: "Measured", report: dict[str, Any]) -> "tuple[EdgePage, list[Picture]]":
    from mm_ops.adapters.edge_html import page_of
    from mm_ops.domain.edge.page_policy import EdgePagePolicy
    from mm_ops.domain.edge.pictures import Absent, draw_pictures
    from mm_ops.domain.readiness.policy import ReadinessPolicy

    shown, needs = site.policy("edge_page.yaml", EdgePagePolicy), site.policy("readiness.yaml", ReadinessPolicy).edge
    page = page_of(bot.name, measured, report, shown, needs)
    pictures = draw_pictures(report, page.horizon, measured.earned, most_symbols=SHOWN_SYMBOLS)
    return page, [one for one in pictures if not isinstance(one, Absent)]


SHOWN_SYMBOLS = 4
"""Markout curves in the asset's metadata: those with the most notional; the page shows more."""
