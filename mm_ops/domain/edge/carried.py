"""What the window's fills leave behind: a position that is valued at its last mid, and may be sold at another."""

from collections.abc import Sequence
from typing import Any

from mm_ops.domain.edge.sums import PLAIN
from mm_ops.domain.edge.tally import Tally


def carried_position(tallies: Sequence[Tally]) -> dict[str, Any]:
    """What the measured fills add up to at the window's end, from none at its start.

    Returns:
        By symbol: ``position``, above zero where more was bought, quantity × contract size (of an inverse contract so
        much of the quote currency); ``mid``, the last one; ``value`` of the position at it, and ``share``, its size ÷
        the notional of the symbol's fills. ``share`` of all: their sizes ÷ all notional. Null without a measured fill.
        Values are in the settlement currency.
    """
    values = {each.instrument.symbol: each.cash.value(each.mark, each.instrument) for each in tallies}
    notional = {each.instrument.symbol: _notional(each) for each in tallies}
    total = sum(notional.values())
    return {
        "share": sum(map(abs, values.values())) / total if total else None,
        "by_symbol": {
            each.instrument.symbol: _carried(each, values[each.instrument.symbol], notional[each.instrument.symbol])
            for each in tallies
        },
    }


def _notional(tally: Tally) -> float:
    return float(tally.cells[:, tally.rows.index()["notional"], :, PLAIN].sum())


def _carried(tally: Tally, value: float, notional: float) -> dict[str, float | None]:
    if not notional:
        return dict.fromkeys(("position", "mid", "value", "share"))
    return {"position": tally.cash.position, "mid": tally.mark, "value": value, "share": abs(value) / notional}
