from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.jobs import CHECKS, NIGHTLY
from mm_ops.defs.keys import (
    ARTIFACT_ROTATION,
    CRON_FRESHNESS,
    DAGSTER_RUNS,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULES,
    BotKeys,
)
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import check_result, report_of_day
from mm_ops.domain.errors import MissingEvidenceError, SchemaError, SourceUnavailableError
from mm_ops.domain.release.finding import BUNDLE_CHECKS
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.verdict import Finding, Severity, Verdict

HERE = Environment.read({"CI_FAKE_UTC": "2026-11-21T00:30:00Z"})
KEYS = BotKeys("paper")


@pytest.fixture(scope="module")
def location() -> Location:
    return build_location(Site.of(HERE))


def test_the_location_loads_with_every_asset_of_the_design(location: Location):
    dg.Definitions.validate_loadable(location.definitions)
    assert location.definitions.resolve_asset_graph().get_all_asset_keys() == {
        *KEYS.all,
        KEYS.rollback_report,
        KEYS.rollback_state,
        KEYS.pre_live_pack,
        KEYS.edge_profile,
        CRON_FRESHNESS,
        ARTIFACT_ROTATION,
        DAGSTER_RUNS,
        GRAFANA_DASHBOARD,
        KEYS.fire_drill,
        KEYS.promotion,
        PROMETHEUS_RULES,
    }


def test_evidence_flows_from_samples_to_the_bundle(location: Location):
    graph = location.definitions.resolve_asset_graph()
    parents = {key.path[-1]: sorted(parent.path[-1] for parent in graph.get(key).parent_keys) for key in KEYS.all}
    assert parents == {
        "sli_samples": [],
        "soak_metrics": ["sli_samples"],
        "soak_findings": ["sli_samples", "soak_metrics"],
        "edge_report": [],
        "golden_report": [],
        "chaos_drill": [],
        "test_results": [],
        "readiness_score": ["chaos_drill", "edge_report", "soak_metrics", "test_results"],
        "secrets_scan": [],
        "release_bundle": ["edge_report", "golden_report", "readiness_score", "secrets_scan", "soak_findings"],
    }


def test_the_ui_says_of_everything_what_it_is_whose_it_is_and_of_which_bot(location: Location):
    graph = location.definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.group_name == (key.path[0] if len(key.path) > 1 else node.group_name) != "default"
        assert node.tags.get("mm_ops/bot") == (key.path[0] if len(key.path) > 1 else None)
        assert node.tags["mm_ops/question"]
        if not node.is_external:  # Dagster lets what is only observed have no owner and no kind
            assert (node.owners, bool(node.kinds)) == (["team:trading-operations"], True), key
    parts = (location.definitions.jobs, location.definitions.schedules, location.definitions.sensors)
    assert [one.name for part in parts for one in part or () if not one.description] == []


def test_there_is_one_check_for_each_gate_and_only_hard_ones_block(location: Location):
    gates = read_policy(HERE.policies / "soak.yaml", SoakPolicy).rules
    specs = {spec.name: spec for definition in location.graphs["paper"].checks for spec in definition.check_specs}
    others = {"identity", "inputs", "no_drift", "is_go", "no_secrets", *BUNDLE_CHECKS}
    assert set(specs) == {*(gate.name for gate in gates), *others}
    blocking = {name for name, spec in specs.items() if spec.blocking}
    assert blocking == {
        *(gate.name for gate in gates if gate.severity is Severity.HARD),
        "no_drift",
        "is_go",
        "no_secrets",
    }
    hard = {key.name for key in location.graphs["paper"].hard}
    assert hard == blocking | {"identity", "inputs"}
    assert {key.name for key in location.graphs["paper"].of_bundle} == set(BUNDLE_CHECKS)
    asked = {key.name for key in location.graphs["paper"].promoted_by}
    assert asked == blocking | set(BUNDLE_CHECKS)


def test_a_soak_and_a_score_look_back_as_far_as_their_policies_say(location: Location):
    graph = location.definitions.resolve_asset_graph()
    for downstream, upstream, days in (
        (KEYS.soak_metrics, KEYS.sli_samples, 3),
        (KEYS.readiness_score, KEYS.edge_report, 7),
    ):
        mapping = graph.get(downstream).partition_mappings[upstream]
        assert isinstance(mapping, dg.TimeWindowPartitionMapping)
        assert mapping.start_offset == 1 - days


def test_the_schedule_starts_one_run_a_bot_for_the_day_that_ended(location: Location):
    schedule = location.definitions.resolve_schedule_def("nightly_schedule")
    at = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=at,
            repository_def=location.definitions.get_repository_def(),
        )
        shared, request = schedule.evaluate_tick(context).run_requests or []
    assert (shared.run_key, shared.asset_selection) == ("catalogue:2026-11-20", [PROMETHEUS_RULES])
    assert (request.run_key, request.partition_key) == ("paper:2026-11-20", "2026-11-20")
    assert set(request.asset_selection or []) == set(KEYS.all)
    assert request.tags["mm_ops/bot"] == "paper"
    assert schedule.cron_schedule == "30 0 * * *"


def test_the_checks_job_materialises_nothing_and_names_its_day(location: Location):
    job = location.definitions.resolve_job_def(CHECKS)
    assert job.run_tags["dagster/partition"] == "2026-11-20"
    assert not job.asset_layer.selected_asset_keys
    night = location.definitions.resolve_job_def(NIGHTLY)
    assert night.partitions_def is not None
    assert night.asset_layer.selected_asset_keys == {*KEYS.all, PROMETHEUS_RULES}
    judged = {key.name for key in job.asset_layer.asset_graph.asset_check_keys}
    assert {"is_go", "identity"} < judged
    assert "halt_verified" not in judged


@pytest.mark.parametrize(("error", "again"), [(SourceUnavailableError("down"), True), (SchemaError("broken"), False)])
def test_only_a_source_that_did_not_answer_is_asked_again(error: Exception, *, again: bool):
    with pytest.raises(dg.Failure) as failure, refusals_end_the_step():
        raise error
    assert (failure.value.description, failure.value.allow_retries) == (str(error), again)


def test_a_check_shows_severity_and_evidence():
    soft = Finding(gate="g", severity=Severity.SOFT, verdict=Verdict.INCONCLUSIVE, reason="no samples", limit=0.0)
    result = check_result(soft)
    assert (result.passed, result.severity, result.description) == (False, dg.AssetCheckSeverity.WARN, "no samples")
    assert result.metadata["verdict"].value == "inconclusive"
    assert result.metadata["limit"].value == 0.0
    assert "value" not in result.metadata


def test_a_report_of_no_day_is_missing_evidence(tmp_path: Path):
    site = Site.of(Environment.read({"MM_OPS_ROOT": str(tmp_path)}))
    bot = build_location(Site.of(HERE)).fleet.bots[0]
    with pytest.raises(MissingEvidenceError, match="no day was asked for"):
        report_of_day("x.json")(site.evidence(bot), None)
