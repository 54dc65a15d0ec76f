"""The edge's sentinel over recorded history: which profile it would have asked for, and why."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import show_table

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.edge_count import Row
    from mm_ops.domain.sli.series import SampleSource
    from mm_ops.domain.windows import TimeWindow


def replay_edge(
    source: "SampleSource", window: "TimeWindow", recorded: Path | None, tell: Callable[[str], None]
) -> "list[Row]":
    """Count every closed window of a stretch, with the functions that count live ones.

    Args:
        source: of the bot's gauges.
        window: the stretch.
        recorded: the folder that holds ``fills`` and ``quotes`` of the same bot; without it gauges stand alone.
        tell: takes in how far it is.

    Raises:
        PolicyError: no window lies in the stretch.
    """
    from mm_ops.adapters.edge_desk import read_measuring
    from mm_ops.adapters.edge_fills import EdgeFills
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.profile_desk import read_edge_policies
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.sentinel.edge_count import EdgeState, count_all
    from mm_ops.domain.sentinel.edge_window import ends_within, read_span, read_windows, selectors_of
    from mm_ops.domain.windows import format_duration

    folder = Environment.read().policies
    policy, _, ema = read_edge_policies(folder)
    ends = ends_within(window, policy)
    if not ends:
        raise PolicyError(f"--from, --to: expected a window of {format_duration(policy.window)} between, was {window}")
    fills = None
    if recorded is not None:
        measured = EdgeFills(recorded / "fills", recorded / "quotes", read_measuring(folder), ema, policy)
        fills = measured.read(ends, tell)
    tell("gauges")
    table = source.read_series(selectors_of(policy), read_span(ends, policy))
    return count_all(EdgeState(), read_windows(table, ends, policy, fills), policy)


def show_edge(rows: "list[Row]") -> None:
    """Print every change with its reason, and how it ended."""
    from mm_ops.domain.sentinel.edge_history import changes_in, switches_in
    from mm_ops.domain.sentinel.edge_story import HEADER, tell_rows

    changes = changes_in(rows)
    show_table("edge sentinel: what changed", HEADER, tell_rows(changes))
    pages, last = sum(len(row.pages) for row in rows), rows[-1]
    ended = last.state.profile or "its own"
    click.echo(f"{len(rows)} windows, {len(switches_in(rows))} switches, {pages} pages; at the end profile {ended}")


def plain_edge(rows: "list[Row]") -> dict[str, Any]:
    """Every window, and which of them are changes, for JSON."""
    from mm_ops.domain.sentinel.edge_history import changes_in

    return {"windows": rows, "changes": [row.window.end for row in changes_in(rows)]}
