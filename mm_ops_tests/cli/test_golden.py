"""``mm-ops golden compare`` as a user runs it, on two small files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mm_ops.cli import cli
from mm_ops.domain.errors import SchemaError


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
