"""``mm-ops ci`` as a user runs it, on a judged day and after somebody touched what it rests on."""

import json
from pathlib import Path

import pytest

from mm_ops_tests.site import Deployment


@pytest.fixture(scope="module")
def judged(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment with a bundle of its last day."""
    deployment = Deployment(tmp_path_factory.mktemp("judged"), {"paper": healthy})
    assert deployment.night().word == "GO"
    return deployment


@pytest.mark.parametrize("day", ["2199-01-01", "2026-11-21", "2024-12-31"])
@pytest.mark.parametrize("command", ["ci", "nightly"])
def test_a_day_that_there_cannot_be_is_one_line(judged: Deployment, command: str, day: str):
    result = judged.run(command, "--date", day)
    assert result.returncode == 2
    span = "from 2025-01-01 to 2026-11-20"
    said = result.stderr.splitlines()[-1]
    assert said == f"mm-ops: expected a complete UTC day {span}, was {day}; it is 2026-11-21T00:30:00Z"
    assert "a fault of mm_ops" not in result.stderr


def test_a_bundle_that_a_failed_check_no_longer_carries_is_named(judged: Deployment):
    words = "a bundle of this day is there and no longer carried by its gates: "
    sound = judged.run("ci")
    assert (sound.returncode, words in sound.stdout) == (0, False)
    report = judged.root / "var/artifacts/paper/2026-11-20/reports/readiness.json"
    report.write_bytes(report.read_bytes().replace(b'"GO"', b'"HOLD"'))
    bundle = judged.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip"
    shown = judged.run("ci")
    assert shown.returncode == 2
    assert f"{words}{bundle}\n" in shown.stdout
    (judged.root / "summary.md").write_text("# before\n")
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(judged.root / "summary.md")}
    undecided = judged.run("ci", "--json", "--select", "readiness_score", **github)
    told = json.loads(undecided.stdout)
    assert told["uncarried"] == [str(bundle), f"{bundle}.sha256"]
    assert [row["finding"]["gate"] for row in told["findings"]] == ["is_go"]
    assert (
        "\n::error file=deploy/policies/readiness.yaml,line=1,title=paper/readiness_score%3A is_go%3A"
        in undecided.stderr
    )
    assert (judged.root / "summary.md").read_text().startswith("# before\n## INCONCLUSIVE: checks of 2026-11-20\n")
