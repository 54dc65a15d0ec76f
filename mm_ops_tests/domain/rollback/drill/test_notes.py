from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.rollback.drill.notes import LastDrill, closed, drill_name, find_asked, find_last, find_open
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.drills import REQUEST
from mm_ops_tests.rollback_world import NOW

Note = dict[str, Any]


def asked(name: str, second: float, *, lasts: float = 120) -> Note:
    at = NOW + timedelta(seconds=second)
    until = (at + timedelta(seconds=lasts)).isoformat()
    body = {"event": "asked", "drill": name, "by": "ada", "why": "the weekly one", "until": until}
    return {"at": at.isoformat(), "body": body}


def over(name: str, second: float) -> Note:
    return {"at": (NOW + timedelta(seconds=second)).isoformat(), "body": closed(name)}


def ended(name: str, second: float, verdict: str) -> Note:
    body = {"event": "ended", "drill": name, "verdict": verdict, "detect_to_halt_ms": 41.5, "reasons": ["slow"]}
    return {"at": (NOW + timedelta(seconds=second)).isoformat(), "body": body}


def name_open(notes: list[Note], second: float) -> str | None:
    found = find_open("paper", list(reversed(notes)), NOW + timedelta(seconds=second))
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("notes", "second", "expected"),
    [
        ([], 0, None),
        ([asked("a", 0)], 119, "a"),
        ([asked("a", 0)], 120, None),
        ([asked("a", 0), over("a", 5)], 6, None),
        ([asked("a", 0), over("b", 5)], 6, "a"),
        ([asked("a", 0), asked("b", 5)], 6, "a"),
        ([asked("a", 0), asked("b", 120)], 121, "b"),
        ([asked("a", 0), over("a", 5), asked("b", 6)], 7, "b"),
        ([asked("a", 0), asked("b", 5), over("b", 6), over("a", 7)], 8, None),
        ([over("a", 5)], 6, None),
        ([asked("a", 0), ended("a", 5, "pass")], 6, "a"),
        ([asked("a", 0)], -120, "a"),
        ([asked("a", 0)], -121, None),
    ],
    ids=[
        "none",
        "open",
        "run out",
        "closed",
        "another closed",
        "the first has it",
        "after one that ran out",
        "after a closed one",
        "the second never had it",
        "closed, and its asking is too long ago to be read",
        "ended is not closed",
        "of a host whose clock is a little ahead",
        "of before a clock was set back",
    ],
)
def test_which_drill_is_open(notes: list[Note], second: float, expected: str | None):
    assert name_open(notes, second) == expected


def test_what_was_asked_for_is_read_back_as_it_was():
    note = {"at": REQUEST.at.isoformat(), "body": REQUEST.note}
    assert find_open("paper", [note], NOW) == REQUEST


@given(st.lists(st.sampled_from("ab"), max_size=8), st.integers(0, 10))
def test_two_that_ask_never_both_have_it(names: list[str], second: int):
    notes = [asked(name, number) for number, name in enumerate(names)]
    assert name_open(notes, second) == (names[0] if names else None)


def test_the_last_drill_has_the_verdict_that_it_ended_with():
    assert find_last([]) is None
    begun = [asked("a", 0), ended("a", 3, "pass"), asked("b", 10), over("b", 12)]
    assert find_last(list(reversed(begun))) == LastDrill(name="b", by="ada", at=NOW + timedelta(seconds=10))
    found = find_last(list(reversed([*begun, ended("b", 13, "fail")])))
    assert found == LastDrill(
        name="b",
        by="ada",
        at=NOW + timedelta(seconds=10),
        verdict=Verdict.FAIL,
        detect_to_halt_ms=41.5,
        reasons=("slow",),
    )


def test_a_drill_is_found_by_the_words_it_was_asked_for_with():
    notes = [over("b", 12), asked("b", 10), asked("a", 0)]
    assert find_asked(notes, "the weekly one") == "b"
    assert find_asked(notes, "the weekly on") is None
    assert find_asked([over("b", 12)], "the weekly one") is None


def test_a_drill_is_named_by_its_bot_and_its_moment():
    assert drill_name("paper", NOW) == "paper-20261125T120000.000000Z"
