"""The world of a drill: the journal, Prometheus and the bot, asked anew each time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.rollback_desk import Desk
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rendering.policy import DRILL_LABEL
from mm_ops.domain.rollback.drill.judge import Trace
from mm_ops.domain.rollback.drill.notes import LATEST, SUBJECT, DrillRequest, drill_name, find_asked, find_open
from mm_ops.domain.rollback.drill.plan import Ground
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.drill.run import Conductor, Drilled
from mm_ops.domain.rollback.policy import AlertRule, Response, RollbackPolicy
from mm_ops.domain.rollback.report.story import Story
from mm_ops.domain.rollback.resume import ResumeEvidence
from mm_ops.domain.verdict import Verdict

OWNER = "drill"


@dataclass(frozen=True, slots=True)
class LiveDrillWorld:
    """One bot's. It is a ``DrillWorld``."""

    desk: Desk
    bot: str

    def ground(self, request: DrillRequest) -> Ground:
        """Read what the drill would begin on."""
        now, policy = self.desk.clock.now(), self.desk.policy
        with self.desk.opened() as journal:
            modes = journal.modes().values()
            return Ground(
                allowed=self.desk.bot(request.bot).drill == "live",
                dry_run=bool(modes) and all(mode["dry_run"] for mode in modes),
                episodes=tuple(journal.open_breaches(self.bot, _breaches(policy), now - policy.max_event_age.length)),
                other=find_open(self.bot, journal.notes(SUBJECT, self.bot, LATEST), now),
                evidence=self.desk.evidence(journal, self.bot).gather().evidence,
            )

    def evidence(self) -> ResumeEvidence:
        """Read what a resume rests on."""
        with self.desk.opened() as journal:
            return self.desk.evidence(journal, self.bot).gather().evidence

    def trace(self, request: DrillRequest) -> Trace | None:
        """Read what the journal has of the drill's alert."""
        with self.desk.opened() as journal:
            return journal.trace(request, drill_rule(self.desk.policy).name)

    def fires(self, request: DrillRequest) -> bool | None:
        """Ask Prometheus for the drill's alert."""
        try:
            alerts = self.desk.prometheus.read().alerts
        except MmOpsError:
            return None
        return any(one.alert.labels.get(DRILL_LABEL) == request.name for one in alerts)

    def stopped_for(self) -> str | None:
        """Read the episode of the bot's latest stop."""
        with self.desk.opened() as journal:
            stop = journal.standing(self.bot).stop
        return None if stop is None else stop.episode

    def story(self, episode: str) -> Story:
        """Read everything on the drill's episode, the way back among it."""
        with self.desk.opened() as journal:
            return journal.story(episode)


def drill_rule(policy: RollbackPolicy) -> AlertRule:
    """The rule of the drills' alert; the catalogue is checked to have one."""
    return next(rule for rule in policy.alerts if rule.drill)


def run_drill(
    desk: Desk,
    policy: DrillPolicy,
    bot: str,
    *,
    by: str,
    why: str,
    say: Callable[[str], None],
    once: bool = False,
) -> Drilled:
    """Conduct a drill of one bot, now; its story has the way back in it.

    ``once`` refuses where one was asked for with the same words: who asks may be a run that was killed and goes on.

    Raises:
        MmOpsError: as :meth:`Conductor.conduct`; there is no journal.
    """
    at = desk.clock.now()
    world = LiveDrillWorld(desk, bot)
    request = DrillRequest(
        name=drill_name(bot, at), bot=bot, by=by, why=why, at=at, until=_until(at, policy, desk.policy)
    )
    with desk.opened() as read:  # a drill makes no journal: the watcher does
        former = find_asked(read.notes(SUBJECT, bot, LATEST), why) if once else None
    if former is not None:
        against = f"{former}: asked for already by {why}, which was cut off: a drill is not begun again"
        return Drilled(request=request, verdict=Verdict.INCONCLUSIVE, reasons=(against,), begun=False)
    with desk.written(OWNER) as journal:
        drilled = _conductor(desk, policy, world, journal, say).conduct(request)
    trace = drilled.trace
    if trace is None or trace.story is None:
        return drilled
    return replace(drilled, trace=replace(trace, story=world.story(trace.episode)))


def _conductor(
    desk: Desk, policy: DrillPolicy, world: LiveDrillWorld, journal: Journal, say: Callable[[str], None]
) -> Conductor:
    return Conductor(
        log=journal,
        world=world,
        control=desk.controls[world.bot],
        policy=policy,
        rollback=desk.policy,
        clock=desk.clock,
        say=say,
    )


def _until(at: datetime, policy: DrillPolicy, rollback: RollbackPolicy) -> datetime:
    """Until when the alert may act: it is heard by then, and its stop has been tried to the end."""
    return at + policy.heard_within.length + 2 * rollback.attempts.longest


def _breaches(policy: RollbackPolicy) -> set[str]:
    """The alerts whose breach is no time for a drill."""
    grave: set[Any] = {Response.ROLLBACK, Response.HOLD}
    return {rule.name for rule in policy.alerts if rule.response in grave and not rule.drill}
