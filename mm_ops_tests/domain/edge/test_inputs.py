from datetime import timedelta

import pytest
from pydantic import ValidationError

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.inputs import REASONS, InputsPolicy, Limit
from mm_ops_tests.builders import WORDS
from mm_ops_tests.edge_inputs import condition, inputs_policy, prints, rows


def test_the_policy_of_the_product_is_whole():
    policy = read_policy(Environment.read({}).policies / "inputs.yaml", InputsPolicy)
    assert set(policy.rows.faults) == set(REASONS)
    assert policy.rows.faults["unknown_symbol"] == "refuse", "a contract size is never guessed"
    assert (policy.rows.duplicates.with_id, policy.rows.duplicates.without_id) == ("drop", "keep")


def test_every_reason_needs_an_answer():
    faults = {reason: "quarantine" for reason in REASONS if reason not in {"bad_fee", "no_time"}}
    with pytest.raises(ValidationError, match="faults: expected every reason, was without bad_fee, no_time"):
        rows(faults=faults)


def test_a_condition_listed_twice_is_refused():
    with pytest.raises(ValidationError, match="expected every name once, was twice: late"):
        prints(condition("late", "1"), condition("late", "2"))


@pytest.mark.parametrize("bits", ["", "0x20", "G", "100000000", "20 "])
def test_bits_are_hexadecimal_and_nothing_else(bits: str):
    with pytest.raises(ValidationError, match="bits"):
        condition("late", bits)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_limit_is_a_share(share: float):
    with pytest.raises(ValidationError, match="share"):
        Limit(share=share, source=WORDS)


def test_all_else_is_as_it_is_said():
    assert inputs_policy().rows.sort_within == timedelta(seconds=1)
