"""``mm-ops bundle promote | back``: a bundle goes to staging, then live; or what is known to be good is live again."""

import sys
from typing import Any

import click

from mm_ops.cli.context import marker, show_table

_BOT = click.option("--bot", "name", help="Of which bot; may be left out where there is one.")
_BY = click.option("--by", required=True, help="Who decides it: a person's name.")
_WHY = click.option("--why", required=True, help="Why that is right now; it stays on record.")


@click.command()
@click.argument("version")
@click.option("--to", type=click.Choice(["staging", "live"]), required=True, help="The next step only.")
@_BY
@_WHY
@_BOT
def promote(version: str, to: str, by: str, why: str, name: str | None) -> None:
    """Say that the bundle of VERSION is in staging now, or live.

    Its bundle and signature are verified first. Refused out of turn, before its time, and while alerts of the bot may
    not be heard. Exit 0 when it is on record, 1 when it was refused.
    """
    _take(name, {"to": to, "version": version, "by": by, "why": why})


@click.command()
@_BY
@_WHY
@_BOT
def back(by: str, why: str, name: str | None) -> None:
    """Say that the version that is known to be good is live again; its bundle is verified first.

    Exit 0 when it is on record, 1 when there is none or its bundle is not what it was.
    """
    _take(name, {"to": "back", "by": by, "why": why})


def _take(name: str | None, config: dict[str, str]) -> None:
    from mm_ops.adapters.environment import Environment
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.fleet import build_location
    from mm_ops.defs.resources import Site
    from mm_ops.defs.runs import run_promotion
    from mm_ops.domain.bots import choose_one

    environment = Environment.read()
    site = Site.of(environment)
    bot = choose_one(site.fleet(), name)
    with open_instance(environment) as instance:
        outcome = run_promotion(build_location(site).definitions, instance, bot.name, config)
    for why in outcome.refusals.values():
        click.echo(why)
    refused = bool(outcome.refusals) or not outcome.written
    if not refused:
        evidence = site.evidence(bot)
        _show(bot.name, evidence.read_json(evidence.promotions()))
    marker("bundle", "REFUSED" if refused else config["to"].upper())
    sys.exit(int(refused))


def _show(bot: str, document: dict[str, Any]) -> None:
    rows = [
        (where, placed["version"], placed["since"], placed["bundle"], placed["digest"])
        for where in ("staging", "live", "known_good")
        if (placed := document[where]) is not None
    ]
    show_table(bot, ("", "version", "since", "bundle", "digest"), rows)
    note = document["steps"][-1]["note"]
    if note:
        click.echo(note)
