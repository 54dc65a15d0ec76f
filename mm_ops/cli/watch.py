"""``mm-ops watch``: the rollback watcher."""

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mm_ops.adapters.journal_place import DEFAULT, TRIAL, anchor_beside
from mm_ops.cli.context import marker, say

if TYPE_CHECKING:
    from mm_ops.domain.bots import Fleet
    from mm_ops.domain.notify.policy import NotifyPolicy

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@click.option("--policy", type=FILE, help="Default rollback.yaml of the policies.")
@click.option("--journal", help=f"A file, or the URL of a PostgreSQL; default MM_OPS_JOURNAL, or {DEFAULT}.")
@click.option("--anchor", type=FILE, help="Count and head of the journal; default beside a file, needed for a URL.")
@click.option("--token-file", type=FILE, required=True, help="Holds the bearer token that senders carry.")
@click.option("--owner", default="watcher", show_default=True, help="This watcher's name: the same after a restart.")
@click.option("--dry-run", is_flag=True, help=f"Decide, write down (default {TRIAL}), command no bot.")
@click.option("--tls-cert", type=FILE, help="Serve over TLS with this certificate.")
@click.option("--tls-key", type=FILE, help="Its key.")
@click.option("--client-ca", type=FILE, help="Let in only clients with a certificate of this authority.")
@click.option("--alertmanager", metavar="URL", help="Read what fires here too, and the rest of truncated groups.")
@click.option("--prometheus", metavar="URL", help="Read what fires here too, and confirm what was sent.")
def watch(  # noqa: PLR0913 - one a flag
    *,
    host: str,
    port: int,
    policy: Path | None,
    journal: str | None,
    anchor: Path | None,
    token_file: Path,
    owner: str,
    dry_run: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    alertmanager: str | None,
    prometheus: str | None,
) -> None:
    """Take Alertmanager's alerts in, and stop the bot that a rollback alert names; verified, and written down.

    Ends with 0 when it is told to stop. Does not start, and says so as a page, when the journal is damaged.
    """
    from mm_ops.adapters.bot_controls import controls_of
    from mm_ops.adapters.environment import Environment, WallClock, journal_named
    from mm_ops.adapters.fleet_file import read_sound_bots
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.promotions import go_back_of
    from mm_ops.domain.notify.policy import NotifyPolicy
    from mm_ops.domain.rendering.policy import AlertingPolicy
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.resolve import resolve_rollback
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.watcher.serving import Setup
    from mm_ops.watcher.serving import watch as serve

    if (tls_cert is None) != (tls_key is None) or (client_ca is not None and tls_cert is None):
        raise click.UsageError("--tls-cert, --tls-key: expected both, and both with --client-ca")
    for name, url in (("--alertmanager", alertmanager), ("--prometheus", prometheus)):
        if url is not None and not url.startswith(("http://", "https://")):
            raise click.UsageError(f"{name}: expected an address such as http://127.0.0.1:9090, was {url}")
    environment = Environment.read()
    policies = environment.policies
    rollback = read_policy(policy or policies / "rollback.yaml", RollbackPolicy)
    soak = read_policy(policies / "soak.yaml", SoakPolicy)
    resolve_rollback(rollback, soak, read_policy(policies / "alerting.yaml", AlertingPolicy))
    bots = read_sound_bots(policies / "bots.yaml")
    for fault in bots.faults:
        _tell(f"watch: {fault}: nobody stops this bot; its alerts page")
    notify = read_policy(policies / "notify.yaml", NotifyPolicy)
    place = journal or journal_named(environment) or str(environment.path(TRIAL if dry_run else DEFAULT))
    _refuse_unnamed(place)
    setup = Setup(
        host=host,
        port=port,
        journal=place,
        anchor=anchor or anchor_beside(place),
        owner=owner,
        token_file=token_file,
        policy=rollback,
        bots=controls_of(bots.fleet, environment.path, WallClock().now, within=rollback.attempts.attempt),
        notify=notify,
        secret=environment.secret,
        secret_files=(token_file, *map(environment.path, _named(bots.fleet, notify))),
        release_of=partial(go_back_of, environment.artifacts),
        dry_run=dry_run,
        tls_cert=tls_cert,
        tls_key=tls_key,
        client_ca=client_ca,
        alertmanager=alertmanager,
        prometheus=prometheus,
    )
    serve(setup, _tell)
    marker("watch", "STOPPED")


def _tell(text: str) -> None:
    """Say it where that can be read: a stop and its page wait for no log, whose disk may be full."""
    with contextlib.suppress(OSError):
        say(text)


def _refuse_unnamed(place: str) -> None:
    """Two watchers of one name would each take the stops that the other is at for what it had begun itself."""
    of_default = click.get_current_context().get_parameter_source("owner") is ParameterSource.DEFAULT
    if of_default and place.startswith("postgresql"):
        raise click.UsageError("--owner: expected a name of its own, since others may watch on this database; was none")


def _named(fleet: "Fleet", notify: "NotifyPolicy") -> list[str]:
    """The files that hold what nobody else may know: each bot's token, each channel's address."""
    tokens = (getattr(bot.control, "token_file", None) for bot in fleet.bots)
    addresses = (channel.address.file for channel in notify.channels)
    return [name for name in dict.fromkeys((*tokens, *addresses)) if name]
