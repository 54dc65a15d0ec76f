"""What the edge page holds, what speaks against it first; :mod:`mm_ops.adapters.edge_html` says how it looks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mm_ops.domain.edge.earned import Earned
from mm_ops.domain.edge.limits import QualityLimit
from mm_ops.domain.edge.pictures import interval_at, net_by_symbol, number_at
from mm_ops.domain.markdown import number
from mm_ops.domain.verdict import Verdict

_PERCENT = 100
_NOTHING = "not measured"
_MOST_CARRIED = 3
_ANSWERS = {"yes": Verdict.PASS, "no": Verdict.FAIL}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EdgePage:
    """One edge report as people look at it.

    ``report`` is its JSON. ``horizon`` is that of the waterfall and the tables. ``earned`` draws the cumulative edge.
    ``policies`` are names with digests, ``remarks`` sentences that belong to the headline.
    """

    bot: str
    report: Mapping[str, Any]
    horizon: str
    limits: Sequence[QualityLimit]
    earned: Earned | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that speaks for or against the numbers."""

    name: str
    value: str
    limit: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the net edge is above a limit: yes, no or not decided."""

    limit: str
    words: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """A group of fills in words."""

    name: str
    kind: str
    fills: str
    notional: str
    capture: str
    markout: str
    adverse: str
    fee: str
    net: str
    interval: str
    maker_share: str
    order_age: str


def concerns(page: EdgePage) -> list[Concern]:
    """What speaks for or against the numbers, the bad first."""
    found = [_identity(page.report), *(_concern(page.report, limit) for limit in page.limits)]
    order = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}
    return sorted(found, key=lambda one: order[one.verdict])


def answers(report: Mapping[str, Any]) -> list[Answer]:
    """For each limit of the policy, the lowest first, whether the net edge is above it, as the report says."""
    certainty = report.get("net_edge")
    above = certainty.get("above") if isinstance(certainty, Mapping) else None
    listed = [one for one in above if isinstance(one, Mapping)] if isinstance(above, Sequence) else []
    return [_answer(one) for one in sorted(listed, key=_limit)]


def _limit(one: Mapping[str, Any]) -> float:
    """What has no limit comes first, and so decides."""
    limit = number_at(one, "limit_bps")
    return -math.inf if limit is None else limit


def _answer(one: Mapping[str, Any]) -> Answer:
    said = one.get("answer")
    verdict = _ANSWERS.get(said, Verdict.INCONCLUSIVE) if isinstance(said, str) else Verdict.INCONCLUSIVE
    words = {Verdict.PASS: "yes", Verdict.FAIL: "no", Verdict.INCONCLUSIVE: "not decided"}[verdict]
    return Answer(number(number_at(one, "limit_bps"), "bps"), words, verdict)


def headline(report: Mapping[str, Any]) -> str:
    """The net edge, or that there is none."""
    net = number_at(report, "total", "net_edge_bps")
    return "Net edge not measured" if net is None else f"Net edge {_bps(net)} bps"


def certainty_words(report: Mapping[str, Any]) -> str:
    """The interval of the net edge, or why there is none."""
    low, high, level = (number_at(report, "net_edge", key) for key in ("low_bps", "high_bps", "level"))
    if low is not None and high is not None and level is not None:
        return f"{level:.0%} interval {_bps(low)} to {_bps(high)} bps".replace("%", " %")
    certainty = report.get("net_edge")
    reason = certainty.get("reason") if isinstance(certainty, Mapping) else None
    return f"No interval: {reason or 'the report has none'}"


def carried_words(report: Mapping[str, Any]) -> str:
    """What is carried at the window's end, the largest position first."""
    share = number_at(report, "carried_position", "share")
    if share is None:
        return "Carried at the end: not measured"
    positions = {
        name: number_at(report, "carried_position", "by_symbol", name, "position") for name in _carried(report)
    }
    some = [f"{number(at).replace('-', '−')} {name}" for name, at in positions.items() if at]
    more = f" and {len(some) - _MOST_CARRIED} more" if len(some) > _MOST_CARRIED else ""
    words = f"{', '.join(some[:_MOST_CARRIED])}{more}" if some else "nothing"
    return f"Carried at the end: {words}, {_percent(share, up=True)} of the notional"


def _carried(report: Mapping[str, Any]) -> list[str]:
    """The symbols by the size of what is carried of them, the largest first."""
    found = report["carried_position"].get("by_symbol")
    names = list(found) if isinstance(found, Mapping) else []
    values = {name: number_at(report, "carried_position", "by_symbol", name, "value") or 0.0 for name in names}
    return sorted(names, key=lambda name: (-abs(values[name]), name))


def standing(page: EdgePage) -> Verdict:
    """How the headline is coloured: fail below the lowest limit, pass above all, on numbers that can be believed."""
    net = number_at(page.report, "total", "net_edge_bps")
    lowest, *others = [one.verdict for one in answers(page.report)] or [Verdict.INCONCLUSIVE]
    short_of = [Verdict.INCONCLUSIVE for verdict in others if verdict is not Verdict.PASS]
    doubts = [Verdict.INCONCLUSIVE for one in concerns(page) if one.verdict is not Verdict.PASS]
    seen = {lowest, *short_of, *doubts, *([Verdict.INCONCLUSIVE] if net is None else [])}
    return next(verdict for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if verdict in seen)


def remarks(report: Mapping[str, Any]) -> list[str]:
    """What must be known of the numbers before they are read: whose sides were inferred."""
    share = number_at(report, "intake", "aggressor", "given_share")
    if share is None or share == 1:
        return []
    return [f"The side of {_percent(1 - share, up=True)} of the fills was not given, and inferred."]


def rows(page: EdgePage) -> list[Row]:
    """The total, then every symbol by notional, side and venue, in words."""
    report, total = page.report, page.report.get("total")
    named = [("symbol", "by_symbol", name) for name in net_by_symbol(report)]
    for kind in ("side", "venue"):
        groups = report.get(f"by_{kind}")
        named += [(kind, f"by_{kind}", name) for name in (sorted(groups) if isinstance(groups, Mapping) else [])]
    whole = [_row(page, "total", "", total)] if isinstance(total, Mapping) else []
    return [*whole, *(_row(page, name, kind, report[key][name]) for kind, key, name in named)]


def quality_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every count and share of the report's quality, in words."""
    quality = report.get("quality")
    return [(key.replace("_", " "), _count(quality, key)) for key in quality] if isinstance(quality, Mapping) else []


def _row(page: EdgePage, name: str, kind: str, group: object) -> Row:
    given: Mapping[str, Any] = group if isinstance(group, Mapping) else {}
    horizon, report = page.horizon, page.report
    interval = interval_at(report, name, "net_edge_bps") if kind == "symbol" else None
    if not kind:
        low, high = (number_at(report, "net_edge", key) for key in ("low_bps", "high_bps"))
        interval = None if low is None or high is None else (low, high)
    return Row(
        name=name,
        kind=kind,
        fills=_count(given, "fills"),
        notional=_thousands(number_at(given, "notional")),
        capture=_bps(number_at(given, "spread_capture_bps")),
        markout=_bps(number_at(given, f"markout_bps_{horizon}")),
        adverse=_bps(number_at(given, f"adverse_selection_bps_{horizon}")),
        fee=_bps(number_at(given, "fee_bps")),
        net=_bps(number_at(given, "net_edge_bps")),
        interval="" if interval is None else f"{_bps(interval[0])} to {_bps(interval[1])}",
        maker_share=_percent(number_at(given, "maker_share")),
        order_age=number(_rounded(number_at(given, "order_age_p95_ms")), "ms"),
    )


def _identity(report: Mapping[str, Any]) -> Concern:
    identity = report.get("identity")
    holds = identity.get("holds") if isinstance(identity, Mapping) else None
    verdict = {True: Verdict.PASS, False: Verdict.FAIL}[holds] if isinstance(holds, bool) else Verdict.INCONCLUSIVE
    words = {Verdict.PASS: "holds", Verdict.FAIL: "does not hold", Verdict.INCONCLUSIVE: "not checked"}[verdict]
    return Concern("money counted two ways", words, "must be equal", verdict)


def _concern(report: Mapping[str, Any], limit: QualityLimit) -> Concern:
    value = number_at(report, "quality", limit.name)
    sign = "≥" if limit.bound == "at_least" else "≤"
    if limit.unit == "share":
        shown, bound = _percent(value, up=limit.bound == "at_most"), _percent(limit.limit)
    else:
        shown, bound = number(_rounded(value), limit.unit), number(limit.limit, limit.unit)
    verdict = Verdict.INCONCLUSIVE if value is None else Verdict.PASS if limit.holds(value) else Verdict.FAIL
    return Concern(limit.words, shown, f"{sign} {bound}", verdict)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _count(group: Mapping[str, Any], key: str) -> str:
    value = number_at(group, key)
    if value is None:
        return _NOTHING
    return f"{value:,.0f}" if value == int(value) else number(value)


def _thousands(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f}" if abs(value) >= _PERCENT else number(value)


def _percent(share: float | None, *, up: bool = False) -> str:
    """Two decimals, cut, or ``up``: 98.999 % must not read as 99 % where more is better, nor 1.001 % as 1 %."""
    if share is None:
        return _NOTHING
    hundredths = round(share * 10_000, 6)
    return f"{(math.ceil if up else math.floor)(hundredths) / 100:g} %"


def _bps(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:+.2f}".replace("-", "−")
