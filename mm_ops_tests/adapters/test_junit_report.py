from xml.etree import ElementTree as ET

from mm_ops.adapters.junit_report import junit_xml
from mm_ops.domain.verdict import Finding, Severity, Verdict


def finding(verdict: Verdict, gate: str) -> Finding:
    return Finding(gate=gate, severity=Severity.HARD, verdict=verdict, reason='p95 < 150 ms & "more"')


def test_fail_is_a_failure_and_no_answer_is_an_error_and_neither_is_a_skip():
    judged = [("paper/soak_findings", finding(verdict, verdict.value)) for verdict in Verdict]
    suite = ET.fromstring(junit_xml("mm_ops", judged, absent=["paper/readiness_score:is_go"]))  # noqa: S314 - our own bytes
    assert suite.attrib == {"name": "mm_ops", "tests": "4", "failures": "1", "errors": "2"}
    answers = {case.get("name"): [child.tag for child in case] for case in suite}
    assert answers == {
        "pass": [],
        "fail": ["failure"],
        "inconclusive": ["error"],
        "paper/readiness_score:is_go": ["error"],
    }
    (failure,) = suite.iter("failure")
    assert failure.get("message") == 'p95 < 150 ms & "more"'
