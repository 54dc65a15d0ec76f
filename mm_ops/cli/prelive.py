"""``mm-ops prelive`` and ``mm-ops make-ready``: every dry run before a bot goes live, and what stands in the way."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import UtcDay, marker, policy_file, say, show_table, yesterday

if TYPE_CHECKING:
    from mm_ops.domain.prelive.ended import StepEnd
    from mm_ops.domain.prelive.policy import Step

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--step", "names", multiple=True, metavar="NAME", help="Only this one; the others are told as not run.")
@click.option("--date", "day", type=UtcDay(), help="The UTC day that is tried; default yesterday.")
@click.option("--out", type=FILE, help="Where the result is written, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="The result as canonical JSON.")
def prelive(*, names: tuple[str, ...], day: date | None, out: Path | None, as_json: bool) -> None:
    """Run the steps of prelive.yaml in dry mode, each the real command with its time.

    Exit 0 when every step passed, 1 when one failed, 2 when one could not be run or was not.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.prelive.ended import prelive_document, verdict_code

    ends = _run(_steps(day), names)
    data, code = encode(prelive_document(ends)), verdict_code(ends)
    if out is not None:
        write_atomically(out, data)
    if as_json:
        click.echo(data.decode(), nl=False)
    else:
        _show(ends)
    marker("prelive", ("OK", "FAIL", "INCONCLUSIVE")[code], err=as_json)
    sys.exit(code)


@click.command("make-ready")
@click.option("--date", "day", type=UtcDay(), help="The UTC day whose readiness counts; default yesterday.")
@click.option("--dry-run", is_flag=True, help="Name the steps and run none: blocked, since nothing was tried.")
def make_ready(day: date | None, *, dry_run: bool) -> None:
    """Run the pre-live pack and ask the readiness of every bot; name what stands in the way.

    Exit 0 only when every step passed and every bot is GO. The last line is MAKE_READY=OK or MAKE_READY=BLOCKED.
    """
    from mm_ops.domain.prelive.ended import blockers, judge_step, verdict_code

    steps = [*_steps(day), *_readiness(day if day is not None else yesterday())]
    ends = [judge_step(step, None) for step in steps] if dry_run else _run(steps, ())
    _show(ends)
    for line in blockers(ends):
        click.echo(f"blocked by {line}")
    code = verdict_code(ends)
    click.echo("| make_ready | FAIL | MAKE_READY=BLOCKED |" if code else "| make_ready | OK | MAKE_READY=OK |")
    sys.exit(code)


def _steps(day: date | None) -> "list[Step]":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.prelive.policy import PrelivePolicy, expand

    bots = [bot.name for bot in read_policy(policy_file("bots.yaml"), Fleet).bots]
    steps = read_policy(policy_file("prelive.yaml"), PrelivePolicy).steps
    return expand(steps, day if day is not None else yesterday(), bots)


def _readiness(day: date) -> "list[Step]":
    """One step a bot: its readiness file, believed and GO."""
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.prelive.policy import Step

    artifacts = Environment.read().artifacts
    return [
        Step(
            name=f"readiness_{bot.name}",
            command=("readiness", "validate", f"{artifacts}/{bot.name}/{day}/reports/readiness.json"),
            marker="READINESS=GO",
            within=300,
            source="every bot of bots.yaml must be GO",
        )
        for bot in read_policy(policy_file("bots.yaml"), Fleet).bots
    ]


def _run(steps: "Sequence[Step]", names: tuple[str, ...]) -> "list[StepEnd]":
    from mm_ops.adapters.environment import Environment, WallClock
    from mm_ops.adapters.prelive_steps import run_steps
    from mm_ops.domain.errors import PolicyError

    unknown = sorted(set(names) - {step.name for step in steps})
    if unknown:
        raise PolicyError(
            f"no step {', '.join(unknown)} in prelive.yaml; there are: {', '.join(s.name for s in steps)}"
        )
    return run_steps(steps, names, clock=WallClock().monotonic, root=Environment.read().root, say=say)


def _show(ends: "Sequence[StepEnd]") -> None:
    rows = [
        (end.step.name, end.ended.value, "" if end.took_s is None else f"{end.took_s:.1f} s", end.why) for end in ends
    ]
    show_table("before going live", ("step", "ended", "took", "why"), rows)
