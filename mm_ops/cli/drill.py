"""``mm-ops drill``: stop a bot on purpose, by the way of a breach, measure it, and let the bot go on."""

import sys
from pathlib import Path

import click

from mm_ops.cli.context import ServerUrl, agreed, marker, policy_file, say, show_table

CODES = {"pass": 0, "fail": 1, "inconclusive": 2}
KEPT = 2
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--bot", "chosen", help="The bot's name in bots.yaml; may be left out where there is one.")
@click.option("--by", required=True, help="Who answers for it: a person's name. The bot is let go on by that name.")
@click.option("--reason", required=True, help="Why now; it stays in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--journal", help="The journal: a file, or the URL of a PostgreSQL; default the watcher's.")
@click.option("--prometheus", type=ServerUrl(), help="Asked for what fires; default the one of alerting.yaml.")
@click.option("--out", type=FILE, help="Where the result is written too; it is kept with the artifacts in any case.")
@click.option("--json", "as_json", is_flag=True, help="The result as canonical JSON.")
def drill(
    *,
    chosen: str | None,
    by: str,
    reason: str,
    yes: bool,
    journal: str | None,
    prometheus: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Send a marked alert by Prometheus, Alertmanager and the watcher to the bot, and measure detect to halt.

    The bot stands still for about a minute. Refused while anything real fires, is open, or may not be heard. Exit 0
    when it was stopped in time and trades again, 1 when anything was not as it should be, 2 when it could not be tried.
    """
    from mm_ops.adapters.artifacts import Artifacts, write_atomically
    from mm_ops.adapters.drill_world import run_drill
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.evidence import BotEvidence
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.rollback.drill.policy import DrillPolicy
    from mm_ops.domain.rollback.drill.report import build_drill_report

    environment, policy = Environment.read(), read_policy(policy_file("drill.yaml"), DrillPolicy)
    desk = Desk.read(environment, journal=journal, prometheus=prometheus)
    bot = desk.one(chosen)
    if not yes and not agreed(f"Stop {bot}, now, and let it go on when that has worked?"):
        marker("drill", "KEPT", err=as_json)
        sys.exit(KEPT)
    report = build_drill_report(run_drill(desk, policy, bot, by=by, why=reason, say=say), policy)
    data = encode(report)
    evidence = BotEvidence(Artifacts(environment.artifacts), bot)
    stored = evidence.put(evidence.drill(report["drill"]), data)
    if out is not None:
        write_atomically(out, data)
    if as_json:
        click.echo(data.decode(), nl=False)
    else:
        _show(report, stored.address)
    marker("drill", str(report["verdict"]).upper(), err=as_json)
    sys.exit(CODES[str(report["verdict"])])


def _show(report: dict[str, object], address: str) -> None:
    from mm_ops.domain.rollback.drill.report import drill_headline, timeline_rows

    show_table(f"drill {report['drill']}", ("at (UTC)", "ms", "what"), timeline_rows(report))
    click.echo(drill_headline(report))
    click.echo(f"written: {address}")
