"""``mm-ops tune``: which quote width earns what in the paper market, and the change that would follow."""

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import UtcDay, marker, policy_file, say, show_table, yesterday

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.edge_profiles import Profiles
    from mm_ops.domain.tuning.cells import Cell
    from mm_ops.domain.tuning.policy import TuningPolicy

_PROFILES = "profiles.yaml"


@click.group()
def tune() -> None:
    """Sweep quote widths and propose a change; nothing is applied."""


@tune.command()
@click.option("--date", "day", type=UtcDay(), help="The last UTC day of the market; default yesterday.")
@click.option("--json", "as_json", is_flag=True, help="The cells as canonical JSON.")
def sweep(day: date | None, *, as_json: bool) -> None:
    """Measure every width of tune.yaml in the same simulated market: net edge with its interval, and the risk.

    Exit 0 when every cell was measured, 2 when one was not.
    """
    from mm_ops.domain.canonical import encode

    cells = _sweep(*_policies(), day if day is not None else yesterday())
    if as_json:
        click.echo(encode({"cells": cells}).decode(), nl=False)
    else:
        _show(cells)
    marker("tune sweep", "OK", err=as_json)


@tune.command()
@click.option("--date", "day", type=UtcDay(), help="The last UTC day of the market; default yesterday.")
@click.option(
    "--dry-run", is_flag=True, required=True, help="Propose; there is no other way: a person applies the diff."
)
def apply(day: date | None, *, dry_run: bool) -> None:
    """Sweep, and show as a diff of profiles.yaml what would be changed, if a width is better for sure.

    Exit 0 whether there is a change to propose or not, 2 when it could not be told.
    """
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.tuning.cells import choose_cell, propose

    if not dry_run:
        raise PolicyError("tune apply: expected --dry-run: read the diff, and apply it with git apply")
    policy, profiles = _policies()
    chosen, why = choose_cell(
        _sweep(policy, profiles, day if day is not None else yesterday()),
        profiles.base.spread_factor,
        policy.max_taker_share,
    )
    if chosen is not None:
        text = policy_file(_PROFILES).read_text(encoding="utf-8")
        click.echo(propose(text, chosen.spread_factor, f"deploy/policies/{_PROFILES}"), nl=False)
    click.echo(why)
    click.echo("| tune apply | DRYRUN | TUNE_APPLY=DRYRUN |")


def _policies() -> "tuple[TuningPolicy, Profiles]":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.sentinel.edge_profiles import Profiles
    from mm_ops.domain.tuning.cells import refuse_out_of_limits
    from mm_ops.domain.tuning.policy import TuningPolicy

    policy = read_policy(policy_file("tune.yaml"), TuningPolicy)
    profiles = read_policy(policy_file(_PROFILES), Profiles)
    refuse_out_of_limits(policy, profiles)
    return policy, profiles


def _sweep(policy: "TuningPolicy", profiles: "Profiles", end: date) -> "list[Cell]":
    from mm_ops.domain.tuning.cells import cell_of
    from mm_ops.paperbot.sweep import record_width

    cells = []
    say(f"tune: base {profiles.base.spread_factor:g}, {policy.days} days up to {end}, seed {policy.seed}")
    for factor in policy.spread_factors:
        with tempfile.TemporaryDirectory() as folder:
            record_width(Path(folder), factor=factor, end=end, days=policy.days, seed=policy.seed)
            cells.append(cell_of(factor, _measure(Path(folder))))
        say(f"tune: spread_factor {factor:g}: {cells[-1].net_edge_bps:.2f} bps")
    return cells


def _measure(folder: Path) -> dict[str, Any]:
    """The edge of what lies there, by the command that measures any."""
    from mm_ops.domain.errors import SchemaError

    command = [sys.executable, "-m", "mm_ops", "edge", "report", "--json"]
    command += ["--fills", str(folder / "fills"), "--quotes", str(folder / "quotes")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SchemaError(f"tune: the edge could not be measured, exit {done.returncode}: {said}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _show(cells: "list[Cell]") -> None:
    rows = [
        (
            f"{cell.spread_factor:g}",
            str(cell.fills),
            f"{cell.net_edge_bps:.2f} ({cell.low_bps:.2f} to {cell.high_bps:.2f})",
            f"{cell.net_money:.0f} ({cell.low_money:.0f} to {cell.high_money:.0f})",
            f"{cell.taker_share:.1%}",
            f"{cell.worst_hour_money:.0f}",
        )
        for cell in cells
    ]
    show_table("quote widths", ("spread_factor", "fills", "net edge, bps", "net money", "taken", "worst hour"), rows)
