"""``mm-ops chaos run``: drills on a live bot, the embedded one or one of staging."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import ServerUrl, marker, policy_file, say, show_table

if TYPE_CHECKING:
    from mm_ops.domain.chaos.policy import Drill

_ENDS_WITHIN_S = 10


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

    NEVER give it the address of a bot that trades: it is cut off, restarted and halted. The result is in the form in
    which a day's chaos_drill.json is read. Exit 0 when all is ok, 1 when an outcome was not seen, 2 when no drill could
    be held.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.chaos_bot import ChaosBot
    from mm_ops.adapters.chaos_run import ChaosRun
    from mm_ops.adapters.environment import WallClock
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.chaos.policy import ChaosPolicy
    from mm_ops.domain.chaos.report import chaos_document
    from mm_ops.domain.errors import SourceUnavailableError

    policy = read_policy(policy_file("chaos.yaml"), ChaosPolicy)
    drills, clock = _chosen(policy.drills, names), WallClock()
    speed = policy.speed if url is None else 1.0
    with _bot(url, speed) as address:
        bot = ChaosBot(address, clock.now, token_file)
        runner = ChaosRun(bot=bot, policy=policy, clock=clock, seed=seed, began=clock.now(), speed=speed, say=say)
        held = runner.hold(drills)
        state = bot.look().state
    if not any(item.observed for item in held):
        raise SourceUnavailableError(f"{bot.where}: no drill could be held: {held[0].fault}")
    about = {
        "where": "an embedded paper bot" if url is None else bot.where,
        "version": None if state is None else state.version,
        "speed": speed,
    }
    document = chaos_document(held, drills, seed=seed, day=clock.now().date(), bot=about)
    data = encode(document)
    if out is not None:
        write_atomically(out, data)
    if as_json:
        click.echo(data.decode(), nl=False)
    else:
        rows = [
            (
                item.drill.name,
                name,
                f"≤ {limit:g} s",
                "never" if (seen := item.observed.get(name)) is None else f"{seen:g} s",
            )
            for item in held
            for name, limit in item.drill.limits.items()
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


@contextmanager
def _bot(url: str | None, speed: float) -> Iterator[str]:
    """The address of the bot; an embedded one runs until the block ends, with files of its own."""
    if url is not None:
        yield url
        return
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mm_ops", "paperbot", "serve", "--port", str(port), "--speed", str(speed)]
        command += ["--allow-faults", "--state-file", str(Path(folder) / "state.json")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
