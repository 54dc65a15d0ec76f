"""``mm-ops bundle`` as a user runs it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mm_ops.cli import cli
from mm_ops.domain.canonical import encode
from mm_ops_tests.bundles import ABOUT, pack, sealed_zip
from mm_ops_tests.requirements import PROJECT

LISTED = {"path": "a", "size": 1, "sha256": "sha256:0", "description": ""}
WHOLE = pack({"VERSION": b"1.0.0\n"}, result="PARTIAL", missing=["an SBOM"])


def run(folder: Path, command: str, data: bytes, *options: str) -> Result:
    (folder / "paper.zip").write_bytes(data)
    return CliRunner().invoke(cli, ["bundle", command, str(folder / "paper.zip"), *options])


def test_a_whole_one_says_so_and_that_nobody_signed_it(tmp_path: Path):
    result = run(tmp_path, "verify", WHOLE)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "UNSIGNED: nothing says who made it",
            "1 files are what paper.zip says of them",
            "| bundle | OK | BUNDLE=OK |",
        ],
    )


ANSWERS = {
    "changed": (WHOLE.replace(b"VERSION", b"VERSIOL"), (), 1, "bytes were changed since it was made"),
    "not signed, where signers are asked for": (
        WHOLE,
        ("--signers", str(PROJECT / "deploy/allowed_signers")),
        1,
        "signature: it is not signed",
    ),
    "signed by who knows whom": (WHOLE, ("--signers", "no"), 2, "no: the allowed signers cannot be read"),
    "a manifest of other types": (
        sealed_zip({"MANIFEST.json": encode({**ABOUT, "files": [{**LISTED, "size": "5"}]}), "a": b"x"}),
        (),
        2,
        "MANIFEST.json: 'a': size: expected bytes as a whole number, was '5'",
    ),
    "no bundle": (b"PK", (), 2, "it has no seal: not made by mm_ops, cut short, or changed"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_not_whole_says_why_and_never_exits_zero(tmp_path: Path, name: str):
    data, options, code, words = ANSWERS[name]
    result = run(tmp_path, "verify", data, *options)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (code, "| bundle | FAIL | BUNDLE=FAIL |")
    assert words in result.output


def test_what_is_in_it_and_what_is_missing_is_shown(tmp_path: Path):
    result = run(tmp_path, "show", WHOLE)
    assert result.exit_code == 0
    for words in ("paper 1.0.0, 2026-11-20", "VERSION", "6 B", "PARTIAL: paper 1.0.0 of 2026-11-20", "without an SBOM"):
        assert words in result.stdout
    assert run(tmp_path, "show", WHOLE.replace(b"VERSION", b"VERSIOL")).exit_code == 1
    assert run(tmp_path, "show", b"").exit_code == 2
    nameless = sealed_zip({"MANIFEST.json": encode({**ABOUT, "bot": None, "files": []})})
    assert "bot: expected a text, was None" in run(tmp_path, "show", nameless).output
