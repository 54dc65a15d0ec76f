"""What one day contributes, taken from that day's stored reports; what is not there is named, never guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.readiness.policy import ChaosSection, ReadinessPolicy, TestsSection
from mm_ops.domain.verdict import Verdict

Report = Mapping[str, Any] | None
FIELDS = ("net_edge_bps", "order_age_p95_ms", "taker_share", "guard_trips", "chaos_ok", "tests_ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEvidence:
    """One UTC day: bps, milliseconds, a share from 0 to 1, a count, two answers. ``None`` is missing."""

    date: date
    net_edge_bps: float | None = None
    order_age_p95_ms: float | None = None
    taker_share: float | None = None
    guard_trips: float | None = None
    chaos_ok: bool | None = None
    tests_ok: bool | None = None
    absent: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Every field that is not known, as ``<date>: <field>``."""
        return [f"{self.date}: {name}" for name in FIELDS if getattr(self, name) is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReports:
    """One day's stored reports as plain JSON; ``None`` where nothing is stored."""

    edge: Report
    soak: Report
    chaos: Report
    tests: Report


def read_day(
    day: date, reports: DayReports, policy: ReadinessPolicy, *, version: str, symbols: Sequence[str]
) -> DayEvidence:
    """Take the fields of a day from its reports.

    An edge report whose identity does not hold, or whose fills and quotes are too thin for the policy, counts as
    missing altogether. So do an order age or a taker share that too few fills make known, and guard trips that were
    measured on less than ``min_coverage`` of the day. A day on which another version than ``version`` ran, or none that
    is known, says nothing about it.
    """
    stranger = _find_stranger(reports.soak, version)
    if stranger:
        return DayEvidence(date=day, absent=(f"{day}: {stranger}",))
    absent = [f"no {item.name} report is stored" for item in fields(reports) if getattr(reports, item.name) is None]
    edge, reasons = _edge(reports.edge, reports.soak, policy, symbols)
    trips, why_not = _guard_trips(reports.soak, policy.guards.min_coverage)
    chaos, undrilled = _chaos(reports.chaos, policy.chaos, version)
    tests, untested = _tests(reports.tests, policy.tests)
    return DayEvidence(
        date=day,
        **edge,
        guard_trips=trips,
        chaos_ok=chaos,
        tests_ok=tests,
        absent=tuple(f"{day}: {reason}" for reason in (*absent, *reasons, why_not, *undrilled, *untested) if reason),
    )


def _find_stranger(report: Report, version: str) -> str | None:
    """Say why a day is not this version's; without a soak report it is missing anyway, and named so."""
    if report is None or report.get("ran") == version:
        return None
    ran = report.get("ran")
    return f"version {ran} ran, and {version} is judged" if ran else "nothing says which version ran"


def _edge(
    report: Report, soak: Report, policy: ReadinessPolicy, symbols: Sequence[str]
) -> tuple[dict[str, float | None], list[str]]:
    nothing: dict[str, float | None] = dict.fromkeys(("net_edge_bps", "order_age_p95_ms", "taker_share"))
    if report is None:
        return nothing, []
    if report["identity"]["holds"] is not True:
        return nothing, ["the identity of the edge report does not hold"]
    inputs = inputs_finding(report)
    if inputs.verdict is not Verdict.PASS:
        return nothing, [f"edge: inputs: {inputs.reason}"]
    thin = [*_few(report, policy, symbols), *_thin(report["quality"], policy)]
    if thin:
        return nothing, thin
    total = report["total"]
    unknown = {
        "order_age_p95_ms": _below(total, "order_age_known_share", policy.latency.min_known_share),
        "taker_share": _below(total, "liquidity_known_share", policy.taker.min_known_share)
        or _contradicted(total["maker_share"], soak, policy.taker.max_witness_gap),
    }
    known = {name: None if unknown.get(name) else total[name] for name in nothing}
    return known, [reason for reason in unknown.values() if reason]


def _few(report: Mapping[str, Any], policy: ReadinessPolicy, symbols: Sequence[str]) -> Iterator[str]:
    """Say of which symbol there are too few fills for a whole day: lost rows leave no other trace."""
    for symbol in symbols:
        fills = report["by_symbol"].get(symbol, {}).get("fills", 0)
        if fills < policy.edge.min_fills:
            yield f"edge: {fills} fills of {symbol}, at least {policy.edge.min_fills} are needed"


def _thin(quality: Mapping[str, Any], policy: ReadinessPolicy) -> Iterator[str]:
    """Say why fills and quotes are too thin to believe the edge."""
    for limit in policy.edge.limits:
        breach = limit.find_breach(quality)
        if breach:
            yield f"edge: {breach}"


def _below(group: Mapping[str, Any], name: str, least: float) -> str | None:
    """Say why a share of an edge report does not suffice; a report of an older version does not have it."""
    share = group.get(name)
    if share is None:
        return f"edge: {name} was not measured"
    return f"edge: {name} was {share:.6g}, at least {least:g} is needed" if share < least else None


def _contradicted(by_fills: float | None, soak: Report, most: float) -> str | None:
    """Say how the bot's own maker share disagrees with that of its fills; without a soak report that is said anyway."""
    if soak is None or by_fills is None:
        return None
    by_bot = (soak["day"]["slis"].get("maker_share") or {}).get("value")
    if by_bot is None:
        return "taker: the bot's own maker share was not measured, so its fills have no second witness"
    gap = abs(by_fills - by_bot)
    if gap <= most:
        return None
    return f"taker: maker share {by_fills:.4g} by the fills, {by_bot:.4g} by the bot: they may differ by {most:g}"


def _guard_trips(report: Report, min_coverage: float) -> tuple[float | None, str | None]:
    if report is None:
        return None, None
    measured = report["day"]["slis"].get("guard_trips")
    if measured is None or measured["value"] is None:
        return None, "guard trips were not measured"
    if measured["coverage"] < min_coverage:
        return None, f"guard trips cover {measured['coverage']:.1%} of the day, at least {min_coverage:.1%} is needed"
    trips: float = measured["value"]
    return trips, None


def _chaos(report: Report, policy: ChaosSection, version: str) -> tuple[bool | None, list[str]]:
    """Judge the day's drill, or that of several which is asked for, by the policy's limits and not by its own.

    Drills on a live bot are those of its version.
    """
    if report is None:
        return None, []
    if report["outcome"] != "ok":
        return False, []
    held = [one["drill"] for one in report.get("drills", [report])]
    if policy.drill not in held:
        return None, [f"chaos: the drill was {', '.join(map(str, held))}, expected {policy.drill}"]
    drilled = report["bot"]["version"] if report.get("kind") == "live" else version
    if drilled != version:
        return None, [f"chaos: a bot of version {drilled} was drilled, and {version} is judged"]
    observed = report["observed"]
    unseen = [f"chaos: {name} was not observed" for name in policy.limits if not _is_seconds(observed.get(name))]
    if unseen:
        return None, unseen
    return all(observed[name] <= limit for name, limit in policy.limits.items()), []


def _tests(report: Report, policy: TestsSection) -> tuple[bool | None, list[str]]:
    """Judge the day's test run; a part of a run is none."""
    if report is None or report["verdict"] == "missing":
        return None, []
    if report["verdict"] != "ok":
        return False, []
    passed, skipped, total = report["passed"], report["skipped"], report["total"]
    if passed < policy.min_passed:
        return None, [f"tests: {passed} passed, at least {policy.min_passed} are needed"]
    if skipped > policy.max_skipped_share * total:
        return None, [f"tests: {skipped} of {total} were skipped, at most {policy.max_skipped_share:.0%} may be"]
    return True, []


def _is_seconds(value: object) -> bool:
    """Whether it is a time that passed: a clock that went back observed nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
