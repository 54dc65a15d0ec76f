"""What would have happened: the gates and the alerts run over recorded history, and what another policy changes.

The functions are those that judge a live soak (promise P5): alerts are replayed over the whole stretch, and each soak
that ends with a UTC day of it, and has begun in it, is measured and judged.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.metrics import measure_soak
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.replay import Episode, replay
from mm_ops.domain.soak.verdicts import Reference, fold, judge
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import DAY, TimeWindow, format_duration

LONGEST = timedelta(days=366)
"""Of a stretch. Source: our reasoning: a year whatever the year; at 20 series and 15 s it is 40 million samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An alert that would have fired: whose gate, and when."""

    alert: str
    gate: str
    action: str
    episode: Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """One soak of the stretch, judged."""

    window: TimeWindow
    verdict: Verdict
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A stretch under one policy; alerts by the time at which they fired, soaks by the day with which they end."""

    fired: Sequence[Fired]
    soaks: Sequence[Soak]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between two policies, in words."""

    what: str
    before: str
    after: str


def replay_history(
    slis: SliCatalogue,
    soak: SoakPolicy,
    table: Sequence[Series],
    window: TimeWindow,
    reference: Reference,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> History:
    """Run every alert over the stretch, and judge every soak in it.

    Args:
        slis: what is measured.
        soak: the policy.
        table: raw samples of the stretch.
        window: the stretch.
        reference: the version that must have run, and the known-good soak.
        tell: is told of each soak before it is judged.
    """
    fired = [
        Fired(alert=gate.alert.name, gate=gate.name, action=gate.alert.action.value, episode=episode)
        for gate in soak.watched
        if gate.alert
        for episode in replay(gate, slis.of(gate.sli), table, window, soak.evaluation_interval)
    ]
    fired.sort(key=lambda one: (one.episode.firing_since, one.alert))
    windows, soaks = soaks_in(window, soak), []
    for number, one in enumerate(windows, 1):
        tell(f"judging soak {number} of {len(windows)}, {one}")
        soaks.append(_judge(slis, soak, table, one, reference))
    return History(fired=fired, soaks=soaks)


def find_excess(window: TimeWindow) -> str | None:
    """Say that a stretch is too long to be held and judged at once; ``None`` where it is not."""
    if window.duration <= LONGEST:
        return None
    asked = window.duration / DAY
    return f"expected a stretch of at most {LONGEST.days} days, was {asked:.10g}; replay it in parts"


def why_no_soak(window: TimeWindow, soak: SoakPolicy) -> str:
    """Say what a stretch lacks to hold a soak."""
    length = format_duration(soak.window)
    return f"no soak of {length} begins in {window} and ends with a UTC midnight of it, so nothing was decided"


def soaks_in(window: TimeWindow, soak: SoakPolicy) -> list[TimeWindow]:
    """The windows of the soaks that begin and end inside a stretch, one for each UTC midnight."""
    last = datetime.combine(window.end.astimezone(UTC).date(), time.min, UTC)
    found = []
    while last - soak.window >= window.start:
        found.append(TimeWindow.ending(last, soak.window))
        last -= DAY
    return found[::-1]


def find_changes(before: History, after: History) -> list[Change]:
    """List what another policy changes: alerts that fire, do not, or otherwise; findings with another verdict."""
    return [*_changed_alerts(before, after), *_changed_findings(before, after)]


def describe(episode: Episode) -> str:
    """When it fired, until when, and how bad it was."""
    until = "still firing" if episode.until is None else f"until {episode.until:%Y-%m-%dT%H:%M:%SZ}"
    worst = "not finite" if episode.worst is None else f"{episode.worst:.6g}"
    return f"{episode.firing_since:%Y-%m-%dT%H:%M:%SZ} {until}, worst {worst}"


def _judge(
    slis: SliCatalogue, soak: SoakPolicy, table: Sequence[Series], window: TimeWindow, reference: Reference
) -> Soak:
    findings = judge(measure_soak(slis, soak, table, window), soak, reference)
    return Soak(window=window, verdict=fold(findings, soak), findings=findings)


def _changed_alerts(before: History, after: History) -> Iterator[Change]:
    """Compare stretches of firing: one that only shifts is one change, and not two."""
    old, new = _by_alert(before), _by_alert(after)
    for alert, labels in sorted({*old, *new}):
        was, now = old.get((alert, labels), []), new.get((alert, labels), [])
        if was != now:
            whose = f"{alert} {{{labels}}}" if labels else alert
            yield Change(what=whose, before=_words(was), after=_words(now))


def _by_alert(history: History) -> dict[tuple[str, str], list[Episode]]:
    found: dict[tuple[str, str], list[Episode]] = {}
    for one in history.fired:
        labels = ",".join(f"{name}={value}" for name, value in sorted(one.episode.labels.items()))
        found.setdefault((one.alert, labels), []).append(one.episode)
    return found


def _words(episodes: Sequence[Episode]) -> str:
    if not episodes:
        return "did not fire"
    total = format_duration(sum((one.duration for one in episodes), timedelta(0)))
    return f"fired {len(episodes)} times, {total} in all; first {describe(episodes[0])}"


def _changed_findings(before: History, after: History) -> Iterator[Change]:
    old, new = _by_gate(before), _by_gate(after)
    for end, gate in sorted({*old, *new}):
        was, now = old.get((end, gate)), new.get((end, gate))
        if (was and was.verdict) != (now and now.verdict):
            what = f"{gate}, soak up to {end}"
            yield Change(what=what, before=_reason(was), after=_reason(now))


def _reason(finding: Finding | None) -> str:
    return "no such gate" if finding is None else f"{finding.verdict.value}: {finding.reason}"


def _by_gate(history: History) -> dict[tuple[str, str], Finding]:
    return {
        (f"{soak.window.end:%Y-%m-%dT%H:%M:%SZ}", finding.gate): finding
        for soak in history.soaks
        for finding in soak.findings
    }
