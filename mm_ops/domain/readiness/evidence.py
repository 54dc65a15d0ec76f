"""What one day contributes, taken from that day's stored reports; what is not there is named, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

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


def read_day(day: date, reports: DayReports, *, min_coverage: float) -> DayEvidence:
    """Take the fields of a day from its reports.

    An edge report whose identity does not hold counts as missing altogether, and so do guard trips that were
    measured on less than ``min_coverage`` of the day.
    """
    absent = [
        f"{day}: no {item.name} report is stored" for item in fields(reports) if getattr(reports, item.name) is None
    ]
    edge, why = _edge(reports.edge)
    trips, why_not = _guard_trips(reports.soak, min_coverage)
    return DayEvidence(
        date=day,
        **edge,
        guard_trips=trips,
        chaos_ok=None if reports.chaos is None else reports.chaos["outcome"] == "ok",
        tests_ok=_tests(reports.tests),
        absent=tuple(absent + [f"{day}: {reason}" for reason in (why, why_not) if reason]),
    )


def _edge(report: Report) -> tuple[dict[str, float | None], str | None]:
    names = ("net_edge_bps", "order_age_p95_ms", "taker_share")
    if report is None:
        return dict.fromkeys(names), None
    if report["identity"]["holds"] is not True:
        return dict.fromkeys(names), "the identity of the edge report does not hold"
    return {name: report["total"][name] for name in names}, None


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


def _tests(report: Report) -> bool | None:
    if report is None or report["verdict"] == "missing":
        return None
    return bool(report["verdict"] == "ok")
