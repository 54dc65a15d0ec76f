"""``mm-ops golden``: compare reports with signed-off baselines, and let a person sign off another one."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.adapters.environment import Environment, runs_in_ci
from mm_ops.cli.context import marker, policy_file, say, show_table, utc_now

if TYPE_CHECKING:
    from mm_ops.domain.comparison import Drift, Tolerance
    from mm_ops.domain.golden.policy import Case, GoldenPolicy
    from mm_ops.domain.golden.spread import MeasuredSpread

FILE = click.Path(path_type=Path)
POLICY = "golden.yaml"


class _Finite(click.FloatRange):
    """A number of a range; ``nan`` lies in every range, since it is neither below nor above, and so is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number, was {value!r}", param, ctx)
        return number


@click.group()
def golden() -> None:
    """Compare reports with signed-off baselines, and sign off another one."""


CASES = click.option("--case", "names", multiple=True, help="Only this case; may be given again. Default every one.")


@golden.command()
@click.option("--baseline", type=FILE, required=True)
@click.option("--actual", type=FILE, required=True)
@click.option("--tolerance", type=_Finite(min=0), help="Absolute; default as golden.yaml says.")
@click.option("--rel-tolerance", type=_Finite(min=0, max=1), help="Relative; default as golden.yaml says.")
@click.option("--fail-on-drift/--no-fail-on-drift", default=True, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The differences as canonical JSON.")
def compare(
    baseline: Path,
    actual: Path,
    tolerance: float | None,
    rel_tolerance: float | None,
    *,
    fail_on_drift: bool,
    as_json: bool,
) -> None:
    """List every difference: strict keys, types and lengths, tolerant numbers; NaN equals nothing.

    Paths for which golden.yaml has another tolerance keep theirs. Exit 0 when there is no difference, 1 on drift,
    2 when a file cannot be read.
    """
    from mm_ops.adapters.json_files import read_object
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.comparison import Tolerance, compare
    from mm_ops.domain.errors import SchemaError

    policy = _policy()
    usual = policy.tolerance.tolerance()
    allowed = Tolerance(
        usual.absolute if tolerance is None else tolerance,
        usual.relative if rel_tolerance is None else rel_tolerance,
    )
    for name, used, most in _loosened(allowed, usual):
        say(f"golden: looser than golden.yaml's {name} tolerance of {most!r}: {used!r}")
    signed_off = read_object(baseline)
    if not signed_off:
        raise SchemaError(f"{baseline}: expected a report, was an empty object, which says nothing of any other")
    drifts = compare(signed_off, read_object(actual), allowed, policy.path_tolerances())
    if as_json:
        click.echo(encode({"drifts": drifts, "tolerance": allowed, "policy": usual}), nl=False)
    else:
        title = f"{len(drifts)} differences, tolerance {allowed.absolute!r} absolute, {allowed.relative!r} relative"
        _show_drifts(title, drifts)
    marker("golden", "FAIL" if drifts else "PASS", err=as_json)
    sys.exit(1 if drifts and fail_on_drift else 0)


@golden.command()
@CASES
@click.option("--out", type=FILE, help="Write each case's report into this folder.")
@click.option("--repeat", type=click.IntRange(2, 50), help="Run so often and show by how much the reports differ.")
@click.option("--unjudged", is_flag=True, help="Only measure and write, compare with no baseline.")
@click.option("--json", "as_json", is_flag=True, help="What was found as canonical JSON.")
def run(names: tuple[str, ...], out: Path | None, repeat: int | None, *, unjudged: bool, as_json: bool) -> None:
    """Measure the pinned cases again and compare them with their baselines.

    Exit 0 when nothing drifted or crept and every baseline's acceptance is on record, 1 on drift or creep, 2 when an
    input or a baseline is not the pinned one, or a tolerance is tighter than the measured spread.
    """
    from mm_ops.adapters.golden_cases import examine
    from mm_ops.domain.canonical import encode, to_plain
    from mm_ops.domain.comparison import Drift
    from mm_ops.domain.golden.finding import drift_finding
    from mm_ops.domain.verdict import exit_code

    policy = _policy()
    reports = _measure(_chosen(policy, names), out)
    if unjudged:
        return
    found = to_plain(examine(policy, Environment.read().root, reports))
    tight = _measure_spread(policy, list(reports), repeat)[1] if repeat else []
    finding = drift_finding(found)
    if as_json:
        click.echo(
            encode({**found, "verdict": finding.verdict, "reason": finding.reason, "too_tight": tight}), nl=False
        )
    else:
        for case, drifts in found["cases"].items():
            _show_drifts(f"{case}: {len(drifts)} differences", [Drift(**drift) for drift in drifts])
        click.echo(finding.reason)
    code = exit_code(finding.verdict) or (2 if tight else 0)
    marker("golden", ("PASS", "FAIL", "INCONCLUSIVE")[code], err=as_json)
    sys.exit(code)


@golden.command()
@CASES
@click.option("--by", required=True, help="Who accepts: a person.")
@click.option("--reason", required=True, help="Why the new report is right; it stays on record.")
@click.option("--anchor", help="How the new numbers were checked independently of this code; ends the sum of changes.")
def accept(names: tuple[str, ...], by: str, reason: str, anchor: str | None) -> None:
    """Make what the pinned cases give now their baselines, on record with who decided it and why.

    Never in CI. Refused when a tolerance is tighter than the measured spread, when anything but numbers changed, and
    when the accepted changes add up to more than golden.yaml allows, unless it is anchored.
    """
    from mm_ops import __version__
    from mm_ops.adapters.golden_accept import Decision, Place
    from mm_ops.adapters.golden_accept import accept as put_on_record
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.errors import PolicyError

    if runs_in_ci():
        raise PolicyError("CI is set: a baseline is accepted by a person, and there is none in CI")
    policy = _policy()
    cases = _chosen(policy, names)
    reports = _measure(cases, None)
    _, tight = _measure_spread(policy, list(reports), policy.spread.runs)
    if tight:
        raise PolicyError(f"golden.yaml: tolerances tighter than the measured spread: {'; '.join(tight)}")
    used = {name: digest(policy_file(name).read_bytes()) for name in ("edge.yaml", "instruments.yaml")}
    decision = Decision(
        utc=utc_now(),
        by=by,
        reason=reason,
        anchor=anchor,
        made_by=__version__,
        policies=used,
        runs=policy.spread.runs,
    )
    place = Place(root=Environment.read().root, policy=policy_file(POLICY))
    for case in cases:
        record = put_on_record(case, reports[case.name], decision, place)
        if record is None:
            click.echo(f"{case.name}: nothing to accept: it gives its baseline")
        else:
            _show_drifts(f"{case.name}: accepted with {len(record.drifts)} differences", record.drifts)
    marker("golden accept", "PASS")


@golden.command()
@CASES
@click.option("--json", "as_json", is_flag=True, help="Every record as canonical JSON.")
def history(names: tuple[str, ...], *, as_json: bool) -> None:
    """Show who accepted which baseline and why, and how far the accepted changes have come since the last anchor.

    Exit 0 when all is within golden.yaml, 1 when a number crept further, 2 when a baseline is not on record.
    """
    from mm_ops.adapters.golden_cases import find_unreferenced, read_records
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.golden.acceptance import find_unrecorded, sum_creep

    policy, root = _policy(), Environment.read().root
    cases = _chosen(policy, names)
    records = {case.name: read_records(case, root) for case in cases}
    creep = {name: sum_creep(found, policy.creep) for name, found in records.items()}
    unrecorded = [f"{case.name}: {text}" for case in cases for text in find_unrecorded(case, records[case.name])]
    unused = find_unreferenced(root, policy)
    if as_json:
        told = {"records": records, "creep": creep, "unrecorded": unrecorded, "unreferenced": unused}
        click.echo(encode(told), nl=False)
    else:
        _show_history(records, creep)
        for text in (*unrecorded, *(f"{path}: no case names it" for path in unused)):
            click.echo(text)
    code = 1 if any(one.beyond for found in creep.values() for one in found) else 2 if unrecorded else 0
    marker("golden history", ("PASS", "FAIL", "INCONCLUSIVE")[code], err=as_json)
    sys.exit(code)


def _policy() -> "GoldenPolicy":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.golden.policy import GoldenPolicy

    return read_policy(policy_file(POLICY), GoldenPolicy)


def _chosen(policy: "GoldenPolicy", names: Sequence[str]) -> "list[Case]":
    known = {case.name: case for case in policy.cases}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.UsageError(f"--case: no such case: {', '.join(unknown)}; there are: {', '.join(known)}")
    return [case for case in policy.cases if not names or case.name in names]


def _measure(cases: "Sequence[Case]", out: Path | None) -> dict[str, Mapping[str, Any]]:
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.golden_cases import run_case
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.edge.policy import EdgePolicy, Instruments

    edge = read_policy(policy_file("edge.yaml"), EdgePolicy)
    instruments = read_policy(policy_file("instruments.yaml"), Instruments)
    reports = {case.name: run_case(case, Environment.read().root, edge, instruments) for case in cases}
    for name, report in reports.items():
        if out is not None:
            write_atomically(out / f"EDGE_REPORT_{name}.json", encode(report))
    return reports


def _measure_spread(
    policy: "GoldenPolicy", cases: list[str], runs: int
) -> "tuple[dict[str, MeasuredSpread], list[str]]":
    """The spread of each case over so many runs, and the tolerances that are tighter; all of it told."""
    from mm_ops.adapters.golden_runs import run_repeatedly
    from mm_ops.domain.golden.spread import find_too_tight, measure_spread

    found = {name: measure_spread(reports) for name, reports in run_repeatedly(runs, cases, say).items()}
    tight = [f"{name}: {text}" for name, spread in found.items() for text in find_too_tight(spread, policy)]
    for name, spread in found.items():
        say(f"golden: {name}: {len(spread.numbers)} numbers differed over {runs} runs")
    for text in tight:
        say(f"golden: {text}")
    return found, tight


def _loosened(allowed: "Tolerance", policy: "Tolerance") -> Iterator[tuple[str, float, float]]:
    """Which tolerance is above the policy's, what it is, and what the policy's is."""
    for name in ("absolute", "relative"):
        used, usual = getattr(allowed, name), getattr(policy, name)
        if used > usual:
            yield name, used, usual


def _show_drifts(title: str, drifts: "Sequence[Drift]") -> None:
    from mm_ops.domain.golden.text import HEADER, drift_rows

    if drifts:
        show_table(title, HEADER, drift_rows(drifts))
    else:
        click.echo(title)


def _show_history(records: Mapping[str, Any], creep: Mapping[str, Any]) -> None:
    rows = [
        (name, f"{one.utc:%Y-%m-%d %H:%M}", one.by, one.reason, one.anchor or "", str(len(one.drifts)), one.after[:19])
        for name, found in records.items()
        for one in found
    ]
    show_table("accepted baselines", ("case", "UTC", "by", "reason", "anchored by", "differences", "baseline"), rows)
    crept = [
        (name, one.path, str(one.steps), f"{one.total:.6g}", f"{one.allowed:.6g}", "beyond" if one.beyond else "within")
        for name, found in creep.items()
        for one in found
    ]
    if crept:
        header = ("case", "path", "changes", "sum", "at most", "which is")
        show_table("accepted changes since the last anchor", header, crept)
