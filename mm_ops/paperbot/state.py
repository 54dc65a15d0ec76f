"""What the bot carries over midnight, as plain numbers that JSON keeps exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from mm_ops.paperbot.gauges import NOTHING_PENDING, Pending
from mm_ops.paperbot.profiles import SYMBOLS

RECENT = 200


@dataclass(slots=True)
class SymbolState:
    """One symbol's mid (log), position (lots) and fills that wait for their horizon."""

    log_mid: float
    position_lots: int = 0
    pending: Pending = NOTHING_PENDING


@dataclass(slots=True)
class BotState:
    """Everything at the end of a day: per symbol, counters by series, decayed sums, the newest order ages."""

    start_s: float
    symbols: dict[str, SymbolState] = field(
        default_factory=lambda: {item.name: SymbolState(float(np.log(item.first_mid))) for item in SYMBOLS}
    )
    counters: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    ages_ms: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "start_s": self.start_s,
            "symbols": {
                name: {
                    "log_mid": item.log_mid,
                    "position_lots": item.position_lots,
                    "pending": {key: column.tolist() for key, column in item.pending.columns().items()},
                }
                for name, item in self.symbols.items()
            },
            "counters": self.counters,
            "sums": self.sums,
            "ages_ms": self.ages_ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote."""
        symbols = {name: _symbol(item) for name, item in data["symbols"].items()}
        return cls(data["start_s"], symbols, dict(data["counters"]), dict(data["sums"]), list(data["ages_ms"]))


def _symbol(data: Mapping[str, Any]) -> SymbolState:
    integers = ("close_ns", "side")
    columns: dict[str, Any] = {
        name: np.array(values, np.int64 if name in integers else np.float64) for name, values in data["pending"].items()
    }
    return SymbolState(data["log_mid"], data["position_lots"], Pending(**columns))
