"""The check on drift between the committed dashboards and Grafana."""

import dagster as dg

from mm_ops.defs.keys import GRAFANA_DASHBOARD
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.grafana.finding import NO_DASHBOARD_DRIFT, Looked, dashboard_finding
from mm_ops.domain.verdict import Finding, Severity


def grafana_checks() -> list[dg.AssetChecksDefinition]:
    """Build ``no_dashboard_drift``: soft, since a dashboard judges nothing; it asks each Grafana and changes none."""

    @dg.asset_check(
        asset=GRAFANA_DASHBOARD,
        name=NO_DASHBOARD_DRIFT,
        blocking=False,
        description="What lies in every Grafana of grafana.yaml is what is committed; unknown where none is named.",
        metadata={"severity": Severity.SOFT.value},
    )
    def no_dashboard_drift(site: Site) -> dg.AssetCheckResult:
        return check_result(_look(site))

    return [no_dashboard_drift]


def _look(site: Site) -> Finding:
    from mm_ops.adapters.grafana_desk import Desk, read_boards
    from mm_ops.domain.grafana.policy import GrafanaPolicy

    looked: dict[str, Looked] = {}
    try:
        policy = site.policy("grafana.yaml", GrafanaPolicy)
        boards = read_boards(site.environment().root, policy.dashboards)
    except MmOpsError as error:
        return dashboard_finding({"grafana.yaml": str(error)})
    for grafana in policy.environments:
        for board in boards:
            try:
                looked[f"{grafana.name}/{board.uid}"] = Desk.of(grafana, policy, site.environment()).compare(board)
            except MmOpsError as error:
                looked[f"{grafana.name}/{board.uid}"] = str(error)
    return dashboard_finding(looked)
