from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.report.halt import Look, judge_halt, nothing_known
from mm_ops.domain.rollback.report.story import Standing
from mm_ops.domain.verdict import Severity, Verdict
from mm_ops_tests.rollback_world import ACTIVE, HALTED
from mm_ops_tests.stories import UNCONFIRMED, after, look, resume, standing, stop

FIRST, LAST = look(0), look(5)
MUTE: dict[str, Any] = {"state": None, "faults": ("the bot's state is unknown: refused",)}
FREE: dict[str, Any] = {"state": replace(ACTIVE, observed_at=after(65_000))}
ACTIVE_AGAIN, REDUCING = TradingState.ACTIVE, TradingState.REDUCING


def judge(where: Standing | None = None, first: Look = FIRST, last: Look = LAST, **different: Any) -> tuple[str, str]:
    usual: dict[str, Any] = {"dead_after": timedelta(seconds=40), "now": last.at}
    found = judge_halt(where or standing(), (first, last), **{**usual, **different})
    return found.verdict.value, found.reason


def test_a_halt_passes_only_when_it_was_seen_twice():
    found = judge_halt(standing(), (FIRST, LAST), dead_after=timedelta(seconds=40), now=LAST.at)
    assert (found.verdict, found.severity) == (Verdict.PASS, Severity.HARD)
    assert (found.value, found.limit, found.margin, found.unit) == (0.0, 0.0, 0.0, "orders")
    assert found.window == "2026-11-25T12:01:00Z/2026-11-25T12:01:05Z"
    assert "none sent in 5s (the counter stands at 120)" in found.reason


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (look(5, sent=123.0), "orders were sent after the halt: 3 in 5s, whatever the bot says"),
        (look(5, open=2.0), "mm_orders_open: expected 0, was 2"),
        (look(5, halted=0.0), 'mm_trading_state{state="HALTED"}: expected 1, was 0'),
        (look(5, state=replace(HALTED, open_orders=7)), "open_orders: expected 0, reads back 7"),
        (look(5, **FREE), "trading_state: expected HALTED, reads back ACTIVE"),
        (look(5, state=replace(HALTED, strategy_scale=0.25)), "strategy_scale: expected 0.0, reads back 0.25"),
    ],
    ids=["orders go on", "an order is open", "the gauge says other", "its own word", "trades", "scale"],
)
def test_what_is_seen_against_it_fails_whatever_the_journal_says(last: Look, said: str):
    for where in (standing(), standing(stop(finished_at=None, confirmed=False))):
        verdict, reason = judge(where, last=last)
        assert (verdict, said in reason) == ("fail", True), reason


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (FIRST, look(5, **MUTE), "the bot's state is unknown: refused"),
        (look(0, **MUTE), LAST, "the bot's state is unknown: refused"),
        (
            FIRST,
            look(5, sent=None, faults=("metrics: no number of mm_orders_sent_total",)),
            "no number of mm_orders_se",
        ),
        (FIRST, look(5, started=1.8e9), "expected one and the same"),
        (look(0, started=None), look(5, started=None), "expected one and the same"),
        (FIRST, look(5, sent=0.0), "fell from 120 to 0"),
        (FIRST, look(5, state=FIRST.state), "an old answer"),
    ],
    ids=["mute now", "mute before", "no counter", "restarted", "no start", "counter fell", "frozen state"],
)
def test_what_cannot_be_seen_is_no_pass(first: Look, last: Look, said: str):
    verdict, reason = judge(first=first, last=last)
    assert (verdict, said in reason) == ("inconclusive", True), reason


def test_a_look_without_a_counter_has_no_value():
    found = judge_halt(standing(), (look(0, sent=None), LAST), dead_after=timedelta(seconds=40), now=LAST.at)
    assert (found.value, found.margin) == (None, None)


def test_a_stop_that_was_not_confirmed_fails_even_where_the_bot_is_halted_now_or_mute():
    for last in (LAST, look(5, **MUTE)):
        verdict, reason = judge(standing(stop(**UNCONFIRMED)), last=last)
        assert verdict == "fail"
        assert "the stop was not confirmed: trading_state: expected HALTED, was ACTIVE" in reason
    assert "does not say why" in judge(standing(stop(confirmed=False)))[1]


def test_a_stop_that_runs_is_undecided_and_one_that_never_ends_fails():
    running = standing(stop(finished_at=None, confirmed=False))
    assert judge(running, now=after(40_000)) == (
        "inconclusive",
        "paper, stopped for SoakLatencyP95High: the stop has not ended yet",
    )
    verdict, reason = judge(running, now=after(41_000))
    assert verdict == "fail"
    assert "began at 2026-11-25T12:00:00Z and has not ended" in reason


def test_a_bot_that_was_never_stopped_has_no_halt_to_verify():
    assert judge(Standing(bot="paper", stop=None)) == (
        "inconclusive",
        "paper was never stopped: there is no halt to verify",
    )


@pytest.mark.parametrize(
    ("resumes", "state", "confirmed", "verdict"),
    [
        ((resume(REDUCING),), REDUCING, True, "pass"),
        ((resume(REDUCING),), TradingState.HALTED, True, "pass"),
        ((resume(REDUCING),), ACTIVE_AGAIN, True, "fail"),
        ((resume(REDUCING), resume(ACTIVE_AGAIN, minutes=40)), ACTIVE_AGAIN, True, "pass"),
        ((resume(REDUCING), resume(ACTIVE_AGAIN, minutes=40, confirmed=False)), ACTIVE_AGAIN, True, "fail"),
        ((resume(REDUCING, confirmed=False),), TradingState.HALTED, True, "pass"),
        ((resume(REDUCING, confirmed=False),), REDUCING, True, "fail"),
        ((resume(REDUCING),), REDUCING, False, "inconclusive"),
        ((resume(REDUCING),), None, True, "inconclusive"),
    ],
    ids=[
        "as free as a person said",
        "less free",
        "freer than anybody said",
        "both steps",
        "the second step was never read back",
        "only asked for",
        "only asked for, and taken",
        "never confirmed",
        "mute",
    ],
)
def test_a_later_resume_by_a_person_is_its_own_answer(
    resumes: Any, state: TradingState | None, *, confirmed: bool, verdict: str
):
    shown = look(5, **MUTE) if state is None else look(5, state=replace(look(5).state or HALTED, trading_state=state))
    found, reason = judge(standing(stop(confirmed=confirmed), resumes=resumes), last=shown)
    assert found == verdict, reason
    if resumes[0].confirmed:
        assert "by Ada at 2026-11-25T12:" in reason


def test_without_a_journal_nothing_is_known():
    found = nothing_known("journal: not available: disk")
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "journal: not available: disk")
