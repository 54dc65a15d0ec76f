"""What is applied to a cluster: by Kubernetes' own schemas, and a run's job as Dagster's launcher would make it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import DagsterK8sJobConfig, construct_dagster_k8s_job
from kubernetes.client import ApiClient

from mm_ops.adapters.policy_files import read_policy
from mm_ops.cli import cli
from mm_ops.domain.bots import Fleet, HttpControl
from mm_ops_tests.requirements import PROJECT, require_binary
from mm_ops_tests.test_workflows import parse

FOLDER = PROJECT / "deploy/kubernetes"
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
WATCHER = {one["kind"]: one for one in yaml.safe_load_all((FOLDER / "watcher.yaml").read_text(encoding="utf-8"))}
POD = WATCHER["StatefulSet"]["spec"]["template"]
HARDENED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def validated(*files: Path) -> str:
    command = [require_binary("kubernetes-validate"), "--strict", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_every_manifest_is_of_the_schemas_of_kubernetes(tmp_path: Path):
    validated(FOLDER / "watcher.yaml")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((FOLDER / "watcher.yaml").read_text(encoding="utf-8").replace("minAvailable", "minAvailabel"))
    with pytest.raises(subprocess.CalledProcessError):
        validated(wrong)


def test_two_watchers_of_which_one_always_stays():
    assert WATCHER["StatefulSet"]["spec"]["replicas"] == 2
    assert WATCHER["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    labels = POD["metadata"]["labels"].items()
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        assert WATCHER[kind]["spec"]["selector"]["matchLabels"].items() <= labels
    assert WATCHER["Service"]["spec"]["selector"].items() <= labels
    assert WATCHER["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels


def test_the_watchers_process_may_do_no_more_than_it_must_and_is_probed():
    (container,) = POD["spec"]["containers"]
    assert container["securityContext"] == HARDENED
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert POD["spec"]["automountServiceAccountToken"] is False
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert probes == {"startupProbe": "/ready", "readinessProbe": "/ready", "livenessProbe": "/health"}
    assert container["args"][0] == "mm-ops"
    parse(cli, container["args"][1:])


@pytest.mark.parametrize("folder", ["kubernetes", "compose"])
def test_the_fleet_of_a_deployment_can_be_read_and_the_network_lets_it_be_stopped(folder: str):
    fleet = read_policy(PROJECT / f"deploy/{folder}/policies/bots.yaml", Fleet)
    for bot in fleet.bots:
        assert isinstance(bot.control, HttpControl)
        assert bot.control.token_file == "/run/secrets/bot_token"  # noqa: S105 - where it is, not what
    if folder == "kubernetes":
        ports = {port["port"] for rule in WATCHER["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]}
        assert {9108, 9090, 9093, 5432, 53} <= ports


def test_both_are_of_one_image_and_the_limits_are_those_of_one_host():
    image = VALUES["dagster-user-deployments"]["deployments"][0]["image"]
    assert POD["spec"]["containers"][0]["image"] == f"{image['repository']}:{image['tag']}"
    one_host = yaml.safe_load((PROJECT / "deploy/dagster/production/dagster.yaml").read_text(encoding="utf-8"))
    mine, theirs = VALUES["concurrency"], one_host["concurrency"]
    assert (mine["pools"]["defaultLimit"], mine["pools"]["granularity"]) == tuple(
        theirs["pools"][name] for name in ("default_limit", "granularity")
    )
    tags = {(one["key"], str(one.get("value"))) for one in mine["runs"]["tagConcurrencyLimits"]}
    assert tags == {(one["key"], str(one.get("value"))) for one in theirs["runs"]["tag_concurrency_limits"]}


def snake(value: Any) -> Any:
    """Names as the chart writes them into ``dagster.yaml``; what Kubernetes itself reads keeps its own."""
    if isinstance(value, dict):
        return {re.sub(r"(?<!^)([A-Z0-9]+)", r"_\1", name).lower(): one for name, one in value.items()}
    return value


def test_a_run_becomes_a_job_that_kubernetes_takes_with_what_the_location_mounts(tmp_path: Path):
    location = VALUES["dagster-user-deployments"]["deployments"][0]
    launcher = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    context = K8sContainerContext.create_from_config(
        {
            "k8s": {
                "env_secrets": [one["name"] for one in location["envSecrets"]],
                "volumes": location["volumes"],
                "volume_mounts": location["volumeMounts"],
                "resources": launcher["resources"],
                "run_k8s_config": snake(launcher["runK8sConfig"]),
                "namespace": "mm-ops",
            }
        }
    )
    config = DagsterK8sJobConfig(
        job_image="mm_ops:0.1.0",
        dagster_home="/opt/dagster/dagster_home",
        instance_config_map="dagster-instance",
        postgres_password_secret=VALUES["global"]["postgresqlSecretName"],
    )
    job = construct_dagster_k8s_job(config, ["dagster", "api", "execute_run"], "a-run", context.run_k8s_config)
    manifest = tmp_path / "job.json"
    document = ApiClient().sanitize_for_serialization(job)
    manifest.write_text(yaml.safe_dump(document), encoding="utf-8")
    validated(manifest)
    pod = document["spec"]["template"]["spec"]
    assert pod["containers"][0]["securityContext"] == HARDENED
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert {mount["mountPath"] for mount in location["volumeMounts"]} <= {
        mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]
    }
    assert document["spec"]["ttlSecondsAfterFinished"] == 86400
