"""The project's own renderings, and copies of them with one thing changed."""

import shutil
from pathlib import Path

import pytest
import yaml

from mm_ops.adapters import renderings
from mm_ops.adapters.renderings import (
    as_markdown,
    find_differences,
    find_faults,
    read_catalogue,
    render_all,
    write_changed,
)
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.alertmanager import build_alertmanager
from mm_ops.domain.rendering.prometheus import build_prometheus
from mm_ops.domain.rendering.rule_tests import build_rule_tests
from mm_ops.domain.rendering.rules import build_rules
from mm_ops_tests.policies_of_rules import project
from mm_ops_tests.requirements import PROJECT

POLICIES = "deploy/policies"


@pytest.fixture(name="root")
def copied(tmp_path: Path) -> Path:
    """What `mm-ops render` reads and writes, in a folder of its own and rendered."""
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    write_changed(tmp_path, render_all(tmp_path, tmp_path / POLICIES))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def differing(root: Path) -> list[str]:
    return [item.path for item in find_differences(root, render_all(root, root / POLICIES))]


def faults(root: Path) -> list[str]:
    return find_faults(root, read_catalogue(root / POLICIES))


def test_what_is_committed_is_what_the_policies_render() -> None:
    rendered = render_all(PROJECT, PROJECT / POLICIES)
    assert [item.path for item in find_differences(PROJECT, rendered)] == []
    assert faults(PROJECT) == []
    assert len(rendered) == 7 + 4 + len(project().alert_names)


def test_the_files_hold_what_was_built() -> None:
    rendered = render_all(PROJECT, PROJECT / POLICIES)
    built = {
        renderings.RULES: build_rules(project()),
        renderings.RULE_TESTS: build_rule_tests(project(), "alerts_soak.yml"),
        renderings.PROMETHEUS: build_prometheus(project(), "alerts_soak.yml"),
        renderings.ALERTMANAGER: build_alertmanager(project()),
    }
    for path, document in built.items():
        text = rendered[path].decode()
        assert text.startswith("# Rendered by `mm-ops render`")
        assert yaml.safe_load(text) == document


def test_another_limit_reaches_every_place_that_repeats_it(root: Path) -> None:
    change(root / POLICIES / "soak.yaml", "limit: 200\n", "limit: 250\n")
    assert differing(root) == [
        "deploy/prometheus/alerts_soak.yml",
        "deploy/prometheus/alerts_soak_test.yml",
        "deploy/grafana/dashboards/mm_operability.json",
        "deploy/checks.md",
        "deploy/runbooks/SoakWSLagHigh.md",
    ]


def test_writing_ends_every_difference_and_touches_nothing_else(root: Path) -> None:
    change(root / POLICIES / "soak.yaml", "limit: 200\n", "limit: 250\n")
    before = {path: (root / path).stat().st_mtime_ns for path in render_all(root, root / POLICIES)}
    expected = differing(root)
    assert write_changed(root, render_all(root, root / POLICIES)) == expected
    assert differing(root) == []
    after = {path: (root / path).stat().st_mtime_ns for path in before}
    assert {path for path in before if before[path] != after[path]} == set(expected)
    assert write_changed(root, render_all(root, root / POLICIES)) == []


def test_a_rule_edited_by_hand_is_shown_line_by_line(root: Path) -> None:
    change(root / renderings.RULES, "mm_ws_lag_max_ms > 200", "mm_ws_lag_max_ms > 300")
    (item,) = find_differences(root, render_all(root, root / POLICIES))
    assert item.path == renderings.RULES
    lines = item.diff.splitlines()
    assert lines[:2] == [f"--- committed/{renderings.RULES}", f"+++ rendered/{renderings.RULES}"]
    assert [line.replace(" ", "") for line in lines if line[1:].strip().startswith("expr")] == [
        "-expr:mm_ws_lag_max_ms>300",
        "+expr:mm_ws_lag_max_ms>200",
    ]


def test_a_long_difference_is_cut_and_says_so(root: Path) -> None:
    (root / renderings.RULE_TESTS).write_text("other\n", encoding="utf-8")
    (item,) = find_differences(root, render_all(root, root / POLICIES))
    assert len(item.diff.splitlines()) == 25
    assert item.diff.splitlines()[-1].endswith(" more lines")


def test_a_file_that_is_not_there_differs_and_is_written(root: Path) -> None:
    (root / renderings.RULES).unlink()
    assert differing(root) == [renderings.RULES]
    write_changed(root, render_all(root, root / POLICIES))
    assert (root / renderings.RULES).read_bytes() == render_all(root, root / POLICIES)[renderings.RULES]


def test_what_people_write_around_a_block_is_kept(root: Path) -> None:
    page = root / "deploy/runbooks/SoakWSLagHigh.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nA line of ours.\n", encoding="utf-8")
    assert differing(root) == []
    change(root / POLICIES / "soak.yaml", "limit: 200\n", "limit: 250\n")
    write_changed(root, render_all(root, root / POLICIES))
    assert page.read_text(encoding="utf-8").endswith("\nA line of ours.\n")
    assert "| limit | ≤ 250 ms |" in page.read_text(encoding="utf-8")


def test_an_alert_without_a_page_and_a_page_without_an_alert_are_faults(root: Path) -> None:
    folder = root / "deploy/runbooks"
    (folder / "SoakWSLagHigh.md").rename(folder / "SoakOther.md")
    assert faults(root) == [
        "deploy/runbooks/SoakWSLagHigh.md: expected a runbook for the alert of that name, was none",
        "deploy/runbooks/SoakOther.md: there is no alert of that name: rename the page or remove it",
    ]
    assert "deploy/runbooks/SoakWSLagHigh.md" not in render_all(root, root / POLICIES)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rule_files: [other*.yml]\n", "rule_files: other*.yml matches no file"),
        ("rule_files: [alerts_soak.yml, more.yml]\n", "rule_files: more.yml matches no file"),
        ("rule_files: [/nowhere/x.yml]\n", "rule_files: /nowhere/x.yml matches no file"),
        ("rule_files: ['']\n", "rule_files:  matches no file"),
        ("rule_files: []\n", "rule_files: expected at least one, was none"),
        ("global: {}\n", "rule_files: expected at least one, was none"),
        ("", "rule_files: expected at least one, was none"),
        ("[a, b]\n", "not readable: "),
        ("a: [\n", "not readable: "),
        ("rule_files: alerts_soak.yml\n", "rule_files: expected a list of names"),
    ],
)
def test_a_rule_file_that_prometheus_would_not_find_is_a_fault(root: Path, text: str, fault: str) -> None:
    (root / renderings.PROMETHEUS).write_text(text, encoding="utf-8")
    (found,) = faults(root)
    assert found.startswith(f"{renderings.PROMETHEUS}: {fault}")


@pytest.mark.parametrize("page", ["deploy/checks.md", "deploy/runbooks/Watchdog.md"])
def test_a_page_without_a_place_for_its_block_cannot_be_rendered(root: Path, page: str) -> None:
    (root / page).write_text("# Ours\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=f"{page}: expected one line <!-- rendered: "):
        render_all(root, root / POLICIES)


def test_a_folder_where_a_file_belongs_cannot_be_compared(root: Path) -> None:
    (root / renderings.RULES).unlink()
    (root / renderings.RULES).mkdir()
    with pytest.raises(PolicyError, match=r"alerts_soak\.yml: Is a directory"):
        differing(root)


def test_a_page_that_is_not_text_cannot_be_rendered(root: Path) -> None:
    (root / renderings.CHECKS).write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match=r"checks\.md: expected text in UTF-8"):
        render_all(root, root / POLICIES)


def test_the_rules_can_be_shown_to_people() -> None:
    shown = as_markdown(render_all(PROJECT, PROJECT / POLICIES), renderings.RULES)
    assert shown.startswith("```yaml\n# Rendered")
    assert shown.endswith("```\n")


def test_a_limit_of_time_is_the_same_where_addresses_are_names(root: Path) -> None:
    change(root / POLICIES / "alerting.yaml", "repeat_interval: 4h", "repeat_interval: 3h")
    alertmanager = ("deploy/alertmanager/alertmanager.yml", "deploy/compose/alertmanager.yml")
    policies = ("deploy/compose/policies/alerting.yaml", "deploy/kubernetes/policies/alerting.yaml")
    assert set(differing(root)) == {*alertmanager, *policies}


def test_a_deployment_without_names_is_rendered_nothing_for(root: Path) -> None:
    (root / "deploy/kubernetes/names.yaml").unlink()
    rendered = render_all(root, root / POLICIES)
    assert {path for path in rendered if "kubernetes" in path} == set()
    assert {path for path in rendered if "compose" in path} != set()


def mounted(folder: str) -> dict[str, Path]:
    """What a deployment mounts over the policies of the image, by its path below the project."""
    here = PROJECT / "deploy" / folder
    if folder == "compose":
        service = yaml.safe_load((here / "compose.yaml").read_text(encoding="utf-8"))["services"]["code"]
        found = {target: here / source for source, target, *_ in (one.split(":") for one in service["volumes"])}
    else:
        values = yaml.safe_load((here / "values.yaml").read_text(encoding="utf-8"))
        (site,) = yaml.safe_load((here / "kustomization.yaml").read_text(encoding="utf-8"))["configMapGenerator"]
        files = {Path(name).name: here / name for name in site["files"]}
        (location,) = values["dagster-user-deployments"]["deployments"]
        found = {one["mountPath"]: files[one["subPath"]] for one in location["volumeMounts"] if one["name"] == "site"}
    return {target.removeprefix("/app/"): path for target, path in found.items() if target.startswith("/app/deploy/")}


@pytest.mark.parametrize("folder", ["compose", "kubernetes"])
def test_in_a_container_all_that_has_no_address_is_as_rendered(root: Path, folder: str) -> None:
    for path, source in mounted(folder).items():
        shutil.copyfile(source, root / path)
    change(root / f"{POLICIES}/alerting.yaml", ":9093", ":9193")  # of the cluster, and newer than the image
    assert differing(root) == []
    assert faults(root) == []
    left_out = {renderings.PROMETHEUS, renderings.ALERTMANAGER}
    rendered = render_all(root, root / POLICIES)
    assert set(render_all(PROJECT, PROJECT / POLICIES)) - set(rendered) - left_out == {
        path for path in render_all(PROJECT, PROJECT / POLICIES) if path.startswith(("deploy/compose", "deploy/kube"))
    }
    change(root / POLICIES / "soak.yaml", "limit: 200\n", "limit: 250\n")
    assert renderings.RULES in differing(root)


def test_a_file_that_names_names_and_is_not_there_is_refused(root: Path) -> None:
    change(root / "deploy/kubernetes/names.yaml", "deploy/policies/alerting.yaml", "deploy/policies/alarms.yaml")
    with pytest.raises(PolicyError, match=r"^deploy/policies/alarms.yaml: named in names.yaml: No such file"):
        render_all(root, root / POLICIES)
