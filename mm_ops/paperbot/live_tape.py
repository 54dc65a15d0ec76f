"""The live bot's quotes and fills, beside it: ``<root>/{quotes,fills}/date=…/symbol=…/<first>.parquet``.

The columns are those of a recorded day. A file holds some thousand rows and is written whole each time, so that a
reader never meets half of one; what came since the last writing is lost with a process that is killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from mm_ops.paperbot.live_symbol import LiveFill, LiveSymbol
from mm_ops.paperbot.profiles import SETTLEMENT, VENUE
from mm_ops.paperbot.recording import parquet_of, write_whole

ROWS = 4096
"""Of a file: at two quotes a second half an hour."""

_NS, _MS = 1_000_000_000, 1_000_000


@dataclass(slots=True)
class _Segment:
    """One file, and how many of its rows are written."""

    kind: str
    symbol: str
    day: date
    rows: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0


class Tape:
    """Takes in one step of the bot after the other; times are of the wall clock, whatever the bot's own runs at.

    Args:
        root: the folder.
        started: when the bot's clock stood at 0, UTC.
        speed: how many seconds of its clock pass in one.
    """

    def __init__(self, root: Path, started: datetime, speed: float) -> None:
        self._root, self._speed = root, speed
        self._started_ns = round(started.timestamp() * 1000) * _MS
        self._segments: dict[tuple[str, str], _Segment] = {}
        self._full: list[_Segment] = []
        self._numbers = count()

    def take(self, now_s: float, symbols: Sequence[LiveSymbol], half_spread_bps: float) -> None:
        """Take in where each symbol is quoted after a step, and what was filled in it.

        A fill has the time of the quote that follows it: the one before it prevailed.
        """
        at_ns = self._started_ns + round(now_s / self._speed * _NS)
        for item in symbols:
            bid, ask = item.touch(half_spread_bps)
            for fill in item.filled:
                self._add("fills", item.symbol.name, at_ns, self._fill_row(item, fill, at_ns))
            quote = {"bid_px": bid, "bid_qty": item.symbol.lot, "ask_px": ask, "ask_qty": item.symbol.lot}
            self._add("quotes", item.symbol.name, at_ns, quote)

    def write(self) -> None:
        """Write what has come since; quotes first, so that no fill is there without those that it is measured by.

        Raises:
            OSError: it cannot be written now; the next time it is tried again.
        """
        for kind in ("quotes", "fills"):
            for full in [one for one in self._full if one.kind == kind]:
                self._write(full)
                self._full.remove(full)
            for (of, _), segment in self._segments.items():
                if of == kind:
                    self._write(segment)

    def _add(self, kind: str, symbol: str, at_ns: int, row: dict[str, Any]) -> None:
        day = datetime.fromtimestamp(at_ns // _NS, UTC).date()
        segment = self._segments.get((kind, symbol))
        if segment is None or segment.day != day or len(segment.rows) >= ROWS:
            self._full += [] if segment is None else [segment]
            segment = self._segments[kind, symbol] = _Segment(kind, symbol, day)
        received_ns = at_ns + round(2 * _MS / self._speed)  # of the bot's clock, as in a recording
        segment.rows.append({"ts_ns": received_ns, "exch_ts_ns": at_ns, "symbol": symbol, **row})

    def _write(self, segment: _Segment) -> None:
        if len(segment.rows) == segment.written:
            return
        path = self._root / segment.kind / f"date={segment.day.isoformat()}" / f"symbol={segment.symbol}"
        file = path / f"{segment.rows[0]['exch_ts_ns']}.parquet"
        write_whole(file, parquet_of(pl.DataFrame(segment.rows, infer_schema_length=None)))
        segment.written = len(segment.rows)

    def _fill_row(self, item: LiveSymbol, fill: LiveFill, at_ns: int) -> dict[str, Any]:
        name = f"{item.symbol.name}-{self._started_ns // _MS}-{next(self._numbers)}"
        return {
            "fill_id": name,
            "order_id": f"o-{name}",
            "side": "buy" if fill.side == 1 else "sell",
            "price": fill.price,
            "qty": fill.qty,
            "liquidity": "maker" if fill.maker else "taker",
            "fee": fill.fee,
            "fee_asset": SETTLEMENT,
            "order_ts_ns": at_ns - round(fill.age_ms * _MS / self._speed),
            "venue": VENUE,
        }
