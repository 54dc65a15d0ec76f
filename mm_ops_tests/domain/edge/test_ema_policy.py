from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.ema_policy import EmaPolicy, EmaRule
from mm_ops_tests.builders import WORDS

FILE = Path("deploy/policies/ema.yaml")


def rule(**different: Any) -> EmaRule:
    usual = {"name": "ema1h", "half_life": timedelta(hours=1), "min_notional": {"USDT": 100.0}, "source": WORDS}
    return EmaRule(**{**usual, **different})


def policy(**different: Any) -> EmaPolicy:
    usual: dict[str, Any] = {
        "horizon": timedelta(seconds=5),
        "every": timedelta(minutes=15),
        "min_known_share": 0.75,
        "emas": (rule(),),
        "source": WORDS,
    }
    return EmaPolicy(**{**usual, **different})


def test_the_file_has_the_averages_that_the_bot_has_too():
    read = read_policy(FILE, EmaPolicy)
    assert {one.name: one.half_life for one in read.emas} == {
        "ema1h": timedelta(hours=1),
        "ema24h": timedelta(hours=24),
    }
    assert read.horizon == timedelta(seconds=5)
    assert all(one.min_notional["USDT"] > 0 for one in read.emas)


@pytest.mark.parametrize(("name", "half_life"), [("ema2h", timedelta(hours=1)), ("edge1h", timedelta(hours=1))])
def test_the_half_life_is_in_the_name(name: str, half_life: timedelta):
    with pytest.raises(ValueError, match=rf"name: expected the half-life in it \(ema1h\), was {name}"):
        rule(name=name, half_life=half_life)


@pytest.mark.parametrize("field", ["half_life", "horizon", "every"])
def test_a_length_of_nothing_is_refused(field: str):
    with pytest.raises(ValueError, match=f"{field}: expected a duration above zero, was 0s"):
        (rule if field == "half_life" else policy)(**{field: timedelta(0)})


def test_the_least_notional_of_a_currency_is_not_guessed_from_another():
    assert (rule().least("USDT"), rule().least("BTC"), rule().least(None)) == (100.0, None, None)


@pytest.mark.parametrize("least", [0.0, -1.0, float("inf"), float("nan")])
def test_there_is_no_average_that_may_rest_on_nothing(least: float):
    with pytest.raises(ValueError, match="min_notional"):
        rule(min_notional={"USDT": least})
    with pytest.raises(ValueError, match="min_notional"):
        rule(min_notional={})


def test_two_averages_of_one_name_are_refused():
    with pytest.raises(ValueError, match="emas: expected every name once, was twice: ema1h"):
        policy(emas=(rule(), replace(rule(), min_notional={"USDT": 1.0})))
