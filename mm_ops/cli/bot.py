"""``mm-ops bot check``: whether a bot keeps the contract that stopping it rests on."""

import sys
from pathlib import Path
from urllib.parse import urljoin

import click

from mm_ops.cli.context import ServerUrl, marker, policy_file, show_table

FAILED, UNDECIDED = 1, 2


@click.group()
def bot() -> None:
    """Try a bot against what mm_ops asks of it."""


@bot.command()
@click.argument("url", type=ServerUrl())
@click.option("--metrics-url", type=ServerUrl(), help="Where its metrics are; default /metrics at the same address.")
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help="Holds the bot's bearer token.")
@click.option("--read-only", is_flag=True, help="Command nothing: the answer is at best inconclusive.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def check(url: str, metrics_url: str | None, token_file: Path | None, *, read_only: bool, as_json: bool) -> None:
    """Check the metrics and the control API of the bot at URL.

    It HALTS the bot for some seconds and puts it back as it was; a bot that is not ACTIVE is only read.
    """
    from mm_ops.adapters.bot_metrics import check_metrics
    from mm_ops.adapters.bot_probe import Probe
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.verdict import Verdict

    probe = Probe(url, metrics_url or urljoin(f"{url.rstrip('/')}/", "metrics"), token_file)
    checks = check_metrics(probe.scrape(), read_policy(policy_file("slis.yaml"), SliCatalogue))
    checks += probe.run(commands=not read_only)
    verdicts = {item.verdict for item in checks}
    verdict = next(one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if one in verdicts)
    if as_json:
        rows = [
            {"promise": item.promise, "verdict": item.verdict.value, "was": item.was, "why": item.why}
            for item in checks
        ]
        click.echo(encode({"verdict": verdict.value, "checks": rows}).decode(), nl=False)
    else:
        shown = [
            (item.promise, item.verdict.value, item.was, item.why if item.verdict is not Verdict.PASS else "")
            for item in checks
        ]
        show_table("bot check", ("promise", "verdict", "was", "why it matters"), shown)
    marker("bot check", verdict.value.upper())
    sys.exit({Verdict.PASS: 0, Verdict.FAIL: FAILED, Verdict.INCONCLUSIVE: UNDECIDED}[verdict])
