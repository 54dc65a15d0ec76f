"""What a bundle says of how it was made and judged, in the form that other tools read: in-toto statements.

Sources: in-toto Attestation Framework, Statement v1; SLSA Provenance v1; in-toto Test Result v0.1 (read 2026-11).
``measurements`` is our own addition, since a test result there carries no numbers.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from mm_ops.domain.verdict import Finding, Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
BUILD = "https://github.com/mm-ops/mm_ops/nightly@v1"
CODE = "mm_ops"
_MEASURED = ("value", "unit", "bound", "limit", "margin", "samples", "coverage", "window", "reason")


def provenance(
    *,
    bot: str,
    version: str,
    day: date,
    made_by: str,
    code: str,
    files: Mapping[str, str],
    policies: Mapping[str, str],
    inputs: Mapping[str, str | None],
) -> dict[str, Any]:
    """Say what the reports were made from and by what; by which runs is not in it, or no two bundles would be equal.

    Args:
        bot: whose release it is.
        version: the version that was judged.
        day: the UTC day.
        made_by: the version of mm_ops.
        code: the digest of its files.
        files: digests of the reports, by their path in the bundle.
        policies: digests of the policy files, by name.
        inputs: digests of what the reports rest on, by artifact name; ``None`` where there was nothing.
    """
    there = {name: found for name, found in inputs.items() if found is not None}
    return {
        "_type": STATEMENT,
        "subject": _subjects(files),
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": {"bot": bot, "version": version, "day": day},
                "internalParameters": {},
                "resolvedDependencies": [
                    {"name": CODE, "digest": _sha256(code)},
                    *_named(policies),
                    *({"name": name, "digest": _sha256(found)} for name, found in sorted(there.items())),
                ],
            },
            "runDetails": {"builder": {"id": f"{BUILD}#mm_ops", "version": {"mm_ops": made_by}}},
        },
    }


def judgement(findings: Iterable[Finding], files: Mapping[str, str], policies: Mapping[str, str]) -> dict[str, Any]:
    """Say how the reports were judged, gate by gate and with the numbers; both by name with the digest."""
    every = sorted(findings, key=lambda finding: finding.gate)
    passed = [item.gate for item in every if item.verdict is Verdict.PASS]
    warned = [item.gate for item in every if item.verdict is not Verdict.PASS and not item.hard]
    failed = [item.gate for item in every if item.verdict is not Verdict.PASS and item.hard]
    return {
        "_type": STATEMENT,
        "subject": _subjects(files),
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
            "configuration": _named(policies),
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
            "measurements": [
                {
                    "gate": item.gate,
                    "severity": item.severity,
                    "verdict": item.verdict,
                    **{name: value for name in _MEASURED if (value := getattr(item, name)) not in {None, ""}},
                }
                for item in every
            ],
        },
    }


def _subjects(files: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": path, "digest": _sha256(found)} for path, found in sorted(files.items())]


def _named(policies: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": f"policies/{name}", "digest": _sha256(found)} for name, found in sorted(policies.items())]


def _sha256(recorded: str) -> dict[str, str]:
    return {"sha256": recorded.removeprefix("sha256:")}
