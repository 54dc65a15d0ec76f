import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Fleet
from mm_ops_tests.site import Deployment

BOTS = 100


@pytest.fixture(scope="module")
def hundred() -> Location:
    """The project's own bot a hundred times, under other names."""
    environment = Environment.read({"CI_FAKE_UTC": "2026-11-21T00:30:00Z"})
    fleet = read_policy(environment.policies / "bots.yaml", Fleet)
    one = fleet.bots[0]
    many = replace(fleet, bots=tuple(replace(one, name=f"mm{number:03}") for number in range(BOTS)))
    return build_location(Site.of(environment), many)


def test_each_of_a_hundred_bots_has_the_same_graph_in_a_group_of_its_own(hundred: Location) -> None:
    graph = hundred.definitions.resolve_asset_graph()
    groups = Counter(graph.get(key).group_name for key in graph.get_all_asset_keys() if len(key.path) > 1)
    assert len(groups) == BOTS
    assert len(set(groups.values())) == 1
    checks = Counter(key.asset_key.path[0] for key in graph.asset_check_keys if len(key.asset_key.path) > 1)
    assert set(checks) == set(groups)
    assert len(set(checks.values())) == 1


def broken(root: Path) -> Deployment:
    """Three bots of which the second has a version that is none."""
    deployment = Deployment(root, dict.fromkeys(("mm1", "mm2", "mm3"), root))
    path = deployment.policy("bots.yaml")
    fleet = yaml.safe_load(path.read_text(encoding="utf-8"))
    fleet["bots"][1]["version"] = "new"
    path.write_text(yaml.safe_dump(fleet, sort_keys=False))
    return deployment


def test_a_broken_entry_leaves_out_its_bot_and_is_told_and_watched(tmp_path: Path) -> None:
    deployment = broken(tmp_path / "site")
    lines = deployment.policy("bots.yaml").read_text(encoding="utf-8").splitlines()
    line = 1 + lines.index("  version: new")
    site = Site.of(Environment.read(deployment.variables))
    location = build_location(site, loaded=site.sound_bots())
    assert set(location.graphs) == {"mm1", "mm3"}
    told: Any = location.definitions.metadata["left_out"].value
    assert [fault.partition("bots.yaml:")[2].split(": String")[0] for fault in told] == [f"{line}: bots.1.version"]
    watched = {spec.name for definition in location.watch.checks for spec in definition.check_specs}
    assert {name for name in watched if "mm2" in name}


def test_a_broken_entry_is_told_where_the_location_is_loaded(tmp_path: Path) -> None:
    deployment = broken(tmp_path / "site")
    code = """from mm_ops.definitions import defs
print({key.path[0] for key in defs().resolve_asset_graph().get_all_asset_keys()})"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **deployment.variables},
    )
    assert "mm2" not in done.stdout
    assert "mm3" in done.stdout
    assert "bots.1.version" in done.stderr
    assert "this bot is not loaded; the others are" in done.stderr


def test_what_judges_the_whole_fleet_refuses_a_broken_entry(tmp_path: Path) -> None:
    done = broken(tmp_path / "site").run("nightly", "--date", "2026-11-20")
    assert done.returncode == 2
    assert "bots.1.version" in done.stderr
