"""The part of a runbook that the catalogue knows: what the alert compares, with what, for how long, and why."""

from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.rendering.rules import AlertRule, all_alerts, record_rules
from mm_ops.domain.windows import format_duration

BLOCK = "alert"


def build_runbook_blocks(catalogue: Catalogue) -> dict[str, str]:
    """Build the block of each alert's page, by the alert's name."""
    rules: dict[str, list[AlertRule]] = {}
    for rule in all_alerts(catalogue):
        rules.setdefault(rule.name, []).append(rule)
    recorded = {rule["record"]: rule["expr"] for rule in record_rules(catalogue)}
    windows = {one.alert.name: one.alert.window for one in catalogue.watched}
    windows[catalogue.alerting.no_data.stalled.name] = catalogue.alerting.no_data.stalled.window
    texts = {}
    for name, group in rules.items():
        window = windows.get(name)
        texts[name] = _block(group, recorded, format_duration(window) if window else "none: each sample by itself")
    return texts


def _block(group: list[AlertRule], recorded: dict[str, str], window: str) -> str:
    rule = group[0]
    keep = format_duration(rule.keep_firing_for) if rule.keep_firing_for else "no longer than the breach"
    facts = {
        "limit": rule.annotations["limit"],
        "window": window,
        "for": format_duration(rule.hold) if rule.hold else "at once",
        "stays up": f"{keep} after the breach" if rule.keep_firing_for else keep,
        "severity": rule.labels["severity"],
        "action": rule.labels["action"],
        "because": rule.source,
    }
    if "gate" in rule.labels:
        facts["gate"] = f"`{rule.labels['gate']}`"
    lines = [f"| {name} | {fact.replace('|', chr(92) + '|')} |" for name, fact in facts.items()]
    expressions = [expression for one in group for expression in _expressions(one, recorded)]
    return "\n".join(["| | |", "| --- | --- |", *lines, "", "```promql", *expressions, "```"])


def _expressions(rule: AlertRule, recorded: dict[str, str]) -> list[str]:
    """The alert's expression, and below it what a recorded name in it stands for."""
    return [rule.expr, *(f"# {name} = {expr}" for name, expr in recorded.items() if name in rule.expr)]
