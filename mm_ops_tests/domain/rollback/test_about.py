from dataclasses import replace

import pytest

from mm_ops.domain.rollback.about import BY_HAND, about_decision, about_outcome
from mm_ops.domain.rollback.bot import BotState
from mm_ops.domain.rollback.decision import Hold, Notify, Page, Record, RollBack, Topic
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.stop import ActionResult, ActionState, Outcome, plan_stop
from mm_ops_tests.rollback_world import ACTIVE, HALTED, NOW, alert

SAID = {
    "summary": "paper: tick was 204 ms; expected at most 150 ms",
    "limit": "≤ 150 ms",
    "runbook": "deploy/runbooks/SoakLatencyP95High.md",
}
LATENCY = replace(alert(), annotations=SAID)
DECISION = RollBack(bot="paper", round=1, actions=(ActionName.HALT,), reason=SAID["summary"])


def outcome(*seen: BotState | None, confirmed: bool = True) -> Outcome:
    stop = plan_stop(DECISION, LATENCY.episode, LATENCY.name)
    state = ActionState.CONFIRMED if confirmed else ActionState.UNCONFIRMED
    results = [ActionResult(action=stop.actions[0], state=state, at=NOW, attempts=1, observed=one) for one in seen]
    return Outcome(stop=stop, confirmed=confirmed, results=tuple(results), faults=(), timeline=())


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_says_what_a_person_must_do(topic: Topic):
    about = about_decision(LATENCY, Page(topic, "a reason"))
    assert len(about.todo) > 20
    assert (about.bot, about.alert, about.episode) == ("paper", LATENCY.name, LATENCY.episode)
    assert about.evidence == "paper: tick was 204 ms; expected at most 150 ms; limit ≤ 150 ms"
    assert about.runbook == SAID["runbook"]


def test_evidence_is_not_said_twice_and_missing_evidence_is_left_out():
    assert about_decision(LATENCY, Page(Topic.FIRING, SAID["summary"])).evidence == "limit ≤ 150 ms"
    bare = about_decision(alert(bot=""), Page(Topic.NO_BOT, "a reason"))
    assert (bare.evidence, bare.bot, bare.runbook) == ("", "", "")


def test_what_holds_promotions_and_what_can_wait_says_so():
    assert about_decision(LATENCY, Hold(Topic.BLIND, "blind")).todo.startswith("promote nothing until it is over; ")
    assert "when you next can" in about_decision(LATENCY, Notify(Topic.FIRING, "slow")).todo
    for silent in (Record("nothing"), DECISION):
        assert about_decision(LATENCY, silent).todo == ""


def test_a_confirmed_stop_shows_what_was_read_back_last_and_the_way_back():
    about = about_outcome(outcome(ACTIVE, HALTED), LATENCY)
    assert about.state == (
        "HALTED, scale 0, circuit open, orders frozen, 0 open orders, read back of 2026-11-25T12:00:00Z"
    )
    assert about.todo.endswith("mm-ops halt resume --bot paper --to REDUCING --by NAME --reason TEXT")
    assert about.grave


def test_an_unconfirmed_stop_is_somebody_s_to_do_by_hand():
    assert about_outcome(outcome(ACTIVE, None, confirmed=False), LATENCY).todo == BY_HAND
    about = about_outcome(outcome(None, confirmed=False))
    assert about.state == "unknown: the bot gave no state"
    assert (about.bot, about.alert, about.runbook) == ("paper", LATENCY.name, SAID["runbook"])
    assert "1 open orders" in about_outcome(outcome(replace(ACTIVE, open_orders=1), confirmed=False)).state
    assert "orders not frozen" in about_outcome(outcome(ACTIVE, confirmed=False)).state
