import shutil
from pathlib import Path

import dagster as dg
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.renderings import render_all, write_changed
from mm_ops.defs.keys import PROMETHEUS_RULES
from mm_ops.defs.rendering.assets import rendering_assets
from mm_ops.defs.rendering.checks import rendering_checks
from mm_ops.defs.resources import Site
from mm_ops.domain.canonical import digest
from mm_ops_tests.requirements import PROJECT

RULES = "deploy/prometheus/alerts_soak.yml"


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    write_changed(tmp_path, render_all(tmp_path, tmp_path / "deploy/policies"))
    return tmp_path


def run(root: Path) -> dg.ExecuteInProcessResult:
    site = Site.of(Environment.read({"MM_OPS_ROOT": str(root)}))
    definitions = dg.Definitions(assets=rendering_assets(), asset_checks=rendering_checks(), resources={"site": site})
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False)


def test_the_rules_are_stored_and_shown_and_are_those_that_are_committed(root: Path) -> None:
    result = run(root)
    (materialised,) = result.asset_materializations_for_node("prometheus_rules")
    assert materialised.asset_key == PROMETHEUS_RULES
    stored = root / "var/artifacts/rendered/alerts_soak.yml"
    assert stored.read_bytes() == (root / RULES).read_bytes()
    assert materialised.metadata["digest"].value == digest(stored.read_bytes())
    assert "alert: SoakWSLagHigh" in str(materialised.metadata["report"].value)
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["verdict"].value == "pass"


def test_a_rule_edited_by_hand_is_an_error_that_blocks_nothing(root: Path) -> None:
    text = (root / RULES).read_text(encoding="utf-8")
    (root / RULES).write_text(text.replace("> 200", "> 300"), encoding="utf-8")
    result = run(root)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert not check.blocking
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.description == f"{RULES} is not what the catalogue renders: run mm-ops render"


def test_a_policy_that_is_impossible_fails_the_asset_and_is_no_pass(root: Path) -> None:
    alerting = root / "deploy/policies/alerting.yaml"
    alerting.write_text(alerting.read_text(encoding="utf-8").replace("hold: 2m", "hold: 100s", 1), encoding="utf-8")
    result = run(root)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert "no_data.absent.hold: expected a multiple of 15s" in str(failure.event_specific_data)
    (check,) = rendering_checks()
    site = Site.of(Environment.read({"MM_OPS_ROOT": str(root)}))
    found = check(site)
    assert isinstance(found, dg.AssetCheckResult)
    assert not found.passed
    assert found.metadata["verdict"].value == "inconclusive"
