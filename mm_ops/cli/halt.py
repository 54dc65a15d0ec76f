"""``mm-ops halt status | resume``: where each bot stands, and the way back of one that was halted."""

import sys
from typing import TYPE_CHECKING

import click

from mm_ops.cli.context import ServerUrl, agreed, marker, say, show_table
from mm_ops.cli.halt_status import describe, plan_step, show

if TYPE_CHECKING:
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.resume import Refused, Resume
    from mm_ops.domain.rollback.resuming import NotResumed, Step

DONE, REFUSED, UNDECIDED = 0, 1, 2
_JOURNAL = click.option("--journal", help="The journal: a file, or the URL of a PostgreSQL; default the watcher's.")
_PROMETHEUS = click.option(
    "--prometheus", type=ServerUrl(), help="Asked for what fires; default the one that alerting.yaml configures."
)


@click.group()
def halt() -> None:
    """Say which bots are halted and why, and let one go on."""


@halt.command()
@click.option("--bot", "chosen", help="Only this one; default every bot that has a control.")
@_JOURNAL
@_PROMETHEUS
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def status(chosen: str | None, journal: str | None, prometheus: str | None, *, as_json: bool) -> None:
    """Read each bot back, and say since when and why it is halted, what fires, and what may be done next.

    Exit 0 when every bot is ACTIVE, 1 when one is not, or is although it was stopped and nobody has resumed it, 2 when
    the state of one is unknown, as that of a bot whose entry in bots.yaml is broken.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.canonical import encode

    desk = Desk.read(Environment.read(), journal=journal, prometheus=prometheus)
    with desk.opened() as opened:
        rows = [describe(desk, opened, name) for name in desk.names(chosen)]
    states = {row["trading_state"] for row in rows} | ({"unknown"} if desk.faults and chosen is None else set())
    answer = next((one for one in ("unknown", "HALTED", "REDUCING") if one in states), "ACTIVE").upper()
    if any(row["escaped"] for row in rows):
        answer = "ESCAPED"
    if as_json:
        click.echo(encode({"answer": answer, "bots": rows, "faults": desk.faults}).decode(), nl=False)
    else:
        show(rows)
    for fault in desk.faults:
        say(f"not known: {fault}")
    marker("halt status", answer, err=as_json)
    sys.exit({"ACTIVE": DONE, "UNKNOWN": UNDECIDED}.get(answer, REFUSED))


@halt.command()
@click.option("--bot", "chosen", help="The bot's name in bots.yaml; may be left out where there is one.")
@click.option("--to", "state", type=click.Choice(["REDUCING", "ACTIVE"]), required=True, help="The next step only.")
@click.option("--by", required=True, help="Who lets it go on: a person's name.")
@click.option("--reason", required=True, help="Why that is right now; it stays in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and ask nothing of the bot.")
@_JOURNAL
@_PROMETHEUS
def resume(
    *,
    chosen: str | None,
    state: str,
    by: str,
    reason: str,
    yes: bool,
    dry_run: bool,
    journal: str | None,
    prometheus: str | None,
) -> None:
    """Let a halted bot go on, one step at a time: HALTED to REDUCING to ACTIVE.

    Refused while its cause fires, and while it is not known whether it does. Exit 0 when the step was read back (or
    previewed, with --dry-run), 1 when it was refused, 2 when something is not known or the step is not confirmed.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.bot import TradingState
    from mm_ops.domain.rollback.resume import Refused
    from mm_ops.domain.rollback.resuming import Step

    desk = Desk.read(Environment.read(), journal=journal, prometheus=prometheus)
    bot = desk.one(chosen)
    step = Step(bot=bot, to=TradingState(state), by=by, why=reason)
    with desk.opened() as opened:
        evidence = desk.evidence(opened, bot)
        gathered = evidence.gather()
        plan = plan_step(desk, step, gathered)
    for doubt in gathered.doubts:
        say(f"not known: {doubt}")
    if isinstance(plan, Refused):
        _refuse(plan)
    else:
        show_table(f"{bot}: {state}, by {by}: {reason}", ("field", "now", "then"), plan.changes)
        if dry_run:
            marker("halt resume", "PREVIEW")
        elif yes or agreed(f"Let {bot} go on as {state}?"):
            _take(desk, step, plan)
        else:
            _end("KEPT", REFUSED)


def _take(desk: "Desk", step: "Step", plan: "Resume") -> None:
    from mm_ops.adapters.environment import WallClock
    from mm_ops.domain.rollback.resume import Refused
    from mm_ops.domain.rollback.resuming import Resumed, Resumer

    with desk.opened() as opened, desk.written("halt") as written:
        evidence = desk.evidence(opened, step.bot)
        resumer = Resumer(written, evidence.control, lambda: evidence.gather().evidence, desk.policy, WallClock())
        answer: Resumed | NotResumed | Refused = resumer.take(step, plan)
    if isinstance(answer, Refused):
        _refuse(answer)
    elif isinstance(answer, Resumed):
        click.echo(f"read back: {answer.state.trading_state.value}, written down as {step.by}'s step")
        marker("halt resume", step.to.value)
    else:
        shown = "nothing" if answer.state is None else answer.state.trading_state.value
        say(f"not confirmed: {answer.reason}; the bot reads back {shown}; `mm-ops halt status`, then try again")
        _end("UNCONFIRMED", UNDECIDED)


def _refuse(refused: "Refused") -> None:
    for reason in refused.reasons:
        click.echo(f"refused: {reason}")
    _end("UNKNOWN" if refused.unknown else "REFUSED", UNDECIDED if refused.unknown else REFUSED)


def _end(answer: str, code: int) -> None:
    marker("halt resume", answer)
    sys.exit(code)
