"""The gate on drift between the policies and what is committed."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from mm_ops.defs.keys import PROMETHEUS_RULES
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.drift import NO_RULE_DRIFT, drift_finding, not_rendered
from mm_ops.domain.verdict import Severity

if TYPE_CHECKING:
    from mm_ops.domain.verdict import Finding


def rendering_checks() -> list[dg.AssetChecksDefinition]:
    """Build ``no_rule_drift``: hard, since the limit that is watched must be the one that is judged; blocks nothing."""

    @dg.asset_check(
        asset=PROMETHEUS_RULES,
        name=NO_RULE_DRIFT,
        blocking=False,
        description="Every committed rendering is, byte for byte, what the policies render.",
        metadata={"severity": Severity.HARD.value},
    )
    def no_rule_drift(site: Site) -> dg.AssetCheckResult:
        return check_result(_compare(Path(site.root), Path(site.policies)))

    return [no_rule_drift]


def _compare(root: Path, policies: Path) -> "Finding":
    from mm_ops.adapters.renderings import find_differences, find_faults, read_catalogue, render_all

    try:
        rendered = render_all(root, policies)
    except PolicyError as error:
        return not_rendered(str(error))
    differing = [item.path for item in find_differences(root, rendered)]
    return drift_finding(differing, find_faults(root, read_catalogue(policies)), len(rendered))
