"""Where a bot stands, as JSON and as a table: its state read back, why it is halted, what fires, what may be done."""

from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import show_table

if TYPE_CHECKING:
    from mm_ops.adapters.journal_follow import FollowedJournal
    from mm_ops.adapters.resume_evidence import Gathered
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.bot import BotState
    from mm_ops.domain.rollback.report.story import Standing
    from mm_ops.domain.rollback.resume import Refused, Resume
    from mm_ops.domain.rollback.resuming import Step


def plan_step(desk: "Desk", step: "Step", gathered: "Gathered") -> "Resume | Refused":
    """Plan a step on what was gathered, or say why it must not be taken."""
    from mm_ops.adapters.environment import WallClock
    from mm_ops.domain.rollback.resume import plan_resume

    now = WallClock().now()
    return plan_resume(step.to, by=step.by, why=step.why, evidence=gathered.evidence, policy=desk.policy, now=now)


def describe(desk: "Desk", opened: "FollowedJournal", bot: str) -> dict[str, Any]:
    """Say everything of one bot, as JSON."""
    from mm_ops.domain.rollback.bot import TradingState
    from mm_ops.domain.rollback.resume import BEFORE, Refused
    from mm_ops.domain.rollback.resuming import Step

    gathered = desk.evidence(opened, bot).gather()
    found, standing = gathered.evidence, opened.standing(bot)
    after = {before: to for to, before in BEFORE.items()}
    to = None if found.bot is None else after.get(found.bot.trading_state)
    words = "-" * desk.policy.resume.least_reason
    plan = None if to is None else plan_step(desk, Step(bot=bot, to=to, by="status", why=words), gathered)
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
    known["escaped"] = _has_escaped(standing, found.bot)
    rule = None if stop is None else desk.policy.rule_of(stop.alert)
    known["held"] = desk.policy.auto_rollback.enabled and rule is not None and not rule.drill
    return known


def _has_escaped(standing: "Standing", state: "BotState | None") -> bool:
    """Whether it was stopped, is resumed by nobody, and is not HALTED: it has forgotten, or somebody went round us."""
    from mm_ops.domain.rollback.bot import TradingState

    if state is None or state.trading_state is TradingState.HALTED:
        return False
    return standing.stop is not None and standing.stop.finished_at is not None and standing.resumed is None


def show(rows: list[dict[str, Any]]) -> None:
    """Print what :func:`describe` gave, for people."""
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
        then = "the watcher stops it again" if row["held"] else "the watcher only pages: stop it by hand"
        lines += [f"STOPPED AND RESUMED BY NOBODY, and it is not halted: {then}"] * row["escaped"]
        lines += [f"not known: {doubt}" for doubt in row["doubts"]]
        lines += [f"{row['next']} is refused: {reason}" for reason in row["hindrances"]]
        for line in lines:
            click.echo(f"{row['bot']}: {line}")
