from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.drill.judge import Trace, judge_drill
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.drills import POLICY, RAISED, story, trace
from mm_ops_tests.rollback_world import ACTIVE, HALTED

FAIL, UNKNOWN = Verdict.FAIL, Verdict.INCONCLUSIVE


def judged(found: Trace | None = None, state: BotState | None = HALTED, *, fires: bool | None = True) -> Any:
    return judge_drill(found, fires=fires, state=state, policy=POLICY)


def test_a_halt_in_time_on_the_way_of_a_breach_passes():
    assert trace().detect_to_halt == timedelta(milliseconds=40)
    assert (judged(trace()).verdict, judged(trace()).reasons) == (Verdict.PASS, ())


def test_the_budget_itself_is_still_in_time_and_a_microsecond_more_is_not():
    at_the_limit = RAISED + POLICY.budget.length
    assert judged(trace(story=story(at_the_limit))).verdict is Verdict.PASS
    over = judged(trace(story=story(at_the_limit + timedelta(microseconds=1))))
    assert (over.verdict, over.reasons) == (FAIL, ("detect to halt took 5000 ms, of 5000 ms at most",))


@pytest.mark.parametrize(
    ("found", "state", "verdict", "reason"),
    [
        (trace(story=None, decided="Record: dry run"), ACTIVE, FAIL, "was heard and stopped nothing: Record: dry run"),
        (trace(posted_at=None), HALTED, FAIL, "Alertmanager has not brought the alert"),
        (trace(story=story(None)), HALTED, FAIL, "the stop has not ended"),
        (trace(story=story(confirmed=False, faults=("a", "b"))), HALTED, FAIL, "the stop was not confirmed: a; b"),
        (trace(), None, UNKNOWN, "the bot does not answer"),
        (trace(), ACTIVE, FAIL, "trading_state: expected HALTED, reads back ACTIVE"),
        (trace(), replace(HALTED, open_orders=2), FAIL, "open_orders: expected 0, reads back 2"),
        (trace(story=story(RAISED - timedelta(seconds=1))), HALTED, UNKNOWN, "halted before the alert began"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_is_missing_is_no_pass(found: Trace, state: BotState | None, verdict: Verdict, reason: str):
    answer = judged(found, state)
    assert answer.verdict is verdict
    assert reason in "; ".join(answer.reasons)


@pytest.mark.parametrize(
    ("fires", "verdict", "reason"),
    [
        (True, FAIL, "Prometheus raises the alert, and no watcher has heard of it within 1m30s"),
        (False, UNKNOWN, "Prometheus has not raised the alert within 1m30s: does it scrape the watcher"),
        (None, UNKNOWN, "and Prometheus does not say whether it fires"),
    ],
)
def test_an_alert_that_was_not_heard(*, fires: bool | None, verdict: Verdict, reason: str):
    answer = judged(None, ACTIVE, fires=fires)
    assert answer.verdict is verdict
    assert reason in answer.reasons[0]


def test_a_fail_is_not_hidden_by_what_is_not_known():
    answer = judged(trace(posted_at=None), None)
    assert answer.verdict is FAIL
    assert len(answer.reasons) == 2


def test_a_stop_that_runs_is_not_over():
    assert trace().over
    assert trace(story=None).over
    assert not trace(story=story(None)).over
    assert trace(story=story(None)).detect_to_halt is None
