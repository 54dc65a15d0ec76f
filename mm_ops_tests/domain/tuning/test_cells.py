from typing import Any

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.tuning.cells import Cell, cell_of, change, choose_cell, propose, refuse_out_of_limits
from mm_ops.domain.tuning.policy import TuningPolicy
from mm_ops_tests.requirements import PROJECT

PATH = PROJECT / "deploy/policies/profiles.yaml"
PROFILES = read_policy(PATH, Profiles)


def report(**changes: Any) -> dict[str, Any]:
    total = {"fills": 4000, "net_edge_bps": 3.0, "net_money": 3000.0, "notional": 10_000_000.0, "maker_share": 0.96}
    return {
        "identity": {"holds": True},
        "total": total,
        "net_edge": {"low_bps": 2.5, "high_bps": 3.5, "reason": None},
        "by_hour": {"00": {"net_money": 40.0}, "01": {"net_money": -7.0}},
        **changes,
    }


def cell(factor: float, low: float, net: float, taker_share: float = 0.04) -> Cell:
    return Cell(
        spread_factor=factor,
        fills=1,
        net_edge_bps=3.0,
        low_bps=2.5,
        high_bps=3.5,
        net_money=net,
        low_money=low,
        high_money=net + (net - low),
        taker_share=taker_share,
        worst_hour_money=0.0,
    )


def test_a_cell_is_what_the_report_says_and_money_has_the_edges_interval():
    found = cell_of(1.5, report())
    assert (found.spread_factor, found.fills, found.net_edge_bps, found.net_money) == (1.5, 4000, 3.0, 3000.0)
    assert (found.low_money, found.high_money) == (2500.0, 3500.0)
    assert found.taker_share == pytest.approx(0.04)
    assert found.worst_hour_money == -7.0


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": {"holds": False}},
        {"net_edge": {"low_bps": None, "high_bps": None, "reason": "too few fills"}},
    ],
)
def test_a_report_without_an_edge_to_believe_gives_no_cell(changes: dict[str, Any]):
    with pytest.raises(SchemaError, match="no net edge with an interval"):
        cell_of(1.5, report(**changes))


def test_a_width_is_proposed_only_when_it_is_better_for_sure():
    base = cell(1.0, 2500, 3000)
    assert choose_cell([base, cell(1.5, 2999, 4000)], 1.0, 0.15)[0] is None
    better = cell(1.5, 3001, 4000)
    chosen, why = choose_cell([base, cell(0.75, 2000, 9000), better], 1.0, 0.15)
    assert chosen is better
    assert why == "spread_factor 1.5 earned 4000, at least 3001 for sure, and 1 earned 3000"


def test_a_width_that_takes_too_much_is_not_proposed():
    base = cell(1.0, 2500, 3000)
    assert choose_cell([base, cell(0.5, 5000, 6000, taker_share=0.16)], 1.0, 0.15)[0] is None
    none, why = choose_cell([cell(1.0, 2500, 3000, taker_share=0.9)], 1.0, 0.15)
    assert (none, why) == (None, "no width earns more than 1 for sure: it earned 3000")


def test_the_proposal_is_a_diff_of_one_line_that_leaves_a_policy(tmp_path: Any):
    text = PATH.read_text(encoding="utf-8")
    diff = propose(text, change(text, 1.25, "profiles.yaml"), "deploy/policies/profiles.yaml")
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert changed == ["-  spread_factor: 1.0", "+  spread_factor: 1.25"]
    path = tmp_path / "profiles.yaml"
    path.write_text(text.replace("  spread_factor: 1.0\n", "  spread_factor: 1.25\n", 1), encoding="utf-8")
    assert read_policy(path, Profiles).base.spread_factor == 1.25
    with pytest.raises(PolicyError, match="expected a line with spread_factor in it"):
        change("base: {spread_factor: 1.0}\n", 1.25, "profiles.yaml")


def tuning(*factors: float) -> TuningPolicy:
    return TuningPolicy(spread_factors=factors, days=1, seed=7, max_taker_share=0.15, source="a worked example")


def test_what_no_profile_may_be_is_not_swept():
    refuse_out_of_limits(tuning(0.5, 1.0, 3.0), PROFILES)
    with pytest.raises(PolicyError, match=r"expected 0.5 to 3 \(profiles.yaml\), was 3.5"):
        refuse_out_of_limits(tuning(1.0, 3.5), PROFILES)
    with pytest.raises(PolicyError, match=r"expected the base of profiles\.yaml, 1, among them"):
        refuse_out_of_limits(tuning(1.25, 1.5), PROFILES)


@pytest.mark.parametrize("factors", [(1.0,), (1.5, 1.0), (1.0, 1.0), (0.0, 1.0)])
def test_factors_are_two_or_more_in_order(factors: tuple[float, ...]):
    with pytest.raises(ValueError, match="spread_factors"):
        tuning(*factors)
