import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.verdict import Finding, Severity, Verdict, combine, conclude, exit_code, none_allowed, some

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
GATES = ("a", "b", "c")


def finding(gate: str, verdict: Verdict, severity: Severity = Severity.HARD) -> Finding:
    return Finding(gate=gate, severity=severity, verdict=verdict, reason="because")


FINDINGS = st.lists(
    st.builds(finding, st.sampled_from(GATES), st.sampled_from(Verdict), st.sampled_from(Severity)), max_size=6
)

FOLDS = {
    "all passed": ([finding("a", PASS), finding("b", PASS)], {"a", "b"}, PASS),
    "one failed": ([finding("a", PASS), finding("b", FAIL)], {"a", "b"}, FAIL),
    "a fail outweighs the unknown": ([finding("a", UNKNOWN), finding("b", FAIL)], {"a", "b"}, FAIL),
    "a fail outweighs the absent": ([finding("b", FAIL)], {"a", "b"}, FAIL),
    "one unknown": ([finding("a", PASS), finding("b", UNKNOWN)], {"a", "b"}, UNKNOWN),
    "one absent": ([finding("a", PASS)], {"a", "b"}, UNKNOWN),
    "one twice": ([finding("a", PASS), finding("a", PASS)], {"a"}, UNKNOWN),
    "one that nobody expected": ([finding("a", PASS), finding("x", PASS)], {"a"}, UNKNOWN),
    "nothing at all": ([], set[str](), UNKNOWN),
    "soft ones do not decide": ([finding("a", PASS), finding("s", FAIL, Severity.SOFT)], {"a"}, PASS),
    "soft ones do not stand in": ([finding("a", PASS, Severity.SOFT)], {"a"}, UNKNOWN),
}


@pytest.mark.parametrize("name", FOLDS)
def test_folding_is_strictest_first(name: str):
    findings, expected, verdict = FOLDS[name]
    assert combine(findings, expected) is verdict


@given(FINDINGS, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(findings: list[Finding], shuffle: object):
    other = list(findings)
    shuffle.shuffle(other)  # type: ignore[attr-defined]
    assert combine(findings, set(GATES)) is combine(other, set(GATES))


@given(FINDINGS, st.integers(0, 5))
def test_losing_a_finding_never_makes_a_pass(findings: list[Finding], which: int):
    poorer = [item for n, item in enumerate(findings) if n != which]
    hard = [item for item in findings if item.hard]
    doubled = len({item.gate for item in hard}) < len(hard)
    if combine(findings, set(GATES)) is not PASS and not doubled:
        assert combine(poorer, set(GATES)) is not PASS


@pytest.mark.parametrize(("verdict", "code"), [(PASS, 0), (FAIL, 1), (UNKNOWN, 2)])
def test_exit_codes_are_the_same_everywhere(verdict: Verdict, code: int):
    assert exit_code(verdict) == code


CONCLUSIONS = {
    "all passed and GO": ([PASS, PASS], 0),
    "a gate failed": ([FAIL, FAIL], 1),
    "a gate could not be decided, so HOLD says nothing more": ([UNKNOWN, FAIL], 2),
    "gates passed and HOLD": ([PASS, FAIL], 1),
    "gates passed and readiness is not there": ([PASS, UNKNOWN], 2),
}


@pytest.mark.parametrize("name", CONCLUSIONS)
def test_readiness_speaks_after_the_gates(name: str):
    (gate, go), code = CONCLUSIONS[name]
    assert conclude([finding("a", gate), finding("is_go", go)], {"a", "is_go"}, last={"is_go"}) == code


def test_readiness_alone_may_conclude():
    assert conclude([finding("is_go", FAIL)], {"is_go"}, last={"is_go"}) == 1
    assert conclude([], {"is_go"}, last={"is_go"}) == 2


def test_a_gate_that_allows_none_counts_what_is_beyond_it():
    found = none_allowed("a", FAIL, "because", 2, unit="faults")
    assert (found.severity, found.bound, found.limit, found.value, found.margin) == (Severity.HARD, "at_most", 0, 2, -2)
    unknown = none_allowed("a", UNKNOWN, "because", None, unit="faults", severity=Severity.SOFT)
    assert (unknown.severity, unknown.value, unknown.margin) == (Severity.SOFT, None, None)
    assert str(none_allowed("a", PASS, "because", 0, unit="faults").margin) == "0.0"  # and not minus nothing


@pytest.mark.parametrize(
    ("texts", "told"), [([], ""), (["a", "b", "c"], "a; b; c"), (["a", "b", "c", "d", "e"], "a; b; c and 2 more")]
)
def test_of_many_reasons_three_are_told_and_the_rest_counted(texts: list[str], told: str):
    assert some(texts) == told
