"""What speaks for and against the inputs: a wrong join is seen here, and nothing is dropped without a count."""

from collections.abc import Iterable, Sequence
from typing import Any

from mm_ops.domain.edge.ages import ROUNDED_UP_BY, age_quantiles
from mm_ops.domain.edge.sums import KNOWN, PLAIN
from mm_ops.domain.edge.symbol_edge import SymbolEdge
from mm_ops.domain.windows import NS_PER_SECOND


def quality(symbols: Sequence[SymbolEdge]) -> dict[str, Any]:
    """Count what was met.

    ``wrong_side_share``: fills whose passive side lies on the wrong side of the mid. ``outside_touch_share``: prices
    below the bid or above the ask. ``…_alone``: of the fills that are the only one of their symbol in their
    millisecond; the others are mostly one taker order that swept several levels at once. ``last_quote_age_s``: how old
    the oldest symbol's last mid is at the window's end; net edge rests on it, however old.

    ``measured_share``: fills that have a mid, of all fills of the window, by number or by notional at their price,
    whichever is less. ``quote_coverage``: the share of the window in which a quote is at most ``stale_after`` old, of
    the symbol that has the least. ``quote_age_p95_ms``: of the quote before each fill, stale or not, of the symbol
    whose quotes are oldest; a fill before its first quote has none and lowers ``measured_share``. The three are 0 to
    1, 0 to 1 and milliseconds; null without fills. ``ages_rounded_up_by``: how much too old, relatively, an age may be
    told where they are too many to keep each; 0 where every one was kept.

    ``orders_after_their_fill``: orders whose time is later than their fill's receipt; the age of these is not known.

    ``longest_fill_gap_s``: the longest time without a fill, from the window's start or to its end as well, of the
    symbol that has the longest; lost fills leave no other trace where enough are left.

    ``mark_jump_bps``: how far the last mid, at which every position is valued, lies from the median of the last mids of
    the minutes of its hour, of the worst symbol; null where one has quotes in fewer than three of these minutes.
    """
    counts = [each.counts for each in symbols]
    measured, roles, wrong, outside = (
        round(sum(_total(each, row, column) for each in symbols))
        for row, column in (("fills", PLAIN), ("fills", KNOWN), ("wrong", PLAIN), ("outside", PLAIN))
    )
    fills, alone = sum(each.fills for each in counts), sum(each.alone for each in counts)
    rounded = any(ages.rounded for each in symbols for ages in (each.quote_ages, *each.tally.ages.values()))
    return {
        "measured_share": _measured_share(symbols, measured, fills),
        "quote_coverage": min((_coverage(each) for each in symbols), default=None),
        "quote_age_p95_ms": max(_known(age_quantiles([each.quote_ages], (0.95,))[0] for each in symbols), default=None),
        "ages_rounded_up_by": ROUNDED_UP_BY if rounded else 0.0,
        "longest_fill_gap_s": max((each.longest_fill_gap_ns / NS_PER_SECOND for each in counts), default=None),
        "fills_outside_window": sum(each.outside_window for each in counts),
        "fills_without_quote": fills - measured,
        "orders_after_their_fill": sum(each.orders_late for each in counts),
        "fees_from_schedule": sum(each.without_fee for each in counts),
        "wrong_side_share": _share(wrong, roles),
        "outside_touch_share": _share(outside, measured),
        "fills_alone_in_their_millisecond": alone,
        "outside_touch_share_alone": _share(sum(each.alone_outside for each in counts), alone),
        "quotes": sum(each.quotes for each in counts),
        "quotes_deduplicated": sum(each.doubled for each in counts),
        "locked_quotes": sum(each.locked for each in counts),
        "crossed_quotes": sum(each.crossed for each in counts),
        "fills_on_a_stale_quote": sum(int(each.tally.stale.sum()) for each in symbols),
        "last_quote_age_s": max(_known(each.last_quote_age_s for each in counts), default=None),
        "mark_jump_bps": _worst(each.mark_jump_bps for each in counts),
    }


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _worst(values: Iterable[float | None]) -> float | None:
    """Give the largest; not known where one is not, or there is none."""
    every = list(values)
    known = _known(every)
    return max(known, default=None) if len(known) == len(every) else None


def _total(symbol: SymbolEdge, row: str, column: int) -> float:
    return float(symbol.tally.cells[:, symbol.rows.index()[row], :, column].sum())


def _coverage(symbol: SymbolEdge) -> float:
    return symbol.counts.covered_ns / (symbol.window.end_ns - symbol.window.start_ns)


def _measured_share(symbols: Sequence[SymbolEdge], measured: int, fills: int) -> float | None:
    if not fills:
        return None
    by_notional = sum(each.counts.traded_measured for each in symbols) / sum(each.counts.traded for each in symbols)
    return min(measured / fills, by_notional)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
