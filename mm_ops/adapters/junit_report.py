"""Findings as JUnit XML, the form that every CI shows."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mm_ops.domain.verdict import Finding, Severity, Verdict

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(suite: str, findings: Sequence[tuple[str, Finding]], absent: Sequence[str]) -> bytes:
    """Write one test case a check, so that a report is red exactly where the exit code is not zero.

    A soft check that did not pass is ``skipped`` with its reason. A check without a result is an error, not a skip.

    Args:
        suite: name of the test suite.
        findings: asset and finding of each check.
        absent: ``<asset>:<check>`` of each without a result.
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
            ET.SubElement(case, kind, message=_clean(finding.reason), type=finding.severity.value)
    for asset, _, name in (one.rpartition(":") for one in absent):
        case = ET.SubElement(root, "testcase", classname=asset, name=name)
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


def _clean(text: str) -> str:
    """Replace what XML 1.0 has no way to write, such as an escape sequence that a server answered with."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
