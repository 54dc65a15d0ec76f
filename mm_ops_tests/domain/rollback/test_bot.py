from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.bot import (
    Circuit,
    Command,
    FreezeOrders,
    ProfileSettings,
    SetCircuit,
    SetProfile,
    SetScale,
    SetTradingState,
    TradingState,
    aim_of,
    fields_of,
    shows,
)
from mm_ops_tests.rollback_world import ACTIVE, HALTED

COMMANDS: list[Command] = [
    SetScale(0.0),
    SetCircuit(Circuit.OPEN),
    FreezeOrders(frozen=True),
    SetTradingState(TradingState.HALTED),
]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_state_shows_a_command_only_when_it_is_the_one_that_was_asked_for(command: Command):
    assert shows(HALTED, command)
    assert not shows(ACTIVE, command)


def test_a_profile_is_a_field_like_the_others():
    assert aim_of(SetProfile("calm")) == ("profile", "calm")
    assert shows(ACTIVE, SetProfile("healthy"))
    assert fields_of(SetProfile("calm")) == {"profile": "calm"}


def test_a_profile_is_shown_only_with_the_numbers_that_were_asked_for():
    wide = ProfileSettings(spread_factor=1.5, max_in_flight=5, backoff_ms=200)
    asked = SetProfile("healthy", wide)
    assert fields_of(asked) == {"profile": "healthy", "profile_settings": wide}
    assert not shows(ACTIVE, asked)
    assert not shows(replace(ACTIVE, profile_settings=replace(wide, backoff_ms=100)), asked)
    assert shows(replace(ACTIVE, profile_settings=wide), asked)


@pytest.mark.parametrize(
    ("field", "value"),
    [("spread_factor", 0.0), ("spread_factor", float("nan")), ("max_in_flight", 0), ("backoff_ms", -1)],
)
def test_settings_that_no_bot_can_have_are_refused(field: str, value: Any):
    with pytest.raises(SchemaError, match=f"{field}: expected "):
        replace(ProfileSettings(spread_factor=1.0, max_in_flight=1, backoff_ms=0), **{field: value})


@pytest.mark.parametrize("scale", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_scale_that_is_no_share_is_neither_asked_nor_believed(scale: float):
    with pytest.raises(SchemaError, match="strategy_scale: expected 0 to 1"):
        SetScale(scale)
    with pytest.raises(SchemaError, match="strategy_scale: expected 0 to 1"):
        replace(ACTIVE, strategy_scale=scale)


def test_a_state_with_an_impossible_number_or_a_time_without_a_zone_is_refused():
    with pytest.raises(SchemaError, match="open_orders: expected 0 or more, was -1"):
        replace(ACTIVE, open_orders=-1)
    with pytest.raises(SchemaError, match="sequence: expected 0 or more, was -2"):
        replace(ACTIVE, sequence=-2)
    with pytest.raises(SchemaError, match="observed_at: expected a time with a zone"):
        replace(ACTIVE, observed_at=datetime(2026, 11, 25))  # noqa: DTZ001 - what is refused
