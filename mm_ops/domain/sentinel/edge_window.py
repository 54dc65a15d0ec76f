"""What is known of one closed window: the averages at its end, twice over, and whether the bot traded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import EPOCH, TimeWindow, format_duration

STATE, POSITION, PROFILE = Selector("mm_trading_state"), Selector("mm_position"), Selector("mm_profile")
_EDGE_BPS = 1000.0
"""An average beyond is a fault of units and no edge, as in slis.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeWindow:
    """A window that ended at ``end``; what is ``None`` is not known, and ``unknown`` says why.

    ``fast`` and ``slow`` are the bot's gauges, ``fills_fast`` and ``fills_slow`` what its fills say, all in bps.
    ``flat``: it holds nothing. A number that is none, or beyond 1,000 bps, is not known.
    """

    end: datetime
    fast: float | None = None
    slow: float | None = None
    fills_fast: float | None = None
    fills_slow: float | None = None
    trading_state: TradingState | None = None
    profile: str | None = None
    flat: bool | None = None
    unknown: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("fast", "slow", "fills_fast", "fills_slow"):
            value = getattr(self, name)
            if value is not None and not abs(value) <= _EDGE_BPS:  # and NaN is not
                object.__setattr__(self, name, None)
                object.__setattr__(self, "unknown", (*self.unknown, f"{name}: was {value:g} bps"))


@dataclass(frozen=True, slots=True)
class Fills:
    """What fills say at a window's end, in bps, and why something is not known."""

    fast: float | None = None
    slow: float | None = None
    unknown: tuple[str, ...] = ()


def gauge_of(average: str) -> Selector:
    """The bot's own gauge of an average."""
    return Selector(f"mm_edge_bps_{average}")


def selectors_of(policy: EdgeSentinelPolicy) -> list[Selector]:
    """Every series that a window is read from."""
    return [gauge_of(policy.fast), gauge_of(policy.slow), STATE, POSITION, PROFILE]


def read_span(ends: Sequence[datetime], policy: EdgeSentinelPolicy) -> TimeWindow:
    """The time whose samples tell the windows that end then, one at least."""
    return TimeWindow(min(ends) - policy.stale_after, max(ends))


def read_windows(
    table: Sequence[Series], ends: Sequence[datetime], policy: EdgeSentinelPolicy, fills: Sequence[Fills] | None = None
) -> list[EdgeWindow]:
    """Read what samples say at each window's end: the last one before it, unless that is stale.

    Args:
        table: of :func:`selectors_of`, over :func:`read_span`.
        ends: of the windows.
        policy: names the averages, and when a sample is stale.
        fills: what fills say at each end, as many as those.
    """
    told = fills or [Fills(unknown=("fills: not read",))] * len(ends)
    return [_read(table, end, policy, of) for end, of in zip(ends, told, strict=True)]


def _read(table: Sequence[Series], end: datetime, policy: EdgeSentinelPolicy, fills: Fills) -> EdgeWindow:
    look = _Look(table, end, policy.stale_after)
    values = {name: look.number(gauge_of(getattr(policy, name))) for name in ("fast", "slow")}
    state, profile = look.named(STATE, "state"), look.named(PROFILE, "profile")
    held = look.last(POSITION)
    return EdgeWindow(
        end=end,
        fast=values["fast"],
        slow=values["slow"],
        fills_fast=fills.fast,
        fills_slow=fills.slow,
        trading_state=TradingState(state) if state in list(TradingState) else None,
        profile=profile,
        flat=all(value == 0 for _, value in held) if held else None,
        unknown=(*look.unknown, *fills.unknown),
    )


@dataclass(slots=True)
class _Look:
    """The samples that stand for one moment."""

    table: Sequence[Series]
    at: datetime
    stale_after: timedelta
    unknown: list[str] = field(default_factory=list)

    def last(self, selector: Selector) -> list[tuple[Series, float]]:
        """The last value of each series within the time that is not stale."""
        window = TimeWindow.ending(self.at, self.stale_after)
        chosen = (one.within(window) for one in self.table if selector.selects(one.metric, one.labels))
        return [(one, float(one.values[-1])) for one in chosen if one.ts_ns.size]

    def number(self, selector: Selector) -> float | None:
        """The value of the one series that there must be."""
        found = self.last(selector)
        if len(found) != 1:
            self.unknown.append(f"{selector.metric}: expected one series, was {len(found) or 'none'}")
        elif math.isnan(found[0][1]):
            self.unknown.append(f"{selector.metric}: not a number")
        else:
            return found[0][1]
        return None

    def named(self, selector: Selector, label: str) -> str | None:
        """The label of the one series that is 1."""
        found = {one.labels.get(label, "") for one, value in self.last(selector) if value == 1}
        if len(found) != 1:
            self.unknown.append(f"{selector.metric}: expected 1 for one {label}, was for {len(found) or 'none'}")
            return None
        return found.pop()


def closed_end(now: datetime, policy: EdgeSentinelPolicy) -> datetime:
    """The end of the newest window that is closed and settled."""
    return _floor(now - policy.settled, policy)


def find_ends(last: datetime | None, now: datetime, policy: EdgeSentinelPolicy) -> list[datetime]:
    """The ends of the windows that are to be looked at now, oldest first; those that are too late are left out."""
    newest = closed_end(now, policy)
    if last is None:
        return [newest]
    return _ends(max(last, _floor(now - policy.late_after, policy)) + policy.window, newest, policy)


def ends_within(window: TimeWindow, policy: EdgeSentinelPolicy) -> list[datetime]:
    """The ends of all windows that lie whole in a stretch, oldest first."""
    before = _floor(window.start - timedelta(microseconds=1), policy) + policy.window
    return _ends(before + policy.window, window.end, policy)


def _ends(first: datetime, last: datetime, policy: EdgeSentinelPolicy) -> list[datetime]:
    return [first + policy.window * n for n in range((last - first) // policy.window + 1)]


def _floor(moment: datetime, policy: EdgeSentinelPolicy) -> datetime:
    return EPOCH + (moment - EPOCH) // policy.window * policy.window


def refuse_off_grid(end: datetime, policy: EdgeSentinelPolicy) -> None:
    """Refuse a window that does not end at a multiple of its length.

    Raises:
        SchemaError: names the end and the length.
    """
    if _floor(end, policy) != end:
        length = format_duration(policy.window)
        raise SchemaError(f"edge window: end: expected a multiple of {length} since 1970, was {end.isoformat()}")
