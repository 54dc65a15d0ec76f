"""Alert, policy, history and now in; one answer of a closed set out, with its reason in words.

In this order: what is no alert for us (unknown, resolved, naming no bot of ours); what a person or a promotion must
know; what was done for this episode already; what keeps the automation from acting (age, switch, confirmations);
whether a stop inside the cooldown has stopped the bot. ``resolved`` is not recovery, and never undoes anything.
A fire drill stops as a breach does while it is open; its stops count for nothing where another alert is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from mm_ops.domain.notify.notice import Told
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.history import History, PastRollback, Truth
from mm_ops.domain.rollback.policy import ActionName, AlertRule, Response, RollbackPolicy
from mm_ops.domain.windows import format_duration, is_lately


class Topic(StrEnum):
    """What a person is told, once an episode."""

    UNKNOWN_ALERT = "unknown_alert"
    NO_BOT = "no_bot"
    FOREIGN_BOT = "foreign_bot"
    FIRING = "firing"
    NEVER_SEEN_FIRING = "never_seen_firing"
    BLIND = "blind"
    STALE = "stale"
    SWITCHED_OFF = "switched_off"
    IN_COOLDOWN = "in_cooldown"
    UNREADABLE = "unreadable"
    UNCONFIRMED = "unconfirmed"
    NO_DRILL = "no_drill"


@dataclass(frozen=True, slots=True)
class Record:
    """Write it down; nothing else is to be done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the team when it next looks."""

    topic: Topic
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Tell whoever is on call, now; the bot goes on as it is."""

    topic: Topic
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold promotions and tell whoever is on call; the bot goes on as it is."""

    topic: Topic
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Stop the bot, then tell whoever is on call; ``escalated`` says that it has become too many.

    ``alarming`` says why this stop is worse than a first one: another was within the cooldown, or did not last.
    ``radius`` is what the alert's labels say is concerned; the stop is of the whole bot, never narrower.
    """

    bot: str
    round: int
    actions: tuple[ActionName, ...]
    reason: str
    alarming: str | None = None
    escalated: bool = False
    radius: Mapping[str, str] = field(default_factory=dict)


Decision = Record | Notify | Page | Hold | RollBack


def decide(alert: Alert, policy: RollbackPolicy, history: History, now: datetime) -> Decision:
    """Decide what one alert asks for."""
    decision = _decide(alert, policy, history, now)
    if isinstance(decision, Notify | Page | Hold) and decision.topic.value in history.told:
        return Record(f"told before: {decision.reason}")
    return decision


def judge_silence(last_beat: datetime | None, started_at: datetime, policy: RollbackPolicy, now: datetime) -> Decision:
    """Judge how long the Watchdog has been silent, since it was heard or, before that, since we listen."""
    since = started_at if last_beat is None else last_beat
    silent, limit = now - since, policy.blind_after.length
    if silent <= limit:
        return Record(f"the Watchdog was silent for {format_duration(silent)}, of {format_duration(limit)} at most")
    heard = "never heard" if last_beat is None else f"last heard {_stamp(last_beat)}"
    return Hold(Topic.BLIND, f"blind: the Watchdog was {heard}, expected every {format_duration(limit)} at most")


def say_truth(truth: Truth) -> str:
    """Say in words what Prometheus says of an alert."""
    match truth:
        case Truth.FIRES:
            return "Prometheus says that it fires"
        case Truth.UNKNOWN:
            return "Prometheus does not know that it fires: forged, or of another server"
        case Truth.UNREACHABLE:
            return "unconfirmed: Prometheus does not answer"
        case _:
            assert_never(truth)


def _decide(alert: Alert, policy: RollbackPolicy, history: History, now: datetime) -> Decision:
    rule = policy.rule_of(alert.name)
    if rule is not None and rule.response is Response.HEARTBEAT:
        return Record("the heartbeat: evaluation and delivery are alive")
    if not alert.firing:
        return _resolved(rule, history)
    if rule is None:
        return Page(Topic.UNKNOWN_ALERT, f"{alert.name}: no such alert in rollback.yaml; nothing was done")
    if alert.bot is None or alert.bot not in history.bots:
        return _misdirected(alert, history)
    if rule.response is Response.ROLLBACK:
        return _stop(alert, alert.bot, rule, policy, history, now)
    return _tell(alert, rule, policy, history, now)


def _misdirected(alert: Alert, history: History) -> Decision:
    """Judge an alert that names no bot, or none of ours: guessing one could stop the wrong one and spare the right."""
    if alert.bot is None:
        return Page(Topic.NO_BOT, f"{alert.name}: expected a label bot, was none: it names nobody; nothing was done")
    known = ", ".join(sorted(history.bots))
    return Page(Topic.FOREIGN_BOT, f"{alert.name}: no bot {alert.bot} in bots.yaml; there are: {known}")


def _resolved(rule: AlertRule | None, history: History) -> Decision:
    stops = rule is not None and rule.response is Response.ROLLBACK
    if stops and not history.fired_before:
        return Page(Topic.NEVER_SEEN_FIRING, "resolved, and was never seen firing: a breach passed without a stop")
    return Record("resolved: that is not recovery, and undoes nothing")


def _tell(alert: Alert, rule: AlertRule, policy: RollbackPolicy, history: History, now: datetime) -> Decision:
    stopped = history.rollbacks[-1] if history.rollbacks else None
    if rule.caused_by_halt and history.halted and stopped is not None and alert.starts_at >= stopped.at:
        return Record(f"caused by our own stop at {_stamp(stopped.at)}; the bot reads back HALTED")
    if now - history.seen_at > policy.max_event_age.length:
        return Record(_stale(history, policy))
    reason = alert.annotations.get("summary") or f"{alert.bot}: {alert.name} fires"
    if rule.response is Response.HOLD:
        return Hold(Topic.FIRING, reason)
    return Page(Topic.FIRING, reason) if rule.told is Told.ONCALL else Notify(Topic.FIRING, reason)


def _stop(alert: Alert, bot: str, rule: AlertRule, policy: RollbackPolicy, history: History, now: datetime) -> Decision:
    last = history.last_of(alert.episode)
    again = None if last is None else _judge_earlier(last, policy, history, now)
    kept_from = again or _judge_hindrance(rule, policy, history, now)
    if kept_from is not None:
        return kept_from
    history = replace(history, rollbacks=tuple(one for one in history.rollbacks if not policy.is_drill(one.alert)))
    other = history.last_of_others(alert.episode)
    within = "" if other is None else _judge_cooldown(other, policy, history, now)
    if isinstance(within, Record | Page):
        return within
    return RollBack(
        bot=bot,
        round=_next_round(last),
        actions=rule.actions,
        reason=alert.annotations.get("summary") or f"{bot}: {alert.name} fires",
        alarming=within or None if last is None else f"the stop of {_stamp(last.at)} was not confirmed or did not last",
        escalated=not rule.drill and _is_too_many(alert.episode, policy, history, now),
        radius={name: alert.labels[name] for name in policy.blast_radius if name in alert.labels},
    )


def _next_round(last: PastRollback | None) -> int:
    """Count on, or take over a round whose process died in it."""
    if last is None:
        return 1
    return last.round if last.finished_at is None else last.round + 1


def _judge_earlier(last: PastRollback, policy: RollbackPolicy, history: History, now: datetime) -> Decision | None:
    """Judge what was done for this episode already; ``None`` says that it must be done again."""
    began = _stamp(last.at)
    if last.finished_at is None:
        return None if _is_dead(last, policy, now) else Record(f"being stopped since {began}")
    if history.resumed_at is not None and history.resumed_at >= last.at:
        return Record(f"stopped at {began}, resumed by a person at {_stamp(history.resumed_at)}")
    if last.confirmed and history.halted:
        return Record(f"stopped at {began}; the bot reads back HALTED")
    if last.confirmed and history.bot is None:
        return Page(Topic.UNREADABLE, f"stopped at {began}, but the bot does not answer: whether it lasts is unknown")
    if is_lately(last.finished_at, policy.attempts.again_after, now):
        return Record(f"tried at {began}; again after {format_duration(policy.attempts.again_after)}")
    return None


def _judge_hindrance(rule: AlertRule, policy: RollbackPolicy, history: History, now: datetime) -> Decision | None:
    """Judge what keeps the automation from acting."""
    if rule.drill and not history.drill_open:
        return Page(Topic.NO_DRILL, f"{rule.name}: no such drill is open in the journal: nothing was done")
    if now - history.seen_at > policy.max_event_age.length:
        return Page(Topic.STALE, _stale(history, policy))
    if rule.confirmations is not None:
        needed, of = rule.confirmations.needed, rule.confirmations.of
        confirmed = sum(history.sightings[-of:])
        if confirmed < needed:
            return Record(f"fired in {confirmed} of the last {of} sightings, expected {needed}")
    if history.truth in {Truth.UNKNOWN, Truth.UNREACHABLE}:
        return Page(Topic.UNCONFIRMED, f"{rule.name} waits: {say_truth(history.truth)}; the bot goes on")
    if not policy.auto_rollback.enabled:
        return Page(Topic.SWITCHED_OFF, "auto_rollback.enabled is false: nothing was done, a person must stop the bot")
    return None


def _judge_cooldown(
    other: PastRollback, policy: RollbackPolicy, history: History, now: datetime
) -> Record | Page | str:
    """Judge a stop for another cause: it suppresses only while the bot reads back HALTED; else say why it is alarming.

    An empty text says that there is nothing to say: the other stop was longer ago than the cooldown.
    """
    began, cooldown = _stamp(other.at), format_duration(policy.cooldown.length)
    if now - other.at >= policy.cooldown.length:
        return ""
    if other.finished_at is None and not _is_dead(other, policy, now):
        return Record(f"being stopped since {began} for {other.alert}")
    if history.halted:
        return Page(
            Topic.IN_COOLDOWN, f"a second cause within {cooldown}: stopped at {began} for {other.alert}; still HALTED"
        )
    was = "does not answer" if history.bot is None else f"reads back {history.bot.trading_state.value}"
    return f"a second stop within {cooldown}: stopped at {began} for {other.alert}, but the bot {was}"


def _is_dead(one: PastRollback, policy: RollbackPolicy, now: datetime) -> bool:
    return not is_lately(one.at, 2 * policy.attempts.longest, now)


def _is_too_many(episode: str, policy: RollbackPolicy, history: History, now: datetime) -> bool:
    """Count episodes, this one included: rounds of one breach are one rollback."""
    recent = {one.episode for one in history.rollbacks if now - one.at <= policy.escalation.within}
    return len(recent | {episode}) >= policy.escalation.rollbacks


def _stale(history: History, policy: RollbackPolicy) -> str:
    limit = format_duration(policy.max_event_age.length)
    return f"last heard at {_stamp(history.seen_at)}, over {limit} ago: recorded, not acted on"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
