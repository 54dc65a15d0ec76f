import pytest

from mm_ops.domain.grafana.differences import Difference
from mm_ops.domain.grafana.finding import Looked, dashboard_finding
from mm_ops.domain.verdict import Severity, Verdict

ONE = Difference("$.title", "'a'", "'b'")
AGAIN = "mm-ops grafana import, or export and commit what is there"
CASES: dict[str, tuple[dict[str, Looked], Verdict, str]] = {
    "all as committed": ({"p/a": [], "p/b": []}, Verdict.PASS, "2 dashboards are what is committed"),
    "no Grafana": ({}, Verdict.INCONCLUSIVE, "no Grafana is named in grafana.yaml: nothing was compared"),
    "one does not answer": ({"p/a": [], "q/a": "no answer"}, Verdict.INCONCLUSIVE, "q/a: no answer"),
    "one differs": ({"p/a": [ONE]}, Verdict.FAIL, f"p/a: $.title: committed 'a', in Grafana 'b': {AGAIN}"),
    "one differs and one does not answer": (
        {"p/a": [ONE] * 4, "q/a": "no answer"},
        Verdict.FAIL,
        "; ".join(["p/a: $.title: committed 'a', in Grafana 'b'"] * 3) + f" and 1 more: {AGAIN}",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_difference_fails_and_what_was_not_seen_never_passes(name: str):
    looked, verdict, reason = CASES[name]
    found = dashboard_finding(looked)
    assert (found.verdict, found.reason, found.severity) == (verdict, reason, Severity.SOFT)


def test_the_differences_are_counted():
    each: list[dict[str, Looked]] = [{"a": [ONE, ONE]}, {"a": []}, {"a": "no"}]
    assert [dashboard_finding(looked).value for looked in each] == [2, 0, None]
    assert dashboard_finding({"a": [ONE, ONE]}).margin == -2
