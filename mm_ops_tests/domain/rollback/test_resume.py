from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.bot import Circuit, FreezeOrders, SetCircuit, SetScale, SetTradingState, TradingState
from mm_ops.domain.rollback.resume import Refused, Resume, ResumeEvidence, plan_resume
from mm_ops_tests.rollback_world import ACTIVE, HALTED, NOW, POLICY

QUIET = ResumeEvidence(bot=HALTED, firing=frozenset(), at=NOW, blind=False, stopping=False)
REDUCING = replace(HALTED, trading_state=TradingState.REDUCING, strategy_scale=0.25)
OLD = NOW - timedelta(seconds=61)


def plan(to: TradingState = TradingState.REDUCING, *, by: str = "ada", why: str = "fixed in 1.0.1", **seen: Any):
    return plan_resume(to, by=by, why=why, evidence=replace(QUIET, **seen), policy=POLICY, now=NOW)


def test_the_first_step_may_only_reduce_and_sets_the_trading_state_last():
    step = plan()
    assert isinstance(step, Resume)
    assert step.commands == (
        SetScale(0.25),
        SetCircuit(Circuit.HALF_OPEN),
        FreezeOrders(frozen=False),
        SetTradingState(TradingState.REDUCING),
    )


def test_the_preview_names_what_will_change_and_nothing_else():
    step = plan(TradingState.ACTIVE, bot=replace(REDUCING, orders_frozen=False))
    assert isinstance(step, Resume)
    assert step.changes == (
        ("strategy_scale", "0.25", "1.0"),
        ("circuit", "open", "closed"),
        ("trading_state", "REDUCING", "ACTIVE"),
    )


@pytest.mark.parametrize(
    ("to", "different", "reason"),
    [
        (TradingState.ACTIVE, {}, "to: ACTIVE follows REDUCING, but the bot is HALTED"),
        (TradingState.REDUCING, {"bot": ACTIVE}, "to: REDUCING follows HALTED, but the bot is ACTIVE"),
        (TradingState.HALTED, {}, "to: expected REDUCING or ACTIVE, was HALTED"),
        (TradingState.REDUCING, {"bot": None}, "bot: expected its state, but it does not answer"),
        (TradingState.REDUCING, {"by": " "}, "by: expected the name of a person, was none"),
        (TradingState.REDUCING, {"why": "ok      "}, "reason: expected at least 10 letters, was 2"),
        (TradingState.REDUCING, {"firing": None}, "alerts: expected what fires now, but nobody could say"),
        (TradingState.REDUCING, {"at": None}, "alerts: expected what fires now, but nobody could say"),
        (TradingState.REDUCING, {"at": OLD}, "alerts: expected evidence of the last 1m, was of 2026-11-25T11:58:59Z"),
        (TradingState.REDUCING, {"at": NOW + timedelta(seconds=61)}, "alerts: expected evidence of the last 1m"),
        (TradingState.REDUCING, {"firing": frozenset({"SoakEdgeDegradation"})}, "SoakEdgeDegradation still fires"),
        (TradingState.REDUCING, {"firing": frozenset({"SoakMetricNaN"})}, "alerts: SoakMetricNaN still fires"),
        (
            TradingState.REDUCING,
            {"bot": replace(HALTED, observed_at=OLD)},
            "bot: expected a state of the last 1m, was of 2026-11-25T11:58:59Z",
        ),
        (TradingState.REDUCING, {"blind": True}, "alerts: the Watchdog is silent"),
        (TradingState.REDUCING, {"stopping": True}, "a stop of the bot has not ended"),
        (TradingState.REDUCING, {"heard": ("SoakX, e@1",)}, "alerts: SoakX, e@1: heard by a watcher within "),
    ],
)
def test_a_step_is_refused_for_one_reason(to: TradingState, different: dict[str, Any], reason: str):
    refused = plan(to, **different)
    assert isinstance(refused, Refused)
    assert len(refused.reasons) == 1
    assert reason in refused.reasons[0]


@pytest.mark.parametrize("name", ["SoakCircuitBreakerOpen", "SoakTicksStalled", "SoakWSLagHigh"])
def test_what_the_halt_itself_raises_and_warnings_do_not_keep_a_bot_halted(name: str):
    assert isinstance(plan(firing=frozenset({name})), Resume)


def test_every_reason_is_told_at_once():
    refused = plan(TradingState.ACTIVE, by="", why="", firing=None, blind=True, stopping=True)
    assert isinstance(refused, Refused)
    assert len(refused.reasons) == 6


@pytest.mark.parametrize(
    ("different", "unknown"),
    [
        ({"bot": None}, True),
        ({"firing": None}, True),
        ({"at": OLD}, True),
        ({"blind": True}, True),
        ({"bot": replace(HALTED, observed_at=OLD)}, True),
        ({"firing": frozenset({"SoakEdgeDegradation"}), "bot": None}, False),
        ({"firing": frozenset({"SoakEdgeDegradation"})}, False),
        ({"stopping": True, "blind": True}, False),
        ({"heard": ("SoakX, e@1",), "firing": None}, False),
        ({"bot": ACTIVE}, False),
    ],
)
def test_missing_evidence_is_told_from_what_speaks_against_a_step(different: dict[str, Any], *, unknown: bool):
    refused = plan(**different)
    assert isinstance(refused, Refused)
    assert refused.unknown == unknown
