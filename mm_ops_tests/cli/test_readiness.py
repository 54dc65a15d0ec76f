"""``mm-ops readiness validate`` as a user runs it: 0 only on GO, and never 1 for what cannot be believed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.cli import cli
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import REPORTS
from mm_ops_tests.domain.readiness.week import EXPECTED, LAST, week

POLICY = Environment.read({}).policies / "readiness.yaml"
EDGE = f"paper/{EXPECTED[0]}/reports/edge_report.json"


def store(root: Path, **different: Any) -> Path:
    """A readiness file at its place below a root, with the reports that it rests on."""
    inputs = {}
    for name in (f"paper/{day}/reports/{report}" for day in EXPECTED for report in REPORTS):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
        inputs[name] = digest(name.encode())
    days = week(**different)
    document = readiness_document(
        score_readiness(days, EXPECTED, read_policy(POLICY, ReadinessPolicy)),
        days,
        bot="paper",
        day=LAST,
        runtime={"utc": "2026-11-21T00:30:00+00:00", "version": "0.1.0"},
        basis={
            "stored_as": "paper/2026-11-20/reports/readiness.json",
            "version": "1.0.0",
            "made_by": "0.1.0",
            "origin": "sha256:" + "0" * 64,
            "sources": {},
            "inputs": inputs,
            "policies": {"readiness.yaml": digest(POLICY.read_bytes())},
        },
    )
    file = root / f"paper/{LAST}/reports/readiness.json"
    file.write_bytes(encode(document))
    return file


def validate(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["readiness", "validate", *map(str, words)])


def answer(result: Result) -> tuple[int, str]:
    return result.exit_code, result.stdout.splitlines()[-1]


def test_a_go_at_its_place_is_compared_with_the_reports_around_it(tmp_path: Path):
    result = validate(store(tmp_path))
    assert answer(result) == (0, "| readiness | GO | READINESS=GO |")
    assert f"provenance: the 28 reports it rests on are stored unchanged in {tmp_path}\n" in result.stdout


def test_a_hold_says_why_and_exits_one(tmp_path: Path):
    result = validate(store(tmp_path, net_edge_bps=1.0))
    assert answer(result) == (1, "| readiness | HOLD | READINESS=HOLD |")
    assert "  because edge: median 1 bps, full at 2.5 or more\n" in result.stdout


def test_a_file_away_from_its_artifacts_is_go_and_says_what_was_not_checked(tmp_path: Path):
    alone = store(tmp_path / "root").rename(tmp_path / "readiness.json")
    result = validate(alone)
    assert result.exit_code == 0
    assert "provenance was not checked: no artifacts are at hand (--artifacts DIR)\n" in result.stdout
    assert json.loads(validate(alone, "--json").stdout)["artifacts"] is None
    beside = validate(alone, "--artifacts", tmp_path / "root")
    assert f"stored unchanged in {tmp_path / 'root'}\n" in beside.stdout


@pytest.mark.parametrize("gone", [True, False])
def test_a_report_that_was_replaced_or_is_gone_is_named_and_nothing_is_believed(tmp_path: Path, *, gone: bool):
    file = store(tmp_path)
    was = "not there" if gone else digest(b"{}")
    if gone:
        (tmp_path / EDGE).unlink()
    else:
        (tmp_path / EDGE).write_bytes(b"{}")
    result = validate(file)
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert f"{file}: inputs: {EDGE}: expected {digest(EDGE.encode())}, was {was}\n" in result.stdout
    away = file.rename(tmp_path / "readiness.json")
    assert validate(away, "--artifacts", tmp_path).exit_code == 2
    assert validate(away).exit_code == 0


def test_a_file_at_the_place_of_another_day_is_not_believed(tmp_path: Path):
    result = validate(store(tmp_path).rename(tmp_path / "paper/2026-11-19/reports/readiness.json"))
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert "bot, day: expected paper 2026-11-19, where the file lies, was paper 2026-11-20\n" in result.stdout


def test_a_folder_of_another_name_is_no_artifacts_root(tmp_path: Path):
    (tmp_path / "x/reports").mkdir(parents=True)
    result = validate(store(tmp_path / "root").rename(tmp_path / "x/reports/readiness.json"))
    assert result.exit_code == 0
    assert "provenance was not checked" in result.stdout


BAD = {
    "nothing": b"",
    "no JSON": b"GO",
    "noise": bytes(range(256)),
    "no object": b"[]",
    "an empty object": b"{}",
    "a number too large for a float": b'{"score": 1e999}',
    "a number of more digits than Python reads": b'{"score": ' + b"9" * 5000 + b"}",
    "half a surrogate": b'{"bot": "\\ud800", "\\udfff": 1}',
    "too deep": b"[" * 5000 + b"]" * 5000,
    "a verdict alone": b'{"verdict": "GO"}',
    "NaN": b'{"score": NaN}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_readiness_file_is_told_with_exit_two_and_no_traceback(tmp_path: Path, name: str):
    file = tmp_path / "readiness.json"
    file.write_bytes(BAD[name])
    result = validate(file)
    refused = type(result.exception).__name__ in {"SchemaError", "MissingEvidenceError"}
    assert refused or answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |"), result.exception


@pytest.mark.parametrize("words", [("nowhere.json",), (".",), ("x", "--artifacts", "nowhere")])
def test_a_file_or_a_folder_that_is_none_is_told(words: tuple[str, ...]):
    result = validate(*words)
    assert result.exit_code == 2 or type(result.exception).__name__ in {"SchemaError", "MissingEvidenceError"}
