from typing import Any

import pytest

from mm_ops.domain.edge.finding import believable_finding, measured_finding
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.domain.readiness.week import POLICY
from mm_ops_tests.edge_pages import report

LIMITS = POLICY.edge.limits


def judged(**quality: Any) -> tuple[Verdict, str]:
    content = report()
    content["quality"] |= quality
    finding = believable_finding(content, LIMITS)
    return finding.verdict, finding.reason


def test_what_is_within_every_limit_of_readiness_is_believed():
    assert judged() == (Verdict.PASS, "the quotes hold the fills")


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.name for limit in LIMITS])
def test_beyond_any_limit_of_readiness_nothing_is_decided(limit: Any):
    beyond = limit.limit * (0.99 if limit.bound == "at_least" else 1.01)
    verdict, reason = judged(**{limit.name: beyond})
    assert verdict is Verdict.INCONCLUSIVE
    assert reason.startswith(f"{limit.name} was {beyond:.6g}, at ")
    assert judged(**{limit.name: limit.limit})[0] is Verdict.PASS
    assert judged(**{limit.name: None})[0] is Verdict.PASS, "not measured, it speaks against nothing"


def test_half_of_a_spot_capture_on_the_wrong_side_is_named_with_its_limit():
    _, reason = judged(wrong_side_share=0.508, mark_jump_bps=5331.0)
    assert reason == (
        "wrong_side_share was 0.508, at most 0.01 is allowed; mark_jump_bps was 5331, at most 300 is allowed"
        " (readiness.yaml, edge): see --alternatives for other clocks"
    )


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.5, Verdict.PASS), (0.49, Verdict.INCONCLUSIVE), (None, Verdict.INCONCLUSIVE)]
)
def test_an_edge_of_too_few_fills_decides_nothing(share: float | None, verdict: Verdict):
    content = report()
    content["quality"] |= {"measured_share": share}
    finding = measured_finding(content, 0.5)
    assert (finding.verdict, finding.value) == (verdict, share)
    assert finding.reason.startswith("1000 of 1000 fills have a quote before them, at least 0.5 of them must")
