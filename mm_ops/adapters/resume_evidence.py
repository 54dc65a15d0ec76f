"""What is known before a bot is let go on: its state, what fires, whether alerts are heard, whether a stop runs.

What fires is asked of Prometheus. A server whose heartbeat does not fire has not loaded our rules, or does not
evaluate them: that nothing fires there says nothing. Nor does it where another server raised the alert, so what the
watcher has heard and was not told to be over counts as firing until it would have been repeated.
"""

from dataclasses import dataclass
from datetime import datetime

from mm_ops.adapters.journal_reads import JournalReads
from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bot import BotControl, BotState
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.policy import Response, RollbackPolicy
from mm_ops.domain.rollback.resume import ResumeEvidence
from mm_ops.domain.rollback.stop import Clock


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence; ``doubts`` say why what is missing in it is."""

    evidence: ResumeEvidence
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceOf:
    """Gathers what is known of one bot."""

    bot: str
    control: BotControl
    prometheus: PrometheusAlerts
    journal: JournalReads
    policy: RollbackPolicy
    clock: Clock

    def gather(self) -> Gathered:
        """Ask all of them now.

        Raises:
            SourceUnavailableError: the journal cannot be read.
        """
        state = call_within(self.control.read, self.policy.attempts.attempt.total_seconds())
        at = self.clock.now()
        firing, doubts = self._firing()
        silent = self._silent(self.clock.now())
        evidence = ResumeEvidence(
            bot=state if isinstance(state, BotState) else None,
            firing=firing,
            at=None if firing is None else at,
            blind=bool(silent),
            stopping=any(stop.bot == self.bot for stop in self.journal.unfinished()),
            heard=self._heard(self.clock.now()),
        )
        unread = () if isinstance(state, BotState) else (str(state),)
        return Gathered(evidence, (*unread, *doubts, *silent))

    def _firing(self) -> tuple[frozenset[str] | None, tuple[str, ...]]:
        """The names of what fires for this bot, or for nobody: that may be it."""
        try:
            found = self.prometheus.read()
        except MmOpsError as error:
            return None, (str(error),)
        if found.faults:
            return None, found.faults
        alerts = [active.alert for active in found.alerts]
        for name in self._heartbeats():
            if name not in {alert.name for alert in alerts}:
                return None, (f"prometheus: {name} does not fire there: it does not evaluate the rules of mm_ops",)
        return frozenset(alert.name for alert in alerts if alert.bot in {None, self.bot}), ()

    def _heard(self, now: datetime) -> tuple[str, ...]:
        """The breaches that were heard of within the time in which one that lasts is repeated, and never resolved."""
        since = now - self.policy.backstop.heard_within
        return tuple(self.journal.open_breaches(self.bot, self.policy.stopping(), since))

    def _silent(self, now: datetime) -> tuple[str, ...]:
        """Why alerts may not be heard: the watcher says so, or has not heard the heartbeat for too long."""
        said = tuple(self.journal.blind().values())
        for name in self._heartbeats():
            last = self.journal.last_heard(name)
            if last is None or abs(now - last) > self.policy.blind_after.length:
                heard = "never" if last is None else f"last at {last:%Y-%m-%dT%H:%M:%SZ}"
                return (*said, f"the watcher has heard {name} {heard}: does it run?")
        return said

    def _heartbeats(self) -> list[str]:
        return [rule.name for rule in self.policy.alerts if rule.response is Response.HEARTBEAT]
