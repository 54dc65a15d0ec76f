"""What the checks of a bundle say: is it whole, can it be built again, and did its gates pass by what is in it?"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.verdict import Finding, Verdict, combine, none_allowed, some

MANIFEST_VERIFIES, REPRODUCIBLE = "manifest_verifies", "reproducible"
NO_SECRETS_INSIDE, GATES_PASSED = "no_secrets_inside", "gates_passed"
BUNDLE_CHECKS = (MANIFEST_VERIFIES, REPRODUCIBLE, NO_SECRETS_INSIDE, GATES_PASSED)


def whole_finding(faults: Sequence[str], files: int, whose: Sequence[str]) -> Finding:
    """Judge a verification: any fault is a fail; ``whose`` says what is known of the signature."""
    if faults:
        return _counted(MANIFEST_VERIFIES, Verdict.FAIL, some(faults), len(faults))
    return _counted(MANIFEST_VERIFIES, Verdict.PASS, "; ".join([f"{files} files are what it says", *whose]), 0)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A bundle that was built once more: its digest, and the digest of each file by its path."""

    digest: str
    files: Mapping[str, str]


def rebuilt_finding(
    stored: Rebuilt, from_sources: Rebuilt, from_itself: Rebuilt, *, same_zlib: bool, derived: AbstractSet[str]
) -> Finding:
    """Judge whether a bundle can be built again.

    Args:
        stored: the bundle itself.
        from_sources: built from the reports, policies and files of the project as they are now.
        from_itself: built from the files that are in it.
        same_zlib: whether this machine compresses as the one that built it; else only the files are compared.
        derived: paths that follow from the reports and policies alone.
    """
    other = sorted(
        path for path in {*stored.files, *from_sources.files} if stored.files.get(path) != from_sources.files.get(path)
    )
    if from_itself.files != stored.files or (same_zlib and from_itself.digest != stored.digest):
        return _counted(REPRODUCIBLE, Verdict.FAIL, "built again from its own files it is another bundle", None)
    changed = [path for path in other if path not in derived]
    if other and not changed:
        return _counted(REPRODUCIBLE, Verdict.FAIL, f"the same sources gave another {some(other)}", len(other))
    if not other and same_zlib and from_sources.digest != stored.digest:
        return _counted(REPRODUCIBLE, Verdict.FAIL, "the same files gave another bundle", None)
    words = "its sources" if not other else f"its own files; other by now: {some(changed)}"
    how = "the same bytes" if same_zlib else "the same files, by another zlib"
    return _counted(REPRODUCIBLE, Verdict.PASS, f"built again from {words}: {how}", 0)


def gates_finding(findings: Iterable[Finding], expected: AbstractSet[str], stated: Mapping[str, Any]) -> Finding:
    """Judge the gates by the reports that are in a bundle, and that its test result says the same of them.

    Args:
        findings: of every gate, from the bundle's own reports.
        expected: the hard gates that there must be.
        stated: the predicate of its test result.
    """
    hard = [item for item in findings if item.hard]
    lacking = [f"{item.gate}: {item.reason}" for item in hard if item.verdict is not Verdict.PASS]
    there = {item.gate for item in hard}
    lacking += [f"{name}: there is no finding of it" for name in sorted(expected - there)]
    lacking += [f"{name}: nobody expects this gate" for name in sorted(there - expected)]
    passed = {item.gate for item in hard if item.verdict is Verdict.PASS}
    unsaid = sorted(passed & {str(name) for name in stated.get("failedTests", ())})
    lacking += [f"{name}: passes by its report, and the test result says that it failed" for name in unsaid]
    verdict = combine(hard, expected)
    if unsaid and verdict is Verdict.PASS:
        verdict = Verdict.FAIL
    reason = some(lacking) if lacking else f"{len(hard)} hard gates passed by the reports in it"
    return _counted(GATES_PASSED, verdict, reason, len(lacking))


def no_bundle(gate: str, reason: str) -> Finding:
    """State that there is no bundle, or none that could be looked into."""
    return _counted(gate, Verdict.INCONCLUSIVE, reason, None)


def _counted(gate: str, verdict: Verdict, reason: str, count: int | None) -> Finding:
    return none_allowed(gate, verdict, reason, count, unit="faults")
