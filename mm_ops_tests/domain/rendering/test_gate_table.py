from dataclasses import replace

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.rendering.gate_table import build_gate_table
from mm_ops_tests.policies_of_rules import project, with_gate
from mm_ops_tests.soak_samples import POLICIES

GOLDEN = read_policy(POLICIES / "golden.yaml", GoldenPolicy)
READINESS = read_policy(POLICIES / "readiness.yaml", ReadinessPolicy)


def test_every_gate_has_a_row_with_its_limit_and_its_alert() -> None:
    changed = with_gate(project(), "ws_lag_max_ms", limit=250.0)
    rows = build_gate_table(changed.soak, GOLDEN, READINESS).splitlines()
    link = "[`SoakWSLagHigh`](runbooks/SoakWSLagHigh.md)"
    assert f"| `ws_lag_max_ms` | `soak_findings` | soft | ≤ 250 ms | {link} |" in rows
    assert "| `bot_version` | `soak_findings` | hard | ≥ 1 count | — |" in rows
    assert (
        f"| `ws_lag_max_ms_sustained` | `soak_findings` | soft | SoakWSLagHigh would not have fired | {link} |" in rows
    )
    names = [row.split("`")[1] for row in rows[2:]]
    assert names == [
        *(rule.name for rule in changed.soak.rules),
        "identity",
        "inputs",
        "no_drift",
        "is_go",
        "no_secrets",
        "all_steps_passed",
        "manifest_verifies",
        "reproducible",
        "no_secrets_inside",
        "gates_passed",
        "no_rule_drift",
        "halt_verified",
        "last_drill",
        "profile_applied",
        "gauges_agree",
        "no_dashboard_drift",
    ]


def test_the_other_hard_checks_say_what_their_policies_say() -> None:
    tolerance = replace(GOLDEN.tolerance, relative=2e-6)
    other = build_gate_table(project().soak, replace(GOLDEN, tolerance=tolerance), replace(READINESS, days=14))
    assert "signed-off report, to 2e-6 |" in other
    assert "GO: 100 of 100 over 14 days, nothing missing" in other
    assert "the money counted two ways agrees to 1e-9" in other
