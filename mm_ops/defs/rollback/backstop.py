"""Stops a bot where the watcher does not: it is dead, or was never told.

The sensor reads what fires as the watcher's backstop does, slower, and decides by the same rules on the same journal.
An alert that a watcher was told of in the last ``heard_within`` is that watcher's. What is left asks for a run, which
takes the alert into the journal and answers it with the same executor: a lease keeps two from doing one stop, and
the run has a name of its own as owner. On by default, since it acts only where nobody else does; the switch is
``auto_rollback.enabled``, as for the watcher. Where every watcher was started with ``--dry-run``, as the journal has
it, no bot is commanded here either. A fire drill is the watcher's to answer: that nobody does is what it shows.

Two servers that are silent fail the tick, once they are known to be there: one has answered before, a watcher reads
one or has heard the heartbeat, the journal was named, or a bot's ``watcher`` is required. Else nobody has set them up.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.jobs import BOT_TAG
from mm_ops.defs.limits import FIRST, STOP_TAG
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Fleet
from mm_ops.domain.errors import MmOpsError, SourceUnavailableError
from mm_ops.domain.rollback.backstop import READ_BY_DAGSTER
from mm_ops.domain.rollback.bounded import call_within

if TYPE_CHECKING:
    from mm_ops.adapters.alertmanager import Alertmanager
    from mm_ops.adapters.journal import Journal
    from mm_ops.adapters.journal_follow import FollowedJournal
    from mm_ops.adapters.journal_reads import JournalReads
    from mm_ops.adapters.notifier import Notifier
    from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
    from mm_ops.domain.rollback.alert import Alert
    from mm_ops.domain.rollback.bot import BotControl
    from mm_ops.domain.rollback.policy import RollbackPolicy

T = TypeVar("T")
RECEIVER = READ_BY_DAGSTER
JOB = "rollback_backstop"
_EVERY_S = 30
_ANSWERED = "answered"
"""The cursor once a server has answered: from then on silence is a fault."""


class Brought(dg.Config):
    """The alert, as a webhook would bring it."""

    body: str


def backstop_job() -> dg.JobDefinition:
    """Answer one alert that no watcher has answered."""

    @dg.op(description="Take one alert into the journal, and do what the policy says about it; verified.")
    def answer_alert(context: dg.OpExecutionContext, site: Site, config: Brought) -> None:
        with refusals_end_the_step():
            _answer(context, site, config.body.encode())

    @dg.job(name=JOB, description="Stops a bot for an alert that fires and that no watcher has answered.", tags=FIRST)
    def job() -> None:
        answer_alert()

    return job


def backstop_sensor(fleet: Fleet) -> dg.SensorDefinition:
    """Build the sensor, over all bots."""

    @dg.sensor(
        name="rollback_backstop_sensor",
        job_name=JOB,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads what fires, and stops a bot that no watcher has stopped.",
    )
    def rollback_backstop_sensor(context: dg.SensorEvaluationContext, site: Site) -> dg.SensorResult | dg.SkipReason:
        from mm_ops.adapters.journal_follow import following
        from mm_ops.domain.rollback.backstop import write_payload

        place = site.journal()
        if not (place.is_there or place.named):
            return dg.SkipReason(place.missing())
        with following(place) as journal:
            try:
                unanswered = _find_unanswered(site, fleet, journal, context.log.warning)
            except SourceUnavailableError as error:
                if context.cursor or place.named or _are_expected(site, fleet, journal):
                    raise
                return dg.SkipReason(f"{error}; nobody has set one up yet (deploy/prometheus, deploy/alertmanager)")
            trial = is_trial(journal)
        if trial and unanswered:
            named = ", ".join(f"{alert.bot}: {alert.name}" for alert in unanswered)
            said = f"every watcher was started with --dry-run: nothing is asked for what fires: {named}"
            context.log.warning(said)
            return dg.SensorResult(skip_reason=said, cursor=_ANSWERED)
        requests = [
            dg.RunRequest(
                run_key=f"{alert.episode}/{site.live_clock().now():%Y-%m-%dT%H:%M}",
                run_config=dg.RunConfig(
                    ops={"answer_alert": Brought(body=write_payload(alert, RECEIVER).decode())},
                ),
                tags={BOT_TAG: alert.bot or "", STOP_TAG: alert.bot or "", "mm_ops/alert": alert.name},
            )
            for alert in unanswered
        ]
        skipped = None if requests else "every alert is answered"
        return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=_ANSWERED)

    return rollback_backstop_sensor


def is_trial(journal: "JournalReads") -> bool:
    """Whether every watcher, as it said at its latest start, commands no bot."""
    modes = journal.modes().values()
    return bool(modes) and all(mode["dry_run"] for mode in modes)


def _are_expected(site: Site, fleet: Fleet, journal: "JournalReads") -> bool:
    """Whether somebody has set up servers, as far as the journal and the fleet say."""
    from mm_ops.domain.rollback.policy import Response, RollbackPolicy

    policy = site.policy("rollback.yaml", RollbackPolicy)
    beats = [rule.name for rule in policy.alerts if rule.response is Response.HEARTBEAT]
    return (
        any(bot.control is not None and bot.watcher == "required" for bot in fleet.bots)
        or any(mode["reads"] for mode in journal.modes().values())
        or any(journal.last_heard(name) is not None for name in beats)
    )


def _find_unanswered(
    site: Site, fleet: Fleet, journal: "FollowedJournal", warn: Callable[[str], Any]
) -> "Sequence[Alert]":
    """Find the alerts that the policy answers with a stop or a page, and that nobody has answered.

    Raises:
        SourceUnavailableError: neither Alertmanager nor Prometheus answers.
    """
    from mm_ops.domain.rollback.backstop import Seen, date_strangers, find_unheard
    from mm_ops.domain.rollback.policy import RollbackPolicy

    policy = site.policy("rollback.yaml", RollbackPolicy)
    alertmanager, prometheus = _servers(site, policy)
    posted, active = _try(alertmanager.read, warn), _try(prometheus.read, warn)
    if posted is None and active is None:
        raise SourceUnavailableError("neither Alertmanager nor Prometheus answers: nobody knows whether an alert fires")
    seen = Seen(posted=None if posted is None else posted.alerts, active=None if active is None else active.alerts)
    known = journal.heard(seen.fingerprints)
    seen = date_strangers(seen, known, lambda one: _try(lambda: prometheus.fired_at(one), warn))
    now = site.live_clock().now()
    unheard = find_unheard(seen, known, policy, now)
    return [alert for alert in unheard if _is_left(site, fleet, journal, policy, alert)]


def _servers(site: Site, policy: "RollbackPolicy") -> "tuple[Alertmanager, PrometheusAlerts]":
    """Where both are, by the policy that their configuration is rendered from."""
    from mm_ops.adapters.alertmanager import Alertmanager
    from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
    from mm_ops.domain.rendering.policy import AlertingPolicy

    alerting, within = site.policy("alerting.yaml", AlertingPolicy).prometheus, policy.backstop.timeout
    first = Alertmanager.at(f"http://{alerting.alertmanagers[0]}", within)
    return first, PrometheusAlerts.at(f"http://{alerting.listen}", within)


def _try(call: Callable[[], T], warn: Callable[[str], Any]) -> T | None:
    try:
        return call()
    except MmOpsError as error:
        warn(str(error))
        return None


def _is_left(site: Site, fleet: Fleet, journal: "FollowedJournal", policy: "RollbackPolicy", alert: "Alert") -> bool:
    """Whether the policy answers a hard alert with a stop or a page, by what is known now; a watcher had its time."""
    from mm_ops.domain.rollback.decision import Page, RollBack, decide
    from mm_ops.domain.rollback.policy import Response
    from mm_ops.domain.verdict import Severity
    from mm_ops.domain.windows import is_lately

    rule, now = policy.rule_of(alert.name), site.live_clock().now()
    hard = rule is not None and rule.response is Response.ROLLBACK and rule.cause is Severity.HARD
    if not hard or policy.is_drill(alert.name) or is_lately(alert.starts_at, policy.backstop.unknown_for, now):
        return False
    controls = _controls(site, fleet, policy)
    control = controls.get(alert.bot or "")
    state = None if control is None else call_within(control.read, policy.attempts.attempt.total_seconds())
    read = None if isinstance(state, MmOpsError) else state
    history = journal.history(alert, bots=frozenset(controls), bot=read, seen_at=now)
    return isinstance(decide(alert, policy, history, now), RollBack | Page)


def _controls(site: Site, fleet: Fleet, policy: "RollbackPolicy") -> "dict[str, BotControl]":
    controls = {bot.name: site.control(bot, policy) for bot in fleet.bots}
    return {name: control for name, control in controls.items() if control is not None}


def _answer(context: dg.OpExecutionContext, site: Site, body: bytes) -> None:
    """Take the alert in and answer it; a stop that is not confirmed fails the run."""
    from mm_ops.domain.errors import EffectNotConfirmedError
    from mm_ops.domain.rollback.payload import parse_payload
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.response import Pending, Responder

    policy = site.policy("rollback.yaml", RollbackPolicy)
    clock = site.live_clock()
    with _open(site, policy, context.run.run_id) as journal:
        notifier = notifier_of(site, journal, context.log.warning)
        notifier.start()
        try:
            bots = _controls(site, site.sound_bots().fleet, policy)
            truth = _servers(site, policy)[1]
            responder = Responder(journal, bots, policy, clock, notifier, dry_run=is_trial(journal), truth=truth)
            now = clock.now()
            intake = journal.take_in(body, now)
            responder.take_up(Pending(intake.digest, body, intake.seen, now))
        finally:
            notifier.close()
        for alert in parse_payload(body).alerts:
            last = journal.history(alert, bots=frozenset(bots), bot=None, seen_at=now).last_of(alert.episode)
            if last is not None and last.finished_at is not None and not last.confirmed:
                raise EffectNotConfirmedError(f"{alert.bot}: not confirmed: {alert.name}: stop it by hand now")


def _open(site: Site, policy: "RollbackPolicy", run: str) -> "Journal":
    """Open the watcher's journal beside it: the owner is this run, and so is the anchor, of which each has its own."""
    from mm_ops.adapters.journal import Journal
    from mm_ops.adapters.journal_place import DEFAULT

    place = site.journal()
    beside = place.path if place.is_file else Path(site.path(DEFAULT))
    anchor = beside.with_name(f"{beside.name}.{RECEIVER}.anchor")
    return Journal(place.url, anchor, owner=f"{RECEIVER}:{run}", lease=2 * policy.attempts.longest)


def notifier_of(site: Site, journal: "Journal", say: Callable[[str], Any]) -> "Notifier":
    """Tell people as the watcher does; what is not told when the run ends is in its log and in the journal only."""
    from mm_ops.adapters.notifier import Notifier
    from mm_ops.adapters.promotions import go_back_of
    from mm_ops.domain.notify.policy import NotifyPolicy

    clock = site.live_clock()
    return Notifier(
        site.policy("notify.yaml", NotifyPolicy),
        None,
        clock,
        say=say,
        secret=site.environment().secret,
        release_of=partial(go_back_of, site.artifacts),
        note=lambda subject, key, body: journal.note_event(subject, key, body, clock.now()),
    )
