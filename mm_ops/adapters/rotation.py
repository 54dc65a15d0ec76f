"""Rotates: what a plan gives up is moved into quarantine, whole folders by rename, and deleted a while later.

Below the root lies ``.rotation/<time>/`` with ``plan.json`` and ``files/<folder>``: bringing a rotation back is moving
the folders again. Killed at any moment, a folder lies in one of the two places whole; running again finishes the work.
"""

import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.artifacts import write_atomically
from mm_ops.adapters.json_files import read_object
from mm_ops.adapters.locks import held
from mm_ops.adapters.rotation_scan import measure, refuse_outside
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import MissingEvidenceError, MmOpsError, SourceUnavailableError
from mm_ops.domain.retention.plan import Entry, Plan

PLACE = ".rotation"
_GONE = "gone-"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a plan: units that were moved, and why others were not."""

    name: str
    moved: tuple[Entry, ...]
    left: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rotation:
    """The rotation of one root."""

    root: Path

    @property
    def place(self) -> Path:
        """Where what was rotated out lies."""
        return self.root / PLACE

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the root for one rotation; a process that dies lets go.

        Raises:
            SourceUnavailableError: another rotation is at work.
        """
        with held(self.place / "lock", f"{self.root}: another rotation is at work; try again later"):
            yield

    def quarantine(self, plan: Plan) -> Moved | None:
        """Move what the plan gives up out of the way; ``None`` where it gives up nothing.

        A unit that changed since the plan was made stays, and so does one that cannot be moved; each is told.
        """
        if not plan.rotated:
            return None
        name = self._new_name(plan.now)
        write_atomically(self.place / name / "plan.json", encode(_document(plan)))
        moved, left = [], {}
        for entry in plan.rotated:
            try:
                self._move(entry, self.place / name / "files")
                moved.append(entry)
            except (OSError, MmOpsError) as error:
                left[entry.unit.name] = str(error)
        return Moved(name, tuple(moved), left)

    def _new_name(self, now: datetime) -> str:
        stamp = now.astimezone(UTC).strftime(_STAMP)
        names = [stamp, *(f"{stamp}-{number}" for number in range(2, 1000))]
        return next(name for name in names if not (self.place / name).exists())

    def _move(self, entry: Entry, to: Path) -> None:
        for folder in entry.unit.folders:
            refuse_outside(self.root, folder.name)
            if measure(self.root, folder.name) != folder:
                raise SourceUnavailableError(f"{folder.name}: changed since the plan was made; left to the next one")
        for folder in entry.unit.folders:
            _rename(self.root / folder.name, to / folder.name)

    def rotations(self) -> list[str]:
        """The names of what lies in quarantine, oldest first."""
        found = self.place.iterdir() if self.place.is_dir() else ()
        return sorted(item.name for item in found if (item / "plan.json").is_file() and item.name[0].isdigit())

    def purge(self, now: datetime, after: timedelta, archive: Path | None = None) -> dict[str, int]:
        """Delete what has been in quarantine for ``after``; with ``archive`` a tar of it is there before.

        Returns:
            Bytes by the name of the rotation.

        Raises:
            OSError: the archive cannot be written; what it was to hold stays.
        """
        freed = {}
        for name in self.rotations():
            if now - _time_of(name) >= after:
                freed[name] = measure(self.root, f"{PLACE}/{name}").size
                if archive is not None:
                    _archive(self.place / name, archive / f"{name}.tar")
                (self.place / name).rename(self.place / f"{_GONE}{name}")
        for gone in sorted(self.place.glob(f"{_GONE}*")):
            shutil.rmtree(gone)
        return freed

    def undo(self, name: str) -> Moved:
        """Bring back what a rotation moved; what is there again meanwhile is not replaced, and told.

        Raises:
            MissingEvidenceError: there is no such rotation in quarantine.
        """
        if name not in self.rotations():
            known = ", ".join(self.rotations()) or "none"
            raise MissingEvidenceError(f"{self.place}: no rotation {name} in quarantine; there are: {known}")
        files = self.place / name / "files"
        left = {}
        for folder in [
            folder for unit in read_object(self.place / name / "plan.json")["rotated"] for folder in unit["folders"]
        ]:
            if not (files / folder).is_dir():
                continue
            try:
                if os.path.lexists(self.root / folder):
                    raise SourceUnavailableError(f"{folder}: is there again; move it away first")
                _rename(files / folder, self.root / folder)
            except (OSError, MmOpsError) as error:
                left[folder] = str(error)
        if not left:
            (self.place / name).rename(self.place / f"{_GONE}{name}")
            shutil.rmtree(self.place / f"{_GONE}{name}")
        return Moved(name, (), left)


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    for folder in (source.parent, target.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    with suppress(OSError):  # a bot's folder that is empty now; one that is not stays
        source.parent.rmdir()


def _archive(source: Path, target: Path) -> None:
    """Write a tar whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".new.{target.name}"
    with temporary.open("wb") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(source, arcname=source.name)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(target)


def _time_of(name: str) -> datetime:
    return datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC)


def _document(plan: Plan) -> dict[str, Any]:
    rotated = [
        {
            "unit": entry.unit.name,
            "reason": entry.reason,
            "size": entry.unit.size,
            "files": entry.unit.files,
            "folders": [folder.name for folder in entry.unit.folders],
        }
        for entry in plan.rotated
    ]
    return {"utc": plan.now, "rotated": rotated}
