"""What of an edge report is worth a line over the days; light, since the location loads it."""

from collections.abc import Mapping
from typing import Any

_TOTALS = ("net_edge_bps", "spread_capture_bps", "fee_bps", "maker_share", "notional", "fills")
_BY_HORIZON = ("markout_bps", "adverse_selection_bps")


def plotted(report: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers of a stored report by name: totals, markouts, the interval, averages; null where not measured."""
    total, net = report["total"], report["net_edge"]
    averages = report["ema"]["total"] if "ema" in report else {}
    names = [*_TOTALS, *(f"{kind}_{horizon}" for kind in _BY_HORIZON for horizon in report["horizons"])]
    return {
        **{name: total[name] for name in names},
        "net_edge_low_bps": net["low_bps"],
        "net_edge_high_bps": net["high_bps"],
        "carried_share": report["carried_position"]["share"],
        "measured_share": report["quality"]["measured_share"],
        **{f"edge_bps_{name}": each["edge_bps"] for name, each in averages.items()},
    }
