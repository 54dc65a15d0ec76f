from typing import Any

import pytest

from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.verdict import Verdict


def drift(n: int) -> dict[str, Any]:
    return {"path": f"$.{n}", "why": "number"}


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
    finding = drift_finding({"cases": cases})
    assert (finding.verdict, finding.value, finding.reason) == (verdict, value, reason)
    assert finding.hard
