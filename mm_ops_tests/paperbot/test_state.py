import json
from datetime import date

from mm_ops.paperbot.day import day_start_s, simulate
from mm_ops.paperbot.profiles import HEALTHY
from mm_ops.paperbot.state import BotState

DAY = date(2026, 11, 20)


def test_a_state_that_went_through_json_gives_the_same_next_day():
    state = BotState(start_s=day_start_s(DAY))
    simulate(HEALTHY, DAY, 7, state)
    read = BotState.from_json(json.loads(json.dumps(state.to_json())))
    assert read.to_json() == state.to_json()
    days = [simulate(HEALTHY, date(2026, 11, 21), 7, each) for each in (state, read)]
    assert days[0].samples.equals(days[1].samples)
    assert all(days[0].fills[name].equals(days[1].fills[name]) for name in days[0].fills)
    assert read.to_json() == state.to_json()


def test_a_new_bot_has_traded_nothing():
    new = BotState(start_s=0.0).to_json()
    assert (new["counters"], new["sums"], new["ages_ms"]) == ({}, {}, [])
    assert {item["position_lots"] for item in new["symbols"].values()} == {0}
