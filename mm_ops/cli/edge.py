"""``mm-ops edge report``: the edge of any fills against any quotes, without Dagster."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mm_ops.cli.context import policy_file, say, show_table
from mm_ops.cli.edge_verdict import conclude

if TYPE_CHECKING:
    from mm_ops.adapters.market_inputs import MarketInputs, Request
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.policy import Instruments
    from mm_ops.domain.edge.report import Measured, Part
    from mm_ops.domain.windows import TimeWindow

PATH = click.Path(path_type=Path)
TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
PROGRESS_S = 5.0
DATA = "Parquet or JSON lines: a file, a folder, or an fsspec URL of either (http:// needs aiohttp and requests)."


@click.group()
def edge() -> None:
    """Measure the edge of any fills against any quotes."""


@edge.command()
@click.option("--fills", required=True, help=DATA)
@click.option("--quotes", required=True, help=DATA)
@click.option("--mapping", type=PATH, help="YAML that says how the files call columns, words and time units.")
@click.option("--instruments", type=PATH, help="Default deploy/policies/instruments.yaml.")
@click.option("--policy", type=PATH, help="Default deploy/policies/edge.yaml.")
@click.option("--inputs", type=PATH, help="What becomes of bad rows; default deploy/policies/inputs.yaml.")
@click.option("--clock", type=click.Choice(["exchange", "receive"]), help="Overrules the venue's clock.")
@click.option("--venue", help="Takes all symbols as this venue's: its clock and lag, from the policy.")
@click.option("--side-is", type=click.Choice(["ours", "aggressor"]), default="ours", show_default=True)
@click.option("--infer-aggressor", is_flag=True, help="Sides are aggressors'; where null, by Lee and Ready's rule.")
@click.option("--alternatives", is_flag=True, help="Also say what other clocks and lags would give: eight more joins.")
@click.option("--start", type=TIME, help="UTC; default the first fill or quote.")
@click.option("--end", type=TIME, help="UTC, not included; default just after the last fill or quote.")
@click.option("--rejects", type=PATH, help="Write the rows that were left out as faulty, as JSON lines.")
@click.option("--out-json", type=PATH, help="Write the report as canonical JSON.")
@click.option("--out-md", type=PATH, help="Write the report as Markdown.")
@click.option("--out-html", type=PATH, help="Write the report as one HTML file with its pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as canonical JSON.")
def report(  # noqa: PLR0913, PLR0917 - one argument for each option
    fills: str,
    quotes: str,
    mapping: Path | None,
    instruments: Path | None,
    policy: Path | None,
    inputs: Path | None,
    clock: Literal["exchange", "receive"] | None,
    venue: str | None,
    side_is: Literal["ours", "aggressor"],
    start: datetime | None,
    end: datetime | None,
    rejects: Path | None,
    out_json: Path | None,
    out_md: Path | None,
    out_html: Path | None,
    *,
    infer_aggressor: bool,
    alternatives: bool,
    as_json: bool,
) -> None:
    """Measure spread capture, markouts, adverse selection, fees, inventory and net edge.

    Exit 0 when the identity holds and few enough rows were rejected, 1 when not, 2 when nothing could be measured.
    """
    from mm_ops.adapters.market_files import locate
    from mm_ops.adapters.market_inputs import Request
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.edge.columns import ColumnMapping
    from mm_ops.domain.edge.inputs import InputsPolicy
    from mm_ops.domain.edge.intake import EdgePolicies
    from mm_ops.domain.edge.policy import EdgePolicy, Instruments

    policies = EdgePolicies(
        inputs=read_policy(inputs or policy_file("inputs.yaml"), InputsPolicy),
        edge=read_policy(policy or policy_file("edge.yaml"), EdgePolicy),
        instruments=_at(venue, read_policy(instruments or policy_file("instruments.yaml"), Instruments)),
        clock=clock,
    )
    request = Request(
        fills=locate(fills),
        quotes=locate(quotes),
        mapping=ColumnMapping() if mapping is None else read_policy(mapping, ColumnMapping),
        side_is=side_is,
        infer_aggressor=infer_aggressor,
    )
    measured, result, rejected = _measure(request, policies, (start, end), alternatives=alternatives)
    _write(rejects, lambda: rejected)
    _write(out_json, lambda: encode(result))
    _write(out_md, lambda: _text(result).encode())
    _write(out_html, lambda: _page(fills, measured, result))
    if as_json:
        click.echo(encode(result), nl=False)
    else:
        _show(result)
    conclude(result, as_json=as_json)


def _measure(
    request: "Request",
    policies: "EdgePolicies",
    asked: tuple[datetime | None, datetime | None],
    *,
    alternatives: bool,
) -> "tuple[Measured, dict[str, Any], bytes]":
    """What was measured, the report, and the rejected rows."""
    from mm_ops.adapters.market_inputs import MarketInputs, gather
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.edge.clocks import clock_alternatives
    from mm_ops.domain.edge.ema_policy import EmaPolicy
    from mm_ops.domain.edge.report import measure_parts

    inputs = MarketInputs(request, policies)
    window = _window(inputs, *asked)
    told = _tell_progress(inputs.parts())
    parts = list(told) if alternatives else told
    measured = measure_parts(
        parts,
        policy=policies.edge,
        instruments=policies.instruments,
        window=window,
        clock=policies.clock,
        ema=read_policy(policy_file("ema.yaml"), EmaPolicy),
    )
    result = {**measured.report, "intake": inputs.section}
    if alternatives:
        result["clock_alternatives"] = clock_alternatives(*gather(parts), policies, window)
    return measured, result, inputs.rejects


def _tell_progress(parts: "Iterable[Part]") -> "Iterator[Part]":
    """Say how far it is: every few seconds, and where one of several days begins."""
    from time import monotonic

    told, place, fills, quotes = monotonic(), "", 0, 0
    for part in parts:
        if part.place != place or monotonic() - told > PROGRESS_S:
            at = f"{part.place}: " if part.place else ""
            say(f"{at}{part.symbol}, {fills:,} fills and {quotes:,} quotes so far")
            told, place = monotonic(), part.place
        fills += 0 if part.fills is None else part.fills.height
        quotes += 0 if part.quotes is None else part.quotes.height
        yield part


def _page(name: str, measured: "Measured", result: Mapping[str, Any]) -> bytes:
    from mm_ops.adapters.edge_html import page_of, render_edge_page
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.edge.page_policy import EdgePagePolicy
    from mm_ops.domain.readiness.policy import ReadinessPolicy

    shown = read_policy(policy_file("edge_page.yaml"), EdgePagePolicy)
    needs = read_policy(policy_file("readiness.yaml"), ReadinessPolicy).edge
    return render_edge_page(page_of(name, measured, result, shown, needs))


def _at(venue: str | None, instruments: "Instruments") -> "Instruments":
    """The instruments, traded elsewhere if so asked."""
    if venue is None:
        return instruments
    return replace(instruments, instruments=tuple(replace(item, venue=venue) for item in instruments.instruments))


def _write(path: Path | None, make: Callable[[], bytes]) -> None:
    from mm_ops.adapters.artifacts import write_atomically

    if path is not None:
        write_atomically(path, make())


def _window(inputs: "MarketInputs", start: datetime | None, end: datetime | None) -> "TimeWindow":
    """The window asked for, or the span of all data on every clock it has."""
    from datetime import UTC

    from mm_ops.domain.errors import SchemaError
    from mm_ops.domain.windows import TimeWindow

    first, after = (None if each is None else each.replace(tzinfo=UTC) for each in (start, end))
    if first is None or after is None:
        span = inputs.find_window()
        if span is None:
            raise SchemaError("neither fills nor quotes have a row: there is no time to measure")
        first, after = first or span.start, after or span.end
    try:
        return TimeWindow(first, after)
    except ValueError as error:
        raise SchemaError(f"the window of --start, --end and the data: {error}") from error


def _show(result: dict[str, Any]) -> None:
    from mm_ops.domain.edge.ema_text import ema_rows
    from mm_ops.domain.edge.page import answers, carried_words, certainty_words, headline
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
    said = "; ".join(f"above {answer.limit}: {answer.words}" for answer in answers(result))
    click.echo(f"{headline(result)}. {certainty_words(result)}. {said}\n{carried_words(result)}\n")
    quality = result["quality"].items()
    show_table("inputs", ("", ""), [(name.replace("_", " "), _shown(value)) for name, value in quality])
    averages = [(row.name, row.group, row.edge, row.rests_on, row.age) for row in ema_rows(result)]
    show_table("averages at the end", ("", "of", "edge", "rests on", "last fill"), averages)
    show_table("what was read", ("", ""), _lines(result["intake"]))
    if "clock_alternatives" in result:
        show_table("what another clock would give", *alternatives_table(result["clock_alternatives"]))
    click.echo(f"identity: {result['identity']}")


def _lines(section: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A nested section as rows of one table; what is null was not known."""
    rows: list[tuple[str, str]] = []
    for name, value in section.items():
        words = f"{prefix} {name.replace('_', ' ')}".strip()
        if isinstance(value, Mapping) and "treat" in value:
            rows.append((f"{words}, {value['treat']}", _counted(value)))
        elif isinstance(value, Mapping):
            rows += _lines(value, words)
        else:
            rows.append((words, value if isinstance(value, str) else _shown(value)))
    return rows


def _counted(value: Mapping[str, Any]) -> str:
    share = value.get("share")
    return _shown(value["count"]) if share is None else f"{value['count']} ({100 * share:.3g} %)"


def _text(result: dict[str, Any]) -> str:
    """The Markdown of the report, with what was read and what another clock would give."""
    from mm_ops.domain.edge.report_text import edge_markdown
    from mm_ops.domain.markdown import table

    text = [edge_markdown(result), "## What was read\n", table(("", ""), _lines(result["intake"]))]
    if "clock_alternatives" in result:
        header, rows = alternatives_table(result["clock_alternatives"])
        text += ["## What another clock would give\n", table(header, rows)]
    return "\n".join(text)


def alternatives_table(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows: choice, fills, wrong side, outside the touch, net edge."""
    from mm_ops.domain.markdown import number

    wanted = ("fills", "wrong_side_share", "outside_touch_share", "net_edge_bps")
    header = ("choice", *(name.replace("_", " ") for name in wanted))
    rows = [
        (
            item["choice"],
            *(_shown(item[name]) if item["available"] else "not in the data" for name in wanted[:1]),
            *(number(item[name]) for name in wanted[1:]),
        )
        for item in found
    ]
    return header, rows


def _shown(value: int | float | None) -> str:  # noqa: PYI041 - counts stay counts
    from mm_ops.domain.markdown import number

    return str(value) if isinstance(value, int) else number(value)
