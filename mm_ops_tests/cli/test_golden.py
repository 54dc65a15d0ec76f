"""``mm-ops golden compare`` as a user runs it, on two small files."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mm_ops.cli import cli


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
