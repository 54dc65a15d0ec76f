import json
from collections.abc import Callable
from typing import Any

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.readiness.document import find_problems, readiness_document, readiness_markdown
from mm_ops.domain.readiness.finding import readiness_finding
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.domain.readiness.week import EXPECTED, LAST, POLICY, week


def document(**different: Any) -> dict[str, Any]:
    days = week(**different)
    made = readiness_document(
        score_readiness(days, EXPECTED, POLICY),
        days,
        bot="paper",
        day=LAST,
        runtime={"utc": "2026-11-21T00:30:00+00:00", "version": "0.1.0"},
        inputs={},
        policies={},
    )
    plain: dict[str, Any] = json.loads(encode(made))
    return plain


@pytest.mark.parametrize(
    "different",
    [{}, {"net_edge_bps": 1.0}, {"taker_share": None}, {"chaos_ok": False}, {"order_age_p95_ms": 1 / 3}],
)
def test_what_was_written_is_sound(different: dict[str, Any]):
    assert find_problems(document(**different), POLICY) == []


EDITS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "the score": (lambda d: d.update(score=100.0), "score: expected 85.0 from the days in the file, was 100.0"),
    "the verdict": (lambda d: d.update(verdict="GO"), "verdict: expected 'HOLD' from the days in the file, was 'GO'"),
    "a section": (lambda d: d["sections"]["edge"].update(score=30.0), "sections: expected"),
    "a day's value": (
        lambda d: d["days"][0].update(net_edge_bps="3"),
        "days[0].net_edge_bps: expected a number, was '3'",
    ),
    "a day's answer": (lambda d: d["days"][0].update(chaos_ok=1), "days[0].chaos_ok: expected true or false, was 1"),
    "a number as an answer": (
        lambda d: d["days"][0].update(taker_share=True),
        "days[0].taker_share: expected a number, was True",
    ),
    "a share above one": (
        lambda d: d["days"][0].update(taker_share=1.5),
        "days[0].taker_share: expected 0 or more, at most 1, was 1.5",
    ),
    "a negative age": (
        lambda d: d["days"][0].update(order_age_p95_ms=-1.0),
        "days[0].order_age_p95_ms: expected 0 or more, was -1",
    ),
    "a key too many": (lambda d: d.update(override="me"), "override: unknown key"),
    "a key too few": (lambda d: d.pop("inputs"), "inputs: missing"),
    "a field of a day gone": (lambda d: d["days"][0].pop("tests_ok"), "days[0]: expected the keys"),
    "a word that is neither": (lambda d: d.update(verdict="READY"), "verdict: expected GO or HOLD, was 'READY'"),
    "no date": (lambda d: d.update(day="today"), "day: expected a date such as 2026-11-20, was 'today'"),
    "a number for a date": (lambda d: d.update(day=20261120), "day: expected a date such as 2026-11-20, was 20261120"),
    "no list of days": (lambda d: d.update(days={}), "days: expected a list of objects"),
    "days that are no objects": (lambda d: d.update(days=[1]), "days: expected a list of objects"),
    "no runtime": (lambda d: d.update(runtime={}), "runtime: expected utc and version"),
    "no time": (lambda d: d["runtime"].update(utc="now"), "runtime.utc: expected an ISO time, was 'now'"),
    "a day left out": (lambda d: d["days"].pop(), "days: expected the 7 days up to 2026-11-20, was 2026-11-14"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_found(name: str):
    edit, message = EDITS[name]
    edited = document(net_edge_bps=1.25)
    edit(edited)
    assert any(problem.startswith(message) for problem in find_problems(edited, POLICY))


def test_what_is_no_object_is_said():
    assert find_problems([], POLICY) == ["expected an object, was list"]


def test_the_text_shows_the_word_the_sections_and_what_is_missing():
    text = readiness_markdown(document(taker_share=None))
    assert text.startswith("# HOLD: paper, 2026-11-20, 85 of 100")
    assert "| taker | 0 of 15 | not measured | taker_share is missing on 7 of 7 days |" in text
    assert "- 2026-11-14: taker_share" in text
    assert "Nothing is missing." in readiness_markdown(document())
    assert "failed" in readiness_markdown(document(chaos_ok=False))


def test_go_passes_and_hold_fails_with_its_reasons():
    assert readiness_finding(document()).verdict is Verdict.PASS
    held = readiness_finding(document(net_edge_bps=1.25, taker_share=0.3, chaos_ok=False, tests_ok=False))
    assert (held.verdict, held.value, held.margin) == (Verdict.FAIL, 57.5, -42.5)
    assert held.reason == (
        "HOLD: edge: median 1.25 bps, full at 2.5 or more; taker: median 0.3 of notional, full at 0.15 or less; "
        "chaos: OK on 0 of 7 days and 1 more"
    )
