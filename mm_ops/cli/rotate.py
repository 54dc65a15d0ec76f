"""``mm-ops rotate``: what stored evidence is kept and what goes, with the reason of each; then the deed."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import policy_file, show_table, utc_now

if TYPE_CHECKING:
    from mm_ops.adapters.rotation_run import Rotated
    from mm_ops.domain.retention.plan import Plan
    from mm_ops.domain.retention.policy import RetentionPolicy

FOLDER = click.Path(path_type=Path, file_okay=False)
_LONG = timedelta(days=100_000)
UNDECIDED = 2


class SizeText(click.ParamType[str]):
    """A size such as 500M or 2G, as a policy writes it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        from mm_ops.domain.retention.sizes import parse_size

        try:
            parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only print the plan.")
@click.option("--undo", metavar="NAME", help="Bring back what the rotation of this name moved away.")
@click.option("--archive-dir", "archive", type=FOLDER, help="Keep a tar of what leaves quarantine.")
@click.option(
    "--base-dir", "base", type=FOLDER, help="Another folder than the artifacts', whose folders go by the options below."
)
@click.option("--days", type=click.IntRange(min=1), help="With --base-dir: what is older goes.")
@click.option("--keep", type=click.IntRange(min=1), help="With --base-dir: only so many of the newest stay.")
@click.option("--max-size", type=SizeText(), help="With --base-dir: the oldest go until this is left, such as 2G.")
@click.option("--all", "everything", is_flag=True, help="Show what stays too.")
def rotate(
    *,
    dry_run: bool,
    undo: str | None,
    archive: Path | None,
    base: Path | None,
    days: int | None,
    keep: int | None,
    max_size: str | None,
    everything: bool,
) -> None:
    """Rotate stored evidence by retention.yaml: into quarantine first, and deleted a while later.

    What is needed stays: the readiness window, the last GO, bundles that run or may be gone back to, recent episodes,
    and all that these name. Exit 0 when done, 2 when something could not be moved or nothing may be decided.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.rotation_run import rotate as run
    from mm_ops.adapters.rotation_scan import local_root
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.retention.policy import RetentionPolicy

    environment = Environment.read()
    policy = read_policy(policy_file("retention.yaml"), RetentionPolicy)
    if undo is None and (base is not None or any(option is not None for option in (days, keep, max_size))):
        policy = _of_options(policy, base, days, keep, max_size)
    root = local_root(str(base) if base is not None else environment.artifacts)
    if undo is not None:
        _undo(root, undo)
    elif base is not None:
        _refuse_evidence(root, environment.artifacts)
    fleet = read_policy(policy_file("bots.yaml"), Fleet)
    known_good = {bot.name: environment.path(bot.known_good) for bot in fleet.bots if bot.known_good is not None}
    done = run(root, policy, utc_now(), known_good=known_good, archive=archive, dry=dry_run)
    _show(done, everything=everything)
    _end(real=not dry_run, left=bool(done.left or done.plan.short))


def _refuse_evidence(root: Path, artifacts: str) -> None:
    """Refuse another folder that holds, or lies in, stored evidence: the options know nothing of what is needed."""
    from mm_ops.adapters.artifacts import local_path
    from mm_ops.domain.errors import PolicyError

    path = local_path(artifacts)
    if path is None:
        return
    own = path.resolve()
    if root == own or own in root.parents or root in own.parents:
        raise PolicyError(
            f"--base-dir: {root}: holds stored evidence, which retention.yaml alone rotates: run it without --base-dir"
        )


def _of_options(
    policy: "RetentionPolicy", base: Path | None, days: int | None, keep: int | None, max_size: str | None
) -> "RetentionPolicy":
    from dataclasses import replace

    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.retention.policy import MaxSize, Rule

    if base is None:
        raise PolicyError("--days, --keep, --max-size: expected --base-dir; what is kept otherwise says retention.yaml")
    if days is None and keep is None and max_size is None:
        raise PolicyError("--base-dir: expected --days, --keep or --max-size: without a rule nothing is rotated")
    source = "given on the command line"
    ttl = _LONG if days is None else timedelta(days=days)
    rule = Rule(kind="folder", folders=["*"], ttl=ttl, max_count=keep, source=source)
    size = None if max_size is None else MaxSize(high=max_size, low=max_size, source=source)  # type: ignore[arg-type] # read as in a policy
    return replace(policy, rules=[rule], max_size=size, newest_within=_LONG)


def _show(done: "Rotated", *, everything: bool) -> None:
    from mm_ops.domain.retention.sizes import format_size

    plan = done.plan
    shown = [entry for entry in plan.entries if everything or not entry.keep]
    rows = [
        (
            "keep" if entry.keep else "left" if entry.unit.name in done.left else "rotate",
            entry.unit.name,
            f"{entry.unit.of:%Y-%m-%d}",
            format_size(entry.unit.size),
            str(entry.unit.files),
            done.left.get(entry.unit.name, entry.reason),
        )
        for entry in shown
    ]
    if rows:
        show_table("rotate", ("answer", "unit", "of", "size", "files", "reason"), rows)
    click.echo(_sum_up(plan))
    for name, size in done.purged.items():
        click.echo(f"deleted for good: {name}, {format_size(size)}")
    if done.moved is not None:
        click.echo(f"in quarantine: {done.moved.name}; back with: mm-ops rotate --undo {done.moved.name}")
    if plan.short is not None:
        click.echo(plan.short)


def _sum_up(plan: "Plan") -> str:
    from mm_ops.domain.retention.sizes import format_size

    some = len(plan.rotated)
    return (
        f"{some} of {len(plan.entries)} units go, {format_size(plan.freed)} of {format_size(plan.size)}; "
        f"{sum(entry.fixed for entry in plan.entries)} are needed or were just written"
    )


def _undo(root: Path, name: str) -> None:
    from mm_ops.adapters.rotation import Rotation

    rotation = Rotation(root)
    with rotation.alone():
        done = rotation.undo(name)
    for folder, why in done.left.items():
        click.echo(f"left: {folder}: {why}")
    click.echo(
        "it goes again at the next rotation, unless retention.yaml keeps it: raise its rule, or copy it elsewhere"
    )
    _end(real=True, left=bool(done.left))


def _end(*, real: bool, left: bool) -> None:
    word = "FAIL" if left else "OK"
    click.echo(f"| rotate_artifacts | {word} | ROTATION={'REAL' if real else 'DRYRUN'} |")
    sys.exit(UNDECIDED if left else 0)
