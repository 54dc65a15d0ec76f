"""From a body in the journal to what was done about it: read, decide, act, write down.

A body stays pending until every alert in it was dealt with, so that a process that dies on the way finds it again;
what it had begun by then is history, and is finished, not begun a second time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from mm_ops.domain.errors import MmOpsError, SchemaError, SourceUnavailableError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rendering.policy import DRILL_LABEL
from mm_ops.domain.rollback.about import BY_HAND, DRY_RUN, LET_GO, about_decision, about_outcome, say_of, say_stop
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotControl, TradingState
from mm_ops.domain.rollback.bounded import call_within, together
from mm_ops.domain.rollback.decision import Decision, Hold, Notify, Page, Record, RollBack, decide, say_truth
from mm_ops.domain.rollback.drill.notes import LATEST, SUBJECT, find_open
from mm_ops.domain.rollback.executor import Executor
from mm_ops.domain.rollback.history import History, PastRollback, Truth
from mm_ops.domain.rollback.parts import stopped_by, take_part
from mm_ops.domain.rollback.payload import Payload, parse_payload
from mm_ops.domain.rollback.policy import Response, RollbackPolicy
from mm_ops.domain.rollback.response_world import AlertSource, Pending, ResponseLog, TruthSource
from mm_ops.domain.rollback.resume import HALF_DONE
from mm_ops.domain.rollback.stop import Clock, DrillPager, Outcome, Pager, Stop, plan_stop
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import is_lately

__all__ = ["Pending", "Responder"]


@dataclass(frozen=True, slots=True)
class Responder:
    """Answers alerts; safe to use from any number of threads and from two processes at once.

    With ``dry_run`` everything is decided, told and written down as a dry run, and no bot is commanded. Without a
    ``source`` a truncated group is paged; without a ``truth`` nothing is confirmed, and what must be first waits.
    """

    log: ResponseLog
    bots: Mapping[str, BotControl]
    policy: RollbackPolicy
    clock: Clock
    pager: Pager
    dry_run: bool = False
    source: AlertSource | None = None
    truth: TruthSource | None = None

    def recover(self) -> list[Outcome]:
        """Finish every stop that was begun, and try anew each bot's last one where it was not confirmed.

        Call at the start. A bot that hangs keeps no other waiting.
        """
        if self.dry_run or not self.policy.auto_rollback.enabled:
            self._tell_unfinished()
            return []
        bots = {stop.bot for stop in self.log.unfinished()} | {past.bot for past in self.log.unconfirmed()}
        found = together([partial(self._recover, bot) for bot in sorted(bots)])
        return [outcome for outcomes in found for outcome in outcomes if outcome is not None]

    def _recover(self, bot: str) -> list[Outcome | None]:
        outcomes = self._finish(bot)
        for past in self.log.unconfirmed():
            rule, age = self.policy.rule_of(past.alert), self.clock.now() - past.at
            if past.bot == bot and rule and not rule.drill and age <= self.policy.max_event_age.length:
                reason = f"{bot}: the stop for {past.alert} was not confirmed before the restart"
                again = RollBack(bot=bot, round=past.round + 1, actions=rule.actions, reason=reason)
                outcomes.append(self._execute(plan_stop(again, past.episode, past.alert), self._tell_recovered))
        return outcomes

    def _finish(self, bot: str) -> list[Outcome | None]:
        return [self._execute(stop, self._tell_recovered) for stop in self.log.unfinished() if stop.bot == bot]

    def _tell_unfinished(self) -> None:
        """Tell what a former watcher left, where this one may not finish it."""
        why = "a dry run" if self.dry_run else "auto_rollback.enabled is false"
        for stop in self.log.unfinished():
            reason = (
                f"{stop.bot}: a stop for {stop.alert} was begun and has not ended; {why}: nothing is done; {HALF_DONE}"
            )
            self._pager_for(stop.alert).page(reason, About(bot=stop.bot, alert=stop.alert, todo=BY_HAND, grave=True))

    def take_over(self) -> None:
        """Finish the stops of our bots that were begun and that nobody is at any more."""
        acts = self.policy.auto_rollback.enabled and not self.dry_run
        bots = {stop.bot for stop in self.log.unfinished()} & set(self.bots) if acts else ()
        together([partial(self._finish, bot) for bot in sorted(bots)])

    def hold(self) -> list[Outcome]:
        """Stop anew each bot that was stopped, that nobody resumes, and that reads back another state than HALTED.

        A bot that is started again may have forgotten that it was halted, and the start may have cleared the alert.
        One whose stop was never confirmed is stopped when it answers again, however long that takes.
        """
        standing = self.log.standing_stops(self.clock.now(), self.policy.attempts.longest)
        found = together([partial(self._hold, past) for past in standing if past.bot in self.bots])
        return [outcome for outcome in found if outcome is not None]

    def _hold(self, past: PastRollback) -> Outcome | None:
        rule, now = self.policy.rule_of(past.alert), self.clock.now()
        lately = past.finished_at is None or is_lately(past.finished_at, self.policy.attempts.again_after, now)
        if lately or (rule is not None and rule.drill and not past.confirmed):  # such a drill has told that it failed
            return None
        state = call_within(self.bots[past.bot].read, self.policy.attempts.attempt.total_seconds())
        if isinstance(state, MmOpsError) or state.trading_state is TradingState.HALTED:
            return None
        was = "was stopped" if past.confirmed else "was NOT confirmed as stopped"
        was = f"{past.bot}: {was} for {past.alert} and resumed by nobody, but reads back {state.trading_state.value}"
        about = About(bot=past.bot, alert=past.alert, todo=LET_GO, grave=True)
        if rule is None or rule.drill or self.dry_run or not self.policy.auto_rollback.enabled:
            self._pager_for(past.alert).page(f"{was}; nothing was asked of it", about)
            return None
        again = RollBack(bot=past.bot, round=past.round + 1, actions=rule.actions, reason=was)

        def tell(outcome: Outcome) -> None:
            done = "confirmed" if outcome.confirmed else "NOT confirmed"
            self.pager.page(f"{was}: it was stopped again, {done}", replace(about_outcome(outcome), todo=LET_GO))

        return self._execute(plan_stop(again, past.episode, past.alert), tell)

    def work_off(self) -> int:
        """Deal with every pending body; return how many there were."""
        pending = self.log.pending()
        for one in pending:
            self.take_up(one)
        return len(pending)

    def take_up(self, pending: Pending) -> None:
        """Deal with one body; what of it cannot be read is told and written down, never dropped in silence."""
        try:
            payload = parse_payload(pending.body)
        except SchemaError as error:
            faults = [str(error)]
        else:
            faults = self._answer(take_part(payload, pending.part, self.policy, self.bots), pending.last_at)
        if faults:
            self.log.note_event("payload", pending.digest, {"faults": faults}, self.clock.now())
            about = About(todo="look at the alerts in Alertmanager itself: one of them may not have been heard")
            self.pager.page(f"a payload was not read in full: {'; '.join(faults[:3])}", about)
        if pending.part is None or pending.part.of.end_one():
            self.log.handled(pending.digest, pending.seen, self.clock.now())

    def _answer(self, payload: Payload, seen_at: datetime) -> list[str]:
        """Answer what is in a body, and then what was left out of it: a slow Alertmanager keeps no stop waiting.

        Raises:
            MmOpsError: an alert could not be dealt with; the others were.
        """
        failed = self._respond_to_each(payload.alerts, seen_at)
        more, left_out = self._left_out(payload)
        failed += self._respond_to_each(more, seen_at)
        if failed:
            raise failed[0]
        return [*payload.faults, *left_out]

    def _respond_to_each(self, alerts: Sequence[Alert], seen_at: datetime) -> list[Exception]:
        """Respond to stops first; one alert that cannot be dealt with keeps no other waiting."""
        failed: list[Exception] = []
        for alert in sorted(alerts, key=lambda one: stopped_by(one, self.policy, self.bots) is None):
            try:
                self.respond(alert, seen_at)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the next may be a breach
                failed.append(error)
        return failed

    def _left_out(self, payload: Payload) -> tuple[Sequence[Alert], list[str]]:
        """Take what was left out of a truncated group from Alertmanager itself, or say that it could not be had."""
        if not payload.truncated:
            return (), []
        said = f"{payload.truncated} alerts were left out of a payload"
        if self.source is None:
            return (), [f"{said}, and no Alertmanager is named to ask"]
        try:
            found = self.source.firing(payload.group)
        except MmOpsError as error:
            return (), [f"{said}, and could not be read: {error}"]
        had = {alert.episode for alert in payload.alerts}
        return [alert for alert in found if alert.episode not in had], []

    def respond(self, alert: Alert, seen_at: datetime) -> tuple[Decision, Outcome | None]:
        """Decide on one alert, do what was decided, and write it down.

        Raises:
            MmOpsError: it could not be dealt with, or written down, or nobody knows whether it was dealt with before.
        """
        history = self._history(alert, seen_at)
        decision = decide(alert, self.policy, history, self.clock.now())
        outcome, about, pager = None, about_decision(alert, decision), self._pager_for(alert.name)
        match decision:
            case RollBack() if self.dry_run:
                decision = Record(f"dry run, nothing was asked: {decision.bot} would be stopped: {decision.reason}")
                pager.page(decision.reason, replace(about, todo=DRY_RUN))
            case RollBack():
                outcome = self._stop(alert, decision)
                if outcome is None and history.unread:
                    raise SourceUnavailableError(f"journal: it could not be read whether {decision.bot} stands still")
                if outcome is None:
                    decision = Record(f"{decision.bot} is being stopped or was stopped for this by another")
                else:
                    self._confirm(alert, outcome)
            case Page(_, reason) | Hold(_, reason):
                pager.page(say_of(alert, reason), about)
            case Notify(_, reason):
                pager.tell(say_of(alert, reason), about)
            case Record():
                pass
            case _:
                assert_never(decision)
        self.log.note(alert, decision, seen_at, self.clock.now())
        return decision, outcome

    def _history(self, alert: Alert, seen_at: datetime) -> History:
        """Read the journal, and the bot only where it was stopped before and that decides: little waits for a bot."""
        history = self._known(alert, seen_at)
        if self._waits(alert):
            history = replace(history, truth=self._truth_of(alert))
        if self.policy.is_drill(alert.name):
            history = replace(history, drill_open=self._is_open(alert))
        control = self.bots.get(alert.bot or "")
        if control is None or not history.rollbacks or not self._turns_on_the_bot(alert):
            return history
        state = call_within(control.read, self.policy.attempts.attempt.total_seconds())
        return history if isinstance(state, MmOpsError) else replace(history, bot=state)

    def _known(self, alert: Alert, seen_at: datetime) -> History:
        """Read the journal; where it cannot be read a hard alert is acted on: its claim finds a stop that was made."""
        try:
            return self.log.history(alert, bots=frozenset(self.bots), bot=None, seen_at=seen_at)
        except MmOpsError:
            rule = self.policy.rule_of(alert.name)
            if rule is None or rule.cause is not Severity.HARD or not alert.firing:
                raise
            return History(bots=frozenset(self.bots), seen_at=seen_at, unread=True)

    def _is_open(self, alert: Alert) -> bool:
        """Whether the drill that the alert names is open for its bot."""
        bot = alert.bot or ""
        found = find_open(bot, self.log.notes(SUBJECT, bot, LATEST), self.clock.now())
        return found is not None and found.name == alert.labels.get(DRILL_LABEL)

    def _turns_on_the_bot(self, alert: Alert) -> bool:
        """Whether it matters what the bot reads back: to stop it again, or to tell of what its stop has caused."""
        rule = self.policy.rule_of(alert.name)
        return alert.firing and rule is not None and (rule.response is Response.ROLLBACK or rule.caused_by_halt)

    def _waits(self, alert: Alert) -> bool:
        """Whether an alert must be confirmed before it is acted upon: a soft one whose rule says so."""
        rule = self.policy.rule_of(alert.name)
        return alert.firing and rule is not None and rule.confirm is not None and rule.cause is not Severity.HARD

    def _truth_of(self, alert: Alert) -> Truth:
        if self.truth is None:
            return Truth.UNREACHABLE
        try:
            return self.truth.truth_of(alert, self.clock.now())
        except MmOpsError:
            return Truth.UNREACHABLE

    def _confirm(self, alert: Alert, outcome: Outcome) -> None:
        """Confirm after a stop what was acted on at once; where nobody knows the alert, a person must know that."""
        rule = self.policy.rule_of(alert.name)
        if rule is None or rule.confirm is None or self.truth is None or self._waits(alert):
            return
        truth = self._truth_of(alert)
        self.log.note_event("confirmation", alert.episode, {"truth": truth.value}, self.clock.now())
        if truth is not Truth.FIRES:
            bot = outcome.stop.bot
            self._pager_for(alert.name).page(
                f"{bot}: was stopped for {alert.name}; {say_truth(truth)}", about_outcome(outcome, alert)
            )

    def _stop(self, alert: Alert, decision: RollBack) -> Outcome | None:
        def tell(outcome: Outcome) -> None:
            self._pager_for(alert.name).page(say_stop(decision, outcome), about_outcome(outcome, alert))

        return self._execute(plan_stop(decision, alert.episode, alert.name), tell)

    def _tell_recovered(self, outcome: Outcome) -> None:
        done = "confirmed" if outcome.confirmed else "NOT confirmed"
        reason = f"{outcome.stop.bot}: a stop that was begun and not finished is {done}: {outcome.stop.reason}"
        self._pager_for(outcome.stop.alert).page(reason, about_outcome(outcome))

    def _pager_for(self, alert: str) -> Pager:
        """Mark whatever is told of a fire drill."""
        return DrillPager(self.pager) if self.policy.is_drill(alert) else self.pager

    def _execute(self, stop: Stop, told: Callable[[Outcome], None]) -> Outcome | None:
        """Carry out a stop; a bot that has left the fleet can only be told about."""
        control = self.bots.get(stop.bot)
        if control is None:
            reason = f"{stop.bot}: a stop for {stop.alert} was begun, but there is no such bot in bots.yaml now"
            self.pager.page(reason, About(bot=stop.bot, alert=stop.alert, todo=BY_HAND, grave=True))
            return None
        pager = self._pager_for(stop.alert)
        return Executor(self.log, control, self.clock, pager, self.policy.attempts).execute(stop, told)
