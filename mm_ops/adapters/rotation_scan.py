"""Finds the folders that the retention policy names below a root, with what they hold; follows no symbolic link."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from re import Pattern as Expression

from mm_ops.adapters.artifacts import local_path
from mm_ops.domain.errors import PolicyError, SchemaError, SourceUnavailableError
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops.domain.retention.units import Folder, Unit, gather


def local_root(address: str) -> Path:
    """The root as a real folder.

    Raises:
        PolicyError: it is a URL of somewhere else, or no folder.
    """
    path = local_path(address)
    if path is None:
        raise PolicyError(f"{address}: expected a local folder: an object store has lifecycle rules of its own")
    root = path.resolve()
    if not root.is_dir():
        raise PolicyError(f"{root}: expected a folder, there is none")
    if root == Path(root.anchor):
        raise PolicyError(f"{root}: expected a folder of its own, was the root of the file system")
    return root


def scan(root: Path, policy: RetentionPolicy) -> dict[str, list[Unit]]:
    """Measure every unit of every rule, by the rule's kind.

    Raises:
        PolicyError: two rules name one folder, or folders inside each other.
        SourceUnavailableError: a folder cannot be read.
    """
    found: dict[str, list[Unit]] = {}
    owners: dict[str, str] = {}
    for rule in policy.rules:
        patterns = rule.patterns
        names = sorted({name for pattern in patterns for name in find_folders(root, pattern.parts)})
        for name in names:
            owners.setdefault(name, rule.kind)
            if owners[name] != rule.kind:
                raise PolicyError(f"rules: {name}: named by {owners[name]} and by {rule.kind}; each folder needs one")
        found[rule.kind] = gather(rule.kind, patterns, (measure(root, name) for name in names))
    _refuse_nested(owners)
    return found


def stored_days(root: Path, policy: RetentionPolicy) -> set[date]:
    """The days of which anything is stored below a root, by the names of the folders alone.

    Raises:
        SourceUnavailableError: a folder cannot be read.
    """
    days = set()
    for pattern in (pattern for rule in policy.rules for pattern in rule.patterns):
        for name in find_folders(root, pattern.parts):
            text = (pattern.match(name) or {}).get("day", "")
            with suppress(ValueError):
                days.add(date.fromisoformat(text))
    return days


def _refuse_nested(owners: Mapping[str, str]) -> None:
    for name, kind in owners.items():
        above = next((parent.as_posix() for parent in Path(name).parents if parent.as_posix() in owners), None)
        if above is not None:
            raise PolicyError(f"rules: {name} ({kind}) lies in {above} ({owners[above]}); each folder needs one")


def find_folders(root: Path, parts: Sequence[Expression[str]]) -> Iterator[str]:
    """Name the folders of a pattern; a symbolic link is none."""
    waiting = [("", 0)]
    while waiting:
        above, depth = waiting.pop()
        for entry in _entries(root / above):
            hidden = entry.name.startswith(".")  # the rotation's own place is one
            if not hidden and parts[depth].fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                name = f"{above}/{entry.name}" if above else entry.name
                if depth + 1 == len(parts):
                    yield name
                else:
                    waiting.append((name, depth + 1))


def measure(root: Path, name: str) -> Folder:
    """Add up a folder: bytes, files and the last change of anything in it; a link counts as itself.

    Raises:
        SourceUnavailableError: it cannot be read.
    """
    size = files = 0
    top = os.path.join(root, name)  # noqa: PTH118 - a million of them: texts, not objects
    try:
        latest = os.lstat(top).st_mtime_ns
        waiting = [top]
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen = entry.stat(follow_symlinks=False)
                    if seen.st_mtime_ns > latest:  # noqa: PLR1730 - max() takes a quarter longer for all of it
                        latest = seen.st_mtime_ns
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += seen.st_size
                        files += 1
    except OSError as error:
        raise SourceUnavailableError(f"{error.filename or top}: cannot be read: {error.strerror}") from error
    return Folder(name, size, files, datetime.fromtimestamp(latest / 1e9, UTC))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceUnavailableError(f"{folder}: cannot be read: {error.strerror}") from error


def refuse_outside(root: Path, name: str) -> None:
    """Refuse a folder that is a link, or lies behind one, by now.

    Raises:
        SchemaError: says which part is.
    """
    at = root
    for part in name.split("/"):
        at /= part
        if at.is_symlink() or not at.is_dir():
            raise SchemaError(f"{at}: expected a folder, is {'a symbolic link' if at.is_symlink() else 'none'} by now")
