"""Findings as Dagster shows them: check results, severities, metadata."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from mm_ops.adapters.artifacts import Stored
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.verdict import Finding, Verdict


def check_result(finding: Finding) -> dg.AssetCheckResult:
    """Pass only on ``pass``; a hard finding is an ERROR, a soft one a WARN. The evidence goes along."""
    severity = dg.AssetCheckSeverity.ERROR if finding.hard else dg.AssetCheckSeverity.WARN
    evidence = {name: value for name, value in to_plain(finding).items() if value is not None}
    return dg.AssetCheckResult(
        passed=finding.verdict is Verdict.PASS,
        severity=severity,
        description=finding.reason,
        metadata=evidence,
    )


def materialised(*stored: Stored, markdown: str | None = None, **facts: Any) -> dg.MaterializeResult[Any]:
    """Say what was written, where, and under which digest; the first is the asset's value."""
    shown: Mapping[str, Any] = {name: value for name, value in facts.items() if value is not None}
    metadata: dict[str, Any] = {
        f"file_{n}" if n else "file": dg.MetadataValue.path(item.address) for n, item in enumerate(stored)
    }
    if markdown is not None:
        metadata["report"] = dg.MetadataValue.md(markdown)
    return dg.MaterializeResult(
        metadata={**metadata, "digest": stored[0].digest, "size_bytes": stored[0].size, **shown},
        data_version=dg.DataVersion(stored[0].digest),
    )
