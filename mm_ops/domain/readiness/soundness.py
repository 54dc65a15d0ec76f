"""Whether a readiness file can be believed: by itself, and against the reports that it says it rests on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta

from mm_ops.domain.readiness.evidence import DayEvidence
from mm_ops.domain.readiness.hard import HardGate
from mm_ops.domain.readiness.override import OVERRIDE
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.structure import StatedReadiness, read_structure, shown
from mm_ops.domain.windows import format_duration

POLICY = "readiness.yaml"
POLICIES = (POLICY, "slis.yaml", "soak.yaml")
REPORTS: Mapping[str, Sequence[str]] = {
    "edge_report.json": ("net_edge_bps", "order_age_p95_ms", "taker_share"),
    "soak_metrics.json": ("guard_trips",),
    "chaos_drill.json": ("chaos_ok",),
    "test_results.json": ("tests_ok",),
}
"""Which report of a day each field comes from; GO needs all fields of all days, and so all reports."""

_AHEAD = timedelta(days=1)  # clocks differ, by no more than this


def find_problems(
    document: object, policy: ReadinessPolicy, *, policies: Mapping[str, str], gates: Collection[str], now: datetime
) -> list[str]:
    """List what is wrong with a readiness file: structure, ranges, arithmetic, verdict; empty when it is sound.

    The score is computed again from the days in the file, so a number edited by hand does not add up. A file that was
    made with another policy is not sound either: under this one it has not been decided.

    Args:
        document: parsed JSON, of any shape.
        policy: what the score is computed again with.
        policies: the digest of each policy file that is here, by the names in ``POLICIES``.
        gates: the names of the hard gates that must have answered, and no others.
        now: the time; a file that was made more than a day later is made up.
    """
    stated = read_structure(document)
    if isinstance(stated, list):
        return stated
    return [
        *_place(stated),
        *_policies(stated, policies),
        *_gates(stated, gates),
        *_time(stated, now),
        *_inputs(stated),
        *_arithmetic(stated, policy),
    ]


def find_replaced(document: Mapping[str, Mapping[str, str]], stored: Mapping[str, str | None]) -> list[str]:
    """List the inputs of a sound readiness file that are not stored as they were when it was made.

    Args:
        document: the file, without problems.
        stored: the digest of what is stored now under each name in ``inputs``; ``None`` where nothing is.
    """
    return [
        f"inputs: {name}: expected {recorded}, was {stored.get(name) or 'not there'}"
        for name, recorded in document["inputs"].items()
        if stored.get(name) != recorded
    ]


def find_stale(day: str, asked: date | None, policy: ReadinessPolicy, now: datetime) -> str | None:
    """Say why a sound file is not of the day that is meant; ``None`` where it is.

    Args:
        day: the file's own, as it says.
        asked: the day that was named; without one the file's must have ended at most ``policy.stands_for`` ago.
        policy: for how long a verdict stands.
        now: the time.
    """
    if asked is not None:
        return None if day == asked.isoformat() else f"day: expected {asked}, which was asked for, was {day}"
    ended = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, UTC)
    if now - ended <= policy.stands_for:
        return None
    hours = (now - ended) // timedelta(hours=1)
    return (
        f"day: {day} ended {hours} h ago, and a verdict stands for {format_duration(policy.stands_for)}: decide again, "
        f"or ask for that day with --date {day}"
    )


def _place(stated: StatedReadiness) -> Iterator[str]:
    own = f"{stated.bot}/{stated.day}/reports/readiness.json"
    if stated.stored_as != own:
        yield f"stored_as: expected {own}, was {shown(stated.stored_as)}"


def _policies(stated: StatedReadiness, here: Mapping[str, str]) -> Iterator[str]:
    for name, digest in here.items():
        recorded = stated.policies.get(name)
        if recorded is None:
            yield f"policies: expected the digest of {name}, was missing"
        elif recorded != digest:
            yield f"policies: {name}: expected {digest}, the one that is here, was {recorded}: decide it again"
    strange = [name for name in stated.policies if name not in here]
    yield from (f"policies: {shown(name)}: expected {', '.join(here)} alone" for name in strange)


def _gates(stated: StatedReadiness, expected: Collection[str]) -> Iterator[str]:
    said = [one.gate for one in stated.gates]
    if said != sorted(expected):
        lacking, strange = sorted(set(expected) - set(said)), sorted(set(said) - set(expected))
        yield f"gates: expected every hard gate once, by name; missing: {shown(lacking)}, unknown: {shown(strange)}"


def _time(stated: StatedReadiness, now: datetime) -> Iterator[str]:
    ended = datetime.combine(stated.day + timedelta(days=1), time.min, UTC)
    if stated.runtime.utc < ended:
        yield f"runtime.utc: expected a time after the day, which ended {ended:%Y-%m-%dT%H:%M:%SZ}, was before"
    if stated.runtime.utc - now > _AHEAD:
        yield f"runtime.utc: expected a time before now, {now:%Y-%m-%dT%H:%M:%SZ}, was {stated.runtime.utc.isoformat()}"


def _inputs(stated: StatedReadiness) -> Iterator[str]:
    """A value without its report, and a report that is none of these days'."""
    known = {f"{stated.bot}/{stated.day}/reports/{OVERRIDE}"}
    for n, day in enumerate(stated.days):
        for report, fields in REPORTS.items():
            name = f"{stated.bot}/{day.date}/reports/{report}"
            known.add(name)
            said = [field for field in fields if getattr(day, field) is not None]
            if said and name not in stated.inputs:
                yield f"inputs: expected the digest of {name}, for days[{n}].{said[0]}, was missing"
    yield from (
        f"inputs: {shown(name)}: no report of this bot and these days" for name in stated.inputs if name not in known
    )


def _arithmetic(stated: StatedReadiness, policy: ReadinessPolicy) -> Iterator[str]:
    days = [DayEvidence(**asdict(item)) for item in stated.days]
    expected = [stated.day - timedelta(days=back) for back in reversed(range(policy.days))]
    if [item.date for item in days] != expected:
        yield f"days: expected the {policy.days} days up to {stated.day}, was {_dates([item.date for item in days])}"
        return
    again = score_readiness(days, expected, policy, [HardGate(**asdict(gate)) for gate in stated.gates])
    sections = {name: asdict(section) for name, section in again.sections.items()}
    claimed = {name: asdict(section) for name, section in stated.sections.items()}
    if set(claimed) != set(sections):
        yield f"sections: expected {', '.join(sections)}, was {shown(sorted(claimed))}"
    for name, wanted in sections.items():
        yield from _unequal(f"sections.{name}.", wanted, claimed.get(name, wanted))
    totals = {
        "score": again.score,
        "verdict": again.verdict,
        "interval": asdict(again.interval),
        "flips": tuple(asdict(flip) for flip in again.flips),
        "missing": (*again.missing,),
        "reasons": (*again.reasons,),
    }
    yield from _unequal("", totals, asdict(stated))


def _unequal(prefix: str, wanted: Mapping[str, object], was: Mapping[str, object]) -> Iterator[str]:
    for key, value in wanted.items():
        if was[key] != value:
            yield f"{prefix}{key}: expected {shown(value)} from the days in the file, was {shown(was[key])}"


def _dates(days: Sequence[date]) -> str:
    return shown(", ".join(map(str, days))) if days else "none"
