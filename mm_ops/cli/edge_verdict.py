"""The last word of ``mm-ops edge report``: what its checks found, and the exit code that follows."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mm_ops.cli.context import marker, policy_file, say

if TYPE_CHECKING:
    from mm_ops.domain.verdict import Finding


def conclude(result: dict[str, Any], *, as_json: bool) -> None:
    """Print what the checks found and leave with it: a fail first, then what could not be decided."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.edge.finding import believable_finding, identity_finding, measured_finding
    from mm_ops.domain.edge.inputs_finding import inputs_finding
    from mm_ops.domain.readiness.policy import ReadinessPolicy
    from mm_ops.domain.verdict import combine, exit_code

    needs = read_policy(policy_file("readiness.yaml"), ReadinessPolicy).edge
    findings: list[Finding] = [
        identity_finding(result),
        inputs_finding(result),
        measured_finding(result, needs.min_measured_share),
        believable_finding(result, [limit for limit in needs.limits if limit.name != "measured_share"]),
    ]
    _tell_doubled(result["intake"]["fills"])
    for finding in findings:
        if finding.verdict.value != "pass":
            say(f"{finding.gate}: {finding.verdict.value}: {finding.reason}")
    verdict = combine(findings, {finding.gate for finding in findings})
    marker("edge report", verdict.value.upper(), err=as_json)
    sys.exit(exit_code(verdict))


def _tell_doubled(fills: Mapping[str, Any]) -> None:
    alike = fills["alike_without_id"]
    if fills["duplicates"]:
        say(f"{fills['duplicates']} fills came twice by their fill_id and count once")
    if alike["count"]:
        done = "are all counted" if alike["treat"] == "keep" else "count once"
        words = "files read twice and partial fills of one order look the same"
        say(f"{alike['count']} fills without a fill_id are like an earlier one and {done}: {words}")
