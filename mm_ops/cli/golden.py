"""``mm-ops golden compare``: every difference between two reports, path by path."""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import marker, policy_file, say, show_table

if TYPE_CHECKING:
    from mm_ops.domain.comparison import Drift, Tolerance

FILE = click.Path(path_type=Path)
_WIDTH = 48


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
    """Compare a report with its signed-off baseline."""


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

    Exit 0 when there is none, 1 on drift, 2 when a file cannot be read.
    """
    from mm_ops.adapters.json_files import read_object
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.comparison import Tolerance, compare
    from mm_ops.domain.errors import SchemaError
    from mm_ops.domain.golden.policy import GoldenPolicy

    policy = read_policy(policy_file("golden.yaml"), GoldenPolicy).tolerance.tolerance()
    allowed = Tolerance(
        policy.absolute if tolerance is None else tolerance,
        policy.relative if rel_tolerance is None else rel_tolerance,
    )
    for name, used, usual in _loosened(allowed, policy):
        say(f"golden: looser than golden.yaml's {name} tolerance of {usual!r}: {used!r}")
    signed_off = read_object(baseline)
    if not signed_off:
        raise SchemaError(f"{baseline}: expected a report, was an empty object, which says nothing of any other")
    drifts = compare(signed_off, read_object(actual), allowed)
    if as_json:
        click.echo(encode({"drifts": drifts, "tolerance": allowed, "policy": policy}), nl=False)
    else:
        _show(drifts, allowed)
    marker("golden", "FAIL" if drifts else "PASS", err=as_json)
    sys.exit(1 if drifts and fail_on_drift else 0)


def _loosened(allowed: "Tolerance", policy: "Tolerance") -> Iterator[tuple[str, float, float]]:
    """Which tolerance is above the policy's, what it is, and what the policy's is."""
    for name in ("absolute", "relative"):
        used, usual = getattr(allowed, name), getattr(policy, name)
        if used > usual:
            yield name, used, usual


def _show(drifts: "Sequence[Drift]", allowed: "Tolerance") -> None:
    title = f"{len(drifts)} differences, tolerance {allowed.absolute!r} absolute, {allowed.relative!r} relative"
    if not drifts:
        click.echo(title)
        return
    header = ("path", "why", "baseline", "actual", "difference", "tolerance")
    rows = [
        (item.path, item.why, *map(_short, (item.baseline, item.actual, item.difference, item.tolerance)))
        for item in drifts
    ]
    show_table(title, header, rows)


def _short(value: Any) -> str:
    text = "" if value is None else repr(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
