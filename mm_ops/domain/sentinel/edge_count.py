"""Counts closed windows and says which profile the bot should trade by: the same live and in replay.

    fast < below_bps                       in n windows in a row                          -> degradation's profile
    slow ≥ slow_bps, fast ≥ fast_bps       in m windows in a row, dwell passed, room left  -> recovery's profile

Degradation wins: neither the dwell nor the number of switches holds it up. A window is told by its end: one that was
counted, or lies before one that was, changes nothing. Between two that are counted every one that lacks is a gap.
While the bot is not ACTIVE nothing is counted and nothing switched; what is not known recovers nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.sentinel.edge_pin import Pin
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_window import EdgeWindow, refuse_off_grid
from mm_ops.domain.windows import format_duration


class Answer(StrEnum):
    """What a window leads to."""

    STAY = "stay"
    RECORD = "record"
    HOLD = "hold"
    WAIT = "wait"
    DEGRADE = "degrade"
    RECOVER = "recover"
    PIN = "pin"


SWITCHES = frozenset({Answer.DEGRADE, Answer.RECOVER, Answer.PIN})


class Topic(StrEnum):
    """What people are told of, once until it is over."""

    BLIND = "blind"
    LIMIT = "limit"
    APART = "apart"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeState:
    """All that is remembered between two windows.

    ``last`` is the end of the newest window that was looked at. ``profile`` is what should hold, ``None`` until the
    bot was seen in a known one or a switch was decided; ``since`` when that began. ``below`` and ``above`` are the
    rows, ``blind`` the windows in a row without a number. ``switches`` are the ends of windows that led to one.
    """

    last: datetime | None = None
    profile: str | None = None
    since: datetime | None = None
    below: int = 0
    above: int = 0
    blind: int = 0
    switches: tuple[datetime, ...] = ()
    told: tuple[str, ...] = ()
    pinned: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One window, what it led to and why, and the state after it; ``pages`` are what people must know now."""

    window: EdgeWindow
    answer: Answer
    reason: str
    state: EdgeState
    missed: int = 0
    pages: tuple[str, ...] = field(default=())


def count_all(
    state: EdgeState, windows: Iterable[EdgeWindow], policy: EdgeSentinelPolicy, pins: Sequence[Pin] = ()
) -> list[Row]:
    """Count windows in the order of their time, whatever order they come in; of two with one end the first counts."""
    rows = []
    for window in sorted(windows, key=lambda one: one.end):
        row = count(state, window, policy, next((pin for pin in reversed(pins) if pin.holds(window.end)), None))
        if row is not None:
            rows.append(row)
            state = row.state
    return rows


def count(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy, pin: Pin | None = None) -> Row | None:
    """Count one window; ``None`` where it was counted before, or is too late since a later one was.

    Raises:
        SchemaError: it does not end at a multiple of the policy's length.
    """
    refuse_off_grid(window.end, policy)
    if state.last is not None and window.end <= state.last:
        return None
    missed = 0 if state.last is None else (window.end - state.last) // policy.window - 1
    apart = find_apart(window, policy)
    after = _adopt(_tally(_gap(state, missed, policy), window, policy, apart=bool(apart)), window, policy)
    answer, reason, after = _decide(after, window, policy, pin)
    told, pages = _tell(after, window, policy, apart, missed=missed, limit=answer is Answer.HOLD)
    state = replace(after, last=window.end, told=told, pinned=None if pin is None else pin.profile)
    return Row(window=window, answer=answer, reason=reason, state=state, missed=missed, pages=pages)


def find_apart(window: EdgeWindow, policy: EdgeSentinelPolicy) -> tuple[str, ...]:
    """Where the bot's gauges and its fills differ by more than the policy allows, in words."""
    limit = policy.agreement.within_bps
    pairs = ((policy.fast, window.fast, window.fills_fast), (policy.slow, window.slow, window.fills_slow))
    return tuple(
        f"{name}: {gauge:.3f} bps by its gauge, {fills:.3f} by its fills, expected {limit:g} apart at most"
        for name, gauge, fills in pairs
        if gauge is not None and fills is not None and abs(gauge - fills) > limit
    )


def _gap(state: EdgeState, missed: int, policy: EdgeSentinelPolicy) -> EdgeState:
    if not missed:
        return state
    below = 0 if policy.degradation.gap == "reset" else state.below
    return replace(state, above=0, below=below, blind=state.blind + missed)


def _tally(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy, *, apart: bool) -> EdgeState:
    """Lengthen one row and end the other; a window whose numbers are in doubt recovers nobody."""
    if window.trading_state is not None and window.trading_state is not TradingState.ACTIVE:
        return replace(state, below=0, above=0, blind=0)
    if window.fast is None or window.trading_state is None:
        return _gap(state, 1, policy)
    below = state.below + 1 if window.fast < policy.degradation.below_bps else 0
    above = state.above + 1 if window.fast >= policy.recovery.fast_bps and not apart else 0
    return replace(state, below=below, above=above, blind=0)


def _adopt(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy) -> EdgeState:
    """Begin with the profile that the bot is in, where it is one of the two: what is not known is not loosened."""
    known = (policy.degradation.profile, policy.recovery.profile)
    if state.profile is None and window.profile in known:
        return replace(state, profile=window.profile, since=window.end)
    return state


def _decide(
    state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy, pin: Pin | None
) -> tuple[Answer, str, EdgeState]:
    if window.trading_state is not TradingState.ACTIVE:
        is_now = "not known" if window.trading_state is None else window.trading_state.value
        return Answer.RECORD, f"trading state {is_now}: only recorded", state
    if pin is not None:
        return _pinned(state, window, pin)
    worse = policy.degradation
    if state.below >= worse.windows and state.profile != worse.profile:
        reason = f"{policy.fast} below {worse.below_bps:g} bps in {state.below} windows in a row"
        return _switch(state, window, policy, Answer.DEGRADE, worse.profile, reason)
    if state.profile != worse.profile:
        return Answer.STAY, _standing(state, policy), state
    hindrance = _hindrance(state, window, policy)
    if hindrance is not None:
        return *hindrance, state
    better = policy.recovery
    reason = (
        f"{policy.slow} {window.slow:.3f} bps, {better.slow_bps:g} or more, and {policy.fast} at "
        f"{better.fast_bps:g} bps or more in {state.above} windows in a row"
    )
    return _switch(state, window, policy, Answer.RECOVER, better.profile, reason)


def _pinned(state: EdgeState, window: EdgeWindow, pin: Pin) -> tuple[Answer, str, EdgeState]:
    if state.profile == pin.profile:
        return Answer.STAY, pin.words, state
    return Answer.PIN, pin.words, replace(state, profile=pin.profile, since=window.end, below=0, above=0)


def _switch(
    state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy, answer: Answer, to: str, reason: str
) -> tuple[Answer, str, EdgeState]:
    waits = policy.flat_only == "both" or (policy.flat_only == "recovery" and answer is Answer.RECOVER)
    if waits and window.flat is not True:
        held = "its position is not known" if window.flat is None else "it holds a position"
        return Answer.WAIT, f"{reason}; waits until it is flat: {held}", state
    switched = (*_recent(state, window, policy), window.end)
    return answer, reason, replace(state, profile=to, since=window.end, below=0, above=0, switches=switched)


def _hindrance(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy) -> tuple[Answer, str] | None:
    """Why the bot stays in degradation's profile, or nothing where it may leave it."""
    better, since = policy.recovery, state.since
    if state.above < better.windows:
        return (
            Answer.STAY,
            f"{policy.fast} at {better.fast_bps:g} bps or more in {state.above} of {better.windows} windows",
        )
    if window.slow is None or window.slow < better.slow_bps:
        was = "not known" if window.slow is None else f"{window.slow:.3f} bps"
        return Answer.STAY, f"{policy.slow} {was}, expected {better.slow_bps:g} bps or more"
    if since is not None and window.end - since < better.dwell:
        return (
            Answer.STAY,
            f"in {state.profile} for {format_duration(window.end - since)} of {format_duration(better.dwell)}",
        )
    if _is_used_up(state, window, policy):
        used, within = len(_recent(state, window, policy)), format_duration(policy.switches.within)
        return Answer.HOLD, f"{used} switches in {within}, and of {policy.switches.most} one is kept for a degradation"
    return None


def _is_used_up(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy) -> bool:
    return len(_recent(state, window, policy)) + 2 > policy.switches.most


def _recent(state: EdgeState, window: EdgeWindow, policy: EdgeSentinelPolicy) -> tuple[datetime, ...]:
    return tuple(at for at in state.switches if window.end - at < policy.switches.within)


def _standing(state: EdgeState, policy: EdgeSentinelPolicy) -> str:
    if state.blind:
        return f"{policy.fast} not known in {state.blind} windows in a row"
    return f"{policy.fast} below {policy.degradation.below_bps:g} bps in {state.below} of {policy.degradation.windows}"


def _tell(
    state: EdgeState,
    window: EdgeWindow,
    policy: EdgeSentinelPolicy,
    apart: tuple[str, ...],
    *,
    missed: int,
    limit: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which topics hold now, and the words of those that did not before; what is unconfirmed is not judged here."""
    blind = missed >= policy.blind_after or state.blind >= policy.blind_after
    unseen = state.blind or missed
    limit = limit or (Topic.LIMIT in state.told and _is_used_up(state, window, policy))
    holds = {
        Topic.BLIND: blind and f"{unseen} windows of {policy.fast} were not seen up to {window.end:%Y-%m-%dT%H:%MZ}",
        Topic.LIMIT: limit and f"no switch is left: it stays in {state.profile}; find out why the edge comes and goes",
        Topic.APART: apart and "; ".join(apart),
    }
    kept = (Topic.UNCONFIRMED,) if Topic.UNCONFIRMED in state.told else ()
    told = tuple(topic.value for topic in (*kept, *(topic for topic, words in holds.items() if words)))
    return told, tuple(str(words) for topic, words in holds.items() if words and topic not in state.told)
