import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.paperbot.live_process import LiveProcess, Setup, StartError
from mm_ops.paperbot.profiles import HEALTHY

START = datetime(2026, 11, 20, 6, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def process(clock: Clock | None = None, said: list[str] | None = None, **files: Any) -> LiveProcess:
    setup = Setup(profile=HEALTHY, seed=7, speed=1000.0, faults=files.pop("faults", {}), **files)
    return LiveProcess(setup, clock or Clock(), (said if said is not None else []).append)


def run_until(found: LiveProcess, reached: "Any") -> None:
    """Run the bot on a thread until a condition holds."""
    stop = threading.Event()
    thread = threading.Thread(target=found.run, args=(stop,))
    thread.start()
    for _ in range(1000):
        if reached():
            break
        stop.wait(0.01)
    stop.set()
    thread.join(30)
    assert reached()


def test_the_state_has_the_time_of_the_answer_and_tells_starts_apart():
    clock = Clock()
    found = process(clock)
    clock.now += timedelta(seconds=90)
    assert found.state()["observed_at"] == "2026-11-20T06:01:30+00:00"
    assert found.state()["instance"] == "2026-11-20T06:00:00+00:00"
    assert process(clock).state()["instance"] == "2026-11-20T06:01:30+00:00"


def test_the_sequence_does_not_fall_over_a_restart():
    clock = Clock()
    found = process(clock)
    last = [found.put("strategy_scale", n / 100, f"k{n}") for n in range(50)][-1][0]["sequence"]
    clock.now += timedelta(seconds=1)
    assert process(clock).state()["sequence"] > last


def test_a_halt_is_in_the_state_file_before_it_is_answered_and_outlives_the_process(tmp_path: Path):
    path = tmp_path / "state.json"
    found = process(state_file=path)
    found.put("trading_state", "HALTED", "k")
    assert json.loads(path.read_text())["trading_state"] == "HALTED"
    assert process(state_file=path).state()["trading_state"] == "HALTED"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"trading_state": "halted"}'])
def test_a_bot_does_not_start_from_a_state_file_that_it_cannot_read(tmp_path: Path, text: str):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(StartError, match=r"state\.json: not a state that a paper bot wrote"):
        process(state_file=path)
    assert path.read_text() == text


def test_a_running_bot_renews_its_state_file(tmp_path: Path):
    path, clock = tmp_path / "state.json", Clock()
    found = process(clock, state_file=path)
    clock.now += timedelta(seconds=5)
    run_until(found, lambda: json.loads(path.read_text())["observed_at"] == "2026-11-20T06:00:05+00:00")


def test_overrides_are_obeyed_at_the_start_and_whenever_they_change(tmp_path: Path):
    path, said = tmp_path / "overrides.json", list[str]()
    path.write_text('{"strategy_scale": 0.5, "keys": {"a": ["strategy_scale", 0.5]}}')
    found = process(said=said, overrides_file=path)
    assert found.state()["strategy_scale"] == 0.5
    path.write_text('{"strategy_scale": 0.25, "orders_frozen": true}')
    run_until(found, lambda: found.state()["orders_frozen"])
    assert (found.state()["strategy_scale"], said) == (0.25, [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not JSON"), ("[]", "expected an object"), ('{"profile": "x"}', "profile: expected base, moderate")],
)
def test_overrides_that_are_none_are_told_and_change_nothing(tmp_path: Path, text: str, reason: str):
    path, said = tmp_path / "overrides.json", list[str]()
    path.write_text(text)
    found = process(said=said, overrides_file=path)
    assert (found.state()["strategy_scale"], found.state()["profile"]) == (1.0, "base")
    assert len(said) == 1
    assert reason in said[0]


def test_a_command_stands_though_the_overrides_say_otherwise_until_they_change(tmp_path: Path):
    path = tmp_path / "overrides.json"
    path.write_text('{"strategy_scale": 1}')
    found = process(overrides_file=path)
    found.put("strategy_scale", 0.0, "k")
    run_until(found, lambda: "mm_ticks_total 0\n" not in found.metrics())
    assert found.state()["strategy_scale"] == 0.0


def test_faults_come_from_the_command_line_and_the_file_and_follow_the_file(tmp_path: Path):
    path = tmp_path / "faults.json"
    path.write_text('{"latency": 5}')
    found = process(faults={"lie": 1.0}, faults_file=path)
    assert found.faults == {"lie": 1.0, "latency": 5.0}
    path.write_text("{}  ")
    run_until(found, lambda: found.faults == {"lie": 1.0})


def test_a_faults_file_that_turns_bad_leaves_the_faults_as_they_are_and_says_so(tmp_path: Path):
    path, said = tmp_path / "faults.json", list[str]()
    path.write_text('{"latency": 5}')
    found = process(said=said, faults_file=path)
    path.write_text('{"latencyy": 5}')
    run_until(found, lambda: bool(said))
    assert found.faults == {"latency": 5.0}
    assert "no fault 'latencyy'" in said[0]


@pytest.mark.parametrize("text", [None, "{", '{"latencyy": 1}'])
def test_a_bot_does_not_start_with_faults_that_it_cannot_read(tmp_path: Path, text: str | None):
    path = tmp_path / "faults.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StartError, match=r"faults\.json: "):
        process(faults_file=path)


def test_a_claim_is_for_one_answer_under_lie_and_for_good_under_lie_state():
    found = process(faults={"lie": 1.0})
    assert found.claim({"trading_state": "HALTED"})["trading_state"] == "HALTED"
    assert found.state()["trading_state"] == "ACTIVE"
    found.suffer({"lie_state": 1.0})
    found.claim({"trading_state": "HALTED"})
    assert found.state()["trading_state"] == "HALTED"
    assert 'mm_trading_state{state="ACTIVE"} 1\n' in found.metrics()
    found.suffer({})
    assert found.state()["trading_state"] == "ACTIVE"


def test_the_wall_clock_paces_the_bots_own():
    found = process()
    run_until(found, lambda: int(found.metrics().partition("\nmm_ticks_total ")[2].split("\n")[0]) > 1000)


def test_its_market_is_written_beside_it_at_the_times_of_the_wall_clock(tmp_path: Path):
    market = tmp_path / "live/market"
    run_until(process(market=market), lambda: any(market.glob("fills/date=*/symbol=*/*.parquet")))
    frames = [pl.read_parquet(file) for file in market.glob("quotes/date=2026-11-20/symbol=AAA-USDT/*.parquet")]
    times = pl.concat(frames)["exch_ts_ns"].sort()
    steps_ms = times.diff().drop_nulls() / 1e6
    assert (
        times[0] == round(START.timestamp()) * 1_000_000_000 + 500_000
    )  # half a second of its clock, at a thousand times the speed
    assert steps_ms.median() == pytest.approx(0.5)


def test_a_market_that_cannot_be_written_is_refused_at_the_start_and_survived_later(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=f"{tmp_path}/file/market: Not a directory"):
        process(market=tmp_path / "file/market")
    said: list[str] = []
    found = process(market=tmp_path / "market", said=said)
    (tmp_path / "market").rmdir()
    (tmp_path / "market").touch()
    run_until(found, lambda: len(said) > 1)
    assert said[0] == f"paper bot: {tmp_path}/market: its market is not written: Not a directory"
    assert "mm_ticks_total" in found.metrics()
