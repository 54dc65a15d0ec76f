"""What a bot's fills say of its edge at the ends of windows, by the averages of every edge report.

A day begins with what the day before handed on, as far as it is known; what it began with nothing takes some half-lives
until it says as much as the bot's own gauge.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_report import read_handed_on
from mm_ops.domain.edge.ema_track import HandedOn
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.report import measure_parts
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_window import Fills
from mm_ops.domain.windows import DAY, TimeWindow


@dataclass(frozen=True, slots=True)
class Begun:
    """What a day begins with, by symbol, and since when the averages in it have been kept."""

    states: Mapping[str, HandedOn]
    since: datetime


def with_nothing(day: date) -> Begun:
    """A day before which nothing is known."""
    return Begun({}, TimeWindow.of_day(day).start)


@dataclass(frozen=True, slots=True)
class EdgeFills:
    """A bot's fills and quotes, and how its edge is measured."""

    fills: Path
    quotes: Path
    policies: EdgePolicies
    ema: EmaPolicy
    sentinel: EdgeSentinelPolicy
    begins: Callable[[date], Begun] = with_nothing

    def read(self, ends: Sequence[datetime], tell: Callable[[str], None] = lambda _: None) -> list[Fills]:
        """Read the averages at the ends of windows, which grow; what cannot be read is not known, and says why."""
        found: dict[datetime, Fills] = {}
        before: Begun | None = None
        for day, until in _days(ends):
            tell(f"fills of {day}")
            window = TimeWindow(TimeWindow.of_day(day).start, until)
            begun = before or self.begins(day)
            section = self._measure(window, begun.states)
            if isinstance(section, MmOpsError):
                found |= {end: Fills(unknown=(f"fills: {section}",)) for end in ends if window.start < end <= until}
                before = None
                continue
            at = dict(zip(section["at"], zip(*self._series(section), strict=True), strict=True))
            found |= {end: self._told(end, at[end], begun.since) for end in ends if window.start < end <= until}
            handed = read_handed_on(
                {"ema": section, "window": {"start": window.start, "end": until}}, self.ema, _after(until)
            )
            before = Begun(handed, begun.since) if isinstance(handed, dict) else None
        return [found[end] for end in ends]

    def _told(self, end: datetime, values: tuple[float | None, ...], since: datetime) -> Fills:
        """The values that rest on enough; an average that began with nothing lately is not known."""
        found: list[float | None] = []
        unknown: list[str] = []
        for name, value in zip((self.sentinel.fast, self.sentinel.slow), values, strict=True):
            half_life = next(rule.half_life for rule in self.ema.emas if rule.name == name)
            young = end - since < half_life * self.sentinel.agreement.after_half_lives
            found.append(None if young else value)
            if young:
                unknown.append(f"fills: {name} began with nothing at {since:%Y-%m-%dT%H:%MZ}")
            elif value is None:
                unknown.append(f"fills: {name}: too little is left, or known (ema.yaml)")
        return Fills(found[0], found[1], tuple(unknown))

    def _series(self, section: Mapping[str, Any]) -> tuple[list[float | None], list[float | None]]:
        return section["series"][self.sentinel.fast], section["series"][self.sentinel.slow]

    def _measure(self, window: TimeWindow, before: Mapping[str, HandedOn]) -> dict[str, Any] | MmOpsError:
        request = Request(fills=self.fills, quotes=self.quotes, window=window)
        try:
            measured = measure_parts(
                MarketInputs(request, self.policies, also=before).parts(),
                policy=self.policies.edge,
                instruments=self.policies.instruments,
                window=window,
                ema=replace(self.ema, every=self.sentinel.window),
                before=before,
            )
        except MmOpsError as error:
            return error
        section: dict[str, Any] = measured.report["ema"]
        return section


def _days(ends: Sequence[datetime]) -> Iterator[tuple[date, datetime]]:
    """Each UTC day that has an end in it, and how far it is read: to its own end where a later day follows."""
    days = sorted({(end - timedelta(microseconds=1)).date() for end in ends})
    for n, day in enumerate(days):
        yield day, TimeWindow.of_day(day).end if n + 1 < len(days) else max(ends)


def _after(moment: datetime) -> TimeWindow:
    return TimeWindow(moment, moment + DAY)
