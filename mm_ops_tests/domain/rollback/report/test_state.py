from dataclasses import replace
from typing import Any

import pytest

from mm_ops.domain.rollback.report.halt import Look
from mm_ops.domain.rollback.report.state import describe_state, state_version
from mm_ops.domain.rollback.report.story import Standing
from mm_ops_tests.rollback_world import ACTIVE, HALTED
from mm_ops_tests.stories import UNCONFIRMED, look, resume, standing, stop

MUTE = look(state=None, faults=("the bot's state is unknown: refused",))


@pytest.mark.parametrize(
    ("where", "seen", "said"),
    [
        (standing(), look(), "paper reads HALTED; stopped for SoakLatencyP95High at 2026-11-25T12:00:00Z, confirmed"),
        (standing(stop(**UNCONFIRMED)), look(), "UNSURE: paper reads HALTED; "),
        (standing(), look(state=ACTIVE), "NOT HALTED: paper reads ACTIVE; "),
        (standing(), look(state=replace(HALTED, open_orders=1)), "ORDERS OPEN: paper reads HALTED; "),
        (standing(), MUTE, "UNSURE: paper does not answer; "),
        (standing(resumes=(resume(),)), look(state=ACTIVE), "paper reads ACTIVE; stopped for SoakLatencyP95High at"),
        (standing(blind={"watchdog": "silent for 2m"}), look(), "BLIND (silent for 2m); paper reads HALTED"),
        (Standing(bot="paper", stop=None), look(state=ACTIVE), "paper reads ACTIVE; it was never stopped"),
    ],
)
def test_the_worst_is_said_first(where: Standing, seen: Look, said: str):
    assert describe_state(where, seen)["summary"].startswith(said)


def test_everything_is_a_text_or_a_number_and_nothing_is_blank():
    for where in (standing(), standing(resumes=(resume(),)), Standing(bot="paper", stop=None)):
        for seen in (look(), MUTE):
            assert None not in describe_state(where, seen).values()
            assert "" not in describe_state(where, seen).values()
    assert describe_state(standing(), MUTE)["faults"] == "the bot's state is unknown: refused"
    assert describe_state(standing(resumes=(resume(),)), look())["resumed"].startswith("resumed to REDUCING by Ada")


@pytest.mark.parametrize(
    ("fields", "same"),
    [({"sequence": 99}, True), ({"open_orders": 3}, False), ({"strategy_scale": 0.5}, False), ({}, True)],
)
def test_the_version_changes_with_what_matters_and_not_with_the_moment(fields: dict[str, Any], *, same: bool):
    first = describe_state(standing(), look())
    later = describe_state(standing(), look(60, state=replace(HALTED, observed_at=look(60).at, **fields)))
    assert (state_version(first) == state_version(later)) is same
