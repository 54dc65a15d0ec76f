"""``mm-ops edge report``: the edge of any fills against any quotes, without Dagster."""

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mm_ops.cli.context import marker, policy_file, show_table

if TYPE_CHECKING:
    import polars as pl

    from mm_ops.domain.edge.policy import Instruments
    from mm_ops.domain.windows import TimeWindow

ANSWERS = {True: ("PASS", 0), False: ("FAIL", 1), None: ("INCONCLUSIVE", 2)}
PATH = click.Path(path_type=Path)
TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def edge() -> None:
    """Measure the edge of any fills against any quotes."""


@edge.command()
@click.option("--fills", type=PATH, required=True, help="Parquet or JSON lines, a file or a folder.")
@click.option("--quotes", type=PATH, required=True, help="Parquet or JSON lines, a file or a folder.")
@click.option("--instruments", type=PATH, help="Default deploy/policies/instruments.yaml.")
@click.option("--policy", type=PATH, help="Default deploy/policies/edge.yaml.")
@click.option("--clock", type=click.Choice(["exchange", "receive"]), help="Overrules the venue's clock.")
@click.option("--venue", help="Takes all symbols as this venue's: its clock and lag, from the policy.")
@click.option("--side-is", type=click.Choice(["ours", "aggressor"]), default="ours", show_default=True)
@click.option("--start", type=TIME, help="UTC; default the first fill or quote.")
@click.option("--end", type=TIME, help="UTC, not included; default just after the last fill or quote.")
@click.option("--out-json", type=PATH, help="Write the report as canonical JSON.")
@click.option("--out-md", type=PATH, help="Write the report as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as canonical JSON.")
def report(  # noqa: PLR0913, PLR0917 - one argument for each option
    fills: Path,
    quotes: Path,
    instruments: Path | None,
    policy: Path | None,
    clock: Literal["exchange", "receive"] | None,
    venue: str | None,
    side_is: Literal["ours", "aggressor"],
    start: datetime | None,
    end: datetime | None,
    out_json: Path | None,
    out_md: Path | None,
    *,
    as_json: bool,
) -> None:
    """Measure spread capture, markouts, adverse selection, fees, inventory and net edge.

    Exit 0 when the identity holds, 1 when it does not, 2 when nothing could be measured.
    """
    from mm_ops.adapters.market_data import read_fills, read_quotes
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.edge.policy import EdgePolicy, Instruments
    from mm_ops.domain.edge.report import build_edge_report
    from mm_ops.domain.edge.report_text import edge_markdown

    ours, market = read_fills(fills, side_is=side_is), read_quotes(quotes)
    result = build_edge_report(
        ours,
        market,
        policy=read_policy(policy or policy_file("edge.yaml"), EdgePolicy),
        instruments=_at(venue, read_policy(instruments or policy_file("instruments.yaml"), Instruments)),
        window=_window(ours, market, start, end),
        clock=clock,
    )
    _write(out_json, encode(result))
    _write(out_md, edge_markdown(result).encode())
    if as_json:
        click.echo(encode(result), nl=False)
    else:
        _show(result)
    answer, code = ANSWERS[result["identity"]["holds"]]
    marker("edge report", answer)
    sys.exit(code)


def _at(venue: str | None, instruments: "Instruments") -> "Instruments":
    """The instruments, traded elsewhere if so asked."""
    if venue is None:
        return instruments
    return replace(instruments, instruments=tuple(replace(item, venue=venue) for item in instruments.instruments))


def _write(path: Path | None, data: bytes) -> None:
    from mm_ops.adapters.artifacts import write_atomically

    if path is not None:
        write_atomically(path, data)


def _window(
    fills: "pl.DataFrame", quotes: "pl.DataFrame", start: datetime | None, end: datetime | None
) -> "TimeWindow":
    """The window asked for, or the span of all data on every clock it has."""
    from datetime import UTC

    from mm_ops.domain.errors import SchemaError
    from mm_ops.domain.windows import TimeWindow, from_ns

    columns = [frame[name] for frame in (fills, quotes) for name in ("ts_ns", "exch_ts_ns") if name in frame.columns]
    times = [edge for column in columns for edge in (column.min(), column.max()) if isinstance(edge, int)]
    if not times:
        raise SchemaError("neither fills nor quotes have a row: there is no time to measure")
    first = start.replace(tzinfo=UTC) if start is not None else from_ns(min(times))
    after = end.replace(tzinfo=UTC) if end is not None else from_ns(max(times) + 1000)
    try:
        return TimeWindow(first, after)
    except ValueError as error:
        raise SchemaError(f"the window of --start, --end and the data: {error}") from error


def _show(result: dict[str, Any]) -> None:
    from mm_ops.domain.markdown import number

    click.echo(f"{result['window']['start']} to {result['window']['end']}, clocks {result['clocks']}")
    groups = [("total", result["total"]), *result["by_symbol"].items(), *result["by_side"].items()]
    wanted = ("spread_capture_bps", *(f"markout_bps_{name}" for name in result["horizons"]), "fee_bps", "net_edge_bps")
    header = ("", "fills", *(name.replace("_bps", "").replace("_", " ") for name in wanted), "maker share")
    rows = [
        (name, str(group["fills"]), *(number(group[item]) for item in wanted), number(group["maker_share"]))
        for name, group in groups
    ]
    show_table("bps of notional at the mid; positive is good for us", header, rows)
    quality = result["quality"].items()
    show_table("inputs", ("", ""), [(name.replace("_", " "), _shown(value)) for name, value in quality])
    click.echo(f"identity: {result['identity']}")


def _shown(value: int | float | None) -> str:  # noqa: PYI041 - counts stay counts
    from mm_ops.domain.markdown import number

    return str(value) if isinstance(value, int) else number(value)
