from typing import Any

import pytest

from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.verdict import Severity, Verdict


def alike(count: int, treat: str = "drop") -> dict[str, Any]:
    return {"rows": 1000, "alike_without_id": {"count": count, "treat": treat}}


def crossed(count: int) -> dict[str, Any]:
    return {"crossed": {"count": count}}


def report(fills: Any = 0.0, quotes: float | None = 0.0, **different: Any) -> dict[str, Any]:
    section = {
        "max_rejected_share": 0.01,
        "max_unknown_share": 0.02,
        "max_crossed_share": 0.05,
        "books": {"crossed": {"count": 0}},
        "fills": fills if isinstance(fills, dict) else {"rejected_share": fills, **alike(0)},
        "quotes": {"rejected_share": quotes, "taken": 1000},
        "aggressor": None,
    }
    return {"intake": {**section, **different}}


CASES: dict[str, tuple[dict[str, Any], Verdict, str]] = {
    "nothing rejected": (report(), Verdict.PASS, "0 of the rows were rejected, at most 0.01 is allowed"),
    "at the limit": (report(fills=0.01), Verdict.PASS, "0.01 of the rows were rejected"),
    "too many fills": (report(fills=0.011), Verdict.FAIL, "0.011 of the fills were rejected, at most 0.01 is allowed"),
    "too many quotes": (report(quotes=0.5), Verdict.FAIL, "0.5 of the quotes were rejected"),
    "no fills": (report(fills=None), Verdict.INCONCLUSIVE, "there are no fills: no share"),
    "no rows at all": (report(None, None), Verdict.INCONCLUSIVE, "there are no fills and quotes: no share"),
    "no section": ({}, Verdict.INCONCLUSIVE, "the report does not say what was left out"),
    "few unknown": (report(aggressor={"unknown_share": 0.02}), Verdict.PASS, "0 of the rows"),
    "many unknown": (
        report(aggressor={"unknown_share": 0.03}),
        Verdict.FAIL,
        "of 0.03 of the prints nobody knows who took, at most 0.02 is allowed",
    ),
    "a few that were dropped for looking like others": (
        report(fills={"rejected_share": 0.0, **alike(10)}),
        Verdict.PASS,
        "0 of the rows",
    ),
    "more than the policy's share dropped for it": (
        report(fills={"rejected_share": 0.0, **alike(11)}),
        Verdict.INCONCLUSIVE,
        "11 of 1000 fills are like an earlier one, have no fill_id and were dropped, at most 0.01 of them may be",
    ),
    "as many kept": (report(fills={"rejected_share": 0.0, **alike(500, "keep")}), Verdict.PASS, "0 of the rows"),
    "an older report that does not say it": (
        report(fills={"rejected_share": 0.0}),
        Verdict.INCONCLUSIVE,
        "the report does not say how many fills are alike and quotes crossed",
    ),
    "as many crossed quotes as there may be": (report(books=crossed(50)), Verdict.PASS, "0 of the rows"),
    "more, as where bid and ask are swapped": (
        report(books=crossed(51)),
        Verdict.FAIL,
        "51 of 1000 quotes have a bid above the ask, at most 0.05 of them may: are they swapped?",
    ),
    "no prints": (report(aggressor={"unknown_share": None}), Verdict.INCONCLUSIVE, "there are no prints"),
    "many unknown and too many rejected": (
        report(fills=0.5, aggressor={"unknown_share": 0.03}),
        Verdict.FAIL,
        "0.5 of the fills were rejected",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_left_out_is_judged(name: str):
    given, verdict, reason = CASES[name]
    finding = inputs_finding(given)
    assert (finding.gate, finding.severity, finding.verdict) == ("inputs", Severity.HARD, verdict)
    assert finding.reason.startswith(reason)


def test_the_worse_of_the_two_kinds_is_the_value():
    finding = inputs_finding(report(fills=0.001, quotes=0.004))
    assert (finding.value, finding.limit) == (0.004, 0.01)
    assert finding.margin == pytest.approx(0.006)
