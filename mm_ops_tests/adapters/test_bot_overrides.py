import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.bot_overrides import OverridesBot
from mm_ops.domain.errors import EffectNotConfirmedError, SourceUnavailableError
from mm_ops.domain.rollback.bot import BotControl, FreezeOrders, SetScale, SetTradingState, TradingState
from mm_ops_tests.adapters.test_bot_state import GOOD
from mm_ops_tests.live_paperbot import RunningBot, running

HALT = SetTradingState(TradingState.HALTED)
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def real_clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[RunningBot]:
    files = ["--state-file", str(tmp_path / "state.json"), "--overrides-file", str(tmp_path / "overrides.json")]
    with running(tmp_path, *files) as found:
        yield found


def control(folder: Path, seconds: float = 20.0) -> OverridesBot:
    limits = {"fresh_within": timedelta(seconds=20), "timeout": timedelta(seconds=seconds)}
    return OverridesBot(folder / "overrides.json", folder / "state.json", real_clock, **limits)


def written(folder: Path, seconds: float = 0.1, **changes: Any) -> OverridesBot:
    """Commands a bot that is dead: its last state, and nobody who watches the overrides."""
    (folder / "state.json").write_text(json.dumps({**GOOD, "observed_at": NOW.isoformat(), **changes}))
    limits = {"fresh_within": timedelta(seconds=5), "timeout": timedelta(seconds=seconds)}
    return OverridesBot(folder / "overrides.json", folder / "state.json", lambda: NOW, **limits)


def overrides(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "overrides.json").read_text())
    return found


def test_a_live_bot_obeys_its_overrides_and_its_state_file_confirms_it(tmp_path: Path, live: RunningBot):
    bot: BotControl = control(tmp_path)
    assert bot.apply(SetScale(0.25), "a").strategy_scale == 0.25
    assert bot.apply(HALT, "b").trading_state is TradingState.HALTED
    assert (live.state()["strategy_scale"], live.state()["trading_state"]) == (0.25, "HALTED")
    assert live.value("mm_trading_state", state="HALTED") == 1


def test_an_old_key_again_writes_nothing_and_is_not_reported_as_done(tmp_path: Path, live: RunningBot):
    bot = control(tmp_path)
    bot.apply(SetScale(0.5), "old")
    sequence = bot.apply(SetScale(0.0), "new").sequence
    assert bot.apply(SetScale(0.0), "new").sequence == sequence
    before = overrides(tmp_path)
    with pytest.raises(EffectNotConfirmedError, match=r"strategy_scale = 0\.5 was asked for, and the state reads 0\.0"):
        control(tmp_path, 2.0).apply(SetScale(0.5), "old")
    assert overrides(tmp_path) == before
    assert live.state()["sequence"] == sequence


def test_a_bot_that_refuses_goes_on_writing_and_is_not_reported_as_done(tmp_path: Path, live: RunningBot):
    bot = control(tmp_path)
    bot.apply(HALT, "a")
    with pytest.raises(
        EffectNotConfirmedError, match="trading_state = ACTIVE was asked for, and the state reads HALTED"
    ):
        control(tmp_path, 2.0).apply(SetTradingState(TradingState.ACTIVE), "b")
    assert "HALTED is left by REDUCING only" in live.log.read_text()


def test_only_a_fresh_state_is_read(tmp_path: Path):
    assert written(tmp_path).read().sequence == 7
    for age in (-5.1, 5.1):
        stale = written(tmp_path, observed_at=(NOW - timedelta(seconds=age)).isoformat())
        with pytest.raises(SourceUnavailableError, match=f"expected a state at most 5 s old, was {age} s"):
            stale.read()


def test_a_state_that_was_written_before_the_command_confirms_nothing_though_it_shows_it(tmp_path: Path):
    bot = written(tmp_path, trading_state="HALTED", observed_at=(NOW - timedelta(seconds=1)).isoformat())
    with pytest.raises(SourceUnavailableError, match="the bot has written no state since it was commanded"):
        bot.apply(HALT, "a")
    assert overrides(tmp_path) == {"trading_state": "HALTED", "keys": {"a": ["trading_state", "HALTED"]}}


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"trading_state": "ACTIVE"'])
def test_without_a_state_there_is_no_answer(tmp_path: Path, text: str | None):
    bot = written(tmp_path)
    (tmp_path / "state.json").unlink()
    if text is not None:
        (tmp_path / "state.json").write_text(text)
    with pytest.raises(SourceUnavailableError):
        bot.read()
    with pytest.raises(SourceUnavailableError):
        bot.apply(HALT, "a")


def test_what_operators_wrote_is_kept_and_only_the_field_is_set(tmp_path: Path):
    (tmp_path / "overrides.json").write_text('{"note": "by hand", "strategy_scale": 0.5}')
    with pytest.raises(EffectNotConfirmedError):
        written(tmp_path, orders_frozen=False).apply(FreezeOrders(frozen=True), "a")
    assert overrides(tmp_path) == {
        "note": "by hand",
        "strategy_scale": 0.5,
        "orders_frozen": True,
        "keys": {"a": ["orders_frozen", True]},
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"keys": []}', '{"keys": {"a": ["strategy_scale", 0.5]}}'])
def test_overrides_that_are_not_understood_are_left_alone_and_said(tmp_path: Path, text: str):
    (tmp_path / "overrides.json").write_text(text)
    with pytest.raises(SourceUnavailableError, match=r"overrides\.json: the overrides are not written: "):
        written(tmp_path).apply(HALT, "a")
    assert (tmp_path / "overrides.json").read_text() == text


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    bot = OverridesBot(tmp_path / "no" / "overrides.json", tmp_path / "state.json", lambda: NOW)
    with pytest.raises(SourceUnavailableError, match="the overrides are not written: there is no such folder"):
        bot.apply(HALT, "a")
    assert not (tmp_path / "no").exists()


def test_only_the_newest_keys_are_kept(tmp_path: Path):
    many = {f"k{n}": ["strategy_scale", 0.5] for n in range(1000)}
    (tmp_path / "overrides.json").write_text(json.dumps({"keys": many}))
    written(tmp_path, strategy_scale=0.0).apply(SetScale(0.0), "new")
    keys = list(overrides(tmp_path)["keys"])
    assert (len(keys), keys[0], keys[-1]) == (1000, "k1", "new")
