"""``grafana_dashboard`` and its check, as Dagster runs them."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mm_ops.defs.grafana.assets import grafana_assets
from mm_ops.defs.grafana.checks import grafana_checks
from mm_ops.defs.keys import GRAFANA_DASHBOARD
from mm_ops.defs.resources import Site
from mm_ops_tests.grafana_server import FakeGrafana, fake_grafana, name_grafanas
from mm_ops_tests.site import Deployment

UID = "mm-operability"


@pytest.fixture
def site(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path / "site", {"paper": tmp_path / "recording"})


def run(site: Deployment, *, checks_only: bool = False, overwrite: int | None = None) -> dg.ExecuteInProcessResult:
    resources = {"site": site.location().site}
    definitions = dg.Definitions(assets=grafana_assets(), asset_checks=grafana_checks(), resources=resources)
    job = definitions.resolve_implicit_global_asset_job_def()
    if checks_only:
        job = job.get_subset(asset_check_selection={dg.AssetCheckKey(GRAFANA_DASHBOARD, "no_dashboard_drift")})
    config = {} if checks_only else {"ops": {"grafana_dashboard": {"config": {"overwrite": overwrite}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False, run_config=config)


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    data: Any = event.step_failure_data
    return str(data.user_failure_data.description)


def verdict(result: dg.ExecuteInProcessResult) -> tuple[bool, str, str | None]:
    (check,) = result.get_asset_check_evaluations()
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert not check.blocking
    return check.passed, str(check.metadata["verdict"].value), check.description


def test_without_a_grafana_nothing_is_green(site: Deployment):
    made = run(site)
    assert not made.success
    assert failure(made) == "no Grafana is named in grafana.yaml, so nothing was imported: name one there"
    assert made.asset_materializations_for_node("grafana_dashboard") == []
    unknown = (False, "inconclusive", "no Grafana is named in grafana.yaml: nothing was compared")
    assert verdict(run(site, checks_only=True)) == unknown


def test_every_grafana_gets_it_and_the_check_sees_it_there(site: Deployment):
    with fake_grafana() as one, fake_grafana() as other:
        name_grafanas(site, {"production": one.url, "staging": other.url})
        assert verdict(run(site, checks_only=True))[:2] == (False, "fail")
        assert (one.boards, other.boards) == ({}, {}), "a check changes nothing"
        made = run(site)
        assert made.success
        assert verdict(made) == (True, "pass", "2 dashboards are what is committed")
        (event,) = made.asset_materializations_for_node("grafana_dashboard")
        table: Any = event.metadata["dashboards"]
        assert [(row.data["grafana"], row.data["answer"], row.data["version"]) for row in table.records] == [
            ("production", "create", 1),
            ("staging", "create", 1),
        ]


def test_what_was_changed_there_fails_the_step_and_stays_until_a_person_says_so(site: Deployment):
    with fake_grafana() as grafana:
        name_grafanas(site, {"production": grafana.url})
        assert run(site).success
        grafana.edit(UID, lambda data: data.update(title="Theirs"))
        passed, answer, reason = verdict(run(site, checks_only=True))
        assert (passed, answer) == (False, "fail")
        assert str(reason).startswith(
            f"production/{UID}: $.title: committed 'Market maker operability', in Grafana 'The"
        )
        refused = run(site)
        assert not refused.success
        assert failure(refused).startswith(f"production: {UID} was changed in Grafana since its last import")
        assert grafana.boards[UID].data["title"] == "Theirs"
        assert not run(site, overwrite=1).success
        assert run(site, overwrite=2).success
        assert verdict(run(site, checks_only=True))[0]


def test_a_grafana_that_does_not_answer_is_unknown_and_no_pass(site: Deployment):
    with fake_grafana() as grafana:
        name_grafanas(site, {"production": grafana.url})
        assert run(site).success
        gone = FakeGrafana(url=grafana.url)
    passed, answer, reason = verdict(run(site, checks_only=True))
    assert (passed, answer) == (False, "inconclusive")
    assert (
        reason == f"production/{UID}: grafana {gone.url}: connection refused; does it run there, and is it its address?"
    )
    assert failure(run(site)).startswith(f"grafana {gone.url}: connection refused")


def test_what_was_written_before_another_did_not_answer_is_told(site: Deployment):
    with fake_grafana() as grafana, fake_grafana() as other:
        name_grafanas(site, {"production": grafana.url, "staging": other.url})
    with fake_grafana() as grafana:
        name_grafanas(site, {"production": grafana.url, "staging": other.url})
        (event,) = run(site).get_step_failure_events()
    data: Any = event.step_failure_data
    assert str(data.user_failure_data.description).startswith(f"grafana {other.url}: connection refused")
    (row,) = data.user_failure_data.metadata["dashboards"].records
    assert (row.data["grafana"], row.data["answer"]) == ("production", "create")


def test_a_file_that_cannot_be_read_is_unknown(site: Deployment):
    (site.root / "deploy/grafana/dashboards/mm_operability.json").write_text("{")
    passed, answer, reason = verdict(run(site, checks_only=True))
    assert (passed, answer) == (False, "inconclusive")
    assert "mm_operability.json:1:2: not JSON" in str(reason)


def test_neither_a_night_nor_the_checks_of_stored_evidence_ask_grafana(site: Deployment):
    definitions = site.location().definitions
    assert isinstance(site.location().site, Site)
    for name in ("nightly", "checks"):
        layer = definitions.resolve_job_def(name).asset_layer
        assert GRAFANA_DASHBOARD not in layer.executable_asset_keys
        assert GRAFANA_DASHBOARD not in {key.asset_key for key in layer.asset_graph.asset_check_keys}
