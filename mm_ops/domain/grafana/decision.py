"""Whether a committed dashboard may go where another one lies.

What was imported last is remembered: its version and its digest. What lies in Grafana and is not that was changed
there, and is somebody's work; it is overwritten only by one who says which version they were shown, and that one alone:
Grafana itself refuses a version that is not the one that was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.grafana.differences import Difference, find_differences
from mm_ops.domain.grafana.form import form_digest


@dataclass(frozen=True, slots=True)
class Board:
    """A committed dashboard in its one form, and the file that it is from."""

    file: str
    uid: str
    form: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in Grafana under a uid; ``folder_uid`` is empty at the root, ``provisioned`` a file or nothing."""

    form: Mapping[str, Any]
    version: int
    folder_uid: str
    provisioned: str | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the last import left there."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Create:
    """Nothing lies there."""


@dataclass(frozen=True, slots=True)
class Update:
    """What lies there is replaced, if it still is of this version."""

    version: int


@dataclass(frozen=True, slots=True)
class Same:
    """It is there already."""

    version: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not overwritten; ``reason`` says what to do."""

    reason: str


Decision = Create | Update | Same | Refuse

_GONE = 0
"""The version of what is not there."""


def decide_import(
    board: Board, folder_uid: str, found: Found | None, last: Remembered | None, *, overwrite: int | None
) -> Decision:
    """Decide; ``overwrite`` is the version of which a person has seen the differences, 0 of one that is gone."""
    if found is None:
        if last is None or overwrite == _GONE:
            return Create()
        return Refuse(f"{board.uid} was imported and is gone: deleted, or its uid changed: look for it, {_told(_GONE)}")
    if found.provisioned is not None:
        where = f" ({found.provisioned})" if found.provisioned else ""
        return Refuse(f"{board.uid} is provisioned from a file of that Grafana{where}: change that file instead")
    if not differs(board, folder_uid, found):
        return Same(found.version)
    theirs = None if overwrite == found.version else _find_work(board, folder_uid, found, last)
    return Update(found.version) if theirs is None else Refuse(theirs)


def _find_work(board: Board, folder_uid: str, found: Found, last: Remembered | None) -> str | None:
    """Say what would be lost that somebody did in Grafana; nothing where it is as the last import left it."""
    if last is None:
        return (
            f"{board.uid} lies there and was never imported from here: look at the differences, {_told(found.version)}"
        )
    if found.folder_uid != folder_uid:
        return (
            f"{board.uid} lies in folder {found.folder_uid or 'root'}, expected {folder_uid or 'root'}: "
            f"move it back or change grafana.yaml, {_told(found.version)}"
        )
    if form_digest(found.form) != last.digest:
        return (
            f"{board.uid} was changed in Grafana since its last import (version {last.version}, is {found.version}): "
            f"mm-ops grafana export keeps what is there, {_told(found.version)}"
        )
    return None


def _told(version: int) -> str:
    return f"or say --overwrite {version}"


def differs(board: Board, folder_uid: str, found: Found | None) -> list[Difference]:
    """Every difference between what is committed and what is there, its folder among them."""
    if found is None:
        return [Difference("$", "a dashboard", "nothing")]
    moved = [Difference("folder", repr(folder_uid or "root"), repr(found.folder_uid or "root"))]
    return [*(moved if found.folder_uid != folder_uid else []), *find_differences(board.form, found.form)]
