"""What the live bot writes is what it did: its own averages come out of its files again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.edge_desk import read_measuring
from mm_ops.adapters.edge_fills import EdgeFills
from mm_ops.adapters.profile_desk import read_edge_policies
from mm_ops.paperbot.control import Asked, Control
from mm_ops.paperbot.day import simulate
from mm_ops.paperbot.live import LiveBot
from mm_ops.paperbot.live_symbol import STEP_S
from mm_ops.paperbot.live_tape import ROWS, Tape
from mm_ops.paperbot.profiles import PROFILES
from mm_ops.paperbot.state import BotState
from mm_ops_tests.requirements import PROJECT

STARTED = datetime(2026, 11, 20, 23, 15, tzinfo=UTC)
HALF = timedelta(minutes=30)
ENDS = [datetime(2026, 11, 21, tzinfo=UTC) + HALF * n for n in range(3)]
FOLDER = PROJECT / "deploy/policies"
POLICY, _, EMA = read_edge_policies(FOLDER)


@pytest.fixture(scope="module")
def gauges(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, float]]]:
    """An hour and three quarters of the bot across midnight, and its gauges at the windows' ends."""
    root = tmp_path_factory.mktemp("market")
    bot, tape = LiveBot(PROFILES["healthy"], 3, BotState(0.0), Control(0, Asked())), Tape(root, STARTED, speed=1.0)
    told: list[dict[str, float]] = []
    while STARTED + timedelta(seconds=bot.now_s) < ENDS[-1] + timedelta(minutes=1):
        bot.step()
        tape.take(bot.now_s, bot.symbols, bot.half_spread_bps)
        if STARTED + timedelta(seconds=bot.now_s) in ENDS:
            told.append({name: 1e4 * (edge.read(bot.now_s) or 0.0) for name, edge in bot.edges.items()})
        if bot.ticks % 500 == 0:
            tape.write()
    tape.write()
    return root, told


def test_the_averages_of_its_fills_are_its_gauges(gauges: tuple[Path, list[dict[str, float]]]):
    root, told = gauges
    emas = tuple(replace(rule, min_notional={"USDT": 1.0}) for rule in EMA.emas)
    sentinel = replace(POLICY, agreement=replace(POLICY.agreement, after_half_lives=0))
    ema = replace(EMA, emas=emas)
    found = EdgeFills(root / "fills", root / "quotes", read_measuring(FOLDER), ema, sentinel).read(ENDS)
    assert [one.unknown for one in found] == [(), (), ()]
    for fills, gauge in zip(found, told, strict=True):
        assert fills.fast == pytest.approx(gauge["ema1h"], abs=1e-3)  # bps; its mid is another by a share of a tick
        assert fills.slow == pytest.approx(gauge["ema24h"], abs=1e-3)


def test_its_files_are_those_of_a_recorded_day(gauges: tuple[Path, list[dict[str, float]]]):
    root, _ = gauges
    day = simulate(PROFILES["healthy"], STARTED.date(), 3, BotState(0.0))
    for kind, frames in (("quotes", day.quotes), ("fills", day.fills)):
        folders = sorted(root.glob(f"{kind}/date=*/symbol=*"))
        assert [folder.parent.name for folder in folders] == ["date=2026-11-20"] * 2 + ["date=2026-11-21"] * 2
        for folder in folders:
            frame = pl.read_parquet(folder / "*.parquet", hive_partitioning=False)
            wanted = frames[folder.name.removeprefix("symbol=")]
            assert {name: frame.schema[name] for name in wanted.columns} == dict(wanted.schema)
            assert frame["ts_ns"].is_sorted()
    steps = int((ENDS[-1] + timedelta(minutes=1) - STARTED).total_seconds() / STEP_S)
    quotes = [pl.read_parquet(file).height for file in root.glob("quotes/date=*/symbol=AAA-USDT/*.parquet")]
    assert sum(quotes) == steps
    assert max(quotes) == ROWS
    assert pl.read_parquet(root / "fills/**/*.parquet")["fill_id"].is_unique().all()


def test_what_cannot_be_written_now_is_written_the_next_time(tmp_path: Path):
    bot, tape = LiveBot(PROFILES["healthy"], 3, BotState(0.0), Control(0, Asked())), Tape(tmp_path / "m", STARTED, 1.0)
    (tmp_path / "m").write_text("a file where a folder must be")
    for _ in range(2 * ROWS + 1):
        bot.step()
        tape.take(bot.now_s, bot.symbols, bot.half_spread_bps)
    with pytest.raises(OSError, match="m"):
        tape.write()
    (tmp_path / "m").unlink()
    tape.write()
    found = [pl.read_parquet(file).height for file in tmp_path.glob("m/quotes/*/symbol=AAA-USDT/*")]
    assert sum(found) == 2 * ROWS + 1
