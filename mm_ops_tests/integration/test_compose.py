"""The compose file: what each service may do, and every process of it run by hand from the same command line."""

import stat
import subprocess
from collections.abc import Iterator

import pytest
import requests
import yaml

from mm_ops.adapters.renderings import read_catalogue
from mm_ops.domain.rendering.alertmanager import alertmanager_flags
from mm_ops.domain.rendering.prometheus import prometheus_flags
from mm_ops_tests.compose_file import COMPOSE, Host, host, read_compose, until
from mm_ops_tests.postgres_server import Server, serving
from mm_ops_tests.requirements import PROJECT, require_binary

SERVICES = read_compose()["services"]
LOGGED_IN = "host all dagster,journal 127.0.0.1/32 scram-sha-256\n"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_must(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service.get("healthcheck") or name == "recording"
    image, _, version = service["image"].rpartition(":")
    assert image
    assert version[0] in "v0123456789"


def test_no_secret_is_written_down_and_each_has_one_kind_of_reader():
    document = read_compose()
    assert all(secret["file"].startswith("./secrets/") for secret in document["secrets"].values())
    for service in SERVICES.values():
        named = [name for name in service.get("environment", {}) if "PASSWORD" in name or "TOKEN" in name]
        assert all(name.endswith(("_FILE", "__FILE")) for name in named)
    readers = {
        name: {one["user"] for one in SERVICES.values() if name in str(one.get("secrets"))}
        for name in document["secrets"]
    }
    assert {name: len(users) for name, users in readers.items() if name != "hook_token"} == dict.fromkeys(
        set(readers) - {"hook_token"}, 1
    )


@pytest.mark.parametrize("name", ["watcher_a", "watcher_b"])
def test_a_watcher_reads_what_runs_wrote_of_promotions_and_writes_none(name: str):
    assert "evidence:/app/var" in SERVICES["code"]["volumes"]
    assert "evidence:/app/var:ro" in SERVICES[name]["volumes"]


def test_both_servers_run_with_the_flags_that_the_alerts_rely_on():
    catalogue = read_catalogue(PROJECT / "deploy/policies")
    for name, flags in (("prometheus", prometheus_flags(catalogue)), ("alertmanager", alertmanager_flags(catalogue))):
        asked = {flag.replace('""', "") for flag in flags if "--web.listen-address" not in flag}
        assert asked <= set(SERVICES[name]["command"])


def test_grafana_finds_the_datasource_and_the_dashboard_where_they_are_mounted():
    mounts = dict(mount.split(":")[:2][::-1] for mount in SERVICES["grafana"]["volumes"])
    (source,) = yaml.safe_load((COMPOSE / "grafana/datasources/prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana/dashboards/mm_ops.yaml").read_text())["providers"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert list((COMPOSE / mounts[provider["options"]["path"]]).glob("*.json"))


def test_the_linter_of_dockerfiles_says_nothing():
    subprocess.run([require_binary("hadolint"), str(COMPOSE / "Dockerfile")], check=True)


@pytest.fixture(scope="module", name="up")
def brought_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Every process but Grafana's, healthy by its own health check."""
    for name in ("prometheus", "prometheus-alertmanager", "promtool", "amtool"):
        require_binary(name)
    with serving() as database, host(tmp_path_factory.mktemp("host")) as made:
        made.ports["postgres"] = database.port
        made.make_secrets()
        _fill(database, made)
        assert made.is_healthy("postgres")
        for name in ("code", "paperbot", "prometheus", "alertmanager", "watcher_a", "watcher_b"):
            made.start(name)
        made.wait_for("code")
        for name in ("daemon", "webserver"):
            made.start(name)
        made.wait_for(*made.running)
        yield made


def _fill(database: Server, made: Host) -> None:
    """As the image of PostgreSQL does with an empty volume; then a password is asked for over the network."""
    script = (COMPOSE / "postgres/databases.sh").read_text(encoding="utf-8")
    here = {**made.variables("postgres"), "PGHOST": "127.0.0.1", "PGPORT": str(database.port)}
    command = ["sh", "-c", script.replace("/run/secrets/pgpass", str(made.secret("pgpass")))]
    subprocess.run(command, check=True, env=here, cwd=made.folder)
    rules = database.folder / "data/pg_hba.conf"
    rules.write_text(LOGGED_IN + rules.read_text(encoding="utf-8"), encoding="utf-8")
    database.control("reload")


@pytest.mark.integration
def test_every_process_is_healthy_and_they_find_each_other(up: Host):
    assert set(up.running) == set(SERVICES) - {"postgres", "grafana", "recording"}
    token = up.secret("hook_token").read_text().strip()
    for name in ("watcher_a", "watcher_b"):
        url = f"http://127.0.0.1:{up.ports[name]}/state"
        state = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
        assert state["bots"]["paper"]["state"]["trading_state"] == "ACTIVE"
        assert set(state["backstop"]["sources"]) == {"alertmanager", "prometheus"}
    query = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"
    answer = requests.post(
        f"http://127.0.0.1:{up.ports['webserver']}/graphql", json={"query": query}, timeout=60
    ).json()
    assert answer["data"]["workspaceOrError"]["locationEntries"] == [{"name": "mm_ops", "loadStatus": "LOADED"}]


@pytest.mark.integration
def test_what_a_night_there_compares_is_as_the_mounted_policies_render_it(up: Host):
    command = ["mm-ops", "render", "--check"]
    app = up.folder / "code/app"
    done = subprocess.run(command, cwd=app, env=up.variables("code"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_prometheus_sees_the_bot_and_alertmanager_reaches_a_watcher(up: Host):
    prometheus = f"http://127.0.0.1:{up.ports['prometheus']}/api/v1"
    seen: dict[str, dict[str, str]] = {}

    def all_up() -> bool:
        targets = requests.get(f"{prometheus}/targets", timeout=10).json()["data"]["activeTargets"]
        seen["up"] = {one["scrapePool"]: one["health"] for one in targets}
        return seen["up"] == {"mm": "up", "mm_ops_watcher": "up"}

    until(all_up, lambda: str(seen))
    token = up.secret("hook_token").read_text().strip()
    watcher = f"http://127.0.0.1:{up.ports['watcher_a']}"

    def heard() -> bool:
        text = requests.get(f"{watcher}/metrics", timeout=10).text
        return 'events_total{kind="alert_hook_200"}' in text

    until(heard, lambda: up.log("alertmanager"))
    assert requests.get(f"{watcher}/episodes", timeout=10).status_code == 401
    assert requests.get(f"{watcher}/episodes", headers={"Authorization": f"Bearer {token}"}, timeout=10).ok


@pytest.mark.integration
def test_no_other_user_may_read_a_secret(up: Host):
    files = [up.secret(name) for name in read_compose()["secrets"]]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o400] * len(files)
    assert len({path.read_text() for path in files}) == len(files) - 1  # what Alertmanager sends is the hook's
