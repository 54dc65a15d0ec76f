"""``mm-ops bundle``: build a release, check one to its last byte, see what is in it, and say where it stands."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import UtcDay, say, show_table, yesterday
from mm_ops.cli.promote import back, promote

if TYPE_CHECKING:
    from mm_ops.adapters.bundle import Built

FILE = click.Path(path_type=Path)


@click.group()
def bundle() -> None:
    """Build, check, show and promote release bundles."""


@bundle.command()
@click.argument("file", type=FILE)
@click.option(
    "--signers", type=FILE, help="An allowed_signers file of OpenSSH: a signature by one of them is asked for."
)
def verify(file: Path, signers: Path | None) -> None:
    """Check FILE to its last byte; needs nothing else, and no network.

    Exit 0 when it is whole (and signed, where signers are given), 1 when it is not, 2 when it is no bundle.
    """
    from mm_ops.adapters.bundle_verify import NoBundleError, read_signers, say_signature
    from mm_ops.adapters.bundle_verify import verify as check

    try:
        found = check(file, read_signers(signers))
    except NoBundleError as error:
        say(f"mm-ops: {error}")
        sys.exit(_end("FAIL", 2))
    for line in (*found.faults, *say_signature(found, asked=signers is not None)):
        click.echo(line)
    if not found.faults:
        click.echo(f"{len(found.manifest['files'])} files are what {file.name} says of them")
    sys.exit(_end("FAIL" if found.faults else "OK", int(bool(found.faults))))


bundle.add_command(promote)
bundle.add_command(back)


@bundle.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Say what FILE is and what is in it; exit 0, or 1 where it is not whole, 2 where it is no bundle."""
    from mm_ops.adapters.bundle_verify import NoBundleError, say_signature
    from mm_ops.adapters.bundle_verify import verify as check
    from mm_ops.domain.retention.sizes import format_size

    try:
        found = check(file)
    except NoBundleError as error:
        say(f"mm-ops: {error}")
        sys.exit(2)
    manifest = found.manifest
    rows = [(item["path"], format_size(item["size"]), item["description"]) for item in manifest["files"]]
    show_table(f"{manifest['bot']} {manifest['version']}, {manifest['day']}", ("file", "size", "what it is"), rows)
    for line in (*found.faults, *say_signature(found, asked=False)):
        click.echo(line)
    click.echo(f"{manifest['result']}: {manifest['bot']} {manifest['version']} of {manifest['day']}")
    for name in manifest["missing"]:
        click.echo(f"  without {name}")
    sys.exit(int(bool(found.faults)))


@bundle.command()
@click.option("--date", "day", type=UtcDay(), help="The UTC day; default yesterday.")
@click.option("--bot", "name", help="Of which bot; may be left out where there is one.")
@click.option("--dry-run", is_flag=True, help="Ask every gate and pack to nowhere; store and withdraw nothing.")
def create(day: date | None, name: str | None, *, dry_run: bool) -> None:
    """Build the bundle of a day that a night was run for; refused, with the reasons, unless every hard gate passed.

    Exit 0 when it is there, or would be, 1 when it is refused.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.fleet import build_location
    from mm_ops.defs.keys import BotKeys
    from mm_ops.defs.resources import Site
    from mm_ops.defs.runs import run_assets
    from mm_ops.domain.bots import choose_one

    environment = Environment.read()
    site = Site.of(environment)
    bot = choose_one(site.fleet(), name)
    location, judged = build_location(site), day if day is not None else yesterday()
    with open_instance(environment) as instance:
        if dry_run:
            from mm_ops.defs.release.dry_run import pack_dry

            sys.exit(_end_dry(pack_dry(instance, site, bot, judged, location.graphs[bot.name].checks)))
        outcome = run_assets(location.definitions, instance, bot.name, judged, [BotKeys(bot.name).release_bundle])
    for why in outcome.refusals.values():
        click.echo(why)
    for address in outcome.written:
        click.echo(address)
    refused = bool(outcome.refusals) or not outcome.written
    sys.exit(_end("REFUSED" if refused else "OK", int(refused)))


def _end_dry(packed: "Built | str") -> int:
    from mm_ops.domain.retention.sizes import format_size

    if isinstance(packed, str):
        click.echo(packed)
        return _end("REFUSED", 1)
    signed = "signed" if packed.signed else "not signed"
    click.echo(f"{len(packed.members)} files, {format_size(packed.size)}, {signed}; without a pre-live pack's evidence")
    return _end("DRYRUN", 0)


def _end(word: str, code: int) -> int:
    click.echo(f"| bundle | {word} | BUNDLE={word} |")
    return code
