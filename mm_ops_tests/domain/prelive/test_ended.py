from collections.abc import Sequence

import pytest

from mm_ops.domain.prelive.ended import (
    Ended,
    Ran,
    StepEnd,
    blockers,
    judge_step,
    prelive_document,
    prelive_markdown,
    verdict_code,
)
from mm_ops.domain.prelive.policy import Step

STEP = Step(name="rules", command=("render", "--check"), marker="RENDER=OK", within=60, source="a worked example")
GOOD = ("20 renderings, 0 differed", "└──┴──┘", "| render | OK | RENDER=OK |", "")


def judged(exit_code: int | None, said: Sequence[str]) -> tuple[Ended, str]:
    end = judge_step(STEP, Ran(exit_code=exit_code, said=said, took_s=1.23456))
    assert end.took_s == 1.235
    return end.ended, end.why


def test_only_an_exit_of_0_that_says_so_has_passed():
    assert judged(0, GOOD) == (Ended.PASSED, "20 renderings, 0 differed")


@pytest.mark.parametrize(
    ("exit_code", "said", "ended", "why"),
    [
        (0, (), Ended.COULD_NOT_RUN, "exit 0 without the line that ends in RENDER=OK; it said nothing"),
        (0, ("RENDER=OK",), Ended.COULD_NOT_RUN, "exit 0 without the line that ends in RENDER=OK; RENDER=OK"),
        (0, (*GOOD, "| render | DRIFT | RENDER=DRIFT |"), Ended.COULD_NOT_RUN, None),
        (0, ("| render | OK | X_RENDER=OK |",), Ended.COULD_NOT_RUN, None),
        (1, (*GOOD[:1], "| render | DRIFT | RENDER=DRIFT |"), Ended.FAILED, "20 renderings, 0 differed"),
        (2, ("mm-ops: no file",), Ended.COULD_NOT_RUN, "exit 2: mm-ops: no file"),
        (-9, GOOD, Ended.COULD_NOT_RUN, "exit -9: 20 renderings, 0 differed"),
        (None, GOOD, Ended.COULD_NOT_RUN, "no end within 60 s; 20 renderings, 0 differed"),
    ],
)
def test_everything_else_is_red(exit_code: int | None, said: Sequence[str], ended: Ended, why: str | None):
    found = judged(exit_code, said)
    assert found[0] is ended
    assert why in {None, found[1]}


def test_a_step_that_was_not_asked_for_is_told_and_blocks():
    end = judge_step(STEP, None)
    assert end == StepEnd(step=STEP, ended=Ended.NOT_RUN, why="not asked for")
    assert blockers([end]) == ["rules: not-run: not asked for"]


def test_a_failure_is_1_silence_is_2_and_only_all_passed_is_0():
    passed, failed, silent, left = (
        StepEnd(step=STEP, ended=ended, why="why")
        for ended in (Ended.PASSED, Ended.FAILED, Ended.COULD_NOT_RUN, Ended.NOT_RUN)
    )
    assert verdict_code([passed, passed]) == 0
    assert verdict_code([passed, silent, failed]) == 1
    assert verdict_code([passed, silent]) == 2
    assert verdict_code([passed, left]) == 2
    assert verdict_code([]) == 2
    assert blockers([passed, silent]) == ["rules: could-not-run: why"]


def test_the_table_tells_every_step_and_what_was_not_run():
    told = prelive_markdown([judge_step(STEP, Ran(exit_code=0, said=GOOD, took_s=2.0)), judge_step(STEP, None)])
    assert "| rules | passed | 2.0 s | 20 renderings, 0 differed |" in told
    assert "| rules | not-run |  | not asked for |" in told


def test_the_document_tells_every_step_with_its_command():
    document = prelive_document([judge_step(STEP, Ran(exit_code=0, said=GOOD, took_s=2.0))])
    assert document == {
        "steps": [
            {
                "step": "rules",
                "command": "mm-ops render --check",
                "ended": "passed",
                "why": "20 renderings, 0 differed",
                "took_s": 2.0,
            }
        ],
        "blockers": [],
    }
