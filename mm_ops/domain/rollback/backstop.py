"""What the backstop hands to the journal: alerts that fire, and that no webhook has brought.

An episode is named by the start that Alertmanager knows: when the alert began to fire. Prometheus' ``activeAt`` is
when its expression became true, a ``for`` earlier; it outlasts a restart of Prometheus, the moment of firing does
not. So that one breach is one episode whoever tells of it, its start is looked for in this order:

1. Alertmanager has an alert of these labels: it is that one. It keeps the oldest start while the alert is sent on.
2. The journal knows a start at or after ``activeAt``: the expression was true ever since, so it is the same breach;
   the earliest, where there are several.
3. The first sample of ``ALERTS{alertstate="firing"}`` since ``activeAt``: the evaluation that wrote it is the one
   that set the start which Alertmanager is sent, and both are cut to the same millisecond (measured).
4. ``activeAt`` itself. Alertmanager would name another start later; the cooldown then makes that a page.

Silences are a person's decision: what Alertmanager calls suppressed (silenced or inhibited) is shown and not handed
in, whoever tells of it, and for as long as Alertmanager is not given up on after its last answer.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mm_ops.domain.rollback.alert import Alert, cut_to_millisecond
from mm_ops.domain.rollback.policy import AlertRule, Response, RollbackPolicy
from mm_ops.domain.windows import is_lately

READ_BY_WATCHER, READ_BY_DAGSTER = "backstop", "dagster"
"""Receivers of what was read from a server; a body that Alertmanager posts names another."""

Known = Mapping[datetime, datetime]
"""The starts that the journal knows of one set of labels, and when each was heard of last."""

_ORDER = (Response.ROLLBACK, Response.HEARTBEAT, Response.HOLD, Response.NOTIFY)
_HEARD_AGAIN = {Response.ROLLBACK, Response.HEARTBEAT}


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert that Alertmanager has; ``suppressed`` says by what, and is empty where nothing suppresses it."""

    alert: Alert
    suppressed: str = ""


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that fires in Prometheus: it ``starts_at`` its ``activeAt``, and its rule holds for ``hold``.

    ``fired_at`` is the first sample of its firing, where it was looked for and found.
    """

    alert: Alert
    hold: timedelta
    fired_at: datetime | None = None

    @property
    def firing_since(self) -> datetime:
        """When it began to fire: as seen, or at the earliest by its rule."""
        return self.fired_at or self.alert.starts_at + self.hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What both said in one round; ``None`` where one did not answer.

    ``suppressed`` are the fingerprints that Alertmanager suppressed when it answered last, not too long ago.
    """

    posted: Sequence[Posted] | None
    active: Sequence[Active] | None
    suppressed: frozenset[str] = field(default_factory=frozenset)

    @property
    def fingerprints(self) -> frozenset[str]:
        """The label sets that either of them has."""
        posted = frozenset(one.alert.fingerprint for one in self.posted or ())
        return posted.union(one.alert.fingerprint for one in self.active or ())

    def strangers(self) -> list[Active]:
        """The alerts that fire in Prometheus, and that Alertmanager neither has nor suppressed."""
        posted = {one.alert.fingerprint for one in self.posted or ()} | self.suppressed
        return [one for one in self.active or () if one.alert.fingerprint not in posted]


def find_unheard(seen: Seen, known: Mapping[str, Known], policy: RollbackPolicy, now: datetime) -> list[Alert]:
    """Find the alerts to hand in: those of the policy that the journal does not know, or heard of too long ago.

    A rollback and the heartbeat are handed in again as Alertmanager would repeat them; of the rest one time is enough.
    What only Prometheus has waits until Alertmanager should have had it for ``unknown_for``. Stops come first.
    ``known`` is by fingerprint.
    """
    found = {alert.episode: (rule, alert) for rule, alert in _candidates(seen, known, policy, now)}
    due = [(rule, alert) for rule, alert in found.values() if _is_due(alert, rule, known, policy, now)]
    return [alert for rule, alert in sorted(due, key=lambda one: (_ORDER.index(one[0].response), one[1].episode))]


def date_strangers(seen: Seen, known: Mapping[str, Known], find: Callable[[Active], datetime | None]) -> Seen:
    """Look for when an alert began to fire, where neither Alertmanager nor the journal can tell."""
    strangers = {one.alert.fingerprint for one in seen.strangers()}

    def dated(active: Active) -> Active:
        name = active.alert.fingerprint
        unknown = name in strangers and start_of(active, known.get(name, {})) is None
        return replace(active, fired_at=find(active)) if unknown else active

    return replace(seen, active=None if seen.active is None else [dated(one) for one in seen.active])


def start_of(active: Active, known: Known) -> datetime | None:
    """The start that a breach which Prometheus tells of has in the journal, if it has one there."""
    since = cut_to_millisecond(active.alert.starts_at)
    return min((start for start in known if cut_to_millisecond(start) >= since), default=None)


def write_payload(alert: Alert, receiver: str) -> bytes:
    """Write an alert as the webhook would bring it, so that both go the same way; ``receiver`` says who brought it."""
    fields = {
        "status": "firing",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": f"{alert.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": alert.fingerprint,
    }
    document = {"version": "4", "receiver": receiver, "status": "firing", "truncatedAlerts": 0, "alerts": [fields]}
    return json.dumps(document, sort_keys=True, ensure_ascii=False).encode()


def _candidates(
    seen: Seen, known: Mapping[str, Known], policy: RollbackPolicy, now: datetime
) -> Iterator[tuple[AlertRule, Alert]]:
    for posted in seen.posted or ():
        rule = policy.rule_of(posted.alert.name)
        if rule is not None and not posted.suppressed:
            yield rule, posted.alert
    for active in seen.strangers():
        rule = policy.rule_of(active.alert.name)
        if rule is not None and not is_lately(active.firing_since, policy.backstop.unknown_for, now):
            start = start_of(active, known.get(active.alert.fingerprint, {}))
            yield rule, replace(active.alert, starts_at=start or active.fired_at or active.alert.starts_at)


def _is_due(alert: Alert, rule: AlertRule, known: Mapping[str, Known], policy: RollbackPolicy, now: datetime) -> bool:
    starts = known.get(alert.fingerprint, {})
    at = cut_to_millisecond(alert.starts_at)
    last = max((heard for start, heard in starts.items() if cut_to_millisecond(start) == at), default=None)
    if last is None:
        return True
    return rule.response in _HEARD_AGAIN and not is_lately(last, policy.backstop.heard_within, now)
