"""``mm-ops tune``: which quote width earns what in the paper market, and the change that would follow."""

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.adapters.environment import runs_in_ci
from mm_ops.cli.context import UtcDay, marker, policy_file, say, show_table, utc_now, yesterday

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.edge_profiles import Profiles
    from mm_ops.domain.tuning.cells import Cell
    from mm_ops.domain.tuning.policy import TuningPolicy

_PROFILES = "profiles.yaml"


@click.group()
def tune() -> None:
    """Sweep quote widths, propose a change, and apply it where a person says so."""


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
@click.option("--dry-run", is_flag=True, help="Propose, and write nothing.")
@click.option("--by", help="Who applies it: a person.")
@click.option("--reason", help="Why; it stays on record.")
@click.option("--yes", is_flag=True, help="Apply without asking, for who has read the diff of a --dry-run.")
def apply(day: date | None, *, dry_run: bool, by: str | None, reason: str | None, yes: bool) -> None:
    """Sweep, show as a diff of profiles.yaml what would change, if a width is better for sure, and apply it if told to.

    It is written after you said yes, within the limits of profiles.yaml, with who and why on record in
    deploy/tuning; never in CI. Exit 0 when it was proposed, was applied, or there is nothing to change, 2 when it was
    not applied or could not be told.
    """
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.tuning.cells import change, choose_cell, propose

    if not dry_run and (by is None or reason is None):
        raise click.UsageError("expected --dry-run, or --by and --reason: applying is a person's decision, on record")
    if not dry_run and runs_in_ci():
        raise PolicyError("CI is set: a change is applied by a person, and there is none in CI")
    policy, profiles = _policies()
    path = policy_file(_PROFILES)
    data = path.read_bytes()
    cells = _sweep(policy, profiles, day if day is not None else yesterday())
    base = profiles.base.spread_factor
    chosen, why = choose_cell(cells, base, policy.max_taker_share)
    changed = None if chosen is None else change(data.decode(), chosen.spread_factor, str(path))
    if changed is not None:
        click.echo(propose(data.decode(), changed, f"deploy/policies/{_PROFILES}"), nl=False)
    click.echo(why)
    if dry_run or chosen is None or changed is None:
        marker("tune apply", "DRYRUN" if dry_run else "NOTHING")
        return
    if not yes and not click.confirm(f"apply it to {path}?", default=False, err=True):
        marker("tune apply", "DECLINED")
        sys.exit(2)
    decided = {"by": by, "reason": reason, "before": digest(data), "after": digest(changed.encode())}
    _write(path, changed, {**decided, "factor_before": base, "factor_after": chosen.spread_factor, "cells": cells})
    marker("tune apply", "APPLIED")


def _write(path: Path, text: str, decided: dict[str, Any]) -> None:
    from pydantic import TypeAdapter, ValidationError

    from mm_ops import __version__
    from mm_ops.adapters.profiles_apply import apply_profile
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.tuning.applied import Applied

    try:
        one = TypeAdapter(Applied).validate_json(encode({**decided, "utc": utc_now(), "made_by": __version__}))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise PolicyError(f"--{fault['loc'][0]}: {fault['msg'][:1].lower()}{fault['msg'][1:]}") from error
    click.echo(f"applied to {path}, on record in {apply_profile(path, text, one)}")


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
