"""``mm-ops audit verify`` as a user runs it, on a journal with two bodies in it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mm_ops.adapters.database import Database
from mm_ops.cli.audit import audit
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops_tests.rollback_world import NOW, open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with open_journal(tmp_path) as opened:
        opened.take_in(b"one", NOW)
        opened.take_in(b"two", NOW)
    return tmp_path / "journal.sqlite"


def verify(journal: Path, *arguments: str) -> Result:
    beside = ["--anchor", str(journal.with_name("journal.anchor"))]
    return CliRunner().invoke(audit, ["verify", "--journal", str(journal), *beside, *arguments])


def last_line(result: Result) -> str:
    return result.stdout.rstrip("\n").rsplit("\n", 1)[-1]


def test_a_sound_journal_passes_and_says_where_it_is_anchored(journal: Path):
    result = verify(journal)
    assert (result.exit_code, last_line(result)) == (0, "| audit verify | PASS | AUDIT_VERIFY=PASS |")
    assert "2 audit records, anchored at 2, head " in result.stdout


def test_the_journal_that_the_environment_names_is_the_one_without_a_flag(
    journal: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MM_OPS_JOURNAL", str(journal))
    result = CliRunner().invoke(audit, ["verify", "--anchor", str(journal.with_name("journal.anchor"))])
    assert (result.exit_code, last_line(result)) == (0, "| audit verify | PASS | AUDIT_VERIFY=PASS |")


def test_a_changed_journal_fails_and_says_what_was_changed(journal: Path):
    database = Database(str(journal))
    with database.transaction() as changed:
        changed.run("UPDATE inbox SET received_at = 'never' WHERE body = :body", {"body": b"two"})
    database.close()
    result = verify(journal)
    assert (result.exit_code, last_line(result)) == (1, "| audit verify | FAIL | AUDIT_VERIFY=FAIL |")
    assert "received_at: not as recorded" in result.stdout
    document = json.loads(verify(journal, "--json").stdout.rsplit("\n", 2)[0])
    assert (document["answer"], document["records"], len(document["problems"])) == ("FAIL", 2, 1)


def test_a_journal_whose_anchor_is_gone_cannot_be_decided(journal: Path):
    journal.with_name("journal.anchor").unlink()
    result = verify(journal)
    assert (result.exit_code, last_line(result)) == (2, "| audit verify | INCONCLUSIVE | AUDIT_VERIFY=INCONCLUSIVE |")
    assert "not anchored" in result.stdout


def test_the_anchor_lies_beside_the_file_by_default(journal: Path):
    journal.with_name("journal.anchor").rename(f"{journal}.anchor")
    for place in (str(journal), f"sqlite:///{journal}"):
        assert CliRunner().invoke(audit, ["verify", "--journal", place]).exit_code == 0


def test_a_database_has_no_beside(journal: Path):
    result = CliRunner().invoke(audit, ["verify", "--journal", f"postgresql://127.0.0.1/{journal.stem}"])
    assert isinstance(result.exception, PolicyError)
    assert "--anchor: expected the anchor file" in str(result.exception)


def test_a_journal_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MM_OPS_ROOT", str(tmp_path))
    result = CliRunner().invoke(audit, ["verify"])
    assert isinstance(result.exception, MissingEvidenceError)
    assert "var/watcher/journal.sqlite: no journal there" in str(result.exception)
