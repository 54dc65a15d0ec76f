"""The controls of a fleet, on a live bot and on a bot that watches a file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from mm_ops.adapters.bot_controls import controls_of
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.bots import Fleet
from mm_ops.domain.errors import PolicyError, SourceUnavailableError
from mm_ops.domain.rollback.bot import SetTradingState, TradingState
from mm_ops_tests.live_paperbot import running

WITHIN = timedelta(seconds=2)


def fleet(folder: Path, **controls: object) -> Fleet:
    bots = [
        {
            "name": name,
            "version": "1.0.0",
            "samples": {"kind": "recording", "path": "x"},
            "fills": "x/fills",
            "quotes": "x/quotes",
            "results": "x/results",
            "day_entries": "none",
            "symbols": ["AAA-USDT"],
            "source": "made up for a test",
            **({} if control is None else {"control": control}),
        }
        for name, control in controls.items()
    ]
    path = folder / "bots.yaml"
    path.write_text(yaml.safe_dump({"first_day": "2025-01-01", "bots": bots, "source": "made up for a test"}))
    return read_policy(path, Fleet)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_bot_is_commanded_over_http_and_by_a_file_and_one_without_control_by_nothing(tmp_path: Path):
    flags = ("--state-file", str(tmp_path / "state.json"), "--overrides-file", str(tmp_path / "overrides.json"))
    with running(tmp_path, *flags) as bot:
        by_file = {"kind": "overrides", "overrides": "overrides.json", "state": "state.json"}
        asked = fleet(tmp_path, web={"kind": "http", "url": bot.url}, file=by_file, none=None)
        controls = controls_of(asked, tmp_path.joinpath, now, within=WITHIN)
        assert set(controls) == {"web", "file"}
        assert controls["web"].apply(SetTradingState(TradingState.HALTED), "k1").trading_state is TradingState.HALTED
        bot.until(lambda: controls["file"].read().trading_state is TradingState.HALTED)
        assert controls["file"].apply(SetTradingState(TradingState.REDUCING), "k2").sequence > 0
        assert controls["web"].read().trading_state is TradingState.REDUCING


def test_a_whole_read_takes_no_longer_than_it_may(tmp_path: Path):
    control = controls_of(
        fleet(tmp_path, web={"kind": "http", "url": "http://127.0.0.1:9"}),
        tmp_path.joinpath,
        now,
        within=timedelta(seconds=0.2),
    )["web"]
    with pytest.raises(SourceUnavailableError, match=r"127\.0\.0\.1:9"):
        control.read()


@pytest.mark.parametrize(
    "control", [{"kind": "http"}, {"kind": "http", "url": "ftp://x"}, {"kind": "carrier pigeon"}, {"url": "http://x"}]
)
def test_a_control_that_nobody_can_use_is_refused(tmp_path: Path, control: dict[str, str]):
    with pytest.raises(PolicyError, match=r"bots\.yaml:\d+: bots\.0\.control"):
        fleet(tmp_path, web=control)
