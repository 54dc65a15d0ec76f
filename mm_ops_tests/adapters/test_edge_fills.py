"""What fills say at windows' ends: day after day as one long stretch, and never from a beginning that is too young."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mm_ops.adapters.edge_desk import EdgeDesk, read_measuring
from mm_ops.adapters.edge_fills import Carried, EdgeFills
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.market_inputs import MarketInputs, Request
from mm_ops.adapters.profile_desk import read_edge_policies
from mm_ops.adapters.recording import RecordingSamples
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sentinel.edge_window import Fills, ends_within
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.conftest import LAST
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.site import Deployment

FOLDER = PROJECT / "deploy/policies"
POLICY, _, EMA = read_edge_policies(FOLDER)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def fills_of(root: Path, after_half_lives: float = 3) -> EdgeFills:
    policy = replace(POLICY, agreement=replace(POLICY.agreement, after_half_lives=after_half_lives))
    return EdgeFills(root / "fills", root / "quotes", read_measuring(FOLDER), EMA, policy)


def test_two_days_are_one_stretch_and_the_young_average_is_not_known(healthy: Path):
    ends = ends_within(TimeWindow(MIDNIGHT - timedelta(days=1), MIDNIGHT + timedelta(hours=2)), POLICY)
    told: list[str] = []
    found = fills_of(healthy).read(ends, told.append)
    assert told == ["fills of 2026-11-19", "fills of 2026-11-20"]
    young = "fills: ema1h began with nothing at 2026-11-19T00:00Z"
    assert [young in one.unknown for one in found[:7]] == [True] * 5 + [False] * 2
    assert [one.fast is None for one in found[:7]] == [True] * 5 + [False] * 2
    assert all(one.slow is None for one in found), "three days of ema24h are not there"
    alone = fills_of(healthy).read(ends[48:])
    assert [one.fast is None for one in alone] == [True] * 4
    assert found[48].fast is not None


def test_look_after_look_tells_what_one_look_tells(healthy: Path):
    ends = ends_within(TimeWindow(MIDNIGHT - timedelta(hours=6), MIDNIGHT + timedelta(hours=3)), POLICY)
    whole = fills_of(healthy, after_half_lives=0).read(ends)
    carried: Carried | None = None
    for end, expected in zip(ends, whole, strict=True):
        (found,), carried = fills_of(healthy, after_half_lives=0).read_on([end], carried)
        assert carried is not None
        carried = Carried.load(json.loads(encode(carried.saved())))
        assert (found.fast, found.slow) == pytest.approx((expected.fast, expected.slow), rel=1e-9)
        assert found.unknown == expected.unknown
    assert carried is not None
    assert carried.at == ends[-1]
    assert carried.begun.since == MIDNIGHT - timedelta(days=1)


def test_what_was_handed_on_is_of_no_use_for_an_earlier_window_or_another_day(healthy: Path):
    noon, night = MIDNIGHT - timedelta(hours=12), MIDNIGHT + timedelta(hours=2)
    _, carried = fills_of(healthy).read_on([noon], None)
    for end in (noon - timedelta(hours=1), night):
        (found,), again = fills_of(healthy).read_on([end], carried)
        assert found == fills_of(healthy).read([end])[0]
        assert again is not None
        assert again.at == end


@pytest.mark.parametrize("saved", [{}, {"at": "now", "since": "then", "handed_on": {}}, {"at": 1}])
def test_what_another_version_handed_on_is_refused(saved: dict[str, Any]):
    with pytest.raises(SchemaError, match="expected at, since and handed_on"):
        Carried.load(saved)


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_only_the_rows_since_are_read(healthy: Path, tmp_path: Path, ending: str):
    for kind in ("fills", "quotes"):
        for file in (healthy / kind / "date=2026-11-20").rglob("*.parquet"):
            frame, place = pl.read_parquet(file, hive_partitioning=False), tmp_path / file.relative_to(healthy).parent
            place.mkdir(parents=True)
            (frame.write_parquet if ending == "parquet" else frame.write_ndjson)(place / f"x.{ending}")
    window = TimeWindow(MIDNIGHT + timedelta(hours=23), MIDNIGHT + timedelta(hours=24))
    request = Request(fills=tmp_path / "fills", quotes=tmp_path / "quotes", window=window)
    counts = []
    for since in (None, window.start):
        inputs = MarketInputs(replace(request, since=since), read_measuring(FOLDER))
        list(inputs.parts())
        counts.append([inputs.section[kind]["rows"] for kind in ("fills", "quotes")])
    (fills, quotes), (fills_since, quotes_since) = counts
    assert 0 < fills_since < fills / 20
    assert quotes_since == pytest.approx(quotes / 24, abs=4)


def test_no_fills_are_not_known_and_say_why(tmp_path: Path):
    (one,) = fills_of(tmp_path).read([MIDNIGHT])
    assert (one.fast, one.slow) == (None, None)
    assert one.unknown[0].startswith("fills: ")


def test_a_day_that_lacks_begins_the_averages_anew(healthy: Path, tmp_path: Path):
    for name in ("fills", "quotes"):
        (tmp_path / name).mkdir()
        for day in (18, 20):
            (tmp_path / name / f"date=2026-11-{day}").symlink_to(healthy / name / f"date=2026-11-{day}")
    ends = [MIDNIGHT - timedelta(days=1), MIDNIGHT, MIDNIGHT + timedelta(hours=2), MIDNIGHT + timedelta(hours=4)]
    first, hole, young, known = fills_of(tmp_path).read(ends)
    assert (first.fast is not None, hole.fast, young.fast, known.fast is not None) == (True, None, None, True)
    assert "ema1h began with nothing at 2026-11-20T00:00Z" in young.unknown[0]


@pytest.fixture
def night(healthy: Path, tmp_path: Path) -> Deployment:
    return Deployment(tmp_path / "site", {"paper": healthy})


def test_a_day_goes_on_from_the_stored_report_of_the_day_before(night: Deployment, healthy: Path):
    night.night()
    environment = Environment.read({**night.variables, "CI_FAKE_UTC": "2026-11-21T00:30:00+00:00"})
    desk = EdgeDesk.of(environment, night.bot(), RecordingSamples(healthy))
    begun = desk.fills.begins(LAST)
    assert set(begun.states) == {"AAA-USDT", "BBB-USDT"}
    assert (begun.since, begun.since < MIDNIGHT - timedelta(days=3)) == (MIDNIGHT - timedelta(days=6), True)
    assert desk.fills.begins(date(2026, 11, 1)).states == {}
    (one,) = desk.fills.read([MIDNIGHT + timedelta(minutes=30)])
    gauges, _ = desk._windows([MIDNIGHT + timedelta(minutes=30)], None, patient=True)  # noqa: SLF001 - what a look reads
    assert one == Fills(gauges[0].fills_fast, gauges[0].fills_slow)
    assert one.fast == pytest.approx(gauges[0].fast, abs=0.01)
    assert one.slow == pytest.approx(gauges[0].slow, abs=0.2)
