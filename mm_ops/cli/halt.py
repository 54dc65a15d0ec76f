"""``mm-ops halt status | resume``: where each bot stands, and the way back of one that was halted."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import ServerUrl, marker, say, show_table

if TYPE_CHECKING:
    from mm_ops.adapters.journal_follow import FollowedJournal, JournalPlace
    from mm_ops.adapters.resume_evidence import EvidenceOf, Gathered
    from mm_ops.domain.rollback.bot import BotControl
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.resume import Refused, Resume
    from mm_ops.domain.rollback.resuming import NotResumed, Step

DONE, REFUSED, UNDECIDED = 0, 1, 2
FILE = click.Path(dir_okay=False, path_type=Path)
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

    Exit 0 when every bot is ACTIVE, 1 when one is not, 2 when the state of one is unknown.
    """
    from mm_ops.domain.canonical import encode

    world = _World.read(journal)
    with world.opened() as opened:
        rows = [_describe(world, opened, name, prometheus) for name in world.names(chosen)]
    states = {row["trading_state"] for row in rows}
    answer = next((one for one in ("unknown", "HALTED", "REDUCING") if one in states), "ACTIVE").upper()
    if as_json:
        click.echo(encode({"answer": answer, "bots": rows}).decode(), nl=False)
    else:
        _show(rows)
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
    from mm_ops.domain.rollback.bot import TradingState
    from mm_ops.domain.rollback.resume import Refused
    from mm_ops.domain.rollback.resuming import Step

    world = _World.read(journal)
    bot = world.one(chosen)
    step = Step(bot=bot, to=TradingState(state), by=by, why=reason)
    with world.opened() as opened:
        evidence = world.evidence(opened, bot, prometheus)
        gathered = evidence.gather()
        plan = _plan(world, step, gathered)
    for doubt in gathered.doubts:
        say(f"not known: {doubt}")
    if isinstance(plan, Refused):
        _refuse(plan)
    else:
        show_table(f"{bot}: {state}, by {by}: {reason}", ("field", "now", "then"), plan.changes)
        if dry_run:
            marker("halt resume", "PREVIEW")
        elif yes or click.confirm(f"Let {bot} go on as {state}?", err=True):
            _take(world, step, plan, prometheus)
        else:
            _end("KEPT", REFUSED)


def _take(world: "_World", step: "Step", plan: "Resume", prometheus: str | None) -> None:
    from mm_ops.adapters.environment import WallClock
    from mm_ops.domain.rollback.resume import Refused
    from mm_ops.domain.rollback.resuming import Resumed, Resumer

    with world.opened() as opened, world.written() as written:
        evidence = world.evidence(opened, step.bot, prometheus)
        resumer = Resumer(written, evidence.control, lambda: evidence.gather().evidence, world.policy, WallClock())
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


def _plan(world: "_World", step: "Step", gathered: "Gathered") -> "Resume | Refused":
    from mm_ops.adapters.environment import WallClock
    from mm_ops.domain.rollback.resume import plan_resume

    now = WallClock().now()
    return plan_resume(step.to, by=step.by, why=step.why, evidence=gathered.evidence, policy=world.policy, now=now)


def _describe(world: "_World", opened: "FollowedJournal", bot: str, prometheus: str | None) -> dict[str, Any]:
    """Say everything of one bot, as JSON."""
    from mm_ops.domain.rollback.bot import TradingState
    from mm_ops.domain.rollback.resume import BEFORE, Refused
    from mm_ops.domain.rollback.resuming import Step

    gathered = world.evidence(opened, bot, prometheus).gather()
    found, standing = gathered.evidence, opened.standing(bot)
    after = {before: to for to, before in BEFORE.items()}
    to = None if found.bot is None else after.get(found.bot.trading_state)
    words = "-" * world.policy.resume.least_reason
    plan = None if to is None else _plan(world, Step(bot=bot, to=to, by="status", why=words), gathered)
    stop = standing.stop
    known: dict[str, Any] = {
        "bot": bot,
        "trading_state": "unknown" if found.bot is None else found.bot.trading_state.value,
        "state": found.bot,
        "firing": None if found.firing is None else sorted(found.firing),
        "doubts": gathered.doubts,
        "next": None if to is None else to.value,
        "hindrances": plan.reasons if isinstance(plan, Refused) else (),
        "resumed": None if standing.resumed is None else standing.resumed.words,
    }
    keys = ("alert", "episode", "reason", "claimed_at", "answer", "faults")
    known["stop"] = None if stop is None else {name: getattr(stop, name) for name in keys}
    if found.bot is not None and found.bot.trading_state is TradingState.HALTED and stop is None:
        known["doubts"] = (*gathered.doubts, "the journal knows of no stop: it was halted by hand or by another")
    return known


def _show(rows: list[dict[str, Any]]) -> None:
    shown = []
    for row in rows:
        stop = row["stop"]
        because = (
            "" if stop is None else f"{stop['alert']} at {stop['claimed_at']:%Y-%m-%dT%H:%M:%SZ} ({stop['answer']})"
        )
        firing = "unknown" if row["firing"] is None else ", ".join(row["firing"]) or "nothing"
        may = "" if row["next"] is None else "no, see below" if row["hindrances"] else f"resume --to {row['next']}"
        shown.append((row["bot"], row["trading_state"], because, firing, may))
    show_table("halt status", ("bot", "state, read back", "stopped last for", "fires now", "may"), shown)
    for row in rows:
        stop = row["stop"]
        lines = [f"episode {stop['episode']}: {stop['reason']}", *stop["faults"]] if stop else []
        lines += [row["resumed"]] if row["resumed"] else []
        lines += [f"not known: {doubt}" for doubt in row["doubts"]]
        lines += [f"{row['next']} is refused: {reason}" for reason in row["hindrances"]]
        for line in lines:
            click.echo(f"{row['bot']}: {line}")


class _World:
    """The policies, the bots and the journal that the commands are about."""

    def __init__(self, policy: "RollbackPolicy", controls: "dict[str, BotControl]", place: "JournalPlace") -> None:
        self.policy, self._controls, self._place = policy, controls, place

    @classmethod
    def read(cls, journal: str | None) -> "_World":
        from mm_ops.adapters.bot_controls import controls_of
        from mm_ops.adapters.environment import Environment, WallClock, journal_named
        from mm_ops.adapters.journal_follow import JournalPlace
        from mm_ops.adapters.journal_place import DEFAULT
        from mm_ops.adapters.policy_files import read_policy
        from mm_ops.domain.bots import Fleet
        from mm_ops.domain.rollback.policy import RollbackPolicy

        environment = Environment.read()
        policy = read_policy(environment.policies / "rollback.yaml", RollbackPolicy)
        fleet = read_policy(environment.policies / "bots.yaml", Fleet)
        controls = controls_of(fleet, environment.path, WallClock().now, within=policy.attempts.attempt)
        named = journal or journal_named(environment)
        return cls(policy, controls, JournalPlace(named or str(environment.path(DEFAULT)), named=named is not None))

    def names(self, chosen: str | None) -> list[str]:
        """The bots that are asked about.

        Raises:
            PolicyError: there is none, or none of that name.
        """
        from mm_ops.domain.errors import PolicyError

        known = ", ".join(self._controls) or "none"
        if not self._controls or (chosen is not None and chosen not in self._controls):
            raise PolicyError(f"bots.yaml: no bot {chosen or ''} with a control; there are: {known}")
        return [chosen] if chosen else list(self._controls)

    def one(self, chosen: str | None) -> str:
        """The bot that is let go on.

        Raises:
            PolicyError: there are several, and none was named.
        """
        from mm_ops.domain.errors import PolicyError

        names = self.names(chosen)
        if len(names) > 1:
            raise PolicyError(f"--bot: expected one of {', '.join(names)}, was none")
        return names[0]

    def evidence(self, opened: "FollowedJournal", bot: str, prometheus: str | None) -> "EvidenceOf":
        """What is known of a bot, from where it is asked."""
        from mm_ops.adapters.environment import WallClock
        from mm_ops.adapters.policy_files import read_policy
        from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
        from mm_ops.adapters.resume_evidence import EvidenceOf
        from mm_ops.cli.context import policy_file
        from mm_ops.domain.rendering.policy import AlertingPolicy

        listen = read_policy(policy_file("alerting.yaml"), AlertingPolicy).prometheus.listen
        server = PrometheusAlerts.at(prometheus or f"http://{listen}", self.policy.backstop.timeout)
        return EvidenceOf(bot, self._controls[bot], server, opened, self.policy, WallClock())

    @contextmanager
    def opened(self) -> "Iterator[FollowedJournal]":
        """The journal, to be read."""
        from mm_ops.adapters.journal_follow import following

        with following(self._place) as found:
            yield found

    @contextmanager
    def written(self) -> "Iterator[Any]":
        """The journal, to be written beside the watcher: by an anchor of its own, since each anchors what it wrote."""
        from mm_ops.adapters.environment import Environment
        from mm_ops.adapters.journal import Journal
        from mm_ops.adapters.journal_place import DEFAULT, anchor_beside

        file = self._place.url if self._place.is_file else str(Environment.read().path(DEFAULT))
        anchor = anchor_beside(file).with_name(f"{Path(anchor_beside(file)).name}.halt")
        with Journal(self._place.url, anchor, owner="halt", lease=self.policy.attempts.longest) as journal:
            yield journal
