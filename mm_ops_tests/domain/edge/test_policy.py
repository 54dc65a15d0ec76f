from datetime import timedelta

import pytest
from pydantic import ValidationError

from mm_ops.domain.edge.policy import horizon_name
from mm_ops_tests.builders import edge_policy, instrument, instruments


@pytest.mark.parametrize(
    ("milliseconds", "name"), [(100, "100ms"), (1000, "1s"), (1500, "1500ms"), (60_000, "60s"), (300_000, "300s")]
)
def test_a_horizon_is_named_as_the_field_does(milliseconds: int, name: str):
    assert horizon_name(timedelta(milliseconds=milliseconds)) == name


@pytest.mark.parametrize("seconds", [(5, 1), (1, 1), (0, 1)])
def test_horizons_must_grow_from_above_zero(seconds: tuple[int, ...]):
    with pytest.raises(ValidationError, match="expected growing durations above zero"):
        edge_policy(horizons=tuple(timedelta(seconds=s) for s in seconds))


def test_a_symbol_listed_twice_is_refused():
    with pytest.raises(ValidationError, match="expected every symbol once, was twice: X"):
        instruments(instrument(), instrument())
