"""From check results to one exit code; a check that was expected and gave none is never a pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg

from mm_ops.defs.fleet import Location
from mm_ops.defs.runs import Judged, Outcome, run_checks
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.readiness.finding import IS_GO
from mm_ops.domain.verdict import conclude


@dataclass(frozen=True, slots=True)
class Judgement:
    """The results of checks alone: what each found, which gave no result, and the exit code."""

    outcome: Outcome
    absent: Sequence[str]
    exit_code: int


def judge_stored(
    location: Location, instance: dg.DagsterInstance, day: date, selected: Sequence[str] = ()
) -> Judgement:
    """Run the checks (all, or those named ``<asset>:<check>``) on what is stored for a day.

    Raises:
        PolicyError: a name is not a check of the location.
    """
    known = {name_of(key): key for graph in location.every_graph for key in graph.all_checks}
    unknown = sorted(set(selected) - set(known))
    if unknown:
        raise PolicyError(f"--select: no such check: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    chosen = {name: known[name] for name in selected} if selected else known
    outcome = run_checks(location.definitions, instance, chosen.values(), day)
    hard = {key for graph in location.every_graph for key in graph.hard} & set(chosen.values())
    seen = {f"{item.asset.to_user_string()}:{item.finding.gate}" for item in outcome.judged}
    absent = sorted(set(chosen) - seen)
    code = decide_exit_code(outcome.judged, hard) if hard else 0
    return Judgement(outcome, absent, code or (2 if absent else 0))


def decide_exit_code(judged: Iterable[Judged], expected: Iterable[dg.AssetCheckKey]) -> int:
    """Fold the findings of hard checks; readiness speaks after the gates (design §9)."""
    names = {name_of(key) for key in expected}
    findings = [replace(item.finding, gate=f"{item.asset.to_user_string()}:{item.finding.gate}") for item in judged]
    return conclude(findings, names, last={name for name in names if name.endswith(f":{IS_GO}")})


def name_of(key: dg.AssetCheckKey) -> str:
    """``<asset>:<check>``."""
    return f"{key.asset_key.to_user_string()}:{key.name}"
