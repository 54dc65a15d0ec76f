"""Archives what is old in the deployment's journal, for the command and for the daily rotation alike."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mm_ops.adapters.journal_archive import archive_journal, folder_beside, move_anchors
from mm_ops.adapters.rollback_desk import Desk
from mm_ops.domain.rollback.keeping import JournalPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was archived: records from before a time, in files; ``moved`` names the anchors that were moved on."""

    before: datetime
    records: int
    files: int
    moved: tuple[str, ...]


def archive_old(
    desk: Desk, policy: JournalPolicy, folder: Path | None = None, tell: Callable[[str], None] = lambda _: None
) -> Kept:
    """Archive until nothing is left that is older than the policy says; a watcher may run meanwhile.

    Raises:
        MissingEvidenceError: there is no journal: it is not made here.
        IntegrityError: a record is not as it was written; nothing more leaves.
        SourceUnavailableError: the journal cannot be read or written.
        OSError: a file cannot be written; nothing more leaves.
    """
    folder, now, records, files = folder or folder_beside(desk.beside), desk.clock.now(), 0, 0
    with desk.opened():
        pass
    with desk.written("archive") as opened:
        while (made := archive_journal(opened, folder, now - policy.keep.length, now)) is not None:
            records, files = records + made.last - made.first + 1, files + 1
            tell(f"{folder / made.file}: records {made.first} to {made.last}")
        moved = move_anchors(opened, desk.beside, folder)
    return Kept(before=now - policy.keep.length, records=records, files=files, moved=tuple(moved))
