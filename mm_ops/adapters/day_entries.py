"""What a recorder noted of its days: ``<root>/days/date=YYYY-MM-DD/day.json`` beside ``<root>/<kind>/date=…/…``.

An entry is written last, so a day without one was cut short. Its ``files`` gives the SHA-256 (hex) of each of the
day's files by its name below the root: what is not the file that was recorded is told, since Parquet has no checksum
of its own here and most flipped bits read as other numbers. A root without a folder ``days`` is another recorder's;
nothing is known of it and nothing is checked.
"""

import hashlib
from pathlib import Path

from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SchemaError

_DAY = "date="


class DayEntries:
    """The entries of one recorder's root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def beside(cls, path: Path) -> "DayEntries":
        """Find the root of ``<root>/<kind>``, or of anything in or below ``<root>/<kind>/date=…``."""
        whole = path.absolute()  # a relative path may begin below its root
        day = next((part for part in (whole, *whole.parents) if part.name.startswith(_DAY)), None)
        return cls((day.parent if day is not None else whole).parent)

    @property
    def are_kept(self) -> bool:
        """Whether the recorder keeps an entry for each whole day."""
        return (self._root / "days").is_dir()

    def has(self, day: str) -> bool:
        """Whether the day ``date=…`` was recorded to its end; where no entries are kept nothing speaks against it."""
        return not self.are_kept or self._entry(day).is_file()

    def verify(self, file: Path) -> None:
        """Compare a file with its entry.

        Raises:
            IntegrityError: it is not the file that was recorded.
            MissingEvidenceError: its day has no entry, or the file is gone.
            SchemaError: the entry does not list it, or is no entry.
        """
        if not self.are_kept:
            return
        name = file.absolute().relative_to(self._root.absolute())
        day = next((part for part in name.parts if part.startswith(_DAY)), None)
        if day is None:
            raise SchemaError(f"{file}: expected a file of a day, as {self._entry('date=…')} would list it")
        expected = self._digests(day).get(name.as_posix())
        if expected is None:
            raise SchemaError(f"{self._entry(day)}: expected the digest of {file.name} under files, was none: {file}")
        found = _digest(file)
        if found != expected:
            raise IntegrityError(f"{file}: expected sha256 {expected}, was {found}; record the day again")

    def require(self, folder: Path) -> None:
        """Refuse a folder of one day, or of all days of a kind, that lacks a file which was recorded.

        Raises:
            MissingEvidenceError: a file is gone, or the day has no entry.
            SchemaError: an entry is no entry.
        """
        if not self.are_kept:
            return
        name = folder.absolute().relative_to(self._root.absolute())
        below = [part for part in name.parts if part.startswith(_DAY)]
        for day in below or sorted(entry.parent.name for entry in self._root.glob("days/date=*/day.json")):
            for listed in sorted(self._digests(day)):
                if listed.startswith(f"{name.as_posix()}/") and not (self._root / listed).is_file():
                    raise _gone(self._root / listed)

    def _entry(self, day: str) -> Path:
        return self._root / "days" / day / "day.json"

    def _digests(self, day: str) -> dict[str, str]:
        entry = self._entry(day)
        if not entry.is_file():
            raise MissingEvidenceError(f"{entry}: no such file: the day was not recorded to its end; record it again")
        found = read_json(entry)
        files = found.get("files") if isinstance(found, dict) else None
        if not isinstance(files, dict):
            raise SchemaError(f"{entry}: files: expected names with their sha256, was {str(files)[:80]}")
        return files


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise _gone(file) from error
    except OSError as error:
        raise SchemaError(f"{file}: not readable: {error.strerror}") from error


def _gone(file: Path) -> MissingEvidenceError:
    return MissingEvidenceError(f"{file}: no such file, though the day's entry lists it; record the day again")
