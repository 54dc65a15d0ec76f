"""Whether a SQLite database in use is still the files that were opened.

Who has a file open that was deleted or replaced goes on with it, seen by nobody. What is committed is in the log beside
the file (``-wal``) alone at first; the log lives while any connection does.
"""

from dataclasses import dataclass, field
from pathlib import Path

Identity = tuple[int, int]


@dataclass(slots=True)
class SameFiles:
    """The database's own file, from when it was opened first, and its log, from when it was written first."""

    file: Path
    _known: dict[Path, Identity | None] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the file was opened before."""
        return self._known.get(self.file) is not None

    def opened(self) -> None:
        """Remember the file."""
        if not self.known:
            self._known = {self.file: _identity(self.file)}

    def written(self) -> None:
        """Remember the log."""
        if len(self._known) == 1:
            beside = [self.file.with_name(f"{self.file.name}-{kind}") for kind in ("wal", "shm")]
            self._known = {**self._known, **{file: _identity(file) for file in beside}}

    def closed(self) -> None:
        """Forget the log: if that was the last connection SQLite has removed it, and makes another for the next."""
        self._known = {file: known for file, known in self._known.items() if file == self.file}

    @property
    def gone(self) -> Path | None:
        """One of them that is there no more, or is another."""
        changed = (file for file, known in self._known.items() if known not in {None, _identity(file)})
        return next(changed, None)


def _identity(file: Path) -> Identity | None:
    """What tells a file from another of the same name."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
