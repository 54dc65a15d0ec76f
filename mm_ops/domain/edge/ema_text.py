"""The averages of a report in words, for Markdown and the page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.edge.pictures import number_at
from mm_ops.domain.markdown import number

_NOTHING = "not measured"


@dataclass(frozen=True, slots=True)
class EmaRow:
    """One average of all fills or of a symbol, at the window's end."""

    name: str
    group: str
    edge: str
    rests_on: str
    known: str
    age: str


def ema_rows(report: Mapping[str, Any]) -> list[EmaRow]:
    """Every average at the window's end: of all fills, then by symbol; none where the report has none."""
    return [_row(report, *path) for path in _paths(report.get("ema"))]


def _paths(section: object) -> Iterator[tuple[str, ...]]:
    given = section if isinstance(section, Mapping) else {}
    yield from (("total", name) for name in given.get("total") or {})
    for symbol, averages in (given.get("by_symbol") or {}).items():
        yield from (("by_symbol", symbol, name) for name in averages)


def _row(report: Mapping[str, Any], *path: str) -> EmaRow:
    found: Any = report["ema"]
    for key in path:
        found = found[key]
    edge, notional, known, age = (number_at(found, key) for key in ("edge_bps", "notional", "known_share", "age_s"))
    currency = report["ema"]["settlement"] or ""
    return EmaRow(
        name=path[-1],
        group="total" if path[0] == "total" else path[1],
        edge=f"none: {found['reason']}" if edge is None else f"{edge:+.2f} bps".replace("-", "−"),
        rests_on=_NOTHING if notional is None else f"{notional:,.0f} {currency}".strip(),
        known=_NOTHING if known is None else f"{int(known * 10_000) / 100:g} %",
        age=_NOTHING if age is None else number(float(f"{age:.3g}"), "s"),
    )


def begins_words(report: Mapping[str, Any]) -> str | None:
    """With what the averages begin; null where the report does not say."""
    section = report.get("ema")
    begins = section.get("begins") if isinstance(section, Mapping) else None
    if not isinstance(begins, Mapping):
        return None
    if begins.get("digest") is None:
        return f"nothing; {begins.get('report')}: {begins.get('reason')}"
    return f"{begins.get('report')} {begins['digest']}"
