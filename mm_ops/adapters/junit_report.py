"""Findings as JUnit XML, the form that every CI shows."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mm_ops.domain.verdict import Finding, Severity, Verdict


def junit_xml(suite: str, findings: Sequence[tuple[str, Finding]], absent: Sequence[str]) -> bytes:
    """Write one test case a check, so that a report is red exactly where the exit code is not zero.

    A soft check that did not pass is ``skipped`` with its reason. A check without a result is an error, not a skip.

    Args:
        suite: name of the test suite.
        findings: asset and finding of each check.
        absent: names of checks without a result.
    """
    kinds = [_kind(finding) for _, finding in findings]
    root = ET.Element(
        "testsuite",
        name=suite,
        tests=str(len(findings) + len(absent)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error") + len(absent)),
        skipped=str(kinds.count("skipped")),
    )
    for (asset, finding), kind in zip(findings, kinds, strict=True):
        case = ET.SubElement(root, "testcase", classname=asset, name=finding.gate)
        if kind:
            ET.SubElement(case, kind, message=finding.reason, type=finding.severity.value)
    for name in absent:
        case = ET.SubElement(root, "testcase", name=name)
        ET.SubElement(case, "error", message="the check gave no result", type="hard")
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _kind(finding: Finding) -> str:
    if finding.verdict is Verdict.PASS:
        return ""
    if finding.severity is Severity.SOFT:
        return "skipped"
    return "failure" if finding.verdict is Verdict.FAIL else "error"
