from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.bot_state import parse_state, read_token, wire
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.bot import BotState, Circuit, ProfileSettings, SetProfile, TradingState

GOOD: dict[str, Any] = {
    "trading_state": "REDUCING",
    "strategy_scale": 0.5,
    "circuit": "half_open",
    "orders_frozen": True,
    "profile": "base",
    "open_orders": 2,
    "version": "1.0.0",
    "observed_at": "2026-11-20T06:00:00.25Z",
    "sequence": 7,
}


def test_a_state_is_read_and_what_is_beyond_the_contract_is_not_looked_at():
    assert parse_state({**GOOD, "mood": None}, "state") == BotState(
        trading_state=TradingState.REDUCING,
        strategy_scale=0.5,
        circuit=Circuit.HALF_OPEN,
        orders_frozen=True,
        profile="base",
        open_orders=2,
        version="1.0.0",
        observed_at=datetime(2026, 11, 20, 6, 0, 0, 250_000, UTC),
        sequence=7,
    )


SETTINGS = {"spread_factor": 1.5, "max_in_flight": 5, "backoff_ms": 200}


def test_what_a_profile_comes_down_to_is_read_where_the_bot_says_it():
    state = parse_state({**GOOD, "profile_settings": {**SETTINGS, "mood": "calm"}}, "state")
    assert state.profile_settings == ProfileSettings(spread_factor=1.5, max_in_flight=5, backoff_ms=200)
    assert parse_state({**GOOD, "profile_settings": None}, "state").profile_settings is None


@pytest.mark.parametrize(
    "damage",
    [
        {"spread_factor": "1.5"},
        {"max_in_flight": 5.5},
        {"max_in_flight": 0},
        {"backoff_ms": None},
        {"spread_factor": 0},
    ],
    ids=str,
)
def test_settings_that_are_none_are_refused(damage: dict[str, object]):
    with pytest.raises(SchemaError, match=rf"^state: .*({'|'.join(damage)})"):
        parse_state({**GOOD, "profile_settings": {**SETTINGS, **damage}}, "state")
    with pytest.raises(
        SchemaError, match=r"^state: profile_settings: expected spread_factor, max_in_flight, backoff_ms"
    ):
        parse_state({**GOOD, "profile_settings": [1.5, 5, 200]}, "state")


def test_the_numbers_of_a_profile_go_with_its_name():
    settings = ProfileSettings(spread_factor=1.5, max_in_flight=5, backoff_ms=200)
    assert wire(SetProfile("calm")) == ("/profile", {"profile": "calm"})
    assert wire(SetProfile("calm", settings)) == ("/profile", {"profile": "calm", "profile_settings": SETTINGS})


@pytest.mark.parametrize("name", GOOD)
def test_a_field_that_is_missing_or_null_is_named(name: str):
    with pytest.raises(SchemaError, match=f"^state: the state lacks {name}$"):
        parse_state({key: value for key, value in GOOD.items() if key != name}, "state")
    with pytest.raises(SchemaError, match=f"^state: {name}: was 'None'"):
        parse_state({**GOOD, name: None}, "state")


WRONG = {
    "trading_state": ("halted", 1),
    "strategy_scale": ("0.5", True, 1.5, -0.1, float("nan")),
    "circuit": ("OPEN",),
    "orders_frozen": (1, "true"),
    "profile": (7,),
    "open_orders": (2.0, "2", True, -1),
    "observed_at": ("yesterday", "2026-11-20T06:00:00", 1_795_564_800),
    "sequence": ("7", -1),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_a_field_cannot_have_is_refused_and_not_turned_into_one(name: str, value: object):
    with pytest.raises(SchemaError, match=name):
        parse_state({**GOOD, name: value}, "state")


@pytest.mark.parametrize("data", [None, [], "ACTIVE", 7])
def test_what_is_no_object_is_no_state(data: object):
    with pytest.raises(SchemaError, match=r"^state: expected a state, was "):
        parse_state(data, "state")


def test_a_token_is_one_line_read_as_it_is_now(tmp_path: Path):
    path = tmp_path / "token"
    path.write_text(" secret \n")
    assert (read_token(path), read_token(None)) == ("secret", None)
    path.write_text("another")
    assert read_token(path) == "another"


@pytest.mark.parametrize("data", [b"", b"\n", b"hunter\n2", b"h\xff"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, data: bytes):
    path = tmp_path / "token"
    path.write_bytes(data)
    with pytest.raises(SchemaError) as caught:
        read_token(path)
    assert "hunter" not in str(caught.value)
    with pytest.raises(SchemaError, match="FileNotFoundError"):
        read_token(tmp_path / "nothing")
