from dataclasses import replace
from xml.etree import ElementTree as ET

from mm_ops.adapters.junit_report import junit_xml
from mm_ops.domain.verdict import Finding, Severity, Verdict


def finding(verdict: Verdict, gate: str, severity: Severity = Severity.HARD) -> Finding:
    return Finding(gate=gate, severity=severity, verdict=verdict, reason='p95 < 150 ms & "more"')


def test_fail_is_a_failure_and_no_answer_is_an_error_and_neither_is_a_skip():
    judged = [("paper/soak_findings", finding(verdict, verdict.value)) for verdict in Verdict]
    suite = ET.fromstring(junit_xml("mm_ops", judged, absent=["paper/readiness_score:is_go"]))  # noqa: S314 - our own bytes
    assert suite.attrib == {"name": "mm_ops", "tests": "4", "failures": "1", "errors": "2", "skipped": "0"}
    answers = {case.get("name"): [child.tag for child in case] for case in suite}
    assert answers == {
        "pass": [],
        "fail": ["failure"],
        "inconclusive": ["error"],
        "is_go": ["error"],
    }
    (failure,) = suite.iter("failure")
    assert failure.get("message") == 'p95 < 150 ms & "more"'


def test_a_soft_check_that_did_not_pass_is_told_and_makes_no_report_red():
    judged = [("paper/soak_findings", finding(verdict, verdict.value, Severity.SOFT)) for verdict in Verdict]
    suite = ET.fromstring(junit_xml("mm_ops", judged, absent=[]))  # noqa: S314 - our own bytes
    assert suite.attrib == {"name": "mm_ops", "tests": "3", "failures": "0", "errors": "0", "skipped": "2"}
    assert [[child.tag for child in case] for case in suite] == [[], ["skipped"], ["skipped"]]


def test_a_check_without_a_result_is_of_its_asset():
    suite = ET.fromstring(junit_xml("mm_ops", [], absent=["paper/readiness_score:is_go"]))  # noqa: S314 - our own bytes
    (case,) = suite
    assert (case.get("classname"), case.get("name")) == ("paper/readiness_score", "is_go")


def test_a_reason_with_an_escape_sequence_is_xml_all_the_same():
    told = replace(finding(Verdict.FAIL, "one"), reason="answered \x1b[31mred\x00\ud800 and é")
    suite = ET.fromstring(junit_xml("mm_ops", [("paper/a", told)], absent=[]))  # noqa: S314 - our own bytes
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "answered \ufffd[31mred\ufffd\ufffd and é"
