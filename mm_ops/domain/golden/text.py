"""Differences for people: a table that shows each path, both values, by how much they differ and what is tolerated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mm_ops.domain.comparison import Drift
from mm_ops.domain.markdown import table

HEADER = ("path", "why", "baseline", "actual", "difference", "tolerance")
SHOWN = 50
_WIDTH = 48


def drift_rows(drifts: Sequence[Drift]) -> Iterator[tuple[str, ...]]:
    """One row a difference, the first 50; what is left out is counted in a last row."""
    for item in drifts[:SHOWN]:
        yield (item.path, item.why, *map(_short, (item.baseline, item.actual, item.difference, item.tolerance)))
    if len(drifts) > SHOWN:
        yield (f"… and {len(drifts) - SHOWN} more", "", "", "", "", "")


def golden_markdown(document: Mapping[str, Any]) -> str:
    """Write ``golden/drift.json`` for people: each case with its differences and who accepted its baseline."""
    parts = ["# Golden cases\n"]
    for case, drifts in document["cases"].items():
        record = document["acceptances"][case]
        rows = list(drift_rows(drifts))
        parts += [f"## {case}: {len(drifts)} differences\n", *([table(HEADER, rows)] if rows else [])]
        parts += [f"- {text}\n" for text in (*record["creep"], *record["unrecorded"])]
        parts += [f"Baseline accepted {record['accepted']}.\n"] if record["accepted"] else []
    parts += [f"- no case names {path}\n" for path in document["unreferenced"]]
    return "\n".join(parts)


def _short(value: Any) -> str:
    text = "" if value is None else repr(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
