"""The hard gates of the last day, judged on its stored reports by the code that judges the soak and the edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.readiness.hard import HardGate, hard_gates
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.registration import find_change
from mm_ops.domain.soak.verdicts import Reference, judge
from mm_ops.domain.verdict import Finding

_OF_EDGE = ("identity", "inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakRules:
    """What a soak is judged by; ``known_good`` is the soak that the bot is compared with, where one is named."""

    slis: SliCatalogue
    soak: SoakPolicy
    known_good: Mapping[str, Any] | None


def judge_last_day(
    edge: Mapping[str, Any] | None, soak: Mapping[str, Any] | None, rules: SoakRules, version: str
) -> tuple[HardGate, ...]:
    """Answer for every hard gate of the soak and of the edge; those whose report is ``None`` are inconclusive.

    Raises:
        SchemaError: the soak report is not what was stored as one.
    """
    return hard_gates([*_edge(edge), *_soak(soak, rules, version)], expected_gates(rules.soak))


def expected_gates(soak: SoakPolicy) -> set[str]:
    """The names of the hard gates of the soak and of the edge."""
    return {*soak.hard_gates, *_OF_EDGE}


def _edge(report: Mapping[str, Any] | None) -> list[Finding]:
    return [] if report is None else [identity_finding(report), inputs_finding(report)]


def _soak(report: Mapping[str, Any] | None, rules: SoakRules, version: str) -> list[Finding]:
    if report is None:
        return []
    change = find_change(report["registration"], rules.slis, rules.soak, version)
    return judge(report["window"], rules.soak, Reference(version=version, change=change, known_good=rules.known_good))
