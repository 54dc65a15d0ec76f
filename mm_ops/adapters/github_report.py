"""Findings as GitHub shows them: an annotation where a limit is written, and the summary of a job.

Source: GitHub, *Workflow commands for GitHub Actions*: ``::error file=…,line=…,title=…::message``, in which ``%``, CR
and LF are escaped, and in a property ``:`` and ``,`` too. It keeps ten errors and ten warnings of a step, so the worst
come first, and a summary of at most 1 MiB.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mm_ops.domain.markdown import number, signed, table
from mm_ops.domain.verdict import Finding, Verdict

MOST_SUMMARY_BYTES = 1_000_000
POLICIES = {
    "soak_findings": "soak.yaml",
    "edge_report": "inputs.yaml",
    "golden_report": "golden.yaml",
    "readiness_score": "readiness.yaml",
    "secrets_scan": "secrets.yaml",
    "prometheus_rules": "alerting.yaml",
}
"""Where the limits of an asset's checks are written; of any other asset the fleet is named."""

_NAMED = re.compile(r" *- \{?name: ([a-z0-9_]+)")

Named = Sequence[tuple[str, Finding]]


def annotations(findings: Named, absent: Sequence[str], policies: Path, root: Path) -> list[str]:
    """One line a check that did not pass: ``error`` where it is hard or gave no result, ``warning`` where it is soft.

    Args:
        findings: asset and finding of each check.
        absent: ``<asset>:<check>`` of each without a result.
        policies: the folder of the policies, to which lines point.
        root: the repository, from which GitHub counts paths.
    """
    missed = [(asset, finding) for asset, finding in findings if finding.verdict is not Verdict.PASS]
    told = [
        _command("error" if one.hard else "warning", _place(asset, one.gate, policies, root), asset, one)
        for asset, one in sorted(missed, key=lambda item: (not item[1].hard, item[1].verdict is not Verdict.FAIL))
    ]
    lost = [
        f"::error title={_escape(name, ':,')} gave no result::{_escape('the check gave no result')}" for name in absent
    ]
    return lost + told


def summary(title: str, word: str, findings: Named, absent: Sequence[str]) -> str:
    """A Markdown page: the verdict, a row a check, and why what did not pass did not."""
    rows: list[tuple[str, ...]] = [
        (
            asset,
            one.gate,
            one.severity.value,
            one.verdict.value,
            number(one.value, one.unit),
            signed(one.margin, one.unit),
        )
        for asset, one in findings
    ]
    rows += [(*name.rsplit(":", 1), "", "no result", "", "") for name in absent]
    head = f"## {word}: {title}\n\n"
    reasons = "".join(f"- **{asset}: {one.gate}** {_flat(one.reason)}\n" for asset, one in _missed(findings))
    page = head + (f"{reasons}\n" if reasons else "")
    page += table(("asset", "check", "severity", "verdict", "value", "margin"), rows)
    if len(page.encode()) <= MOST_SUMMARY_BYTES:
        return page
    return f"{head}{len(list(_missed(findings)))} of {len(findings)} checks did not pass, too many to show here\n"


def _missed(findings: Named) -> Iterator[tuple[str, Finding]]:
    return (item for item in findings if item[1].verdict is not Verdict.PASS)


def _command(kind: str, place: str, asset: str, finding: Finding) -> str:
    title = _escape(f"{asset}: {finding.gate}: {finding.verdict.value}", ":,")
    return f"::{kind} {place},title={title}::{_escape(finding.reason)}"


def _place(asset: str, gate: str, policies: Path, root: Path) -> str:
    """Where the limit is written; a rule that follows from a gate (``…_sustained``) points to that gate."""
    path = policies / POLICIES.get(asset.rsplit("/", 1)[-1], "bots.yaml")
    named = {found[1]: n for n, line in enumerate(_lines(path), 1) if (found := _NAMED.match(line))}
    best = max((name for name in named if gate == name or gate.startswith(f"{name}_")), key=len, default="")
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return f"file={_escape(str(shown), ':,')},line={named.get(best, 1)}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []  # the verdict is told all the same


def _escape(text: str, also: str = "") -> str:
    for letter in ("%", "\r", "\n", *also):
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;")
