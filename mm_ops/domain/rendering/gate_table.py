"""The table of all checks (``deploy/checks.md``): every gate with its limit and the alert that watches it live."""

from mm_ops.domain.edge.finding import TOLERANCE
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.markdown import table
from mm_ops.domain.readiness.policy import FULL, ReadinessPolicy
from mm_ops.domain.rendering.rules import limit_words, runbook_path
from mm_ops.domain.soak.bucket_rules import Baseline, Trend
from mm_ops.domain.soak.policy import Alert, SoakPolicy, sustained_name
from mm_ops.domain.verdict import Severity

BLOCK = "gates"
_HEADER = ("check", "on", "severity", "passes when", "alert")
_NO_ALERT = "—"


def build_gate_table(soak: SoakPolicy, golden: GoldenPolicy, readiness: ReadinessPolicy) -> str:
    """Build the table: the rules of the soak in the order of their findings, then the other hard checks."""
    drift = f"every pinned case gives its signed-off report, to {_short(golden.tolerance.relative)}"
    go = f"GO: {FULL:g} of {FULL:g} over {readiness.days} days, nothing missing"
    others = [
        ("identity", "edge_report", f"the money counted two ways agrees to {_short(TOLERANCE)}"),
        ("inputs", "edge_report", "at most the share of `inputs.yaml` of the rows were faulty"),
        ("no_drift", "golden_report", drift),
        ("is_go", "readiness_score", go),
        ("no_secrets", "secrets_scan", "no secret that the audited baseline of `secrets.yaml` does not excuse"),
        ("all_steps_passed", "pre_live_pack", "every step of `prelive.yaml` passed in dry mode"),
        (
            "manifest_verifies",
            "release_bundle",
            "every byte is what it says, and it is signed where `release.yaml` asks",
        ),
        (
            "reproducible",
            "release_bundle",
            "built again, from its sources and from its own files, it is the same bundle",
        ),
        ("no_secrets_inside", "release_bundle", "no secret is in any of its files, and each was read to its end"),
        ("gates_passed", "release_bundle", "every hard gate passes by the reports in it, and its test result says so"),
        ("no_rule_drift", "prometheus_rules", "what is committed below `deploy/` is what the policies render"),
        ("halt_verified", "rollback_report", "the stopped bot reads back halted again, no order of it is open or sent"),
        ("last_drill", "fire_drill", "the last drill passed, is not too old, and kept the budget of `drill.yaml`"),
    ]
    profile, dashboard = "`edge_profile`", "`grafana_dashboard`"
    watched = [
        ("profile_applied", profile, Severity.HARD, "the bot reads back the profile that its edge asks for"),
        (
            "gauges_agree",
            profile,
            Severity.SOFT,
            "gauges and fills tell the same edge to the bps of `edge_sentinel.yaml`",
        ),
        ("no_dashboard_drift", dashboard, Severity.SOFT, "every Grafana of `grafana.yaml` shows what is committed"),
    ]
    of_buckets: tuple[Trend | Baseline, ...] = (*soak.trends, *soak.baselines)
    soaked: list[tuple[str, Severity, str, str]] = [
        *((gate.name, gate.severity, limit_words(gate), _link(gate.alert)) for gate in soak.gates),
        *(
            (sustained_name(gate), gate.severity, _rule(gate.alert.words, gate.alert.source), _link(gate.alert))
            for gate in soak.gates
            if gate.alert
        ),
        *((rule.name, rule.severity, _rule(rule.words, rule.source), _NO_ALERT) for rule in of_buckets),
    ]
    rows = [(f"`{name}`", "`soak_findings`", severity.value, words, link) for name, severity, words, link in soaked]
    rows += [(f"`{name}`", f"`{asset}`", Severity.HARD.value, words, _NO_ALERT) for name, asset, words in others]
    rows += [(f"`{name}`", asset, severity.value, words, _NO_ALERT) for name, asset, severity, words in watched]
    return table(_HEADER, rows)


def _rule(words: str, source: str) -> str:
    """The rule without its source, which the policy file tells."""
    return words.removesuffix(source).rstrip(". ")


def _short(value: float) -> str:
    """``1e-9``, as people write it."""
    return f"{value:g}".replace("e-0", "e-")


def _link(alert: Alert | None) -> str:
    return f"[`{alert.name}`]({runbook_path(alert.name).removeprefix('deploy/')})" if alert else _NO_ALERT
