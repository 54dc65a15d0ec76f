import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.readiness.hard import HardGate, find_dominating, hard_gates
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.what_if import GO, HOLD
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.domain.readiness.week import EXPECTED, GATES, POLICY, week


def finding(gate: str, verdict: Verdict = Verdict.PASS, severity: Severity = Severity.HARD) -> Finding:
    return Finding(gate=gate, severity=severity, verdict=verdict, reason="because\nof it")


def test_every_expected_gate_answers_by_name_and_soft_ones_do_not():
    found = hard_gates([finding("b"), finding("a", Verdict.FAIL), finding("c", severity=Severity.SOFT)], {"a", "b"})
    assert found == (HardGate("a", "fail", "because of it"), HardGate("b", "pass", "because of it"))


@pytest.mark.parametrize(("findings", "times"), [([], "none"), ([finding("a"), finding("a")], "2")])
def test_a_gate_that_is_absent_or_answers_twice_is_no_pass(findings: list[Finding], times: str):
    (one,) = hard_gates(findings, {"a"})
    assert (one.verdict, one.reason) == ("inconclusive", f"expected one finding, was {times}")


def test_no_gate_at_all_is_no_pass():
    assert find_dominating([]) == ["no hard gate was judged"]
    assert find_dominating(GATES) == []


@given(st.lists(st.sampled_from(list(Verdict)), max_size=4))
def test_any_hard_gate_that_is_not_a_pass_holds_at_a_full_score(verdicts: list[Verdict]):
    gates = hard_gates([finding(f"g{n}", verdict) for n, verdict in enumerate(verdicts)], ())
    found = score_readiness(week(), EXPECTED, POLICY, gates)
    assert found.score == 100.0
    assert found.verdict == (GO if verdicts and set(verdicts) == {Verdict.PASS} else HOLD)
    assert bool(found.flips) == (found.verdict == GO)  # no section and no day alone frees it


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=4), st.integers(0, 3))
def test_losing_a_finding_never_turns_hold_into_go(verdicts: list[Verdict], which: int):
    findings = [finding(f"g{n}", verdict) for n, verdict in enumerate(verdicts)]
    expected = [one.gate for one in findings]
    before, after = (
        score_readiness(week(), EXPECTED, POLICY, hard_gates(some, expected)).verdict
        for some in (findings, [one for n, one in enumerate(findings) if n != which % len(findings)])
    )
    assert (before, after) in {(GO, HOLD), (HOLD, HOLD)}
