"""``mm-ops paperbot``: the embedded bot, recorded in seconds or run live."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from mm_ops.cli.context import UtcDay, marker, say, yesterday

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def paperbot() -> None:
    """Record the embedded paper bot, or run it live."""


@paperbot.command()
@click.option("--out", type=FOLDER, help="Where to; default var/recordings/paper.")
@click.option("--profile", type=click.Choice(["healthy", "degraded"]), default="healthy", show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--date", "end", type=UtcDay(), help="The last UTC day; default yesterday.")
@click.option("--seed", type=int, default=7, show_default=True)
def record(out: Path | None, profile: str, days: int, end: date | None, seed: int) -> None:
    """Record whole UTC days of samples, quotes, fills, one drill and one self-test a day.

    Days that are there and whole are left alone, so it can be run again at any time.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.domain.errors import SchemaError
    from mm_ops.paperbot.recording import RecordingError
    from mm_ops.paperbot.recording import record as record_days

    root = out if out is not None else Environment.read().path("var/recordings/paper")
    last = end if end is not None else yesterday()
    try:
        record_days(root, profile=profile, end=last, days=days, seed=seed, progress=say)
    except RecordingError as error:  # the paper bot knows none of our errors, on purpose
        raise SchemaError(str(error)) from error
    click.echo(str(root))
    marker("paperbot record", "OK")


@paperbot.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens; beyond loopback with a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=9108, show_default=True)
@click.option("--profile", type=click.Choice(["healthy", "degraded"]), default="healthy", show_default=True)
@click.option("--speed", type=click.FloatRange(0.01, 10_000), default=1.0, show_default=True, help="Of its clock.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--token-file", type=FILE, help="Holds the token that control asks for.")
@click.option("--state-file", type=FILE, help="Where the bot writes its state, and goes on from.")
@click.option("--overrides-file", type=FILE, help="JSON of fields to set, obeyed when it changes.")
@click.option("--faults", "faults_file", type=FILE, help="JSON of faults and strengths, read when it changes.")
@click.option("--market", type=FOLDER, help="Where its quotes and fills are written to, as Parquet by day and symbol.")
@click.option(
    "--fault", "named", multiple=True, metavar="NAME", help="One fault in its usual strength; again for more."
)
@click.option("--allow-faults", is_flag=True, help="Take faults at POST /faults as well.")
def serve(  # noqa: PLR0913 - one a flag
    *,
    host: str,
    port: int,
    profile: str,
    speed: float,
    seed: int,
    token_file: Path | None,
    state_file: Path | None,
    overrides_file: Path | None,
    faults_file: Path | None,
    market: Path | None,
    named: tuple[str, ...],
    allow_faults: bool,
) -> None:
    """Run the bot on the wall clock: /metrics, and the control API of deploy/bot/openapi.yaml.

    Windows and half-lives are of the bot's own clock, which --speed makes faster. Ends at SIGTERM or Ctrl-C.
    """
    from mm_ops.domain.errors import PolicyError
    from mm_ops.paperbot.faults import FaultError, usual
    from mm_ops.paperbot.live_process import Setup, StartError
    from mm_ops.paperbot.profiles import PROFILES
    from mm_ops.paperbot.serving import serve as serve_bot

    if token_file is None and host not in {"127.0.0.1", "::1", "localhost"}:
        raise PolicyError(f"--host {host}: expected --token-file: whoever reaches the bot could command it")
    try:
        setup = Setup(
            profile=PROFILES[profile],
            seed=seed,
            speed=speed,
            faults=usual(named),
            state_file=state_file,
            overrides_file=overrides_file,
            faults_file=faults_file,
            market=market,
        )
        serve_bot(
            setup,
            host=host,
            port=port,
            token_file=token_file,
            allow_faults=allow_faults,
            arguments=["-m", "mm_ops", *sys.argv[1:]],
            clock=lambda: datetime.now(UTC),  # noqa: TID251 - a bot that runs has the wall clock, whatever is faked
            say=say,
        )
    except (FaultError, StartError) as error:  # the paper bot knows none of our errors, on purpose
        raise PolicyError(str(error)) from error
    marker("paperbot serve", "OK")
