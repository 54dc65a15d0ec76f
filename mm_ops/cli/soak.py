"""``mm-ops soak``: one soak, judged; and what it will be judged by, put on record when it starts."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import finding_row, marker, say, show_table, utc_now
from mm_ops.cli.record import read_record
from mm_ops.cli.samples import Moment, Origin, origin_options, read_policies, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.sli.series import SampleSource, Series
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.domain.verdict import Finding
    from mm_ops.domain.windows import TimeWindow

_HEADER = ("gate", "severity", "verdict", "value", "limit", "margin", "samples", "coverage", "reason")
_FILE = click.Path(dir_okay=False, path_type=Path)
MOST_HOURS = 366 * 24


@dataclass(frozen=True)
class _Outputs:
    """Which files are asked for."""

    metrics: Path | None
    markdown: Path | None
    html: Path | None
    gates: Path | None


@click.group()
def soak() -> None:
    """Judge a soak."""


@soak.command()
@click.option("--out", type=_FILE, required=True, help="Where to; give it to `soak run --started`.")
@click.option("--bot", default="paper", show_default=True, help="Whose version in bots.yaml is to run.")
@click.option("--version", help="The version that is to run; default the bot's in bots.yaml.")
def start(out: Path, bot: str, version: str | None) -> None:
    """Put on record what a soak that starts now will be judged by: a policy that changes meanwhile is then seen."""
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.soak.registration import register

    slis, policy, _ = read_policies()
    named = version or version_of(bot)
    if named is None:
        raise PolicyError(f"--bot: expected a bot of bots.yaml, was {bot!r}; or say by --version what is to run")
    _write(out, encode(register(slis, policy, registered=utc_now(), version=named)))
    marker("soak start", "OK")


@soak.command()
@click.option("--hours", type=click.IntRange(1, MOST_HOURS), help="Length of the window; default as soak.yaml (72).")
@origin_options
@click.option("--end", type=Moment(), help="End of the window, exclusive; default the last UTC midnight.")
@click.option("--started", type=_FILE, help="What `soak start` wrote when the soak began.")
@click.option("--require-registration", is_flag=True, help="Nothing passes unless --started was made in time.")
@click.option("--known-good", type=_FILE, help="The soak_metrics.json to compare with, of the known-good release.")
@click.option("--export-json", type=_FILE, help="Write what was measured (soak_metrics.json).")
@click.option("--export-md", type=_FILE, help="Write the report (SOAK_RESULTS.md).")
@click.option("--export-html", type=_FILE, help="Write the report with charts, one self-contained file.")
@click.option("--gate-summary", type=_FILE, help="Write what the gates found (gates_summary.json).")
@click.option("--json", "as_json", is_flag=True, help="Metrics and findings as canonical JSON.")
def run(  # noqa: PLR0913 - one argument for each flag
    *,
    hours: int | None,
    mock: bool,
    recording: Path | None,
    prometheus: str | None,
    bot: str,
    timeout: int | None,
    expect_version: str | None,
    end: datetime | None,
    started: Path | None,
    require_registration: bool,
    known_good: Path | None,
    export_json: Path | None,
    export_md: Path | None,
    export_html: Path | None,
    gate_summary: Path | None,
    as_json: bool,
) -> None:
    """Measure every SLI of a window, judge every rule, and exit by the verdict.

    Exit 0 pass, 1 a hard gate failed, 2 could not decide.
    """
    source, words = Origin(mock, recording, prometheus, bot, timeout).open()
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.soak.page import headline
    from mm_ops.domain.soak.summary import gates_summary
    from mm_ops.domain.soak.verdicts import Reference, fold, judge
    from mm_ops.domain.verdict import exit_code

    slis, policy, digests = read_policies()
    window = _window(end, hours, policy)
    version = expect_version or version_of(bot)
    record = read_record(started, slis, policy, version, window)
    change = record.change(required=require_registration)
    reference = Reference(version=version, change=change, known_good=_soak_of(known_good))
    for fault in record.faults:
        say(f"soak: {fault}")
    say(f"soak: reading {window} from {words}")
    metrics, table = _measure(slis, policy, source, window, words)
    findings = judge(metrics, policy, reference)
    verdict = fold(findings, policy)
    about = {"policies": digests, "version": version, "registration": record.summary}
    summary = gates_summary(findings, verdict, metrics["window"]) | about
    outputs = _Outputs(export_json, export_md, export_html, gate_summary)
    _export(outputs, slis, policy, table, metrics, summary, bot, record.remarks)
    if as_json:
        click.echo(encode({"metrics": metrics, "gates": summary}), nl=False)
    else:
        show_table(f"soak {window}", _HEADER, [_row(finding) for finding in findings])
        click.echo(headline(verdict, findings))
    marker("soak", verdict.value.upper(), err=as_json)
    sys.exit(exit_code(verdict))


def _window(end: datetime | None, hours: int | None, policy: "SoakPolicy") -> "TimeWindow":
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.soak.buckets import MOST
    from mm_ops.domain.windows import TimeWindow, format_duration

    length, bucket = policy.window if hours is None else timedelta(hours=hours), policy.buckets.length
    try:
        window = TimeWindow.ending(_last_midnight() if end is None else end, length)
    except ValueError as error:
        raise PolicyError(f"--end, --hours: {error}") from error
    if hours is not None and (length % bucket or length > MOST * bucket):
        whole = f"whole buckets of {format_duration(bucket)} (soak.yaml: buckets.length), at most {MOST}"
        raise PolicyError(f"--hours: expected {whole}, was {hours}h")
    return window


def _soak_of(path: Path | None) -> dict[str, Any] | None:
    """Read a known-good soak, and refuse what is none by the name of its file: what judges it knows no file."""
    from mm_ops.adapters.json_files import read_soak
    from mm_ops.domain.errors import MmOpsError, SchemaError
    from mm_ops.domain.soak.buckets import buckets_from
    from mm_ops.domain.soak.metrics import measurements_from
    from mm_ops.domain.soak.summary import field_of

    if path is None:
        return None
    try:
        document = read_soak(path)
    except MmOpsError as error:
        raise type(error)(f"--known-good: {error}") from error
    try:
        measurements_from(document)
        buckets = field_of(document, "buckets", (dict, NoneType))
        if buckets is not None:
            buckets_from(buckets)
    except SchemaError as error:
        raise SchemaError(f"--known-good: {path}: expected a soak_metrics.json: {error}") from error
    return document


def _measure(
    slis: "SliCatalogue", policy: "SoakPolicy", source: "SampleSource", window: "TimeWindow", words: str
) -> "tuple[dict[str, Any], Sequence[Series]]":
    """Measure; a server that does not answer makes everything unmeasured, with the reason."""
    from mm_ops.domain.errors import SourceUnavailableError
    from mm_ops.domain.sli.series import split_series
    from mm_ops.domain.soak.metrics import measure_soak, unmeasured_soak
    from mm_ops.domain.soak.resolve import selectors_of

    try:
        table = split_series(source.read(selectors_of(slis, policy), window))
    except SourceUnavailableError as error:
        say(f"soak: {error}")
        return unmeasured_soak(slis, policy, str(error), window, source=words), []
    return measure_soak(slis, policy, table, window, source=words), table


def _export(  # noqa: PLR0917 - everything that a report is made of
    outputs: _Outputs,
    slis: "SliCatalogue",
    policy: "SoakPolicy",
    table: "Sequence[Series]",
    metrics: dict[str, Any],
    summary: dict[str, Any],
    bot: str,
    remarks: "Sequence[str]",
) -> None:
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.soak.report_text import soak_markdown
    from mm_ops.domain.soak.summary import findings_from

    _write(outputs.metrics, encode(metrics))
    _write(outputs.markdown, soak_markdown(metrics, findings_from(summary)).encode())
    _write(outputs.gates, encode(summary))
    if outputs.html is not None:
        from mm_ops.adapters.soak_html import render_soak_page
        from mm_ops.domain.soak.picture import draw_soak, soak_page

        charts = draw_soak(slis, policy, table, metrics)
        page = soak_page(summary, charts, metrics, bot=bot, soak=policy, remarks=remarks)
        _write(outputs.html, render_soak_page(page))


def _write(path: Path | None, data: bytes) -> None:
    from mm_ops.adapters.artifacts import write_atomically

    if path is not None:
        write_atomically(path, data)
        say(f"soak: wrote {path}")


def _last_midnight() -> datetime:
    return datetime.combine(utc_now().date(), time.min, UTC)


def _row(finding: "Finding") -> tuple[str, ...]:
    samples = "" if finding.samples is None else str(finding.samples)
    coverage = "" if finding.coverage is None else f"{finding.coverage:.4f}"
    return (*finding_row(finding), samples, coverage, finding.reason)
