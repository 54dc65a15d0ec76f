from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.rollback.decision import (
    Decision,
    Hold,
    Notify,
    Page,
    Record,
    RollBack,
    Topic,
    decide,
    judge_silence,
    say_truth,
)
from mm_ops.domain.rollback.history import History, PastRollback, Truth
from mm_ops.domain.rollback.policy import Confirmations, RollbackPolicy
from mm_ops.domain.verdict import Severity
from mm_ops_tests.rollback_world import ACTIVE, HALTED, NOW, POLICY, alert, history, past

LATENCY = alert()
SAME = LATENCY.episode
DRILL = alert("RollbackDrill", drill="paper-1")
OFF = replace(POLICY, auto_rollback=replace(POLICY.auto_rollback, enabled=False))
HOURS = timedelta(hours=1)
SOFT = replace(
    POLICY,
    alerts=(
        replace(POLICY.alerts[0], cause=Severity.SOFT, confirmations=Confirmations(needed=2, of=3)),
        *POLICY.alerts[1:],
    ),
)


@dataclass(frozen=True)
class Case:
    says: str
    alert: Alert
    history: History
    expected: type
    reason: str = ""
    topic: Topic | None = None
    policy: RollbackPolicy = POLICY


CASES = [
    Case("a hard alert stops the bot at once", LATENCY, history(), RollBack, "paper: SoakLatencyP95High fires"),
    Case("an unknown alert pages", alert("Other"), history(), Page, "Other: no such alert", Topic.UNKNOWN_ALERT),
    Case("an unknown alert that is over is recorded", alert("Other", firing=False), history(), Record, "resolved"),
    Case("an alert without a bot pages", alert(bot=""), history(), Page, "expected a label bot", Topic.NO_BOT),
    Case("a foreign bot pages", alert(bot="mm9"), history(), Page, "no bot mm9 in bots.yaml", Topic.FOREIGN_BOT),
    Case("a foreign bot's soft alert pages too", alert("SoakGuardTrip", bot="mm9"), history(), Page, "no bot mm9"),
    Case("the heartbeat is recorded", alert("Watchdog", bot=""), history(), Record, "the heartbeat"),
    Case("missing evidence holds", alert("SoakMetricAbsent"), history(), Hold, "SoakMetricAbsent fires", Topic.FIRING),
    Case("a critical soft alert pages", alert("SoakGuardTrip"), history(), Page, "SoakGuardTrip", Topic.FIRING),
    Case("a warning notifies", alert("SoakWSLagHigh"), history(), Notify, "SoakWSLagHigh fires", Topic.FIRING),
    Case(
        "an old warning is recorded",
        alert("SoakWSLagHigh"),
        history(seen_at=NOW - 1.01 * HOURS),
        Record,
        "recorded, not acted on",
    ),
    Case(
        "what a person was told is told once",
        alert("SoakGuardTrip"),
        history(told=frozenset({"firing"})),
        Record,
        "told before",
    ),
    Case("resolved undoes nothing", alert(firing=False), history(fired_before=True), Record, "not recovery"),
    Case(
        "resolved before firing pages",
        alert(firing=False),
        history(),
        Page,
        "never seen firing",
        Topic.NEVER_SEEN_FIRING,
    ),
    Case("a warning that is over is recorded", alert("SoakWSLagHigh", firing=False), history(), Record, "resolved"),
    Case(
        "firing after its own resolved still stops",
        LATENCY,
        history(told=frozenset({"never_seen_firing"}), sightings=(False, True)),
        RollBack,
    ),
    Case(
        "a duplicate of a running stop is recorded",
        LATENCY,
        history(rollbacks=(past(0.1, episode=SAME, took=None, confirmed=False),), bot=ACTIVE),
        Record,
        "being stopped since",
    ),
    Case(
        "a duplicate of a confirmed stop is recorded",
        LATENCY,
        history(rollbacks=(past(5, episode=SAME),), bot=HALTED),
        Record,
        "the bot reads back HALTED",
    ),
    Case(
        "a duplicate long after the cooldown is one still",
        LATENCY,
        history(rollbacks=(past(500, episode=SAME),), bot=HALTED),
        Record,
        "the bot reads back HALTED",
    ),
    Case(
        "a stop whose process died is taken over",
        LATENCY,
        history(rollbacks=(past(0.7, episode=SAME, took=None, confirmed=False),)),
        RollBack,
    ),
    Case(
        "a stop that did not last is done again",
        LATENCY,
        history(rollbacks=(past(5, episode=SAME),), bot=ACTIVE),
        RollBack,
    ),
    Case(
        "a stop whose bot cannot be read pages",
        LATENCY,
        history(rollbacks=(past(5, episode=SAME),)),
        Page,
        "does not answer",
        Topic.UNREADABLE,
    ),
    Case(
        "an unconfirmed stop is tried again",
        LATENCY,
        history(rollbacks=(past(1, episode=SAME, confirmed=False),)),
        RollBack,
    ),
    Case(
        "an unconfirmed stop is tried again, but not at once",
        LATENCY,
        history(rollbacks=(past(0.5, episode=SAME, confirmed=False),)),
        Record,
        "again after 30s",
    ),
    Case(
        "a late duplicate does not undo a resume",
        LATENCY,
        history(rollbacks=(past(50, episode=SAME),), bot=ACTIVE, resumed_at=NOW - timedelta(minutes=5)),
        Record,
        "resumed by a person",
    ),
    Case(
        "a resume of before the stop is none of it",
        LATENCY,
        history(rollbacks=(past(5, episode=SAME),), bot=ACTIVE, resumed_at=NOW - timedelta(minutes=50)),
        RollBack,
    ),
    Case(
        "an alert last heard long ago pages and does not act",
        LATENCY,
        history(seen_at=NOW - 1.01 * HOURS),
        Page,
        "last heard at 2026-11-25T10:59:24Z, over 1h ago",
        Topic.STALE,
    ),
    Case("an alert heard within the hour acts", LATENCY, history(seen_at=NOW - HOURS), RollBack),
    Case("the kill switch pages", LATENCY, history(), Page, "auto_rollback.enabled is false", Topic.SWITCHED_OFF, OFF),
    Case(
        "a second cause in the cooldown of a halted bot pages",
        LATENCY,
        history(rollbacks=(past(14.9),), bot=HALTED),
        Page,
        "a second cause within 15m: stopped at 2026-11-25T11:45:06Z for SoakEdgeDegradation; still HALTED",
        Topic.IN_COOLDOWN,
    ),
    Case("after the cooldown it acts", LATENCY, history(rollbacks=(past(15),), bot=HALTED), RollBack),
    Case(
        "a cause beside a running stop is recorded",
        LATENCY,
        history(rollbacks=(past(0.1, took=None, confirmed=False),), bot=ACTIVE),
        Record,
        "being stopped since 2026-11-25T11:59:54Z for SoakEdgeDegradation",
    ),
    Case(
        "a cause beside a stop whose process died acts",
        LATENCY,
        history(rollbacks=(past(0.7, took=None, confirmed=False),), bot=ACTIVE),
        RollBack,
    ),
    Case("a soft cause waits", LATENCY, history(), Record, "fired in 1 of the last 3 sightings", policy=SOFT),
    Case(
        "a soft cause that flaps out of the window waits",
        LATENCY,
        history(sightings=(True, False, False, True)),
        Record,
        "fired in 1 of the last 3 sightings, expected 2",
        policy=SOFT,
    ),
    Case(
        "what Prometheus must know first, and does not, pages",
        LATENCY,
        history(truth=Truth.UNKNOWN),
        Page,
        "SoakLatencyP95High waits: Prometheus does not know that it fires: forged, or of another server; the bot goes",
        Topic.UNCONFIRMED,
    ),
    Case(
        "nobody could say whether it fires: it pages",
        LATENCY,
        history(truth=Truth.UNREACHABLE),
        Page,
        "SoakLatencyP95High waits: unconfirmed: Prometheus does not answer; the bot goes on",
        Topic.UNCONFIRMED,
    ),
    Case("what Prometheus knows acts", LATENCY, history(truth=Truth.FIRES), RollBack),
    Case("a soft cause that is confirmed acts", LATENCY, history(sightings=(True, False, True)), RollBack, policy=SOFT),
    Case(
        "a drill that nobody has asked for pages and stops nothing",
        DRILL,
        history(),
        Page,
        "RollbackDrill: no such drill is open in the journal: nothing was done",
        Topic.NO_DRILL,
    ),
    Case("a drill that is open stops the bot as a breach does", DRILL, history(drill_open=True), RollBack),
    Case(
        "a drill that was closed before its stop was confirmed does not try again",
        DRILL,
        history(rollbacks=(past(2, episode=DRILL.episode, alert="RollbackDrill", confirmed=False),), bot=ACTIVE),
        Page,
        "no such drill is open",
    ),
    Case(
        "a drill keeps no breach from its own stop, though the bot is halted",
        LATENCY,
        history(rollbacks=(past(1, alert="RollbackDrill"),), bot=HALTED),
        RollBack,
    ),
    Case(
        "a drill in the cooldown of a breach pages",
        DRILL,
        history(drill_open=True, rollbacks=(past(1),), bot=HALTED),
        Page,
        "a second cause within 15m",
    ),
    Case(
        "the breaker that our stop opens is no news",
        alert("SoakCircuitBreakerOpen"),
        history(rollbacks=(past(6),), bot=HALTED),
        Record,
        "caused by our own stop",
    ),
    Case(
        "ticks that our stop stalls hold nothing",
        alert("SoakTicksStalled"),
        history(rollbacks=(past(6),), bot=HALTED),
        Record,
        "caused by our own stop",
    ),
    Case(
        "a breaker that opened before the stop is news",
        alert("SoakCircuitBreakerOpen", starts_at=NOW - timedelta(minutes=7)),
        history(rollbacks=(past(6),), bot=HALTED),
        Page,
    ),
    Case(
        "a breaker of a bot that is not seen halted is news",
        alert("SoakCircuitBreakerOpen"),
        history(rollbacks=(past(6),)),
        Page,
    ),
    Case("a breaker of a bot that we did not stop is news", alert("SoakCircuitBreakerOpen"), history(bot=HALTED), Page),
    Case(
        "a target that is down is news though halted",
        alert("SoakTargetDown"),
        history(rollbacks=(past(6),), bot=HALTED),
        Hold,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_a_decision(case: Case):
    decision = decide(case.alert, case.policy, case.history, NOW)
    assert type(decision) is case.expected, decision
    assert case.reason in decision.reason
    if case.topic is not None:
        assert isinstance(decision, Page | Hold | Notify)
        assert decision.topic is case.topic


def rolled_back(decision: Decision) -> RollBack:
    assert isinstance(decision, RollBack), decision
    return decision


@pytest.mark.parametrize(
    ("bot", "was"), [(ACTIVE, "the bot reads back ACTIVE"), (None, "the bot does not answer")], ids=["active", "mute"]
)
def test_a_second_stop_in_the_cooldown_of_a_bot_that_is_not_halted_acts_and_is_alarming(bot: BotState | None, was: str):
    decision = rolled_back(decide(LATENCY, POLICY, history(rollbacks=(past(5),), bot=bot), NOW))
    assert decision.alarming is not None
    assert decision.alarming.startswith("a second stop within 15m")
    assert decision.alarming.endswith(was)
    assert (decision.round, decision.actions) == (1, POLICY.alerts[0].actions)


def test_every_truth_is_said_in_words_of_its_own():
    assert len({say_truth(truth) for truth in Truth}) == len(Truth)


def test_reducing_is_not_halted():
    reducing = replace(HALTED, trading_state=TradingState.REDUCING)
    assert rolled_back(decide(LATENCY, POLICY, history(rollbacks=(past(5),), bot=reducing), NOW)).alarming is not None


@pytest.mark.parametrize(
    ("earlier", "number", "alarming"),
    [
        ((), 1, False),
        ((past(0.7, episode=SAME, took=None, confirmed=False),), 1, True),
        ((past(5, episode=SAME, confirmed=False),), 2, True),
        ((past(9, episode=SAME, confirmed=False), past(5, episode=SAME, round=2, confirmed=False)), 3, True),
        ((past(5, episode=SAME), past(60)), 2, True),
        ((past(60),), 1, False),
    ],
)
def test_rounds_count_the_stops_of_one_episode(earlier: tuple[PastRollback, ...], number: int, *, alarming: bool):
    decision = rolled_back(decide(LATENCY, POLICY, history(rollbacks=earlier, bot=ACTIVE), NOW))
    assert (decision.round, decision.alarming is not None) == (number, alarming)


@pytest.mark.parametrize(
    ("days", "escalated"), [((1, 2), True), ((1,), False), ((1, 7.01), False), ((1, 7), True), ((1, 2, 3), True)]
)
def test_a_third_stop_within_a_week_is_escalated(days: tuple[float, ...], *, escalated: bool):
    earlier = tuple(past(day * 1440, episode=f"episode {day}") for day in sorted(days, reverse=True))
    assert rolled_back(decide(LATENCY, POLICY, history(rollbacks=earlier, bot=ACTIVE), NOW)).escalated is escalated


def test_rounds_of_one_breach_are_one_rollback_and_do_not_escalate():
    earlier = (past(9, episode=SAME, confirmed=False), past(5, episode=SAME, round=2, confirmed=False))
    assert not rolled_back(decide(LATENCY, POLICY, history(rollbacks=earlier, bot=ACTIVE), NOW)).escalated


def test_the_labels_of_the_blast_radius_are_kept_and_no_others():
    labelled = alert(symbol="BTCUSDT", venue="binance", team="blue")
    decision = rolled_back(decide(labelled, POLICY, history(), NOW))
    assert decision.radius == {"symbol": "BTCUSDT", "venue": "binance"}


def test_what_the_rule_says_of_itself_is_the_reason():
    said = replace(LATENCY, annotations={"summary": "paper: p95 was 400 ms"})
    assert decide(said, POLICY, history(), NOW).reason == "paper: p95 was 400 ms"
    warned = replace(alert("SoakWSLagHigh"), annotations={"summary": "paper: lag"})
    assert decide(warned, POLICY, history(), NOW).reason == "paper: lag"


@pytest.mark.parametrize(
    "different",
    [{"confirmed": False}, {"finished_at": None}, {}],
    ids=["tried in vain", "begun and not ended", "stopped, and active again"],
)
def test_a_clock_that_was_set_back_keeps_no_bot_from_being_stopped(different: dict[str, Any]):
    """What was done bears times of the future now; it is not taken for something that has just been done."""
    ahead = past(-60, episode=SAME, **different)
    decision = decide(LATENCY, POLICY, history(rollbacks=(ahead,), bot=ACTIVE), NOW)
    assert isinstance(decision, RollBack)


@pytest.mark.parametrize(
    ("beat", "started", "expected"),
    [
        (90, 1000, Record),
        (90.001, 1000, Hold),
        (None, 90, Record),
        (None, 91, Hold),
        (-30, 1000, Record),
    ],
)
def test_silence_of_the_watchdog_is_blind_after_its_limit(beat: float | None, started: float, expected: type):
    last = None if beat is None else NOW - timedelta(seconds=beat)
    decision = judge_silence(last, NOW - timedelta(seconds=started), POLICY, NOW)
    assert type(decision) is expected
    if isinstance(decision, Hold):
        assert decision.topic is Topic.BLIND
        assert ("never heard" in decision.reason) is (beat is None)


STOPS = st.builds(
    past,
    st.floats(-10, 2000),
    episode=st.sampled_from([SAME, "another", "a third"]),
    took=st.none() | st.floats(0, 100),
    confirmed=st.booleans(),
)
HISTORIES = st.builds(
    history,
    bot=st.sampled_from([ACTIVE, HALTED]),
    rollbacks=st.lists(STOPS, max_size=4).map(tuple),
    fired_before=st.booleans(),
)


@given(HISTORIES)
def test_a_bot_that_stops_answering_is_never_left_alone_more_than_one_that_answers_active(known: History):
    """Losing evidence never improves: what is recorded for a mute bot is recorded for an active one as well."""
    mute = decide(LATENCY, POLICY, replace(known, bot=None), NOW)
    active = decide(LATENCY, POLICY, replace(known, bot=ACTIVE), NOW)
    if isinstance(mute, Record):
        assert isinstance(active, Record)
    if isinstance(active, RollBack):
        assert isinstance(mute, RollBack | Page)


@given(HISTORIES)
def test_deciding_twice_is_deciding_once(known: History):
    """What was decided becomes history: the same alert again starts nothing while its stop runs."""
    decision = decide(LATENCY, POLICY, known, NOW)
    if isinstance(decision, RollBack):
        running = past(0, episode=SAME, took=None, round=decision.round, confirmed=False)
        assert isinstance(decide(LATENCY, POLICY, replace(known, rollbacks=(*known.rollbacks, running)), NOW), Record)


def test_drills_are_no_rollbacks_that_escalate_and_a_drill_escalates_nothing():
    drills = tuple(past(60 * n, episode=f"d{n}", alert="RollbackDrill") for n in range(1, 6))
    after = decide(LATENCY, POLICY, history(rollbacks=drills, bot=ACTIVE), NOW)
    assert isinstance(after, RollBack)
    assert (after.escalated, after.alarming) == (False, None)
    breaches = tuple(past(60 * n, episode=f"b{n}") for n in range(1, 6))
    drilled = decide(DRILL, POLICY, history(drill_open=True, rollbacks=breaches, bot=ACTIVE), NOW)
    assert isinstance(drilled, RollBack)
    assert not drilled.escalated
