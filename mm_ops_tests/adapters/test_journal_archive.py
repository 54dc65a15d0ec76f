"""What is old leaves a journal, what is the case stays, and every record can still be verified."""

import gzip
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mm_ops.adapters import journal_archive
from mm_ops.adapters.database import Database
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_archive import Archived, archive_journal, folder_beside, move_anchors, read_archive
from mm_ops.adapters.journal_audit import Audit, audit_journal
from mm_ops.cli.audit import audit
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.response import Responder
from mm_ops_tests.rollback_world import NOW, QUICK, MemoryBot, Pages, WallClock, alert, open_journal

KEEP = timedelta(days=90)
THEN, LATER = NOW - timedelta(days=100), NOW


def beat(journal: Journal, at: datetime, number: int) -> None:
    """A body, dealt with as the watcher does."""
    labels = {"alertname": "Watchdog"}
    began = f"2026-11-25T12:00:00.{number:03d}Z"
    body = json.dumps({"alerts": [{"labels": labels, "startsAt": began}]}).encode()
    journal.take_in(body, at)
    Responder(journal, {}, QUICK, WallClock(at - NOW), Pages()).work_off()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of a hundred days: a stop, notes, beats then; a stop, a note, beats now; and an anchor left behind."""
    with open_journal(tmp_path) as journal:
        Responder(journal, {"paper": MemoryBot()}, QUICK, WallClock(THEN - NOW), Pages()).respond(
            alert(starts_at=THEN), THEN
        )
        journal.note_resume("paper", TradingState.REDUCING, by="ada", why="fixed", confirmed=True, at=THEN)
        journal.note_event("blind", "watchdog", {"blind": True, "reason": "old"}, THEN)
        journal.note_event("blind", "backstop", {"blind": True, "reason": "since then"}, THEN)
        journal.note_event("watcher", "w", {"dry_run": False, "reads": []}, THEN)
        for number in range(5):
            beat(journal, THEN, number)
    shutil.copyfile(tmp_path / "journal.anchor", tmp_path / "journal.sqlite.anchor.halt")
    with open_journal(tmp_path) as journal:
        beat(journal, LATER, 7)
        journal.note_event("blind", "watchdog", {"blind": False, "reason": "heard"}, LATER)
        slow = alert("SoakEdgeDegradation", starts_at=LATER)
        Responder(journal, {"paper": MemoryBot()}, QUICK, WallClock(LATER - NOW), Pages()).respond(slow, LATER)
    return tmp_path


def archive(folder: Path, now: datetime = LATER) -> list[Archived]:
    made = []
    with Journal(
        str(folder / "journal.sqlite"), folder / "archiver", owner="archive", lease=timedelta(minutes=1)
    ) as journal:
        while (one := archive_journal(journal, archives(folder), now - KEEP, now)) is not None:
            made.append(one)
        move_anchors(journal, folder / "journal.sqlite", archives(folder))
    return made


def archives(folder: Path) -> Path:
    return folder_beside(folder / "journal.sqlite")


def verify(folder: Path, anchor: str = "journal.anchor") -> Audit:
    return audit_journal(str(folder / "journal.sqlite"), folder / anchor)


def sound(folder: Path) -> bool:
    return all(
        (found.problems, found.doubts) == ((), ())
        for found in (verify(folder, name) for name in ("journal.anchor", "archiver", "journal.sqlite.anchor.halt"))
    )


def known(folder: Path) -> dict[str, Any]:
    with open_journal(folder, owner="reader") as journal:
        one = alert(starts_at=THEN)
        return {
            "history": replace(journal.history(one, bots=frozenset({"paper"}), bot=None, seen_at=THEN), sightings=()),
            "actions": journal.actions_of(f"{one.episode}/1"),
            "blind": journal.blind(),
            "modes": journal.modes(),
            "unconfirmed": journal.unconfirmed(),
            "beat": journal.last_heard("Watchdog"),
            "stops": [stop for episode in journal.episodes() for stop in episode["stops"]],
        }


def test_what_is_old_leaves_and_what_is_the_case_stays(folder: Path):
    before, records = known(folder), verify(folder).records
    (made,) = archive(folder)
    assert (made.first, made.before) == (1, "0" * 64)
    after = known(folder)
    assert after == before
    assert after["blind"] == {"backstop": "since then"}
    with open_journal(folder) as journal:
        left = journal.records_after(0)
        assert left[0]["seq"] == made.last + 1
        assert len(left) < records - made.last + 15, "what is carried is few"
        assert len(journal.pending()) == 0
    database = Database(str(folder / "journal.sqlite"), read_only=True)
    with database.transaction() as transaction:
        assert len(transaction.rows("SELECT digest FROM inbox")) == 1, "old bodies have left"
    database.close()


def test_the_chain_is_verified_through_the_archive_and_every_anchor_lies_on_it(folder: Path):
    archive(folder)
    assert sound(folder)
    with Journal(
        str(folder / "journal.sqlite"), folder / "journal.sqlite.anchor.halt", owner="h", lease=timedelta(minutes=1)
    ) as journal:
        journal.note_event("after", "x", {}, LATER)
    assert sound(folder)


def test_archives_follow_each_other_over_the_years(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal_archive, "MOST", 20)
    first = archive(folder)
    assert len(first) > 1
    with open_journal(folder) as journal:
        beat(journal, LATER + 2 * KEEP, 9)
    second = archive(folder, LATER + 2 * KEEP)
    every = [*first, *second]
    assert [one.first for one in every[1:]] == [one.last + 1 for one in every[:-1]]
    assert sound(folder)
    assert known(folder)["blind"] == {"backstop": "since then"}
    assert [stop["alert"] for stop in known(folder)["stops"]] == ["SoakEdgeDegradation", "SoakLatencyP95High"]


def test_the_same_records_give_the_same_bytes_and_a_young_journal_is_left_alone(folder: Path, tmp_path: Path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert archive(folder)[0].sha256 == archive(copy)[0].sha256
    assert archive(folder) == []


def test_a_watcher_that_has_the_journal_open_goes_on(folder: Path):
    with open_journal(folder) as watcher:
        watcher.note_event("before", "x", {}, LATER)
        archive(folder)
        watcher.note_event("after", "x", {}, LATER)
        beat(watcher, LATER, 8)
    assert sound(folder)


def test_an_archive_that_is_gone_is_a_doubt_and_one_that_was_edited_a_problem(folder: Path):
    (made,) = archive(folder)
    path = archives(folder) / made.file
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[3] = lines[3].replace('"at": "2026', '"at": "2025')
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    said = "\n".join(verify(folder).problems)
    assert "not the archive that was made" in said
    assert "audit 3: expected hash" in said
    path.write_bytes(b"nothing")
    assert "not the archive that was written" in "\n".join(verify(folder).problems)
    path.unlink()
    found = verify(folder)
    assert found.problems == ()
    assert f"not there: records 1 to {made.last} cannot be checked" in found.doubts[0]


def test_a_row_that_was_carried_cannot_be_edited_or_deleted_unseen(folder: Path):
    archive(folder)
    for change in ("UPDATE stops SET confirmed = 0 WHERE alert = 'SoakLatencyP95High'", "DELETE FROM resumes"):
        database = Database(str(folder / "journal.sqlite"))
        with database.transaction() as transaction:
            transaction.run(change)
        database.close()
    said = "\n".join(verify(folder).problems)
    assert "confirmed: not as recorded" in said
    assert "no such row, but a record says that there is" in said


def test_a_journal_that_was_edited_is_not_archived(folder: Path):
    database = Database(str(folder / "journal.sqlite"))
    with database.transaction() as transaction:
        transaction.run("UPDATE audit SET body = '{}' WHERE seq = 3")
    database.close()
    with pytest.raises(IntegrityError, match="audit record 3: not as it was written: nothing is archived"):
        archive(folder)
    assert not archives(folder).exists()


def test_an_anchor_on_another_chain_is_not_moved_on(folder: Path):
    (folder / "journal.sqlite.anchor.halt").write_text(f"\n3 {'f' * 64}\n")
    with pytest.raises(IntegrityError, match="record 3: expected the archived hash, was f"):
        archive(folder)


def test_the_command_archives_and_the_other_verifies(folder: Path):
    place = ["--journal", str(folder / "journal.sqlite")]
    result = CliRunner().invoke(audit, ["archive", *place], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "| audit archive | OK | AUDIT_ARCHIVE=OK |"
    (made,) = archives(folder).glob("*")
    assert made.name in result.output
    assert next(record.seq for record in read_archive(made)) == 1
    found = CliRunner().invoke(audit, ["verify", *place, "--anchor", str(folder / "journal.anchor")])
    assert (found.exit_code, found.output.splitlines()[-1]) == (0, "| audit verify | PASS | AUDIT_VERIFY=PASS |")
    missing = CliRunner().invoke(audit, ["archive", "--journal", str(folder / "other.sqlite")])
    assert isinstance(missing.exception, MissingEvidenceError)
    assert not (folder / "other.sqlite").exists()
