from dataclasses import replace
from typing import Any

import pytest

from mm_ops.domain.release.finding import Rebuilt, gates_finding, no_bundle, rebuilt_finding, whole_finding
from mm_ops.domain.verdict import Finding, Severity, Verdict

DERIVED = frozenset({"evidence/a.json"})
STORED = Rebuilt("sha256:1", {"README.md": "r", "evidence/a.json": "a", "reports/b.json": "b"})


def test_a_whole_bundle_passes_and_says_what_is_known_of_the_signature():
    found = whole_finding([], 3, ["UNSIGNED"])
    assert (found.verdict, found.value, found.reason) == (Verdict.PASS, 0, "3 files are what it says; UNSIGNED")
    broken = whole_finding([f"file {number}" for number in range(7)], 7, [])
    assert (broken.verdict, broken.value, broken.margin) == (Verdict.FAIL, 7, -7)
    assert broken.reason.endswith("file 2 and 4 more")


def other(**files: str) -> Rebuilt:
    named = {"readme": "README.md", "derived": "evidence/a.json", "report": "reports/b.json"}
    return Rebuilt("sha256:2", {**STORED.files, **{named[name]: found for name, found in files.items()}})


REBUILT: dict[str, tuple[Rebuilt, Rebuilt, bool, Verdict, str]] = {
    "the same": (STORED, STORED, True, Verdict.PASS, "built again from its sources: the same bytes"),
    "the same files by another zlib": (
        replace(STORED, digest="sha256:3"),
        replace(STORED, digest="sha256:4"),
        False,
        Verdict.PASS,
        "built again from its sources: the same files, by another zlib",
    ),
    "a source that changed since": (
        other(readme="x"),
        STORED,
        True,
        Verdict.PASS,
        "built again from its own files; other by now: README.md: the same bytes",
    ),
    "a source that changed, and what follows from it": (
        other(report="x", derived="x"),
        STORED,
        True,
        Verdict.PASS,
        "built again from its own files; other by now: reports/b.json: the same bytes",
    ),
    "statements with a time in them": (
        other(derived="x"),
        STORED,
        True,
        Verdict.FAIL,
        "the same sources gave another evidence/a.json",
    ),
    "a packer that is not the same twice": (
        STORED,
        replace(STORED, digest="sha256:3"),
        True,
        Verdict.FAIL,
        "built again from its own files it is another bundle",
    ),
    "other files from its own": (
        STORED,
        other(report="x"),
        False,
        Verdict.FAIL,
        "built again from its own files it is another bundle",
    ),
    "a time in the bundle": (
        replace(STORED, digest="sha256:3"),
        STORED,
        True,
        Verdict.FAIL,
        "the same files gave another bundle",
    ),
}


@pytest.mark.parametrize("name", REBUILT)
def test_a_bundle_that_cannot_be_built_again_fails(name: str):
    from_sources, from_itself, same_zlib, verdict, reason = REBUILT[name]
    found = rebuilt_finding(STORED, from_sources, from_itself, same_zlib=same_zlib, derived=DERIVED)
    assert (found.verdict, found.reason) == (verdict, reason)


def finding(gate: str, verdict: Verdict = Verdict.PASS, severity: Severity = Severity.HARD) -> Finding:
    return Finding(gate=gate, severity=severity, verdict=verdict, reason="why")


GATES: dict[str, tuple[list[Finding], dict[str, Any], Verdict, str]] = {
    "all": ([finding("a"), finding("b")], {}, Verdict.PASS, "2 hard gates passed by the reports in it"),
    "a soft one did not": (
        [finding("a"), finding("b"), finding("s", Verdict.FAIL, Severity.SOFT)],
        {"warnedTests": ["s"]},
        Verdict.PASS,
        "2 hard gates passed by the reports in it",
    ),
    "one failed": ([finding("a"), finding("b", Verdict.FAIL)], {"failedTests": ["b"]}, Verdict.FAIL, "b: why"),
    "one is not known": (
        [finding("a"), finding("b", Verdict.INCONCLUSIVE)],
        {"failedTests": ["b"]},
        Verdict.INCONCLUSIVE,
        "b: why",
    ),
    "one is not there": ([finding("a")], {}, Verdict.INCONCLUSIVE, "b: there is no finding of it"),
    "one is there that nobody expects": (
        [finding("a"), finding("b"), finding("c")],
        {},
        Verdict.INCONCLUSIVE,
        "c: nobody expects this gate",
    ),
    "the test result says otherwise": (
        [finding("a"), finding("b")],
        {"failedTests": ["b"]},
        Verdict.FAIL,
        "b: passes by its report, and the test result says that it failed",
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_gates_pass_where_every_one_that_is_expected_did_and_the_statement_agrees(name: str):
    findings, stated, verdict, reason = GATES[name]
    found = gates_finding(findings, {"a", "b"}, stated)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_no_bundle_is_no_answer():
    found = no_bundle("reproducible", "withdrawn")
    assert (found.verdict, found.value, found.margin, found.reason) == (Verdict.INCONCLUSIVE, None, None, "withdrawn")
