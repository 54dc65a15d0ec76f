"""``mm-ops golden`` as a user runs it: two small files, and the pinned cases in a copy of the project's."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mm_ops.adapters.environment import Environment
from mm_ops.cli import cli
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import PolicyError, SchemaError


def compare(folder: Path, *arguments: str) -> Result:
    (folder / "a.json").write_text('{"x": 1.0}')
    (folder / "b.json").write_text('{"x": 2.0}')
    files = ["--baseline", str(folder / "a.json"), "--actual", str(folder / "b.json")]
    return CliRunner().invoke(cli, ["golden", "compare", *files, *arguments])


def test_what_differs_fails_and_what_is_tolerated_passes(tmp_path: Path):
    assert compare(tmp_path).exit_code == 1
    assert compare(tmp_path, "--tolerance", "1").exit_code == 0
    assert compare(tmp_path, "--tolerance", "0.5").exit_code == 1


@pytest.mark.parametrize("option", ["--tolerance", "--rel-tolerance"])
@pytest.mark.parametrize("text", ["nan", "inf", "-1", "NaN", "1e999"])
def test_a_tolerance_that_tolerates_anything_or_is_no_number_is_refused(tmp_path: Path, option: str, text: str):
    refused = compare(tmp_path, option, text)
    assert refused.exit_code == 2
    assert f"Invalid value for '{option}'" in refused.stderr
    assert refused.stdout == ""


USUAL = "tolerance 1e-09 absolute, 1e-09 relative"


def test_the_tolerance_used_is_in_the_title_whether_it_passes_or_not(tmp_path: Path):
    words = " ".join(compare(tmp_path).stdout.split())  # a title is as wide as its table
    assert words.startswith(f"1 differences, {USUAL} ┏")
    passed = compare(tmp_path, "--tolerance", "1e300").stdout
    assert passed == ("0 differences, tolerance 1e+300 absolute, 1e-09 relative\n| golden | PASS | GOLDEN=PASS |\n")


LOOSER = {
    "absolute": ("--tolerance", "1e300", "absolute tolerance of 1e-09: 1e+300"),
    "relative": ("--rel-tolerance", "0.5", "relative tolerance of 1e-09: 0.5"),
}


@pytest.mark.parametrize("name", LOOSER)
def test_a_tolerance_above_the_policys_is_said_loudly(tmp_path: Path, name: str):
    option, value, words = LOOSER[name]
    assert compare(tmp_path, option, value).stderr == f"golden: looser than golden.yaml's {words}\n"
    shown = compare(tmp_path, option, value, "--json")
    assert f"golden: looser than golden.yaml's {words}\n" in shown.stderr
    document = json.loads(shown.stdout)
    assert document["tolerance"][name] == float(value)
    assert document["policy"] == {"absolute": 1e-9, "relative": 1e-9}


@pytest.mark.parametrize("option", ["--tolerance", "--rel-tolerance"])
@pytest.mark.parametrize("value", ["1e-9", "0"])
def test_a_tolerance_of_the_policy_or_below_is_nothing_to_speak_of(tmp_path: Path, option: str, value: str):
    assert compare(tmp_path, option, value).stderr == ""


SAYS_NOTHING = {
    "an empty object": ("{}", "a.json: expected a report, was an empty object, which says nothing of any other"),
    "a list": ("[]", "a.json: expected an object, was list"),
    "null": ("null", "a.json: expected an object, was NoneType"),
}


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_two_files_that_say_nothing_are_no_pass(tmp_path: Path, name: str):
    text, message = SAYS_NOTHING[name]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused = CliRunner().invoke(cli, ["golden", "compare", "--baseline", str(path), "--actual", str(path)])
    assert isinstance(refused.exception, SchemaError)
    assert message in str(refused.exception)
    assert refused.stdout == ""


GIGABYTE = 1_000_000_000
BAD: dict[str, tuple[bytes, str]] = {
    "half-written": (b'{"x": [1, 2', "a.json:1:12: not JSON"),
    "not UTF-8": (b'{"x": "\xff"}', "a.json: not UTF-8: byte 7"),
    "a doubled key": (b'{"x": 1, "x": 2}', "a.json: the key 'x' stands twice in one object"),
    "200 levels deep": (b'{"x": ' + b"[" * 200 + b"]" * 200 + b"}", "a.json: nested deeper than 100 levels"),
    "NaN": (b'{"x": NaN}', "a.json: NaN is not JSON"),
    "a gigabyte": (b"", f"a.json: expected at most 268,435,456 bytes, was {GIGABYTE:,}"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("option", ["--baseline", "--actual"])
def test_a_file_that_cannot_be_believed_is_refused_with_the_reason(tmp_path: Path, name: str, option: str):
    data, message = BAD[name]
    bad, good = tmp_path / "a.json", tmp_path / "b.json"
    good.write_text('{"x": 1}')
    with bad.open("wb") as stream:
        stream.write(data)
        stream.truncate(len(data) or GIGABYTE)  # sparse: it takes no room
    other = "--actual" if option == "--baseline" else "--baseline"
    refused = CliRunner().invoke(cli, ["golden", "compare", option, str(bad), other, str(good)])
    assert isinstance(refused.exception, SchemaError)
    assert message in str(refused.exception)
    assert refused.stdout == ""


HERE = Environment.read({})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the golden cases and of the policies."""
    shutil.copytree(HERE.root / "deploy/golden", tmp_path / "deploy/golden")
    shutil.copytree(HERE.policies, tmp_path / "deploy/policies")
    return tmp_path


def golden(project: Path, *arguments: str, environment: Mapping[str, str | None] | None = None) -> Result:
    places = {"MM_OPS_ROOT": str(project), "MM_OPS_POLICIES": "deploy/policies", "CI": None, **(environment or {})}
    return CliRunner().invoke(cli, ["golden", *arguments], env=places)


def test_the_pinned_cases_are_run_written_and_found_equal(project: Path):
    shown = golden(project, "run", "--case", "tiny", "--out", str(project / "out"))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "tiny: 0 differences")
    assert shown.stdout.endswith("1 cases equal their baselines: tiny\n| golden | PASS | GOLDEN=PASS |\n")
    written, pinned = project / "out/EDGE_REPORT_tiny.json", project / "deploy/golden/tiny/EDGE_REPORT_tiny.json"
    assert written.read_bytes() == pinned.read_bytes()


def test_a_case_that_is_none_is_refused(project: Path):
    refused = golden(project, "run", "--case", "big")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "no such case: big; there are: tiny, paper_hour, paper_day" in refused.stderr


def test_in_ci_nothing_is_accepted(project: Path):
    refused = golden(project, "accept", "--by", "Ada", "--reason", "because I can", environment={"CI": "true"})
    assert isinstance(refused.exception, PolicyError)
    assert str(refused.exception) == "CI is set: a baseline is accepted by a person, and there is none in CI"


def test_accepting_runs_the_cases_repeatedly_and_is_in_the_history(project: Path):
    before = json.loads(golden(project, "history", "--json").stdout)["records"]["tiny"]
    decision = ["--by", "Ada Example", "--reason", "anchored again for the audit"]
    nothing = golden(project, "accept", "--case", "tiny", *decision)
    assert (nothing.exit_code, nothing.stdout.splitlines()[0]) == (0, "tiny: nothing to accept: it gives its baseline")
    assert "golden: run 5 of 5" in nothing.stderr
    assert "golden: tiny: 0 numbers differed over 5 runs" in nothing.stderr
    anchored = golden(project, "accept", "--case", "tiny", *decision, "--anchor", "worked by hand once more")
    assert (anchored.exit_code, anchored.stdout.splitlines()[0]) == (0, "tiny: accepted with 0 differences")
    told = json.loads(golden(project, "history", "--json").stdout)
    assert told["records"]["tiny"][:-1] == before
    assert told["records"]["tiny"][-1]["by"] == "Ada Example"
    assert (told["unrecorded"], told["unreferenced"]) == ([], [])


def test_the_history_says_what_is_not_on_record_and_what_no_case_names(project: Path):
    assert golden(project, "history").exit_code == 0
    (project / "deploy/golden/tiny/ACCEPTED_tiny.json").unlink()
    (project / "deploy/golden/tiny/EDGE_REPORT_old.json").write_text("{}")
    shown = golden(project, "history")
    assert shown.exit_code == 2
    assert "tiny: nobody's acceptance of the baseline is on record" in shown.stdout
    assert "deploy/golden/tiny/EDGE_REPORT_old.json: no case names it" in shown.stdout
    assert shown.stdout.endswith("| golden history | INCONCLUSIVE | GOLDEN_HISTORY=INCONCLUSIVE |\n")


def test_a_number_that_crept_too_far_fails_the_run_and_the_history(project: Path):
    """The policy was made stricter after two changes had been accepted."""
    path = project / "deploy/golden/tiny/ACCEPTED_tiny.json"
    records = json.loads(path.read_bytes())
    drift = {"path": "$.total.fee_bps", "why": "number", "baseline": 0.85, "actual": 0.9, "difference": 0.05}
    crept = {**records[-1], "anchor": None, "drifts": [{**drift, "tolerance": 0.0}]}
    crept["previous"] = digest(encode(records[-1]))
    path.write_bytes(encode([*records, crept]))
    words = "$.total.fee_bps: 1 accepted changes add up to 0.05 since the last anchor, at most 0.01 is allowed"
    run = golden(project, "run", "--case", "tiny")
    assert (run.exit_code, words in run.stdout) == (1, True)
    shown = golden(project, "history", "--case", "tiny")
    assert (shown.exit_code, "beyond" in shown.stdout) == (1, True)
