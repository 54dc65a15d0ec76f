from typing import Any

import pytest

from mm_ops.domain.readiness.finding import readiness_finding
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.domain.readiness.written import document


def test_go_passes_and_hold_fails_with_its_reasons():
    assert readiness_finding(document()).verdict is Verdict.PASS
    held = readiness_finding(document(net_edge_bps=1.25, taker_share=0.3, chaos_ok=False, tests_ok=False))
    assert (held.verdict, held.value, held.margin) == (Verdict.FAIL, 57.5, -42.5)
    assert held.reason == (
        "HOLD: edge: median 1.25 bps, full at 2.5 or more; taker: median 0.3 of notional, full at 0.15 or less; "
        "chaos: OK on 0 of 7 days and 1 more"
    )


def test_go_at_a_hundred_has_no_room_left():
    found = readiness_finding(document())
    assert (found.value, found.limit, found.margin, found.reason) == (100.0, 100.0, 0.0, "GO: every section is full")


def test_a_hold_without_a_reason_is_a_hold_still():
    held = readiness_finding({"verdict": "HOLD"})
    assert (held.verdict, held.reason, held.value, held.margin) == (
        Verdict.FAIL,
        "HOLD: it gives no reason",
        None,
        None,
    )


DOUBTFUL: dict[str, tuple[dict[str, Any], str]] = {
    "a score below": ({"score": -5}, "says GO, and its score is -5"),
    "a score a hair below": ({"score": 99.99999999999999}, "says GO, and its score is 99.99999999999999"),
    "a score above": ({"score": 100.5}, "says GO, and its score is 100.5"),
    "a score that is an answer": ({"score": True}, "says GO, and its score is True"),
    "a score that is a text": ({"score": "100"}, "says GO, and its score is '100'"),
    "a score that is not a number": ({"score": float("nan")}, "says GO, and its score is nan"),
    "a score larger than a float": ({"score": 10**400}, "says GO, and its score is 1000"),
    "no score": ({"score": None}, "says GO, and its score is None"),
    "something missing": ({"missing": ["2026-11-20: tests_ok"]}, "says GO, and missing: 2026-11-20: tests_ok"),
    "a reason against it": ({"reasons": ["edge: thin"]}, "says GO, and reasons: edge: thin"),
    "reasons that are none": ({"reasons": None}, "says GO, and reasons is not said"),
    "reasons in one text": ({"reasons": ""}, "says GO, and reasons is not said"),
    "no section": ({"sections": {}}, "says GO, and it has no section"),
    "sections that are none": ({"sections": ["edge"]}, "says GO, and it has no section"),
    "all of it": (
        {"score": 1, "missing": None, "reasons": ["x"], "sections": None},
        "says GO, and its score is 1; missing is not said; reasons: x and 1 more",
    ),
    "a word that is neither": ({"verdict": "READY"}, "expected GO or HOLD, was 'READY'"),
    "no word": ({"verdict": None}, "expected GO or HOLD, was None"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_word_that_the_file_does_not_carry_is_inconclusive(name: str):
    different, reason = DOUBTFUL[name]
    found = readiness_finding({**document(), **different})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("gone", ["score", "missing", "reasons", "sections", "verdict"])
def test_a_go_that_lacks_what_it_rests_on_is_inconclusive(gone: str):
    lacking = document()
    del lacking[gone]
    assert readiness_finding(lacking).verdict is Verdict.INCONCLUSIVE
