"""The way back: HALTED -> REDUCING -> ACTIVE, one step at a time, by a named person who says why.

A step is refused while a cause fires, and just as much while it is not known whether one does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mm_ops.domain.rollback.bot import (
    BotState,
    Command,
    FreezeOrders,
    SetCircuit,
    SetScale,
    SetTradingState,
    TradingState,
    aim_of,
)
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.windows import format_duration

BEFORE = {TradingState.REDUCING: TradingState.HALTED, TradingState.ACTIVE: TradingState.REDUCING}
"""The state that each step leads from; nothing leads to HALTED here."""

HALF_DONE = "a watcher with auto_rollback.enabled: true finishes it (`mm-ops watch`)"
"""What becomes of a stop that was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeEvidence:
    """What is known before a step; ``None`` is not known.

    ``firing`` names the bot's firing alerts as Prometheus says at ``at``; ``blind`` is whether the Watchdog is silent;
    ``stopping`` whether a stop of the bot has not ended. ``heard`` are the breaches of the bot that a watcher has heard
    of so lately that each would be over by its own word: they may fire in a Prometheus that was not asked.
    """

    bot: BotState | None
    firing: frozenset[str] | None
    at: datetime | None
    blind: bool
    stopping: bool
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """The commands of the step, in their order, and a preview of what will change: field, now, then."""

    commands: tuple[Command, ...]
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the step is not taken: every reason; ``unknown`` says that nothing speaks against it but missing evidence."""

    reasons: tuple[str, ...]
    unknown: bool = False


def plan_resume(
    to: TradingState, *, by: str, why: str, evidence: ResumeEvidence, policy: RollbackPolicy, now: datetime
) -> Resume | Refused:
    """Plan one step of the way back, or say why it must not be taken."""
    reasons = (
        *find_missing_words(by, why, policy),
        *_wrong_step(to, evidence),
        *find_causes(evidence, policy, now),
    )
    if reasons or evidence.bot is None:
        return Refused(reasons, unknown=_is_unknown(evidence, policy, now))
    step = policy.resume.reducing if to is TradingState.REDUCING else policy.resume.active
    commands: tuple[Command, ...] = (
        SetScale(step.strategy_scale),
        SetCircuit(step.circuit),
        FreezeOrders(step.orders_frozen),
        SetTradingState(to),
    )
    changes = ((name, str(getattr(evidence.bot, name)), str(value)) for name, value in map(aim_of, commands))
    return Resume(commands, tuple(change for change in changes if change[1] != change[2]))


def find_missing_words(by: str, why: str, policy: RollbackPolicy) -> Iterator[str]:
    """Say what is missing of who wants something and why."""
    if not by.strip():
        yield "by: expected the name of a person, was none"
    if len(why.strip()) < policy.resume.least_reason:
        yield f"reason: expected at least {policy.resume.least_reason} letters, was {len(why.strip())}"


def _wrong_step(to: TradingState, evidence: ResumeEvidence) -> Iterator[str]:
    before = BEFORE.get(to)
    if before is None:
        yield f"to: expected REDUCING or ACTIVE, was {to.value}"
    if evidence.bot is None:
        yield "bot: expected its state, but it does not answer"
    elif before is not None and evidence.bot.trading_state is not before:
        yield f"to: {to.value} follows {before.value}, but the bot is {evidence.bot.trading_state.value}"


def find_causes(evidence: ResumeEvidence, policy: RollbackPolicy, now: datetime) -> Iterator[str]:
    """Say what fires, cannot be heard, is too old to be believed, or has not ended."""
    limit = format_duration(policy.resume.evidence_age)
    if evidence.firing is None or evidence.at is None:
        yield "alerts: expected what fires now, but nobody could say"
    elif abs(now - evidence.at) > policy.resume.evidence_age:
        yield f"alerts: expected evidence of the last {limit}, was of {evidence.at:%Y-%m-%dT%H:%M:%SZ}"
    if evidence.firing:
        yield from (f"alerts: {name} still fires" for name in sorted(evidence.firing & _grave(policy)))
    lately = format_duration(policy.backstop.heard_within)
    yield from (f"alerts: {breach}: heard by a watcher within {lately}, and not resolved" for breach in evidence.heard)
    if evidence.bot is not None and abs(now - evidence.bot.observed_at) > policy.resume.evidence_age:
        yield f"bot: expected a state of the last {limit}, was of {evidence.bot.observed_at:%Y-%m-%dT%H:%M:%SZ}"
    if evidence.blind:
        yield "alerts: the Watchdog is silent: what does not fire may not be heard"
    if evidence.stopping:
        yield f"a stop of the bot has not ended; {HALF_DONE}"


def _is_unknown(evidence: ResumeEvidence, policy: RollbackPolicy, now: datetime) -> bool:
    """Whether evidence is missing, while none that there is speaks against the step."""
    if evidence.stopping or evidence.heard or (evidence.firing or frozenset()) & _grave(policy):
        return False
    times = (evidence.at, None if evidence.bot is None else evidence.bot.observed_at)
    stale = any(one is None or abs(now - one) > policy.resume.evidence_age for one in times)
    return stale or evidence.firing is None or evidence.blind


def _grave(policy: RollbackPolicy) -> frozenset[str]:
    """Return what must not fire: what stops a bot, and what says that evidence is missing, but for our own stop."""
    hold = {rule.name for rule in policy.alerts if rule.response.value == "hold" and not rule.caused_by_halt}
    return policy.stopping() | hold
