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
    from mm_ops.domain.edge.page import EdgePage

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
    from mm_ops.adapters.market_inputs import Request, read_inputs
    from mm_ops.domain.edge.inputs import InputsPolicy
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.policy import EdgePolicy, Instruments
    from mm_ops.domain.edge.report import build_edge_report, measured_fills

    window, root = TimeWindow.of_day(day), site.environment().root
    policies = EdgePolicies(
        inputs=site.policy("inputs.yaml", InputsPolicy),
        edge=site.policy("edge.yaml", EdgePolicy),
        instruments=site.policy("instruments.yaml", Instruments),
    )
    request = Request(fills=locate(bot.fills, root), quotes=locate(bot.quotes, root), window=window)
    inputs = read_inputs(request, policies)
    edge, instruments = policies.edge, policies.instruments
    report = build_edge_report(inputs.fills, inputs.quotes, policy=edge, instruments=instruments, window=window)
    basis = site.basis(bot, site.evidence(bot).report(day, EDGE_REPORT), *POLICIES, day=day)
    report |= {"bot": bot.name, "day": day, "intake": inputs.section, **basis}
    fills = measured_fills(inputs.fills, inputs.quotes, policy=edge, instruments=instruments, window=window)
    page, pictures = _draw(site, bot, report, fills)
    return EdgeDay(report, inputs.rejects, page, pictures)


def _draw(site: Site, bot: Bot, report: dict[str, Any], fills: Any) -> "tuple[EdgePage, list[Picture]]":
    from mm_ops.domain.edge.page import EdgePage, QualityLimits
    from mm_ops.domain.edge.page_policy import EdgePagePolicy
    from mm_ops.domain.edge.pictures import Absent, Earned, draw_pictures
    from mm_ops.domain.edge.policy import horizon_name
    from mm_ops.domain.readiness.policy import ReadinessPolicy

    shown, needs = site.policy("edge_page.yaml", EdgePagePolicy), site.policy("readiness.yaml", ReadinessPolicy).edge
    limits = QualityLimits(
        min_measured_share=needs.min_measured_share,
        min_quote_coverage=needs.min_quote_coverage,
        max_quote_age_p95_ms=needs.max_quote_age_p95_ms,
        max_outside_touch_share_alone=shown.max_outside_touch_share_alone,
    )
    horizon = horizon_name(shown.horizon)
    earned = Earned(fills["at_ns"].to_numpy(), fills["net"].to_numpy())
    page = EdgePage(
        bot=bot.name, report=report, horizon=horizon, limits=limits, earned=earned, policies=report["policies"]
    )
    pictures = draw_pictures(report, horizon, earned, most_symbols=SHOWN_SYMBOLS)
    return page, [one for one in pictures if not isinstance(one, Absent)]


SHOWN_SYMBOLS = 4
"""Markout curves in the asset's metadata: those with the most notional; the page shows more."""
