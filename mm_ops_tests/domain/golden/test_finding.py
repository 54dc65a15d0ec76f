from typing import Any

import pytest

from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.verdict import Verdict


def drift(n: int) -> dict[str, Any]:
    return {"path": f"$.{n}", "why": "number"}


def document(cases: dict[str, Any], **different: Any) -> dict[str, Any]:
    on_record: dict[str, list[str]] = {"creep": [], "unrecorded": []}
    return {"cases": cases, "acceptances": dict.fromkeys(cases, on_record), "unreferenced": [], **different}


@pytest.mark.parametrize(
    ("cases", "verdict", "value", "reason"),
    [
        ({"a": [], "b": []}, Verdict.PASS, 0.0, "2 cases equal their baselines: a, b"),
        ({"a": [drift(1)], "b": []}, Verdict.FAIL, 1.0, "1 differences: a $.1: number"),
        (
            {"a": [drift(n) for n in range(5)]},
            Verdict.FAIL,
            5.0,
            "5 differences: a $.0: number; a $.1: number; a $.2: number and 2 more",
        ),
        ({}, Verdict.INCONCLUSIVE, None, "no pinned case was compared"),
    ],
)
def test_only_compared_cases_without_a_difference_pass(
    cases: dict[str, Any], verdict: Verdict, value: float | None, reason: str
):
    finding = drift_finding(document(cases))
    assert (finding.verdict, finding.value, finding.reason) == (verdict, value, reason)
    assert finding.hard


CREPT = {"creep": ["$.a: too far"], "unrecorded": []}
UNRECORDED = {"creep": [], "unrecorded": ["nobody's"]}


@pytest.mark.parametrize(
    ("different", "verdict", "reason"),
    [
        ({"acceptances": {"a": CREPT}}, Verdict.FAIL, "1 numbers crept: a $.a: too far"),
        ({"acceptances": {"a": UNRECORDED}}, Verdict.INCONCLUSIVE, "a: nobody's"),
        ({"acceptances": {}}, Verdict.INCONCLUSIVE, "a: nothing says who accepted its baseline"),
        (
            {"unreferenced": ["x/old.json"]},
            Verdict.PASS,
            "1 cases equal their baselines: a; baselines that no case names: x/old.json",
        ),
    ],
)
def test_a_baseline_needs_an_acceptance_and_those_must_not_add_up_to_too_much(
    different: dict[str, Any], verdict: Verdict, reason: str
):
    finding = drift_finding(document({"a": []}, **different))
    assert (finding.verdict, finding.reason) == (verdict, reason)


def test_a_drift_and_a_creep_are_both_told_and_counted():
    finding = drift_finding(document({"a": [drift(1)]}, acceptances={"a": CREPT}))
    assert (finding.verdict, finding.value) == (Verdict.FAIL, 2.0)
    assert finding.reason == "1 differences: a $.1: number; 1 numbers crept: a $.a: too far"


def test_a_report_of_a_version_that_kept_no_acceptances_is_no_pass():
    assert drift_finding({"cases": {"a": []}}).verdict is Verdict.INCONCLUSIVE
