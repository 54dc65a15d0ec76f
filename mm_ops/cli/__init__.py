"""``mm-ops``: parses, calls, prints; decides nothing. Each command imports what it needs when it runs."""

import importlib
import io
import sys

import click

from mm_ops.adapters.log_lines import use_format
from mm_ops.cli.exits import invoke, run

COMMANDS = {
    "nightly": ("mm_ops.cli.nightly", "nightly", "Run the nightly job of one day, then print the verdict."),
    "ci": ("mm_ops.cli.checks", "ci", "Run every asset check on what is stored; exit by verdict."),
    "soak": ("mm_ops.cli.soak", "soak", "Judge one soak from a recording or from Prometheus."),
    "replay": ("mm_ops.cli.replay", "replay", "Say what would have fired and passed, under one policy or two."),
    "edge": ("mm_ops.cli.edge", "edge", "Measure the edge of any fills against any quotes."),
    "golden": ("mm_ops.cli.golden", "golden", "Compare a report with its signed-off baseline."),
    "readiness": ("mm_ops.cli.readiness", "readiness", "Check a readiness file."),
    "secrets": ("mm_ops.cli.secrets", "secrets", "Look for secrets in the repository, the artifacts, a bundle."),
    "chaos": ("mm_ops.cli.chaos", "chaos", "Hold drills on a live bot and see that it does what it must."),
    "tune": ("mm_ops.cli.tune", "tune", "Sweep quote widths and propose a change; nothing is applied."),
    "prelive": ("mm_ops.cli.prelive", "prelive", "Try everything in dry mode before a bot goes live."),
    "make-ready": ("mm_ops.cli.prelive", "make_ready", "Say what stands between the bots and going live."),
    "render": ("mm_ops.cli.render", "render", "Write or compare everything that is rendered from the policies."),
    "grafana": ("mm_ops.cli.grafana", "grafana", "Bring dashboards into Grafana, out of it, and tell how they differ."),
    "bot": ("mm_ops.cli.bot", "bot", "Try a bot against the contract that stopping it rests on."),
    "watch": ("mm_ops.cli.watch", "watch", "Take alerts in and stop the bot that one names; verified, written down."),
    "halt": ("mm_ops.cli.halt", "halt", "Say which bots are halted and why, and let one go on, step by step."),
    "drill": ("mm_ops.cli.drill", "drill", "Stop a bot on purpose, by the way of a breach, and measure it."),
    "sentinel": ("mm_ops.cli.sentinel", "sentinel", "Say which tasks have run when they should have."),
    "notify": ("mm_ops.cli.notify", "notify", "Try the channels through which people are told."),
    "bundle": ("mm_ops.cli.bundle", "bundle", "Build a release, check one to its last byte, promote it."),
    "rotate": ("mm_ops.cli.rotate", "rotate", "Rotate stored evidence: quarantine first, what is needed stays."),
    "audit": ("mm_ops.cli.audit", "audit", "Check the rollback journal."),
    "paperbot": ("mm_ops.cli.paperbot", "paperbot", "Record the embedded paper bot, or run it live."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called: ``--help`` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the help without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.command(cls=LazyGroup)
@click.version_option(package_name="mm_ops")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json", "auto"]),
    default="text",
    show_default=True,
    envvar="MM_OPS_LOG_FORMAT",
    help="Of the lines on standard error; auto: JSON where it is no terminal.",
)
def cli(log_format: str) -> None:
    """Operate a market-making bot: may it trade, is it healthy, has it stopped.

    Exit codes: 0 pass or GO, 1 a gate failed or HOLD, 2 could not decide or could not run.
    """
    watched = sys.stderr is not None and sys.stderr.isatty()
    use_format(as_json=log_format == "json" or (log_format == "auto" and not watched))


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name or a terminal that is not UTF-8
    sys.exit(run(lambda: invoke(cli)))
