"""The edge report for people."""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain.edge.ema_text import begins_words, ema_rows
from mm_ops.domain.edge.page import answers, carried_words, certainty_words, headline
from mm_ops.domain.markdown import number, table


def edge_markdown(report: Mapping[str, Any]) -> str:
    """Write the tables of a report: totals by symbol, markouts by horizon, and what speaks for and against them."""
    identity = report["identity"]
    held = {True: "holds", False: "DOES NOT HOLD", None: "was not checked: no fill could be measured"}[
        identity["holds"]
    ]
    currency = report["settlement"] or "no currency: there are no fills"
    return "\n".join(
        [
            f"# Edge, {report['window']['start']} to {report['window']['end']}\n",
            f"Money in {currency}; bps of notional at the mid, positive is good for us. The identity {held}.\n",
            *_certainty(report),
            table(("", *_HEAD), [(name, *_line(group)) for name, group in _groups(report)]),
            table(("horizon", "markout", "adverse selection", "inventory", "no mid"), _by_horizon(report)),
            *_averages(report),
            "## What speaks for and against it\n",
            table(("", ""), [(key.replace("_", " "), _shown(value)) for key, value in report["quality"].items()]),
        ]
    )


_HEAD = ("fills", "notional", "turnover", "capture", "fee", "net edge", "maker share", "order age p95")


def _groups(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [("total", report["total"]), *report["by_symbol"].items(), *report["by_side"].items()]


def _line(group: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(group["fills"]),
        number(group["notional"]),
        number(group["turnover"]),
        number(group["spread_capture_bps"], "bps"),
        number(group["fee_bps"], "bps"),
        number(group["net_edge_bps"], "bps"),
        number(group["maker_share"]),
        number(group["order_age_p95_ms"], "ms"),
    )


def _by_horizon(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    total = report["total"]
    return [
        (
            name,
            number(total[f"markout_bps_{name}"], "bps"),
            number(total[f"adverse_selection_bps_{name}"], "bps"),
            number(total[f"inventory_bps_{name}"], "bps"),
            str(total["nulls"][name]),
        )
        for name in report["horizons"]
    ]


def _certainty(report: Mapping[str, Any]) -> list[str]:
    said = "; ".join(f"above {answer.limit}: {answer.words}" for answer in answers(report))
    sure = f"{headline(report)}. {certainty_words(report)}.{f' {said[0].upper()}{said[1:]}.' if said else ''}"
    return [f"{sure} {carried_words(report)}.\n"]


def _averages(report: Mapping[str, Any]) -> list[str]:
    rows = [(row.name, row.group, row.edge, row.rests_on, row.known, row.age) for row in ema_rows(report)]
    if not rows:
        return []
    begins = begins_words(report)
    head = ("average", "of", "edge at the end", "rests on", "markout known", "last fill")
    words = "" if begins is None else f"They begin with {begins}.\n"
    return ["## Averages that forget\n", table(head, rows), *([words] if words else [])]


def _shown(value: int | float | None) -> str:  # noqa: PYI041 - counts stay counts
    return str(value) if isinstance(value, int) else number(value)
