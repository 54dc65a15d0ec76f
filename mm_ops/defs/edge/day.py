"""One bot's day, measured: what is read, left out, measured and drawn, for the asset to store."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from mm_ops.adapters.evidence import EDGE_REPORT
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.windows import TimeWindow

if TYPE_CHECKING:
    from mm_ops.domain.charts.picture import Picture
    from mm_ops.domain.edge.ema_policy import EmaPolicy
    from mm_ops.domain.edge.ema_track import HandedOn
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.page import EdgePage
    from mm_ops.domain.edge.report import Measured

POLICIES = ("edge.yaml", "instruments.yaml", "inputs.yaml", "ema.yaml")


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
    from mm_ops.domain.edge.ema_policy import EmaPolicy
    from mm_ops.domain.edge.report import measure_parts

    window, root = TimeWindow.of_day(day), site.environment().root
    policies, ema = _policies(site), site.policy("ema.yaml", EmaPolicy)
    before, begins = _handed_on(site, bot, day, ema)
    request = Request(fills=locate(bot.fills, root), quotes=locate(bot.quotes, root), window=window)
    inputs = MarketInputs(request, policies, also=before)
    measured = measure_parts(
        inputs.parts(),
        policy=policies.edge,
        instruments=policies.instruments,
        window=window,
        ema=ema,
        before=before,
    )
    basis = site.basis(bot, site.evidence(bot).report(day, EDGE_REPORT), *POLICIES, day=day)
    report = {**measured.report, "bot": bot.name, "day": day, "intake": inputs.section, **basis}
    report["ema"]["begins"] = begins
    page, pictures = _draw(site, bot, measured, report)
    return EdgeDay(report, inputs.rejects, page, pictures)


def _handed_on(site: Site, bot: Bot, day: date, ema: "EmaPolicy") -> "tuple[dict[str, HandedOn], dict[str, Any]]":
    """What the day before handed on to the averages, and which report that was, or why there is nothing."""
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.edge.ema_report import read_handed_on

    evidence = site.evidence(bot)
    name = evidence.report(day - timedelta(days=1), EDGE_REPORT)
    data = evidence.find(name)
    if data is None:
        return {}, {"report": name, "digest": None, "reason": "it is not there"}
    found = read_handed_on(evidence.read_json(name), ema, TimeWindow.of_day(day))
    if isinstance(found, str):
        return {}, {"report": name, "digest": None, "reason": found}
    return found, {"report": name, "digest": digest(data), "reason": None}


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
