"""What a bot's fills say of its edge at the ends of windows, by the averages of every edge report.

A look goes on from what the one before handed on, and reads only what came since; the first of all begins its day with
what the report of the day before handed on. What began with nothing takes some half-lives until it says as much as the
bot's own gauge.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_report import read_handed_on
from mm_ops.domain.edge.ema_track import HandedOn
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.report import measure_parts
from mm_ops.domain.errors import MmOpsError, SchemaError
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_window import Fills
from mm_ops.domain.windows import DAY, TimeWindow

_LATE = timedelta(minutes=1)
"""How long after the exchange's time a row may have been received, at most."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a day begins with, by symbol, and since when the averages in it have been kept."""

    states: Mapping[str, HandedOn]
    since: datetime


def with_nothing(day: date) -> Begun:
    """A day before which nothing is known."""
    return Begun({}, TimeWindow.of_day(day).start)


@dataclass(frozen=True, slots=True)
class Carried:
    """What one look hands on to the next: averages and open fills at a window's end, so that no fill is read again."""

    at: datetime
    begun: Begun

    def saved(self) -> dict[str, Any]:
        """All of it as plain values, for canonical JSON."""
        states = {symbol: state.saved() for symbol, state in self.begun.states.items()}
        return {"at": self.at.isoformat(), "since": self.begun.since.isoformat(), "handed_on": states}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """Read what :meth:`saved` wrote.

        Raises:
            SchemaError: it is something else.
        """
        try:
            at, since = (datetime.fromisoformat(saved[name]) for name in ("at", "since"))
            states = {symbol: HandedOn.load(state) for symbol, state in saved["handed_on"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SchemaError(f"fills: expected at, since and handed_on as a look stores them: {error}") from error
        return cls(at, Begun(states, since))


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
        return self.read_on(ends, None, tell)[0]

    def read_on(
        self, ends: Sequence[datetime], carried: Carried | None, tell: Callable[[str], None] = lambda _: None
    ) -> tuple[list[Fills], Carried | None]:
        """Read on from what a look before handed on, or from the start of the first window's day where it cannot.

        What comes into the files later than the look that it belongs to is not counted; the day's report counts it.
        """
        found: dict[datetime, Fills] = {}
        for day, until in _days(ends):
            tell(f"fills of {day}")
            window, begun = self._start(day, until, carried, ends[0])
            section = self._measure(window, begun.states)
            of_day = [end for end in ends if window.start < end <= until]
            if isinstance(section, MmOpsError):
                found |= {end: Fills(unknown=(f"fills: {section}",)) for end in of_day}
                carried = None
                continue
            at = dict(zip(section["at"], zip(*self._series(section), strict=True), strict=True))
            found |= {end: self._told(end, at[end], begun.since) for end in of_day}
            whole = {"ema": section, "window": {"start": window.start, "end": until}}
            handed = read_handed_on(whole, self.ema, _after(until))
            carried = Carried(until, Begun(handed, begun.since)) if isinstance(handed, dict) else None
        return [found[end] for end in ends], carried

    def _start(self, day: date, until: datetime, carried: Carried | None, first: datetime) -> tuple[TimeWindow, Begun]:
        """From when on a day is read: what was handed on goes on in it, before the first window that is asked for."""
        start = TimeWindow.of_day(day).start
        if carried is not None and (carried.at == start or start < carried.at < first):
            return TimeWindow(carried.at, until), carried.begun
        return TimeWindow(start, until), self.begins(day)

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
        within = window.start != TimeWindow.of_day(window.start.date()).start
        since = window.start - self.policies.edge.stale_after - _LATE if within else None
        request = Request(fills=self.fills, quotes=self.quotes, window=window, since=since)
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
