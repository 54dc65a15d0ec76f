"""From check results to one exit code; a check that was expected and gave none is never a pass."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg

from mm_ops.defs.automation import days_as_of, refuse_unless_complete
from mm_ops.defs.fleet import Location
from mm_ops.defs.keys import name_of
from mm_ops.defs.runs import Judged, Outcome, run_checks
from mm_ops.defs.selection import choose_checks
from mm_ops.domain.readiness.finding import IS_GO
from mm_ops.domain.verdict import Verdict, conclude


@dataclass(frozen=True, slots=True)
class Judgement:
    """The results of checks alone: what each found, which gave no result, and the exit code.

    ``uncarried`` are bundles of the day, by address, whose bot has a hard check among these that did not pass.
    """

    outcome: Outcome
    absent: Sequence[str]
    exit_code: int
    uncarried: Sequence[str]


def judge_stored(
    location: Location, instance: dg.DagsterInstance, day: date, selected: Sequence[str] = ()
) -> Judgement:
    """Run the checks (all, or those that ``choose_checks`` finds) on what is stored for a day.

    Raises:
        PolicyError: a word means no check of the location, or the day has not ended by the site's clock, or is before
            the fleet's first.
    """
    now = location.site.now()
    refuse_unless_complete(day, location.shape.first_day, now)
    chosen = choose_checks(location, selected)
    if not selected:
        chosen = {name: key for name, key in chosen.items() if key not in _of_no_bundle(location, day)}
    with days_as_of(now):
        outcome = run_checks(location.definitions, instance, chosen.values(), day)
    hard = {key for graph in location.every_graph for key in graph.hard | graph.of_bundle} & set(chosen.values())
    seen = {_said(item) for item in outcome.judged}
    absent = sorted(set(chosen) - seen)
    code = decide_exit_code(outcome.judged, hard) if hard else 0
    passed = {_said(item) for item in outcome.judged if item.finding.verdict is Verdict.PASS}
    uncarried = _bundles(location, {name_of(key) for key in hard} - passed, day)
    return Judgement(outcome, absent, code or (2 if absent else 0), uncarried)


def _of_no_bundle(location: Location, day: date) -> set[dg.AssetCheckKey]:
    """The checks of bundles that there are not: nothing was released that day, which its gates tell."""
    bots = [bot for bot in location.fleet.bots if not location.site.evidence(bot).releases(day)]
    return {key for bot in bots for key in location.graphs[bot.name].of_bundle}


def _bundles(location: Location, lacking: Collection[str], day: date) -> list[str]:
    """The day's bundles of the bots of whose hard checks one is lacking: they were built when every one passed."""
    found = []
    for bot in location.fleet.bots:
        graph = location.graphs[bot.name]
        if any(name_of(key) in lacking for key in graph.hard | graph.of_bundle):
            evidence = location.site.evidence(bot)
            found += [evidence.address(name) for name in evidence.releases(day)]
    return found


def decide_exit_code(judged: Iterable[Judged], expected: Iterable[dg.AssetCheckKey]) -> int:
    """Fold the findings of hard checks; readiness speaks after the gates (design §9)."""
    names = {name_of(key) for key in expected}
    findings = [replace(item.finding, gate=_said(item)) for item in judged]
    return conclude(findings, names, last={name for name in names if name.endswith(f":{IS_GO}")})


def _said(item: Judged) -> str:
    return f"{item.asset.to_user_string()}:{item.finding.gate}"
