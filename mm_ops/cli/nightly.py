"""``mm-ops nightly``: one day measured, judged and, if every hard gate passes, bundled."""

import sys
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import ServerUrl, UtcDay, marker, say, yesterday

if TYPE_CHECKING:
    from mm_ops.defs.night import Night, Shared


@click.command()
@click.option("--date", "day", type=UtcDay(), help="The UTC day; default yesterday.")
@click.option("--bot", "names", multiple=True, help="Only this bot; default every bot of bots.yaml.")
@click.option(
    "--source",
    type=ServerUrl("policy"),
    metavar="policy|URL",
    default="policy",
    help="Read samples from this Prometheus instead.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as canonical JSON.")
def nightly(day: date | None, names: tuple[str, ...], source: str, *, as_json: bool) -> None:
    """Run the nightly job of one day, materialising what readiness lacks, then print the verdict.

    Exit 0 on GO, and on a HOLD that a signed override passes over (the last line is NIGHTLY=OVERRIDDEN then), 1 when a
    gate failed or on HOLD, 2 when it could not be decided.
    """
    say("nightly: loading the definitions")
    from mm_ops.adapters.environment import Environment
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.fleet import build_location
    from mm_ops.defs.night import run_night, run_shared
    from mm_ops.defs.resources import Site
    from mm_ops.domain.bots import choose, read_from_prometheus
    from mm_ops.domain.canonical import encode

    environment = Environment.read()
    site = Site.of(environment)
    fleet = choose(site.fleet(), names)
    if source != "policy":
        fleet = read_from_prometheus(fleet, source)
    location = build_location(site, fleet)
    judged_day = day if day is not None else yesterday()
    with open_instance(environment) as instance:
        nights = [run_night(location, instance, bot, judged_day, say) for bot in fleet.bots]
        say("nightly: the rules that watch the gates live")
        shared = run_shared(location, instance, judged_day)
    if as_json:
        click.echo(encode(_document(nights, shared)), nl=False)
    else:
        for night in nights:
            _show(night)
        _show_shared(shared)
    codes = [*(night.exit_code for night in nights), shared.exit_code]
    code = max(codes, key=lambda code: (code == 1, code))
    overridden = any(night.overrides for night in nights)
    marker("nightly", "HOLD" if code else "OVERRIDDEN" if overridden else "GO", err=as_json)
    sys.exit(code)


def _show(night: "Night") -> None:
    from mm_ops.cli.verdict_table import show_judged

    show_judged(f"{night.bot}, UTC day {night.day}", night.outcome.judged, _assets(night))
    for asset, why in night.outcome.refusals.items():
        click.echo(f"  {asset.to_user_string()}: {why}")
    click.echo(f"{night.word}: {night.bot} {night.day}")
    for reason in night.overrides:
        click.echo(f"  {reason}")
    click.echo("files written:")
    for address in night.outcome.written:
        click.echo(f"  {address}")
    for address in night.withdrawn:
        click.echo(f"withdrawn, since the day's evidence no longer carries it: {address}")
    click.echo(f"in the UI: make ui, then http://127.0.0.1:3000/runs/{night.outcome.run_id}")


def _show_shared(shared: "Shared") -> None:
    """Say of what is of no single bot only what did not pass."""
    from mm_ops.cli.verdict_table import show_judged

    if shared.exit_code:
        show_judged("of no single bot", shared.outcome.judged)
        for asset, why in shared.outcome.refusals.items():
            click.echo(f"  {asset.to_user_string()}: {why}")


def _assets(night: "Night") -> Iterator[tuple[str, str]]:
    """Say of every asset whether it was made."""
    from mm_ops.defs.keys import BotKeys

    for key in BotKeys(night.bot).all:
        made, refused = key in night.outcome.materialised, key in night.outcome.refusals
        yield key.to_user_string(), "materialised" if made else "refused" if refused else "not run"


def _document(nights: "list[Night]", shared: "Shared") -> dict[str, Any]:
    return {
        "nights": [
            {
                "bot": night.bot,
                "day": night.day,
                "verdict": night.word,
                "run_id": night.outcome.run_id,
                "reasons": night.reasons,
                "overrides": night.overrides,
                "findings": [
                    {"asset": item.asset.to_user_string(), "finding": item.finding} for item in night.outcome.judged
                ],
                "files": night.outcome.written,
                "withdrawn": night.withdrawn,
            }
            for night in nights
        ],
        "shared": {
            "run_id": shared.outcome.run_id,
            "findings": [item.finding for item in shared.outcome.judged],
            "refusals": [f"{asset.to_user_string()}: {why}" for asset, why in shared.outcome.refusals.items()],
        },
    }
