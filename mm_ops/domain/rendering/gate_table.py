"""The README's table of checks: every gate with its limit and the alert that watches it live."""

from mm_ops.domain.edge.finding import TOLERANCE
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.markdown import table
from mm_ops.domain.readiness.policy import FULL, ReadinessPolicy
from mm_ops.domain.rendering.rules import limit_words, runbook_path
from mm_ops.domain.soak.policy import Alert, SoakPolicy

BLOCK = "gates"
_HEADER = ("check", "on", "severity", "passes when", "alert")
_NO_ALERT = "—"


def build_gate_table(soak: SoakPolicy, golden: GoldenPolicy, readiness: ReadinessPolicy) -> str:
    """Build the table: the gates of the soak in the order of their policy, then the three other hard checks."""
    drift = f"every pinned case gives its signed-off report, to {_short(golden.tolerance.relative)}"
    go = f"GO: {FULL:g} of {FULL:g} over {readiness.days} days, nothing missing"
    others = [
        ("identity", "edge_report", f"the money counted two ways agrees to {_short(TOLERANCE)}"),
        ("no_drift", "golden_report", drift),
        ("is_go", "readiness_score", go),
    ]
    rows = [
        (f"`{gate.name}`", "`soak_findings`", gate.severity.value, limit_words(gate), _link(gate.alert))
        for gate in soak.gates
    ]
    rows += [(f"`{name}`", f"`{asset}`", "hard", words, _NO_ALERT) for name, asset, words in others]
    return table(_HEADER, rows)


def _short(value: float) -> str:
    """``1e-9``, as people write it."""
    return f"{value:g}".replace("e-0", "e-")


def _link(alert: Alert | None) -> str:
    return f"[`{alert.name}`]({runbook_path(alert.name)})" if alert else _NO_ALERT
