"""What people are told beside the reason: the evidence, what the bot showed, what they must do, and the runbook."""

from typing import assert_never

from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.rollback.decision import Decision, Hold, Notify, Page, Record, RollBack, Topic
from mm_ops.domain.rollback.stop import Outcome

BY_HAND = "stop the bot by hand now, cancel its orders at the venue, then `mm-ops halt status`"
LET_GO = "find out why it trades (a bot must keep HALTED over a start); `mm-ops halt resume` lets it go on"
DRY_RUN = "nothing was asked of the bot: decide whether to stop it by hand"
_LOOK = "look at the runbook, and stop the bot by hand if it gets worse; nothing was asked of it"
_TODO = {
    Topic.UNKNOWN_ALERT: "write it into rollback.yaml, or take its rule out; if it is real, stop the bot by hand",
    Topic.NO_BOT: "find out which bot it is about; if it is real, stop that one by hand; give the rule the label bot",
    Topic.FOREIGN_BOT: "write the bot into bots.yaml, or take it out of the rules; if it is real, stop it by hand",
    Topic.FIRING: _LOOK,
    Topic.NEVER_SEEN_FIRING: "see whether alerts arrive late: a bot was not stopped while it was in breach",
    Topic.BLIND: "see whether Prometheus, Alertmanager and the way from them are alive: no alert may be heard",
    Topic.STALE: "see whether it still fires, and decide whether to stop the bot by hand",
    Topic.SWITCHED_OFF: BY_HAND,
    Topic.IN_COOLDOWN: "do not resume the bot before both causes are understood",
    Topic.UNCONFIRMED: "see in Prometheus whether it fires, and decide whether to stop the bot by hand",
    Topic.NO_DRILL: "see who asked for it: a drill that came too late, or a forged alert; nothing else is to be done",
    Topic.UNREADABLE: "look at the bot and at its orders at the venue: it may be trading",
}


def about_decision(alert: Alert, decision: Decision) -> About:
    """Say what is known of an alert, and what the decision leaves to people."""
    match decision:
        case Page(topic, reason):
            todo, grave = _TODO[topic], topic in {Topic.SWITCHED_OFF, Topic.UNREADABLE, Topic.STALE}
        case Hold(topic, reason):
            todo, grave = f"promote nothing until it is over; {_TODO[topic]}", False
        case Notify(_, reason):
            todo, grave = "look at it when you next can; nothing was asked of the bot", False
        case RollBack(reason=reason) | Record(reason):
            todo, grave = "", False
        case _:
            assert_never(decision)
    return _about(alert, reason, todo, "", grave=grave)


def about_outcome(outcome: Outcome, alert: Alert | None = None) -> About:
    """Say what came of a stop: what was read back last, and what is left to people."""
    stop = outcome.stop
    seen = [one.observed for one in outcome.results if one.observed is not None]
    state = _shown(max(seen, key=lambda one: one.sequence)) if seen else "unknown: the bot gave no state"
    resume = f"mm-ops halt resume --bot {stop.bot} --to {TradingState.REDUCING} --by NAME --reason TEXT"
    todo = f"find the cause by the runbook; then, in steps: {resume}" if outcome.confirmed else BY_HAND
    if alert is not None:
        return _about(alert, stop.reason, todo, state, grave=True)
    return About(
        bot=stop.bot,
        alert=stop.alert,
        episode=stop.episode,
        state=state,
        todo=todo,
        runbook=f"deploy/runbooks/{stop.alert}.md",
        grave=True,
    )


def say_of(alert: Alert, reason: str) -> str:
    """Say of which bot and which alert it is told, where the words do not."""
    about = [name for name in (alert.bot, alert.name) if name and name not in reason]
    return f"{': '.join(about)}: {reason}" if about else reason


def say_stop(decision: RollBack, outcome: Outcome) -> str:
    """What whoever is on call reads: what happened, what is asked of the bot, whether it shows, and how bad it is."""
    done = "confirmed" if outcome.confirmed else "NOT confirmed"
    words = [f"{decision.bot}: stopped ({', '.join(decision.actions)}), {done}: {decision.reason}"]
    if decision.radius:
        words.append(f"concerns {', '.join(f'{name} {value}' for name, value in decision.radius.items())}")
    if decision.alarming:
        words.append(decision.alarming)
    if decision.escalated:
        words.append("too many stops of this bot: decide whether it may trade at all")
    return "; ".join(words)


def _about(alert: Alert, reason: str, todo: str, state: str, *, grave: bool) -> About:
    said = alert.annotations
    summary = said.get("summary", "")
    limit = f"limit {said['limit']}" if said.get("limit") else ""
    known = "" if summary in reason else summary
    return About(
        bot=alert.bot or "",
        alert=alert.name,
        episode=alert.episode,
        evidence="; ".join(words for words in (known, limit) if words),
        state=state,
        todo=todo,
        runbook=said.get("runbook", ""),
        grave=grave,
    )


def _shown(state: BotState) -> str:
    frozen = "orders frozen" if state.orders_frozen else "orders not frozen"
    return (
        f"{state.trading_state.value}, scale {state.strategy_scale:g}, circuit {state.circuit.value}, {frozen}, "
        f"{state.open_orders} open orders, read back of {state.observed_at:%Y-%m-%dT%H:%M:%SZ}"
    )
