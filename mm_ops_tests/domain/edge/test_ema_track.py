"""Windows that follow one another tell what one long window tells."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.ema import EmaState
from mm_ops.domain.edge.ema_track import EmaTrack, Grid, HandedOn
from mm_ops.domain.edge.join import Reach
from mm_ops.domain.edge.report import Part, measure_parts, split_symbols
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import SECOND, START, START_NS, edge_policy, fill, fills, instrument, instruments, quotes
from mm_ops_tests.domain.edge.test_ema_policy import policy, rule
from mm_ops_tests.domain.edge.test_symbol_edge import near

BOTH = instruments(instrument(), instrument(symbol="Y", contract_size=3.0))
EDGE = edge_policy(stale_after=timedelta(seconds=20))
EMA = policy(every=timedelta(minutes=1), emas=(rule(), rule(name="ema24h", half_life=timedelta(hours=24))))
END_S = 300


def market(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Minutes of two symbols, with an outage of the quotes, and with fills on round seconds and before all quotes."""
    rng = np.random.default_rng(seed)
    ours, theirs = [], []
    for symbol in ("X", "Y"):
        when = np.sort(np.round(rng.uniform(0, END_S, 60), 0 if symbol == "X" else 2))
        ours += [fill(float(t), str(rng.choice(["buy", "sell"])), 100 + rng.normal(), 2.0, symbol=symbol) for t in when]
        at = np.sort(rng.uniform(3, END_S, 150))
        at = at[(at < 100) | (at > 160)]
        theirs += [quotes(*((float(t), 99 + n % 3, 101) for n, t in enumerate(at)), symbol=symbol)]
    return fills(*ours), pl.concat(theirs)


def between(frame: pl.DataFrame, first: float, after: float) -> pl.DataFrame:
    return frame.filter(pl.col("ts_ns").is_between(START_NS + first * SECOND, START_NS + after * SECOND, closed="left"))


def section(
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    first: float,
    after: float,
    before: Mapping[str, HandedOn],
    lead: float = 0,
) -> dict[str, Any]:
    """A window's averages; its quotes may begin ``lead`` seconds before, so that its first fills have a mid."""
    window = TimeWindow(START + timedelta(seconds=first), START + timedelta(seconds=after))
    mine, market_s = between(ours, first, after), between(theirs, first - lead, after)
    parts = [Part(symbol, mine.filter(symbol=symbol), market_s.filter(symbol=symbol)) for symbol in ("X", "Y")]
    found = measure_parts(parts, policy=EDGE, instruments=BOTH, window=window, ema=EMA, before=before).report
    stored: dict[str, Any] = json.loads(encode(found))["ema"]
    return stored


def told(section: Mapping[str, Any], name: str) -> dict[datetime, float | None]:
    return dict(zip(map(datetime.fromisoformat, section["at"]), section["series"][name], strict=True))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, END_S - 1), max_size=4, unique=True))
def test_windows_one_after_the_other_tell_what_the_whole_tells(seed: int, cuts: list[int]):
    ours, theirs = market(seed)
    whole = section(ours, theirs, 0, END_S, {})
    before: dict[str, HandedOn] = {}
    closed = 0
    series: dict[str, dict[datetime, float | None]] = {name: {} for name in whole["series"]}
    for first, after in pairwise([0, *sorted(cuts), END_S]):
        part = section(ours, theirs, first, after, before, lead=20)
        before = {symbol: HandedOn.load(saved) for symbol, saved in part["handed_on"].items()}
        closed += part["fills"]
        for name, values in series.items():
            values.update(told(part, name))  # at its end, what closes then is told by the next one
    assert closed == whole["fills"]
    assert part["fills_open_at_end"] == whole["fills_open_at_end"]
    for name, values in series.items():
        expected = told(whole, name)
        assert {at: values[at] for at in expected} == near(expected)
    for symbol, one in whole["by_symbol"].items():
        for name, last in one.items():
            assert part["by_symbol"][symbol][name] == near(last)


def test_a_fill_that_closes_after_the_window_counts_in_the_next_one():
    """Bought at 99 at 58 s with a mid of 100; at 63 s the mid is 103: 4 of 100 are 400 bps."""
    ours = fills(fill(58, "buy", 99))
    theirs = quotes((50, 99, 101), (61, 102, 104))
    first = section(ours, theirs, 0, 60, {})
    assert (first["fills"], first["fills_open_at_end"]) == (0, 1)
    assert first["total"]["ema1h"]["reason"] == "no fill with a markout has closed"
    handed_on = {"X": HandedOn.load(first["handed_on"]["X"])}
    second = section(ours, theirs, 60, 120, handed_on)
    assert (second["fills"], second["fills_without_markout"], second["fills_open_at_end"]) == (1, 0, 0)
    weight = 2 ** -((120 - 63) / 3600)
    assert second["total"]["ema1h"]["notional"] == pytest.approx(100 * weight)
    assert second["by_symbol"]["X"]["ema1h"]["age_s"] == 57.0
    assert second["total"]["ema1h"]["reason"] == "99 USDT are left of what was filled, at least 100 are needed"
    lower = section(ours, theirs, 60, 64, handed_on)
    assert lower["series"]["ema1h"][-1] is None, "a second after it closed 99.98 are left"


def test_without_quotes_in_the_next_window_the_last_one_before_closes_it():
    ours, theirs = fills(fill(58, "buy", 99)), quotes((50, 99, 101))
    handed_on = {"X": HandedOn.load(section(ours, theirs, 0, 60, {})["handed_on"]["X"])}
    second = section(ours, theirs, 60, 120, handed_on)
    assert (second["fills"], second["fills_without_markout"]) == (1, 0), "13 s old, and 20 s are fresh"
    assert second["handed_on"]["X"]["quoted"] == {"at_ns": START_NS + 50 * SECOND, "mid": 100.0}


def test_a_symbol_without_fills_decays_on_and_is_in_no_other_section():
    ours, theirs = market(3)
    before = {symbol: HandedOn.load(saved) for symbol, saved in section(ours, theirs, 0, 150, {})["handed_on"].items()}
    window = TimeWindow(START + timedelta(seconds=150), START + timedelta(seconds=300))
    only_x = split_symbols(between(ours, 150, 300).filter(symbol="X"), between(theirs, 150, 300))
    found = measure_parts(only_x, policy=EDGE, instruments=BOTH, window=window, ema=EMA, before=before).report
    assert (list(found["by_symbol"]), list(found["ema"]["by_symbol"])) == (["X"], ["X", "Y"])
    assert found["ema"]["by_symbol"]["Y"]["ema1h"]["age_s"] >= 145


def test_what_begins_with_nothing_and_gets_nothing_says_nothing():
    found = section(fills(), quotes(), 0, 60, {})
    assert (found["fills"], found["fills_without_markout_share"], found["settlement"]) == (0, None, None)
    assert found["total"]["ema24h"] == {
        "edge_bps": None,
        "notional": 0.0,
        "known_share": None,
        "age_s": None,
        "reason": "no fill with a markout has closed",
    }
    assert found["series"]["ema1h"] == [None, None]


def test_a_horizon_that_is_none_of_the_edges_is_refused():
    window = TimeWindow(START, START + timedelta(minutes=1))
    with pytest.raises(PolicyError, match=r"ema\.yaml: horizon: expected one of edge\.yaml's, was 0:00:07"):
        Grid.of(policy(horizon=timedelta(seconds=7)), window, Reach.of(EDGE, window))


NOT_HANDED_ON: dict[str, Any] = {
    "nothing": {},
    "a state with a field too few": {"emas": {"ema1h": {"half_life_s": 3600.0}}, "open": {}, "quoted": None},
    "a quote that is none": {"emas": {}, "open": {}, "quoted": {"at": 1}},
    "averages that are a list": {"emas": [], "open": {}, "quoted": None},
}


@pytest.mark.parametrize("name", NOT_HANDED_ON)
def test_what_no_report_stores_is_refused(name: str):
    with pytest.raises(SchemaError, match=r"ema state: |ema: handed_on: |open fills: "):
        HandedOn.load(NOT_HANDED_ON[name])


def test_a_state_of_another_half_life_is_refused():
    window = TimeWindow(START, START + timedelta(minutes=1))
    grid = Grid.of(EMA, window, Reach.of(EDGE, window))
    with pytest.raises(SchemaError, match=r"ema state: half_life_s: expected 3600\.0, was 60\.0"):
        EmaTrack(grid, instrument(), HandedOn(emas={"ema1h": EmaState(half_life_s=60.0)}))
