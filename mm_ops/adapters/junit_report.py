"""Findings as JUnit XML, the form that every CI shows."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mm_ops.domain.verdict import Finding, Verdict


def junit_xml(suite: str, findings: Sequence[tuple[str, Finding]], absent: Sequence[str]) -> bytes:
    """Write one test case a check; ``absent`` are checks that gave no result, which is an error, not a skip.

    Args:
        suite: name of the test suite.
        findings: asset and finding of each check.
        absent: names of checks without a result.
    """
    verdicts = [finding.verdict for _, finding in findings]
    root = ET.Element(
        "testsuite",
        name=suite,
        tests=str(len(findings) + len(absent)),
        failures=str(verdicts.count(Verdict.FAIL)),
        errors=str(verdicts.count(Verdict.INCONCLUSIVE) + len(absent)),
    )
    for asset, finding in findings:
        case = ET.SubElement(root, "testcase", classname=asset, name=finding.gate)
        if finding.verdict is not Verdict.PASS:
            kind = "failure" if finding.verdict is Verdict.FAIL else "error"
            ET.SubElement(case, kind, message=finding.reason, type=finding.severity.value)
    for name in absent:
        case = ET.SubElement(root, "testcase", name=name)
        ET.SubElement(case, "error", message="the check gave no result", type="hard")
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"
