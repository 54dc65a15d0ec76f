"""What no linter states for us."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.defs.fleet import build_location
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.cron_look import read_cron_policy
from mm_ops_tests.requirements import PROJECT

SOURCES = sorted((PROJECT / "mm_ops").rglob("*.py"))
TEXTS = [path for path in PROJECT.rglob("*") if path.suffix in {".py", ".md", ".yaml", ".toml", ".sh"}]
OURS = [path for path in TEXTS if not {".venv", "var"} & set(path.relative_to(PROJECT).parts)]
COLLECTORS = {"utils", "common", "helpers", "core", "misc", "shared"}


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("source", SOURCES, ids=relative)
def test_product_code_does_not_know_it_is_being_tested(source: Path):
    text = source.read_text(encoding="utf-8").lower()
    assert not [word for word in ("mm_ops_tests", "pytest", "unittest", "monkeypatch") if word in text]


@pytest.mark.parametrize("source", SOURCES, ids=relative)
def test_no_module_has_a_name_that_fits_anything(source: Path):
    assert not COLLECTORS & set(source.relative_to(PROJECT).with_suffix("").parts)


@pytest.mark.parametrize("source", SOURCES, ids=relative)
def test_a_module_can_be_read_in_one_sitting(source: Path):
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("text", OURS, ids=relative)
def test_no_path_of_a_machine_is_written_down(text: Path):
    found = re.findall(r"(?<![\w.~$}{])/(?:home|root|work|Users)/\w+", text.read_text(encoding="utf-8"))
    assert not found


def test_only_the_layer_of_dagster_imports_it():
    pattern = re.compile(r"^\s*(?:import|from) dagster\b", re.MULTILINE)
    knows = {path.relative_to(PROJECT / "mm_ops").parts[0] for path in SOURCES if pattern.search(path.read_text())}
    assert knows <= {"defs", "definitions.py", "cli"}


def test_the_location_loads_without_what_only_its_steps_need():
    code = "import sys, mm_ops.definitions; mm_ops.definitions.defs(); print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in ("polars", "pandas", "numpy") if f"'{name}'" in shown]


def test_help_is_fast_because_it_imports_nothing_heavy():
    code = "import sys, mm_ops.cli; mm_ops.cli.cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    python = sys.executable
    shown = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in ("dagster", "polars", "pandas", "numpy") if f"'{name}'" in shown]


def table_names(readme: str, header: str) -> set[str]:
    """The first column of the table whose header row begins so."""
    rows = readme[readme.index(header) :].splitlines()[2:]
    return {row.split("`")[1] for row in itertools.takewhile(lambda row: row.startswith("|"), rows)}


def test_the_pages_list_every_asset_and_every_check_with_its_limit():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    checks = (PROJECT / "deploy/checks.md").read_text(encoding="utf-8")
    location = build_location(Site.of(Environment.read({})))
    around = [*location.packs.values(), *location.stops.values(), location.shown]
    graphs = [*location.every_graph, *around]
    every_asset = location.definitions.resolve_all_asset_keys()
    assert {key for graph in graphs for key in graph.all_assets} <= set(every_asset)
    assert table_names(readme, "| asset |") == {key.path[-1] for key in every_asset}
    assert table_names(readme, "| sensor |") == {one.name for one in location.definitions.sensors or ()}
    assert table_names(checks, "| check |") == {key.name for graph in graphs for key in graph.all_checks}
    assert table_names(readme, "| task |") == {task.name for task in read_cron_policy(location.site).tasks}
    for gate in location.shape.soak.gates:
        limit = f"{gate.bound.sign} {gate.limit:g} {gate.unit}"
        assert f"| `{gate.name}` | `soak_findings` | {gate.severity.value} | {limit} |" in checks


def test_nothing_in_the_readme_is_left_to_fill_in():
    assert "@@" not in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_lock_names_no_address_and_has_a_digest_for_every_file():
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    pinned = [line for line in lock.splitlines() if "==" in line and not line.startswith("#")]
    assert len(pinned) > 100
    assert lock.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("page", [PROJECT / "README.md", *sorted((PROJECT / "deploy").rglob("*.md"))], ids=relative)
def test_every_link_of_a_page_leads_to_a_file(page: Path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_readme_is_short_enough_to_be_read():
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) < 300
