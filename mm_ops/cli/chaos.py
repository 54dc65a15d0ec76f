"""``mm-ops chaos run``: drills on a live bot, the embedded one or one of staging."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import ServerUrl, marker, policy_file, say, show_table

if TYPE_CHECKING:
    from mm_ops.domain.chaos.policy import Drill


@click.group()
def chaos() -> None:
    """Hold drills: do something to a live bot, and see that it does what it must."""


@chaos.command()
@click.option("--url", type=ServerUrl(), help="A bot that takes faults; default an embedded one, started for it.")
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help="Holds that bot's bearer token.")
@click.option("--drill", "names", multiple=True, metavar="NAME", help="Only this one of chaos.yaml; again for more.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of how long each lasts.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the result is written, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="The result as canonical JSON.")
def run(
    *, url: str | None, token_file: Path | None, names: tuple[str, ...], seed: int, out: Path | None, as_json: bool
) -> None:
    """Hold the drills of chaos.yaml, all or those named; ok only when every outcome was seen in its time.

    NEVER give it the address of a bot that trades: it is cut off, restarted and halted. One where bots.yaml says that a
    bot is controlled is refused, unless it is ``drill: live``. The result is in the form in which a day's
    chaos_drill.json is read. Exit 0 when all is ok, 1 when an outcome was not seen, 2 when no drill could
    be held.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.chaos_place import Place, hold_drills
    from mm_ops.adapters.environment import WallClock
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.chaos.policy import ChaosPolicy

    policy = read_policy(policy_file("chaos.yaml"), ChaosPolicy)
    place = Place(fleet=read_policy(policy_file("bots.yaml"), Fleet), url=url, token_file=token_file)
    day = WallClock().now().date()
    document = hold_drills(policy, _chosen(policy.drills, names), place, seed=seed, day=day, say=say)
    data = encode(document)
    if out is not None:
        write_atomically(out, data)
    if as_json:
        click.echo(data.decode(), nl=False)
    else:
        rows = [
            (
                item["drill"],
                name,
                f"≤ {limit:g} s",
                "never" if (seen := item["observed"].get(name)) is None else f"{seen:g} s",
            )
            for item in document["drills"]
            for name, limit in item["expected"].items()
        ]
        show_table("drills", ("drill", "outcome", "expected", "observed"), rows)
        for reason in document["reasons"]:
            click.echo(reason)
    marker("chaos run", document["outcome"].upper(), err=as_json)
    sys.exit(0 if document["outcome"] == "ok" else 1)


def _chosen(drills: "Sequence[Drill]", names: tuple[str, ...]) -> "list[Drill]":
    from mm_ops.domain.errors import PolicyError

    unknown = sorted(set(names) - {drill.name for drill in drills})
    if unknown:
        raise PolicyError(
            f"no drill {', '.join(unknown)} in chaos.yaml; there are: {', '.join(d.name for d in drills)}"
        )
    return [drill for drill in drills if not names or drill.name in names]
