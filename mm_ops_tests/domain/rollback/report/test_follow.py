from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.rollback.report.follow import Cursor, Ended, Plan, Rules, plan_runs
from mm_ops_tests.rollback_world import NOW

MINUTE = timedelta(minutes=1)
RULES = Rules(bots={"paper"}, most=2, around=15 * MINUTE, old_after=60 * MINUTE, reported=lambda *_: False)


def ended(seq: int, minutes_ago: float = 1, **different: Any) -> Ended:
    one = Ended(
        seq=seq,
        hash=f"{seq:064d}",
        bot="paper",
        episode=f"e{seq}",
        round=1,
        alert="SoakLatencyP95High",
        confirmed=True,
        finished_at=NOW - minutes_ago * MINUTE,
    )
    return replace(one, **different)


def plan(found: Sequence[Ended], before: Cursor = Cursor(), end: int = 100, later: float = 0, **rules: Any) -> Plan:  # noqa: B008 - frozen
    return plan_runs(before, found, Cursor(end, f"{end:064d}"), replace(RULES, **rules), NOW + later * MINUTE)


def keys(found: Plan) -> list[str]:
    return [ask.run_key for ask in found.asks]


def test_each_stop_gets_a_run_at_once_and_one_when_its_quarter_is_over():
    first = plan([ended(7), ended(9, round=2)])
    assert keys(first) == ["e7/1", "e9/2"]
    assert (first.cursor.seq, len(first.cursor.waiting)) == (100, 2)
    early = plan([], first.cursor, later=13)
    assert (keys(early), early.cursor.waiting) == ([], first.cursor.waiting)
    second = plan([], early.cursor, later=14)
    assert (keys(second), second.cursor.waiting) == (["e7/1/whole", "e9/2/whole"], ())
    assert [ask.whole for ask in second.asks] == [True, True]


def test_a_tick_that_died_before_its_cursor_was_kept_asks_for_the_same_again():
    assert keys(plan([ended(7)])) == keys(plan([ended(7)], later=0.5))


def test_after_a_long_absence_the_runs_of_a_tick_are_bounded_and_none_is_lost():
    left, cursor = [ended(seq) for seq in range(1, 8)], Cursor()
    asked: list[str] = []
    while len(asked) < 7:
        found = plan([one for one in left if one.seq > cursor.seq], cursor, end=7)
        assert len(found.asks) <= 2
        asked += keys(found)
        cursor = found.cursor
    assert asked == [f"e{seq}/1" for seq in range(1, 8)]
    assert (cursor.seq, cursor.hash) == (7, f"{7:064d}")


def test_what_waits_gives_way_to_what_has_just_ended():
    before = plan([ended(1), ended(2)]).cursor
    found = plan([ended(3, -20)], before, later=20)
    assert keys(found) == ["e3/1", "e1/1/whole"]
    assert keys(plan([], found.cursor, later=20)) == ["e2/1/whole"]


def test_an_old_stop_is_reported_late_and_only_where_it_has_no_report():
    asked: list[tuple[str, str, int]] = []

    def reported(bot: str, episode: str, number: int) -> bool:
        asked.append((bot, episode, number))
        return episode == "e1"

    found = plan([ended(1, 61), ended(2, 61), ended(3, 60)], reported=reported)
    assert [(ask.run_key, ask.late) for ask in found.asks] == [("e2/1", True), ("e3/1", False)]
    assert asked == [("paper", "e1", 1), ("paper", "e2", 1)]
    assert found.cursor.waiting == ()
    assert found.remarks == ("paper: the stop for SoakLatencyP95High of 2026-11-25 has its report",)


def test_a_bot_that_left_the_fleet_has_no_report_and_keeps_nobody_waiting():
    waiting = plan([ended(1)]).cursor
    gone = plan([ended(2, bot="gone")], waiting, later=20, bots={"other"})
    assert (gone.asks, gone.cursor.waiting) == ((), ())
    assert gone.remarks == ("gone: was stopped for SoakLatencyP95High, and is no bot of bots.yaml: it has no report",)


@given(st.lists(st.integers(0, 200), unique=True, max_size=8), st.integers(0, 90))
def test_a_cursor_reads_back_as_it_was_written(seqs: list[int], later: int):
    cursor = plan([ended(seq) for seq in sorted(seqs)], most=99, end=300, later=later).cursor
    assert Cursor.parse(cursor.encode()) == cursor


def test_no_cursor_is_the_beginning():
    assert Cursor.parse(None) == Cursor.parse("") == Cursor(0, "0" * 64, ())


@pytest.mark.parametrize(
    "text", ["12", "{", '{"seq": 1}', '{"seq": 1, "hash": "a", "waiting": [{"ask": {}, "due": 1}]}']
)
def test_another_cursor_is_refused(text: str):
    with pytest.raises(IntegrityError, match=r"not as it was written: .*; reset it"):
        Cursor.parse(text)
