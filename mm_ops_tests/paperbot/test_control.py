import pytest

from mm_ops.paperbot import control
from mm_ops.paperbot.control import Asked, Control, RefusalError, Settings, check, restored, strictest


def refused(act: Control, name: str, value: object, key: str | None = "k") -> RefusalError:
    before = (act.asked, act.sequence)
    with pytest.raises(RefusalError) as caught:
        act.put(name, value, key)
    assert (act.asked, act.sequence) == before, "what is refused sets nothing"
    return caught.value


def test_a_command_sets_its_field_and_grows_the_sequence_by_one():
    act = Control(10)
    assert act.put("strategy_scale", 0, "a")
    assert (act.asked.strategy_scale, act.sequence) == (0.0, 11)


def test_setting_what_is_set_changes_nothing():
    act = Control(10)
    assert act.put("trading_state", "ACTIVE", "a")
    assert act.sequence == 10


def test_an_old_key_again_does_not_undo_a_newer_command():
    act = Control(10)
    act.put("strategy_scale", 0.5, "a")
    act.put("strategy_scale", 0.2, "b")
    assert not act.put("strategy_scale", 0.5, "a")
    assert (act.asked.strategy_scale, act.sequence) == (0.2, 12)


def test_a_key_of_another_command_is_refused():
    act = Control(10)
    act.put("strategy_scale", 0.5, "a")
    assert refused(act, "strategy_scale", 0.2, "a").status == 422
    assert refused(act, "orders_frozen", value=True, key="a").status == 422


def test_a_refused_command_does_not_use_up_its_key():
    act = Control(10)
    act.put("trading_state", "HALTED", "a")
    refused(act, "trading_state", "ACTIVE", "b")
    act.put("trading_state", "REDUCING", "c")
    assert act.put("trading_state", "ACTIVE", "b")
    assert act.asked.trading_state == "ACTIVE"


def test_halted_is_left_by_reducing_only():
    act = Control(10)
    act.put("trading_state", "HALTED", "a")
    assert refused(act, "trading_state", "ACTIVE").status == 409
    act.put("trading_state", "REDUCING", "b")
    act.put("trading_state", "ACTIVE", "c")
    assert act.asked == Asked()


@pytest.mark.parametrize("state", ["ACTIVE", "REDUCING"])
def test_any_state_can_be_halted_at_once(state: str):
    act = Control(10)
    act.put("trading_state", state, "a")
    act.put("trading_state", "HALTED", "b")
    assert act.asked.trading_state == "HALTED"


@pytest.mark.parametrize("key", [None, "", "x" * 201], ids=["none", "empty", "201 letters"])
def test_a_command_needs_a_key(key: str | None):
    assert refused(Control(10), "strategy_scale", 0.5, key).status == 400


WRONG: dict[str, tuple[object, ...]] = {
    "strategy_scale": (-0.01, 1.01, "1", None, True, float("nan"), float("inf")),
    "trading_state": ("halted", "", None, 1, ["HALTED"]),
    "circuit": ("OPEN", "half-open", None),
    "orders_frozen": (1, 0, "true", None),
    "profile": ("aggressive", "", None, {}),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_is_none_is_refused_with_what_was_expected(name: str, value: object):
    error = refused(Control(10), name, value)
    assert error.status == 422
    assert error.detail.startswith(f"{name}: expected ")


def test_the_oldest_keys_are_forgotten_so_that_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control, "KEYS_KEPT", 3)
    act = Control(10)
    for n, key in enumerate("abcd"):
        act.put("strategy_scale", n / 10, key)
    assert act.put("strategy_scale", 0.0, "a"), "forgotten, so new"
    assert not act.put("strategy_scale", 0.2, "c")


WIDE = {"spread_factor": 1.7, "max_in_flight": 3, "backoff_ms": 250}


def test_a_profile_comes_with_its_own_numbers_or_with_those_that_are_given():
    act = Control(10)
    act.put("profile", "conservative", "a")
    assert act.asked.profile_settings == Settings(1.5, 5, 200)
    act.put("profile", "conservative", "b", WIDE)
    assert (act.asked.profile, act.asked.profile_settings, act.sequence) == ("conservative", Settings(1.7, 3, 250), 12)
    act.put("profile", "moderate", "c")
    assert act.asked.profile_settings == Settings(1.0, 10, 100)
    assert not act.put("profile", "conservative", "b", WIDE), "an old key sets nothing"
    assert refused(act, "profile", "conservative", "b").detail == "this key was used for another command"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"spread_factor": 11}, "profile_settings: spread_factor: expected 0.1 to 10, was 11"),
        ({"spread_factor": float("nan")}, "profile_settings: spread_factor: expected 0.1 to 10, was nan"),
        ({"max_in_flight": 2.5}, "profile_settings: max_in_flight: expected 1 to 100, was 2.5"),
        ({"max_in_flight": True}, "profile_settings: max_in_flight: expected 1 to 100, was True"),
        ({"backoff_ms": -1}, "profile_settings: backoff_ms: expected 0 to 10000, was -1"),
        ({"mood": 1}, "profile_settings: expected spread_factor, max_in_flight, backoff_ms and nothing else"),
    ],
)
def test_numbers_that_it_would_not_trade_by_are_refused_and_not_cut(damage: dict[str, object], message: str):
    act = Control(10)
    with pytest.raises(RefusalError) as caught:
        act.put("profile", "conservative", "k", {**WIDE, **damage})
    assert (caught.value.status, caught.value.detail, act.asked) == (422, message, Asked())


def test_settings_outlive_the_process_and_an_older_state_has_the_profiles_own():
    asked = Asked(profile="conservative", profile_settings=Settings(1.7, 3, 250))
    written = {**asked.as_dict(), "asked_circuit": "closed"}
    assert restored(written) == asked
    del written["profile_settings"]
    assert restored(written).profile_settings == Settings(1.5, 5, 200)


def test_the_stricter_of_two_circuits_holds():
    assert strictest("closed", "open") == strictest("open", "half_open") == "open"
    assert strictest("half_open", "closed") == "half_open"
    assert strictest("closed", "closed") == "closed"


def test_what_was_asked_outlives_the_process_and_the_breakers_own_opinion_does_not():
    asked = Asked(
        "HALTED", 0.5, "closed", orders_frozen=True, profile="conservative", profile_settings=Settings(1.5, 5, 200)
    )
    written = {**asked.as_dict(), "circuit": "open", "asked_circuit": "closed", "open_orders": 0}
    assert restored(written) == asked


@pytest.mark.parametrize("damage", [{"trading_state": "halted"}, {"strategy_scale": 7}])
def test_a_state_that_cannot_be_is_not_restored(damage: dict[str, object]):
    with pytest.raises(RefusalError):
        restored({**Asked().as_dict(), "asked_circuit": "closed", **damage})


def test_a_whole_number_is_a_share_too():
    assert check("strategy_scale", 1) == 1.0
