"""The workflows that a user gets: what they call exists, what they may do is little, what they run is pinned."""

import os
import re
import subprocess
from pathlib import Path

import click
import pytest

from mm_ops.cli import cli
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.workflows import WORKFLOWS, Step, commands_of, read, steps_of

STEPS = [step for path in WORKFLOWS for step in steps_of(path)]
COMMANDS = [(step, words) for step in STEPS for words in commands_of(step, "2026-11-20")]


def named(value: object) -> str:
    return f"{value.workflow}: {value.name}" if isinstance(value, Step) else " ".join(map(str, value))  # type: ignore[call-overload]


def parse(command: click.Command, words: list[str]) -> None:
    """Read the words as the command line does, down to the last group; nothing is run."""
    with command.make_context("mm-ops", list(words)) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]  # noqa: SLF001 - where click keeps what a group leaves
            _, chosen, further = command.resolve_command(context, rest)
            assert chosen is not None
            parse(chosen, further)


def test_the_four_workflows_call_our_commands():
    assert [path.name for path in WORKFLOWS] == ["ci-nightly.yml", "housekeeping.yml", "release.yml", "soak.yml"]
    assert {step.workflow for step, _ in COMMANDS} == {path.name for path in WORKFLOWS}
    assert len(COMMANDS) >= 15


@pytest.mark.parametrize(("step", "words"), COMMANDS, ids=named)
def test_every_command_of_a_workflow_exists_with_these_options(step: Step, words: list[str]):
    del step
    parse(cli, words)


def test_an_option_that_does_not_exist_would_be_seen():
    with pytest.raises(click.NoSuchOption):
        parse(cli, ["soak", "run", "--hour", "72"])


@pytest.mark.parametrize("step", STEPS, ids=named)
def test_a_script_has_no_expression_in_it_so_no_input_can_become_a_command(step: Step):
    assert "${{" not in step.script


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_the_repository_and_nothing_else(path: Path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    writing = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert set(writing) <= {"attach"}
    for job in writing.values():
        assert job["permissions"] == {"contents": "write"}
        used = [step.get("uses", "") for step in job["steps"]]
        assert not any("checkout" in one or one.startswith("./") for one in used)


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path.name != "soak.yml"], ids=lambda path: path.name)
def test_runs_wait_for_each_other_only_where_they_share_evidence(path: Path):
    shared, alone = "vars.MM_OPS_RUNNER && 'mm-ops-evidence'", "github.run_id"  # GitHub cancels a second one that waits
    assert read(path)["concurrency"] == {"group": f"${{{{ {shared} || {alone} }}}}"}
    assert any("vars.MM_OPS_RUNNER ||" in job["runs-on"] for job in read(path)["jobs"].values())


@pytest.mark.parametrize("path", [*WORKFLOWS, PROJECT / ".github/actions/setup/action.yml"], ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_release(path: Path):
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", one) for one in used if not one.startswith("./.github/"))


def test_the_soak_of_the_workflow_is_run_and_judged(tmp_path: Path, healthy: Path):
    recordings = tmp_path / "var/recordings"
    recordings.mkdir(parents=True)
    (recordings / "paper").symlink_to(healthy)
    (tmp_path / "deploy").symlink_to(PROJECT / "deploy")
    summary = tmp_path / "summary.md"
    named = {"MM_OPS_ROOT": str(tmp_path), "CI_FAKE_UTC": "2026-11-21T00:30:00Z", "GITHUB_STEP_SUMMARY": str(summary)}
    for step in steps_of(PROJECT / ".github/workflows/soak.yml"):
        seen = {**os.environ, **named, **step.variables}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step.script],
            cwd=tmp_path,
            env=seen,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert summary.read_text(encoding="utf-8").startswith("# Soak")
    assert (tmp_path / "SOAK_RESULTS.html").is_file()
