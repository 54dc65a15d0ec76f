"""``mm-ops soak run``: one soak, judged."""

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import (
    FIRST_YEAR,
    LAST_YEAR,
    ServerUrl,
    finding_row,
    marker,
    policy_file,
    say,
    show_table,
    utc_now,
)

if TYPE_CHECKING:
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.sli.series import SampleSource
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.domain.verdict import Finding
    from mm_ops.domain.windows import TimeWindow

_HEADER = ("gate", "severity", "verdict", "value", "limit", "margin", "samples", "coverage", "reason")
_MOCK = "var/recordings/paper"
_FILE = click.Path(dir_okay=False, path_type=Path)
MOST_HOURS = 366 * 24


class _Moment(click.ParamType[datetime]):
    """An ISO time with a zone, or a date, which stands for its midnight in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        moment = value if isinstance(value, datetime) else self._read(value, param, ctx)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self.fail(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, was {value!r}", param, ctx)
        return moment.astimezone(UTC)

    def _read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            day = date.fromisoformat(value)
            return datetime.combine(day, time.min, UTC)
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"expected a date or an ISO time such as 2026-11-20T06:00:00Z, was {value!r}", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"expected a zone (a Z at the end), was {value!r}", param, ctx)
        return moment


@dataclass(frozen=True)
class _Origin:
    """Where samples come from, by flag: exactly one."""

    mock: bool
    recording: Path | None
    prometheus: str | None
    bot: str

    def open(self) -> "tuple[SampleSource, str]":
        """The source, and its name in words."""
        from mm_ops.adapters.environment import Environment
        from mm_ops.domain.bots import SERVER_TIMEOUT

        if sum([self.mock, self.recording is not None, self.prometheus is not None]) != 1:
            raise click.UsageError("say where from, once: --mock, --recording PATH or --prometheus URL")
        if self.prometheus is not None:
            from mm_ops.adapters.prometheus import PrometheusSamples

            source = PrometheusSamples(self.prometheus, {"bot": self.bot}, SERVER_TIMEOUT)
            return source, f'prometheus, bot="{self.bot}"'
        from mm_ops.adapters.recording import RecordingSamples

        root = self.recording if self.recording is not None else Environment.read().path(_MOCK)
        return RecordingSamples(root), "recording"


@click.group()
def soak() -> None:
    """Judge a soak."""


@soak.command()
@click.option("--hours", type=click.IntRange(1, MOST_HOURS), help="Length of the window; default as soak.yaml (72).")
@click.option("--mock", is_flag=True, help="Read the paper bot's recording in var/recordings/paper.")
@click.option("--recording", type=click.Path(path_type=Path, file_okay=False), help="Read this recording.")
@click.option("--prometheus", type=ServerUrl(), help="Read raw samples from this Prometheus.")
@click.option("--bot", default="paper", show_default=True, help='With --prometheus: the matcher bot="…".')
@click.option("--expect-version", help="The version that must have run; default the bot's in bots.yaml.")
@click.option("--end", type=_Moment(), help="End of the window, exclusive; default the last UTC midnight.")
@click.option("--export-json", type=_FILE, help="Write what was measured (soak_metrics.json).")
@click.option("--export-md", type=_FILE, help="Write the report (SOAK_RESULTS.md).")
@click.option("--gate-summary", type=_FILE, help="Write what the gates found (gates_summary.json).")
@click.option("--json", "as_json", is_flag=True, help="Metrics and findings as canonical JSON.")
def run(  # noqa: PLR0913 - one argument for each flag
    *,
    hours: int | None,
    mock: bool,
    recording: Path | None,
    prometheus: str | None,
    bot: str,
    expect_version: str | None,
    end: datetime | None,
    export_json: Path | None,
    export_md: Path | None,
    gate_summary: Path | None,
    as_json: bool,
) -> None:
    """Measure every SLI of a window, judge every gate, and exit by the verdict.

    Exit 0 pass, 1 a hard gate failed, 2 could not decide.
    """
    source, words = _Origin(mock, recording, prometheus, bot).open()
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.soak.report_text import soak_markdown
    from mm_ops.domain.soak.summary import gates_summary
    from mm_ops.domain.soak.verdicts import Reference, fold, judge
    from mm_ops.domain.verdict import exit_code

    slis, policy, digests = _policies()
    window = _window(end, policy.window if hours is None else timedelta(hours=hours))
    version = expect_version or _version_of(bot)
    say(f"soak: reading {window} from {words}")
    metrics = _measure(slis, policy, source, window, words)
    findings = judge(metrics, policy, Reference(version=version))
    verdict = fold(findings, policy)
    summary = gates_summary(findings, verdict, metrics["window"]) | {"policies": digests, "version": version}
    _write(export_json, encode(metrics))
    _write(export_md, soak_markdown(metrics, findings).encode())
    _write(gate_summary, encode(summary))
    if as_json:
        click.echo(encode({"metrics": metrics, "gates": summary}), nl=False)
    else:
        show_table(f"soak {window}", _HEADER, [_row(finding) for finding in findings])
    marker("soak", verdict.value.upper())
    sys.exit(exit_code(verdict))


def _window(end: datetime | None, length: timedelta) -> "TimeWindow":
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.windows import TimeWindow

    try:
        return TimeWindow.ending(_last_midnight() if end is None else end, length)
    except ValueError as error:
        raise PolicyError(f"--end, --hours: {error}") from error


def _write(path: Path | None, data: bytes) -> None:
    from mm_ops.adapters.artifacts import write_atomically

    if path is not None:
        write_atomically(path, data)
        say(f"soak: wrote {path}")


def _policies() -> "tuple[SliCatalogue, SoakPolicy, dict[str, str]]":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.domain.soak.resolve import resolve

    slis = read_policy(policy_file("slis.yaml"), SliCatalogue)
    policy = read_policy(policy_file("soak.yaml"), SoakPolicy)
    resolve(slis, policy)
    names = ("slis.yaml", "soak.yaml")
    return slis, policy, {name: digest(policy_file(name).read_bytes()) for name in names}


def _version_of(bot: str) -> str | None:
    """The version that the fleet's policy names; ``None`` where it knows no such bot, and the gate then says so."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet

    if not policy_file("bots.yaml").is_file():
        return None
    return next((one.version for one in read_policy(policy_file("bots.yaml"), Fleet).bots if one.name == bot), None)


def _measure(
    slis: "SliCatalogue", policy: "SoakPolicy", source: "SampleSource", window: "TimeWindow", words: str
) -> dict[str, Any]:
    """Measure; a server that does not answer makes every SLI unmeasured, with the reason."""
    from mm_ops.domain.errors import SourceUnavailableError
    from mm_ops.domain.sli.series import split_series
    from mm_ops.domain.soak.metrics import measure_soak, unmeasured_soak
    from mm_ops.domain.soak.resolve import selectors_of

    try:
        frame = source.read(selectors_of(slis, policy), window)
    except SourceUnavailableError as error:
        return unmeasured_soak(slis, policy, str(error), window, source=words)
    return measure_soak(slis, policy, split_series(frame), window, source=words)


def _last_midnight() -> datetime:
    return datetime.combine(utc_now().date(), time.min, UTC)


def _row(finding: "Finding") -> tuple[str, ...]:
    samples = "" if finding.samples is None else str(finding.samples)
    coverage = "" if finding.coverage is None else f"{finding.coverage:.4f}"
    return (*finding_row(finding), samples, coverage, finding.reason)
