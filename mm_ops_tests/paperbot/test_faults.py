import pytest

from mm_ops.paperbot.faults import FAULTS, FaultError, parse_faults, under, usual
from mm_ops.paperbot.profiles import HEALTHY

CHANGES = {
    "latency": "tick_median_ms",
    "deadline_misses": "tick_sigma",
    "cache_collapse": "cache_hit_probability",
    "edge_decay": "impact_bps",
    "ws_lag": "ws_lag_median_ms",
    "guard_trips": "guard_trips_per_day",
    "taker_flow": "hedge_probability",
}


def test_true_is_the_usual_strength_and_false_is_no_fault():
    assert parse_faults({"latency": True, "lie": False, "hang": None, "guard_trips": 5}) == {
        "latency": FAULTS["latency"].strength,
        "guard_trips": 5.0,
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "expected an object of name and strength, was list"),
        ({"latencyy": 1}, "no fault 'latencyy'; there are: latency, "),
        ({"latency": "much"}, "expected a strength from 0 to 1e6, or true, was 'much'"),
        ({"latency": -1}, "was -1"),
        ({"latency": float("nan")}, "was nan"),
        ({"latency": 1e7}, "was 10000000.0"),
    ],
)
def test_what_is_no_fault_is_refused(data: object, said: str):
    with pytest.raises(FaultError, match="fault") as caught:
        parse_faults(data)
    assert said in str(caught.value)


def test_a_named_fault_comes_in_its_usual_strength():
    assert usual(("lie", "hang")) == {"lie": 1.0, "hang": 30.0}
    with pytest.raises(FaultError, match="no fault 'x'"):
        usual(("x",))


@pytest.mark.parametrize(("fault", "field"), CHANGES.items(), ids=list(CHANGES))
def test_a_fault_of_the_market_or_machine_changes_one_number_of_the_profile(fault: str, field: str):
    changed = under(HEALTHY, usual((fault,)))
    different = [name for name in HEALTHY.__slots__ if getattr(HEALTHY, name) != getattr(changed, name)]
    assert different == [field]


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - set(CHANGES)))
def test_every_other_fault_leaves_the_profile_alone(fault: str):
    assert under(HEALTHY, usual((fault,))) == HEALTHY


def test_a_chance_never_exceeds_one():
    assert under(HEALTHY, {"cache_collapse": 7.0, "taker_flow": 7.0}).hedge_probability == 1.0
    assert under(HEALTHY, {"cache_collapse": 7.0}).cache_hit_probability == 1.0
