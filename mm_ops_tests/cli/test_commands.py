"""The commands as a user runs them: exit codes, last lines, one line for what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mm_ops.cli import COMMANDS
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.site import Deployment


@pytest.fixture(scope="module")
def site(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return Deployment(tmp_path_factory.mktemp("site"), {"paper": healthy})


@pytest.fixture(scope="module")
def night(site: Deployment) -> subprocess.CompletedProcess[str]:
    """The healthy night, once for whichever of these tests a worker has."""
    return site.run("nightly")


def last_line(text: str) -> str:
    return text.rstrip("\n").rsplit("\n", 1)[-1]


def test_a_healthy_night_from_nothing_to_a_validated_go(site: Deployment, night: subprocess.CompletedProcess[str]):
    assert night.returncode == 0, night.stderr
    assert last_line(night.stdout) == "| nightly | GO | NIGHTLY=GO |"
    assert "GO: paper 2026-11-20" in night.stdout
    assert "release/paper-v1.0.0.zip.sha256" in night.stdout
    readiness = "var/artifacts/paper/2026-11-20/reports/readiness.json"
    valid = site.run("readiness", "validate", readiness)
    assert (valid.returncode, last_line(valid.stdout)) == (0, "| readiness | GO | READINESS=GO |")
    checks = site.run("ci", "--junit", "checks.xml")
    assert (checks.returncode, last_line(checks.stdout)) == (0, "| ci | PASS | CI=PASS |")
    suite = ET.parse(site.root / "checks.xml").getroot()  # noqa: S314 - our own bytes
    undecided_soft = [case for case in suite if case.find("skipped[@type='soft']") is not None]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", str(len(undecided_soft)))
    judged = {(case.get("classname"), case.get("name")) for case in suite}
    assert judged >= {("paper/soak_findings", "tick_latency_p95_ms"), ("paper/readiness_score", "is_go")}
    undecided = site.run("ci", "--date", "2026-11-19", "--json")
    assert (undecided.returncode, last_line(undecided.stderr)) == (2, "| ci | INCONCLUSIVE | CI=INCONCLUSIVE |")
    document = json.loads(undecided.stdout)
    assert {row["finding"]["verdict"] for row in document["findings"]} == {"pass", "inconclusive"}


def test_a_degraded_night_exits_one_and_says_why(degraded: Path, tmp_path: Path):
    site = Deployment(tmp_path / "site", {"paper": degraded})
    night = site.run("nightly", "--json")
    assert (night.returncode, last_line(night.stderr)) == (1, "| nightly | HOLD | NIGHTLY=HOLD |")
    (document,) = json.loads(night.stdout)["nights"]
    assert document["verdict"] == "HOLD"
    assert any("edge_bps_ema24h" in reason for reason in document["reasons"])
    readiness = site.run("readiness", "validate", "var/artifacts/paper/2026-11-20/reports/readiness.json")
    assert (readiness.returncode, last_line(readiness.stdout)) == (1, "| readiness | HOLD | READINESS=HOLD |")


def test_a_prometheus_that_is_down_is_hold_and_could_not_decide(healthy: Path, tmp_path: Path):
    site = Deployment(tmp_path / "site", {"paper": healthy})
    night = site.run("nightly", "--source", "http://127.0.0.1:9")
    assert (night.returncode, last_line(night.stdout)) == (2, "| nightly | HOLD | NIGHTLY=HOLD |")
    assert "http://127.0.0.1:9" in night.stdout
    assert "Traceback" not in night.stdout + night.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_night_that_is_told_to_stop_says_no_verdict(healthy: Path, tmp_path: Path, number: int):
    site = Deployment(tmp_path / "site", {"paper": healthy})
    listening = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"  # as from a terminal
    night = subprocess.Popen(
        [sys.executable, "-c", f"{listening}; from mm_ops.cli import main; main()", "nightly"],
        cwd=site.root,
        env={**os.environ, **site.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert night.stderr is not None
    for line in night.stderr:
        if "2026-11-15" in line:  # the second day of the week is being made, so Dagster listens to both signals
            break
    time.sleep(1)
    night.send_signal(number)
    said, complaint = night.communicate(timeout=120)
    assert night.returncode == 130
    assert (said, complaint.splitlines()[-1]) == ("", "mm-ops: interrupted; nothing was decided")
    assert "2026-11-19" not in complaint
    assert not list((site.root / "var").rglob(".new*"))


WRONG = {
    "an unknown bot": (["nightly", "--bot", "mm9"], "mm-ops: no bot mm9 in bots.yaml; there are: paper"),
    "an address that is none": (
        ["nightly", "--source", "prom"],
        "expected the address of a Prometheus (http://…), was 'prom'",
    ),
    "a day that has not ended": (["nightly", "--date", "2199-01-01"], "mm-ops: expected a complete UTC day from 2025-"),
    "a day before the fleet": (["nightly", "--date", "2024-12-31"], "mm-ops: expected a complete UTC day from 2025-"),
    "an address without a host": (["nightly", "--source", "http://"], "expected the address of a Prometheus"),
    "an address of no form": (["soak", "run", "--prometheus", "http://[x"], "expected the address of a Prometheus"),
    "a day of no calendar": (
        ["nightly", "--date", "2026-13-01"],
        "expected a day such as 2026-11-20, was '2026-13-01'",
    ),
    "the first day to judge": (["nightly", "--date", "0001-01-01"], "expected a year from 1971 to 2261"),
    "the last day to check": (["ci", "--date", "9999-12-31"], "expected a year from 1971 to 2261"),
    "the first day to record": (["paperbot", "record", "--date", "0001-01-01"], "expected a year from 1971 to 2261"),
    "more days than there are": (
        ["paperbot", "record", "--days", "99999999999", "--date", "2026-11-20"],
        "99999999999 days up to 2026-11-20 are none, or not all from 1970-01-02",
    ),
    "a file to record into": (
        ["paperbot", "record", "--out", "README.md"],
        "mm-ops paperbot record: invalid value for '--out': Directory 'README.md' is a file; mm-ops ",
    ),
    "an unknown check": (["ci", "--select", "x:y"], "mm-ops: --select: no such check: x:y"),
    "a readiness file that is not there": (["readiness", "validate", "x.json"], "mm-ops: x.json: no such file"),
    "fills that are not there": (
        ["edge", "report", "--fills", "x", "--quotes", "x"],
        "mm-ops: x: no Parquet or JSON lines there",
    ),
    "a baseline that is not there": (
        ["golden", "compare", "--baseline", "x.json", "--actual", "x.json"],
        "mm-ops: x.json: no such file",
    ),
    "an option that is missing": (
        ["golden", "compare", "--baseline", "x.json"],
        "mm-ops golden compare: missing option '--actual'; mm-ops golden compare --help tells what there is\n",
    ),
    "a place that cannot be written": (
        ["paperbot", "record", "--out", "README.md/x", "--days", "1", "--date", "2026-11-20"],
        "README.md/x: Not a directory",
    ),
    "a recording of another bot": (
        ["paperbot", "record", "--out", "@recording", "--seed", "8", "--days", "1", "--date", "2026-11-20"],
        "choose another folder with --out",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_done_is_one_line_and_exit_two(site: Deployment, healthy: Path, name: str):
    arguments, message = WRONG[name]
    result = site.run(*(argument.replace("@recording", str(healthy)) for argument in arguments))
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "a fault of mm_ops" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("mm-ops")]) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("limit: 150\n", "limit: 150\n    limt: 1\n", "soak.yaml:18: gates.0.limt: Unexpected keyword argument"),
        ('    source: "operating limit of the founding design"\n', "", "gates.0.source: "),
    ],
)
def test_a_policy_with_a_fault_is_one_line_with_its_place(
    healthy: Path, tmp_path: Path, old: str, new: str, message: str
):
    site = Deployment(tmp_path / "site", {"paper": healthy})
    path = site.policy("soak.yaml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    result = site.run("nightly")
    assert result.returncode == 2
    assert "soak.yaml" in result.stderr
    assert message.split(": ", 1)[-1] in result.stderr
    assert "Traceback" not in result.stderr


def test_drift_is_shown_path_by_path_and_exits_one(site: Deployment):
    baseline = site.root / "deploy/golden/tiny/EDGE_REPORT_tiny.json"
    other = json.loads(baseline.read_text())
    other["total"]["net_edge_bps"] += 0.5
    (site.root / "other.json").write_text(json.dumps(other))
    drift = site.run("golden", "compare", "--baseline", str(baseline), "--actual", "other.json")
    assert (drift.returncode, last_line(drift.stdout)) == (1, "| golden | FAIL | GOLDEN=FAIL |")
    assert "$.total.net_edge_bps" in drift.stdout
    loose = site.run("golden", "compare", "--baseline", str(baseline), "--actual", "other.json", "--tolerance", "1")
    assert (loose.returncode, last_line(loose.stdout)) == (0, "| golden | PASS | GOLDEN=PASS |")
    shown = site.run(
        "golden", "compare", "--baseline", str(baseline), "--actual", "other.json", "--no-fail-on-drift", "--json"
    )
    assert (shown.returncode, last_line(shown.stderr)) == (0, "| golden | FAIL | GOLDEN=FAIL |")


@pytest.mark.usefixtures("night")
def test_a_readiness_file_edited_by_hand_is_invalid(site: Deployment):
    stored = site.root / "var/artifacts/paper/2026-11-20/reports/readiness.json"
    document = json.loads(stored.read_text())
    document["days"][0]["net_edge_bps"] = -1.0
    (site.root / "edited.json").write_text(json.dumps({**document, "score": 99.0}))
    result = site.run("readiness", "validate", "edited.json")
    assert (result.returncode, last_line(result.stdout)) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert "score: expected 100.0 from the days in the file, was 99.0" in result.stdout


def test_the_edge_of_any_two_folders_is_written_and_shown(site: Deployment, healthy: Path):
    arguments = ["edge", "report", "--out-json", "edge.json", "--out-md", "edge.md"]
    for option in ("fills", "quotes"):
        arguments += [f"--{option}", str(healthy / option / "date=2026-11-20")]
    result = site.run(*arguments)
    assert (result.returncode, last_line(result.stdout)) == (0, "| edge report | PASS | EDGE_REPORT=PASS |")
    assert json.loads((site.root / "edge.json").read_text())["identity"]["holds"] is True
    assert (site.root / "edge.md").read_text().startswith("# Edge, ")


def test_every_command_is_in_the_readme_and_has_help(site: Deployment):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"`mm-ops {name}" in readme
        shown = site.run(name, "--help")
        assert shown.returncode == 0
        assert "Usage:" in shown.stdout
    unknown = site.run("rollback")
    assert unknown.returncode == 2
    assert unknown.stderr == "mm-ops: no such command 'rollback'; mm-ops --help tells what there is\n"
