from pathlib import Path

import pytest
import yaml

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.grafana.policy import GrafanaPolicy
from mm_ops_tests.builders import WORDS
from mm_ops_tests.soak_samples import POLICIES

PRODUCTION = {
    "name": "production",
    "url": "https://grafana.example",
    "token": {"file": "var/grafana.token"},
    "folder": {"uid": "mm-ops", "title": "Market making"},
    "source": WORDS,
}
USUAL = {"dashboards": ["a.json"], "timeout": "10s", "environments": [PRODUCTION], "source": WORDS}


def read(folder: Path, **different: object) -> GrafanaPolicy:
    path = folder / "grafana.yaml"
    path.write_text(yaml.safe_dump({**USUAL, **different}))
    return read_policy(path, GrafanaPolicy)


def test_the_projects_own_names_its_dashboard_and_no_grafana():
    policy = read_policy(POLICIES / "grafana.yaml", GrafanaPolicy)
    assert (policy.dashboards, policy.environments) == (("deploy/grafana/dashboards/mm_operability.json",), ())


def test_what_its_comment_shows_is_taken(tmp_path: Path):
    text = (POLICIES / "grafana.yaml").read_text(encoding="utf-8")
    shown = yaml.safe_load("\n".join(line[2:] for line in text.splitlines() if line.startswith("#   ")))
    (found,) = read(tmp_path, environments=shown).environments
    assert (found.name, found.folder_uid) == ("production", "mm-ops")


def test_without_a_folder_it_is_the_root(tmp_path: Path):
    bare = {name: value for name, value in PRODUCTION.items() if name != "folder"}
    assert read(tmp_path, environments=[bare]).environments[0].folder_uid == ""


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "a password in the address": ({"environments": [{**PRODUCTION, "url": "http://a:b@x"}]}, "url"),
    "no token": ({"environments": [{**PRODUCTION, "token": {}}]}, "expected one of file and env"),
    "a name twice": (
        {"environments": [PRODUCTION, {**PRODUCTION, "token": {"env": "T"}, "folder": None}]},
        "name: expected each once",
    ),
    "a file twice": ({"dashboards": ["a.json", "a.json"]}, "dashboards: expected each once"),
    "no file": ({"dashboards": []}, "dashboards"),
    "no time": ({"timeout": "0s"}, "timeout: expected more than 0s"),
    "a uid that Grafana does not take": (
        {"environments": [{**PRODUCTION, "folder": {"uid": "a b", "title": "x"}}]},
        "uid",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_impossible_policy_is_refused_with_the_field(tmp_path: Path, name: str):
    different, said = WRONG[name]
    with pytest.raises(PolicyError) as refused:
        read(tmp_path, **different)
    assert said in str(refused.value)
