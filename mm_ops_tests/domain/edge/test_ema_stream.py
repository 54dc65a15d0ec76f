import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.edge.ema import decay
from mm_ops.domain.edge.ema_fills import ClosedFills
from mm_ops.domain.edge.ema_stream import ClosedFill, EmaStream, load_state
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.builders import START_NS
from mm_ops_tests.domain.edge.ema_worked import at, closed

HOUR = timedelta(hours=1)
NS = 10**9


def one(seconds: float, money: float | None = 3.0, notional: float = 1000.0) -> ClosedFill:
    return ClosedFill(int(at(seconds)[0]), money, notional)


def told(*fills: ClosedFill, half_life: timedelta = HOUR) -> EmaStream:
    stream = EmaStream(half_life)
    for fill in fills:
        stream.update(fill)
    return stream


def test_a_stream_that_was_told_nothing_has_no_value():
    found = EmaStream(HOUR).value_at(START_NS)
    assert math.isnan(found.edge_bps[0])
    assert found.notional[0] == 0.0


def test_each_fill_moves_the_average_by_its_weight():
    """(3/2 + 1) / (1000/2 + 1000), as in the batch."""
    found = told(one(0), one(3600, 1.0)).value_at(int(at(3600)[0]))
    assert (found.edge_bps[0], found.notional[0]) == pytest.approx((1e4 * 2.5 / 1500, 1500.0))


@pytest.mark.parametrize("money", [None, math.nan, math.inf])
def test_a_fill_without_markout_is_counted_and_left_out(money: float | None):
    stream = told(one(0), one(3600, money, 1500.0))
    found = stream.value_at(int(at(3600)[0]))
    assert (found.edge_bps[0], found.known_share[0], found.age_s[0]) == pytest.approx((30.0, 0.25, 3600.0))
    assert (stream.state.fills, stream.state.without) == (1, 1)


FILLS = st.lists(
    st.tuples(
        st.integers(0, 200 * 3600 * NS) | st.integers(0, 5).map(lambda hours: hours * 3600 * NS),
        st.none() | st.integers(-1_000_000, 1_000_000).map(lambda cents: cents / 100),
        st.floats(1e-2, 1e7),
    ),
    min_size=1,
    max_size=60,
)


def near(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], scale: np.ndarray[Any, Any]) -> bool:
    """Equal to 1e-12 of a scale; money of both signs cancels, so its scale is what it would be if it did not."""
    return bool(np.all((np.isnan(one) & np.isnan(other)) | (np.abs(one - other) <= 1e-12 * scale)))


@given(FILLS, st.randoms(use_true_random=False), st.sets(st.integers(0, 60)), st.sampled_from([1, 3600, 86_400]))
def test_one_by_one_equals_all_at_once_in_any_order_of_equal_times_and_across_restarts(
    rows: list[tuple[int, float | None, float]], random: Any, restarts: set[int], life: int
):
    half_life = timedelta(seconds=life)
    rows = sorted(rows, key=lambda row: row[0])
    shuffled = rows[:]
    random.shuffle(shuffled)
    shuffled.sort(key=lambda row: row[0])
    columns = list(zip(*rows, strict=True))
    money = np.array([math.nan if amount is None else amount for amount in columns[1]])
    times, notional = START_NS + np.array(columns[0], dtype=np.int64), np.array(columns[2])
    batch = decay(ClosedFills(times, money, notional), half_life).at(times)
    size = decay(ClosedFills(times, np.abs(money), notional), half_life).at(times).edge_bps
    stream = EmaStream(half_life)
    for n, (at_ns, amount, weight) in enumerate(shuffled):
        if n in restarts:
            stream = EmaStream.resume(half_life, json.loads(json.dumps(stream.saved())))
        stream.update(ClosedFill(START_NS + at_ns, amount, weight))
        if n + 1 < len(shuffled) and shuffled[n + 1][0] == at_ns:
            continue  # in between, the order of equal times shows
        found = stream.value_at(START_NS + at_ns)
        row = slice(n, n + 1)
        assert near(found.edge_bps, batch.edge_bps[row], size[row])
        assert near(found.notional, batch.notional[row], batch.notional[row])
        assert near(found.known_share, batch.known_share[row], np.ones(1))
        assert near(found.age_s, batch.age_s[row], np.zeros(1))


def test_a_fill_that_closes_before_the_last_one_is_refused_and_changes_nothing():
    stream = told(one(10))
    before = stream.saved()
    with pytest.raises(SchemaError, match=f"close_ns: expected {at(10)[0]} or later, was {at(9)[0]}"):
        stream.update(one(9))
    with pytest.raises(SchemaError, match="row 0: expected a notional above 0"):
        stream.update(one(11, 1.0, 0.0))
    with pytest.raises(SchemaError, match=f"expected {at(10)[0]} or later"):
        stream.value_at(int(at(9)[0]))
    assert stream.saved() == before


def test_a_state_of_another_half_life_is_refused():
    saved = told(one(0)).saved()
    with pytest.raises(SchemaError, match=r"half_life_s: expected 7200\.0, was 3600\.0"):
        EmaStream.resume(2 * HOUR, saved)


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"money": math.nan}, "money: expected a finite float, was nan"),
        ({"notional": math.inf}, "notional: expected a finite float, was inf"),
        ({"stretch": 1.0}, "stretch: expected a finite int, was 1.0"),
        ({"fills": True}, "fills: expected a finite int, was True"),
        ({"money": "3"}, "money: expected a finite float, was '3'"),
        ({"more": 1}, "expected the fields half_life_s, stretch, .*, was .*more"),
    ],
)
def test_a_damaged_state_is_refused(different: dict[str, Any], said: str):
    with pytest.raises(SchemaError, match=said):
        load_state({**told(one(0)).saved(), **different})


def test_a_state_that_lost_a_field_is_refused():
    saved = told(one(0)).saved()
    del saved["left_out"]
    with pytest.raises(SchemaError, match="expected the fields"):
        load_state(saved)


def test_the_stream_goes_on_where_the_batch_ended():
    batch = decay(closed((0, 3.0, 1000.0)), HOUR)
    stream = EmaStream(HOUR, batch.last)
    stream.update(one(3600, 1.0))
    assert stream.state == decay(closed((0, 3.0, 1000.0), (3600, 1.0, 1000.0)), HOUR).last
