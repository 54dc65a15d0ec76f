"""Reads what files prove that a task ran: the newest of a pattern, in a folder or at any fsspec URL.

The levels of a pattern are gone through one by one: fsspec's own ``glob`` lists everything below the first wildcard,
and says nothing of a folder that it may not read (2026.9.0 forgets ``on_error`` below the first level).
"""

import heapq
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mm_ops.adapters.bot_http import shown
from mm_ops.domain.sentinel.content import fault_of_bytes
from mm_ops.domain.sentinel.runs import Evidence, Run, in_order
from mm_ops.domain.sentinel.tasks import Content, FileProof, Task

MOST_BYTES = 16 * 1024 * 1024
"""Of a result whose content is asked for; reports are well below 1 MB."""

_WILD = "*?["
_CHANGED = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")
"""How file systems call the time of change: local and SFTP, S3, Azure, FTP, Google, in memory."""


def read_files(task: Task, proof: FileProof, root: Path, most: int) -> Evidence:
    """Find so many of the newest files of a task's pattern, and ask the newest for the content that it must have.

    Where nothing can be found out the evidence says why: no driver, no permission, no such folder, too many matches.
    """
    from fsspec.core import url_to_fs  # noqa: PLC0415 - it loads the drivers

    named = proof.glob if urlsplit(proof.glob).scheme else str(root / proof.glob)
    try:
        system, path = url_to_fs(named)
        found = list(_matches(system, path, proof.most))
        if not found:
            return Evidence(fault=f"no file matches {shown(proof.glob)}")
        newest = heapq.nlargest(most, ((_changed(system, one), one["name"]) for one in found))
        runs = [
            Run(ended_at=at, fault=_fault(system, name, task.content) if n < task.recovery else "")
            for n, (at, name) in enumerate(newest)
        ]
    except _Refused as refused:
        return Evidence(fault=f"{shown(proof.glob)}: {refused}")
    except (OSError, ImportError, ValueError) as error:
        return Evidence(fault=f"{shown(proof.glob)}: {_words(error)}")
    return Evidence(runs=in_order(runs))


class _Refused(Exception):  # noqa: N818 - a refusal, told in words
    """Why the files say nothing."""


def _matches(system: Any, path: str, most: int) -> Iterator[Mapping[str, Any]]:
    count = 0
    for found in _below(system, *_split(path)):
        one = _followed(system, found)
        if one is None or one["type"] != "file":  # a folder, a link to nowhere, a pipe
            continue
        count += 1
        if count > most:
            raise _Refused(f"more than {most} files match: narrow the pattern, or raise most")
        yield one


def _followed(system: Any, one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a link leads to, with that file's own time of change; nothing where it leads nowhere."""
    if not one.get("islink"):
        return one
    try:
        target: Mapping[str, Any] = system.info(one["name"])
    except FileNotFoundError:
        return None
    return target


def _split(path: str) -> tuple[str, list[str]]:
    """Take apart what is plain and what has wildcards; the last part is always looked for, so that it is stated."""
    parts = path.split("/")
    plain = next((n for n, part in enumerate(parts) if any(sign in part for sign in _WILD)), len(parts) - 1)
    return "/".join(parts[:plain]) or "/", parts[plain:]


def _below(system: Any, folder: str, parts: list[str]) -> Iterator[Mapping[str, Any]]:
    """Everything below a folder that matches the parts, one a level; ``**`` is any number of levels."""
    part, rest = parts[0], parts[1:]
    for one in system.ls(folder, detail=True):
        if one["name"].rstrip("/") == folder.rstrip("/"):
            continue  # a file, or the marker of a folder, lists itself
        name = one["name"].rstrip("/").rsplit("/", 1)[-1]
        is_folder = one["type"] == "directory"
        if part == "**":
            if is_folder:
                yield from _below(system, one["name"], parts)
            if not rest:
                yield one
            elif _is_like(name, rest[0]):
                yield from _reached(system, one, rest)
        elif _is_like(name, part):
            yield from _reached(system, one, parts)


def _is_like(name: str, pattern: str) -> bool:
    """As a shell does: a name that begins with a dot, such as that of a file half written, must be asked for."""
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _reached(system: Any, one: Mapping[str, Any], parts: list[str]) -> Iterator[Mapping[str, Any]]:
    """What is at a match: itself at the last part, else what is below it; a file has nothing below."""
    if len(parts) == 1:
        yield one
    elif one["type"] == "directory":
        yield from _below(system, one["name"], parts[1:])


def _changed(system: Any, one: Mapping[str, Any]) -> datetime:
    found = next((one[key] for key in _CHANGED if one.get(key) is not None), None)
    at = found if found is not None else system.modified(one["name"])
    if isinstance(at, int | float):
        return datetime.fromtimestamp(at, UTC)
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fault(system: Any, name: str, content: Content | None) -> str:
    if content is None:
        return ""
    with system.open(name, "rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return f"{name}: expected at most {MOST_BYTES} bytes to look into"
    fault = fault_of_bytes(content, data)
    return f"{name.rsplit('/', 1)[-1]}: {fault}" if fault else ""


def _words(error: Exception) -> str:
    """Say what the system or a driver said, in one line, without the path that is named already."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
    return f"{said or type(error).__name__}".lower() if isinstance(error, OSError) else said
