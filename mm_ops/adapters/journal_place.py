"""Where a journal lies, and where its anchor does."""

from pathlib import Path

from mm_ops.domain.errors import PolicyError

DEFAULT = "var/watcher/journal.sqlite"
"""Below the project."""

TRIAL = "var/watcher/journal-dry-run.sqlite"
"""Where a dry run writes, so that it marks nothing as done that a watcher has still to do."""


def anchor_beside(journal: str) -> Path:
    """Where the anchor of a journal in a file lies by default: another disk is better.

    Raises:
        PolicyError: the journal is no file, so there is nothing to lie beside.
    """
    if "://" in journal and not journal.startswith("sqlite"):
        raise PolicyError("--anchor: expected the anchor file of the watcher that writes to this database")
    return Path(f"{journal.removeprefix('sqlite:///')}.anchor")
