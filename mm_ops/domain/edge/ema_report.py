"""The averages of a report: of all fills and by symbol, over the window and at its end, and what they rest on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.ema import Readings, Sums
from mm_ops.domain.edge.ema_policy import EmaPolicy, EmaRule
from mm_ops.domain.edge.ema_track import EmaTrack, Grid, HandedOn
from mm_ops.domain.edge.pictures import window_of
from mm_ops.domain.edge.policy import horizon_name
from mm_ops.domain.windows import TimeWindow, from_ns


def ema_section(tracks: Mapping[str, EmaTrack], grid: Grid, currency: str | None) -> dict[str, Any]:
    """Tell every average of the policy.

    Args:
        tracks: by symbol, when all fills are added.
        grid: when they are told.
        currency: of settlement; null without a symbol.

    Returns:
        ``at``: UTC times. ``series``: by average, the edge of all fills (bps) at each of them, null where too little
        is left or known. ``total`` and ``by_symbol``: by average, at the window's end, ``edge_bps`` or ``reason`` why
        it is null, ``notional`` and ``known_share`` that it rests on, ``age_s`` of the last fill with a markout.
        Fills are counted that closed in the window, those without a markout among them, and those open at its end.
        ``handed_on``: by symbol, what the next window begins with.
    """
    policy = grid.policy
    sums = {rule.name: {symbol: track.sums(rule.name) for symbol, track in tracks.items()} for rule in policy.emas}
    whole = {name: _total(list(each.values()), grid) for name, each in sums.items()}
    closed, without = (sum(getattr(track, name) for track in tracks.values()) for name in ("closed", "without"))
    return {
        "horizon": horizon_name(policy.horizon),
        "settlement": currency,
        "min_known_share": policy.min_known_share,
        "min_notional": {rule.name: rule.least(currency) for rule in policy.emas},
        "fills": closed,
        "fills_without_markout": without,
        "fills_without_markout_share": without / closed if closed else None,
        "fills_open_at_end": sum(track.open for track in tracks.values()),
        "total": {rule.name: _last(whole[rule.name], rule, grid, currency) for rule in policy.emas},
        "by_symbol": {
            symbol: {rule.name: _last(sums[rule.name][symbol], rule, grid, currency) for rule in policy.emas}
            for symbol in sorted(tracks)
        },
        "at": [from_ns(ns) for ns in grid.times_ns.tolist()],
        "series": {rule.name: _series(whole[rule.name], rule, grid, currency) for rule in policy.emas},
    }


def _total(parts: Sequence[Sums], grid: Grid) -> Sums:
    if parts:
        return Sums.together(parts)
    times = grid.times_ns.size
    return Sums(np.zeros((3, times)), np.zeros(times, np.int64), np.full(times, -1, np.int64))


def _read(sums: Sums, rule: EmaRule, grid: Grid, currency: str | None) -> tuple[Readings, Floats]:
    readings = sums.read(grid.times_ns, rule.half_life)
    least = rule.least(currency)
    return readings, readings.trusted(math.inf if least is None else least, grid.policy.min_known_share)


def _series(sums: Sums, rule: EmaRule, grid: Grid, currency: str | None) -> list[float | None]:
    return [_plain(value) for value in _read(sums, rule, grid, currency)[1].tolist()]


def _last(sums: Sums, rule: EmaRule, grid: Grid, currency: str | None) -> dict[str, Any]:
    readings, trusted = _read(sums, rule, grid, currency)
    found = {
        "edge_bps": _plain(float(trusted[-1])),
        "notional": _plain(float(readings.notional[-1])),
        "known_share": _plain(float(readings.known_share[-1])),
        "age_s": _plain(float(readings.age_s[-1])),
    }
    return {**found, "reason": _reason(found, rule, grid.policy, currency)}


def _reason(found: Mapping[str, float | None], rule: EmaRule, policy: EmaPolicy, currency: str | None) -> str | None:
    known, notional, least = found["known_share"], found["notional"], rule.least(currency)
    if found["edge_bps"] is not None:
        return None
    if known is None or not notional:
        return "no fill with a markout has closed"
    if least is None:
        return f"ema.yaml has no min_notional of {rule.name} in {currency}"
    if notional < least:
        return f"{notional:,.0f} {currency} are left of what was filled, at least {least:,.0f} are needed"
    return f"of {known:.3g} of the notional a markout is known, at least {policy.min_known_share:g} is needed"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_handed_on(stored: Mapping[str, Any], policy: EmaPolicy, window: TimeWindow) -> dict[str, HandedOn] | str:
    """What a stored report hands on to the averages of the next window, by symbol, or in words why it cannot.

    Raises:
        SchemaError: it says that it hands something on, and that is not what a report stores.
    """
    section = stored.get("ema")
    if not isinstance(section, Mapping) or not isinstance(section.get("handed_on"), Mapping):
        return "it has no averages"
    if window_of(stored).end != window.start:
        return f"it ends at {window_of(stored).end.isoformat()}"
    if section.get("horizon") != horizon_name(policy.horizon):
        return f"its horizon is {section.get('horizon')}"
    return {symbol: HandedOn.load(saved) for symbol, saved in section["handed_on"].items()}
