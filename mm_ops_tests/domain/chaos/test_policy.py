from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.chaos.policy import ChaosPolicy
from mm_ops.domain.errors import PolicyError
from mm_ops.paperbot.faults import parse_faults
from mm_ops_tests.requirements import PROJECT

PATH = PROJECT / "deploy/policies/chaos.yaml"
TEXT = PATH.read_text(encoding="utf-8")


def test_the_paper_bot_knows_every_fault_of_the_policy():
    drills = read_policy(PATH, ChaosPolicy).drills
    names = ["feed_cut", "latency_spike", "exchange_rejects", "clock_skew", "deafness", "restart_mid_order"]
    assert [drill.name for drill in drills] == names
    for drill in drills:
        assert parse_faults(dict(drill.faults)) == drill.faults
    assert drills[0].limits == {"breaker_open_s": 2.5, "no_open_orders_s": 2.5, "quoting_again_s": 10}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "lasts: [4, 12]",
            "lasts: [12, 4]",
            "lasts: expected two times, the later one last, was 12 s first",
        ),
        ("name: latency_spike", "name: feed_cut", "drills: expected every name once, was twice: feed_cut"),
        ("name: quoting_after_skew_s", "name: quoting_again_s", "was twice: quoting_again_s"),
        ("see: deadline_misses", "see: luck", "Input should be 'circuit_open'"),
        ("within: 24", "within: 0", "within: Input should be greater than 0"),
        ("act: halt", "act: dance", "Input should be 'halt' or 'touch'"),
    ],
)
def test_a_drill_that_cannot_be_held_is_refused(tmp_path: Path, old: str, new: str, said: str):
    assert old in TEXT
    path = tmp_path / "chaos.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as error:
        read_policy(path, ChaosPolicy)
    assert said in str(error.value)
