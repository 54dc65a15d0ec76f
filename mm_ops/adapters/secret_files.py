"""Reads files for the scan on secrets: as they lie, in pieces, and what is inside archives; bounded in every way.

Links are not followed, pipes and devices are not opened, and whatever could not be read to its end is told.
"""

import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from mm_ops.adapters.archive_members import Inside, PartError, ends_as_archive, is_archive, members_of
from mm_ops.adapters.bot_http import shown
from mm_ops.adapters.environment import Environment
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops.domain.secrets.policy import SecretsPolicy
from mm_ops.domain.secrets.report import Scanned, Unread
from mm_ops.domain.secrets.scan import Hit, Scanner

WINDOW = 16 * 1024 * 1024
"""Bytes of a file that are looked at together."""
OVERLAP = 64 * 1024
"""Bytes that are looked at again with the next ones, so that no secret is cut in two."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or a file, what stands before the paths of its files in what is told, and what it is called."""

    path: Path
    name: str = ""
    told: str = ""


@dataclass(slots=True)
class _Tally:
    files: int = 0
    size_bytes: int = 0
    inside: int = 0
    links: int = 0
    devices: int = 0
    left: Counter[str] = field(default_factory=Counter)
    hits: list[tuple[str, Hit]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


class SecretFiles:
    """Scans files by one policy.

    Args:
        policy: the rules and the bounds.
        clock: seconds that never go backwards.
        say: told of how far it is, now and then.
    """

    def __init__(
        self, policy: SecretsPolicy, clock: Callable[[], float], say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._policy, self._clock, self._say = policy, clock, say
        self._scanner = Scanner(policy)

    def _told(self, name: str, tally: _Tally, within: str = "") -> str:
        """The name as it may be told, after that of the archive; a secret in it is one more that was found."""
        redacted, hits = self._scanner.redact(name)
        told = within + redacted
        tally.hits += [(told, hit) for hit in hits]
        return told

    def scan(self, roots: Sequence[Root]) -> Scanned:
        """Look at everything below some roots.

        Raises:
            MissingEvidenceError: a root is not there.
        """
        tally = _Tally()
        for root in roots:
            if not root.path.exists():
                raise MissingEvidenceError(f"{root.path}: no such file or folder")
            self._walk(root, tally)
        return _scanned([root.told or root.name or str(root.path) for root in roots], tally)

    def scan_bytes(self, parts: Iterable[tuple[str, bytes]]) -> Scanned:
        """Look at what is not a file yet, or not only: names with their bytes, one after the other."""
        tally = _Tally()
        for name, data in parts:
            tally.files, tally.size_bytes = tally.files + 1, tally.size_bytes + len(data)
            told = self._told(name, tally)
            self._look_inside(told, data, Inside(self._policy.bounds), self._until(), tally)
        return _scanned(["what is packed"], tally)

    def _walk(self, root: Root, tally: _Tally) -> None:
        waiting = [root.path.resolve()]
        top = waiting[0]
        while waiting:
            place = waiting.pop()
            name = _named(root, top, place)
            try:
                mode = place.lstat().st_mode
                if stat.S_ISDIR(mode) and (place == top or place.name not in self._policy.left.folders):
                    waiting += sorted((Path(entry.path) for entry in os.scandir(place)), reverse=True)
                elif not stat.S_ISDIR(mode):
                    self._visit(place, name, mode, tally)
            except FileNotFoundError:
                continue  # gone since it was listed, and then there is nothing in it
            except OSError as error:
                tally.unread.append(Unread(name, (error.strerror or str(error)).lower()))

    def _visit(self, place: Path, name: str, mode: int, tally: _Tally) -> None:
        if stat.S_ISLNK(mode):
            tally.links += 1
        elif not stat.S_ISREG(mode):
            tally.devices += 1
        elif ending := next((one for one in self._policy.left.endings if place.name.endswith(one)), None):
            tally.left[ending] += 1
        else:
            self._read(place, self._told(name, tally), tally)

    def _read(self, place: Path, name: str, tally: _Tally) -> None:
        size = place.lstat().st_size
        most = self._policy.bounds.max_bytes
        if size > most:
            tally.unread.append(Unread(name, f"{size:,} bytes, and {most:,} are read at most"))
            return
        tally.files, tally.size_bytes = tally.files + 1, tally.size_bytes + size
        if tally.files % 1000 == 0:
            self._say(f"{tally.files} files, {tally.size_bytes:,} bytes")
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # what it was may have been replaced
        with os.fdopen(handle, "rb") as stream:
            first = stream.read(WINDOW)
            if is_archive(first) or ends_as_archive(stream):
                stream.seek(0)
                self._look_inside(name, stream.read(most), Inside(self._policy.bounds), self._until(), tally)
            else:
                stream.seek(len(first))
                rest = iter(lambda: stream.read(WINDOW), b"")
                self._look(name, _overlapping(first, rest), self._until(), tally)

    def _look_inside(self, name: str, data: bytes, inside: Inside, until: float, tally: _Tally) -> None:
        """Look at a whole file or a part of one: what is inside it first, if it is an archive, then its own bytes."""
        before = len(tally.hits)
        try:
            if is_archive(data) or ends_as_archive(io.BytesIO(data)):
                deeper = inside.deeper()
                for member, content in members_of(data, deeper):
                    tally.inside += 1
                    told = self._told(_printable(member), tally, f"{name}!")
                    self._look_inside(told, content, deeper, until, tally)
        except PartError as error:
            tally.unread.append(Unread(name, str(error)))
        opened = {hit.fingerprint for _, hit in tally.hits[before:]}
        rest = (data[at : at + WINDOW] for at in range(WINDOW, len(data), WINDOW))
        self._look(name, _overlapping(data[:WINDOW], rest), until, tally, opened)

    def _look(
        self, name: str, windows: Iterator[bytes], until: float, tally: _Tally, known: AbstractSet[str] = frozenset()
    ) -> None:
        hits: dict[tuple[str, str], Hit] = {}
        newlines = 0
        for window in windows:
            found = self._scanner.scan(window, lambda: self._clock() > until, name)
            for hit in found.hits:
                hits.setdefault((hit.rule, hit.fingerprint), replace(hit, line=hit.line + newlines))
            if found.unfinished:
                tally.unread.append(Unread(name, found.unfinished))
                break
            newlines += window[: max(0, len(window) - OVERLAP)].count(b"\n")
        tally.hits += [(name, hit) for hit in hits.values() if hit.fingerprint not in known]

    def _until(self) -> float:
        return self._clock() + self._policy.bounds.max_seconds


def _overlapping(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of a file, each but the first with the end of the one before it."""
    yield first
    last = first
    for piece in rest:
        last = last[-OVERLAP:] + piece
        yield last


def _named(root: Root, top: Path, place: Path) -> str:
    below = "" if place == top else str(place.relative_to(top))
    return _printable("/".join(part for part in (root.name, below) if part) or place.name)


def _printable(name: str) -> str:
    """A name as one line of text, whatever its bytes are."""
    known = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in known)


def _scanned(names: Sequence[str], tally: _Tally) -> Scanned:
    return Scanned(
        roots=names,
        files=tally.files,
        size_bytes=tally.size_bytes,
        inside=tally.inside,
        left=dict(sorted(tally.left.items())),
        links=tally.links,
        devices=tally.devices,
        hits=sorted(tally.hits, key=lambda item: (item[0], item[1].line, item[1].rule)),
        unread=tally.unread,
    )


def roots_of(environment: Environment, paths: Sequence[Path] = ()) -> list[Root]:
    """What is looked at: the paths given, or the repository and the artifacts root, as far as there is one yet.

    A path in the repository is told as it is there, so that the baseline knows it.

    Raises:
        PolicyError: the artifacts are at a URL, which is not looked at.
    """
    if paths:
        return [_given(environment.root, path) for path in paths]
    roots = [Root(environment.root, told="the repository")]
    if "://" in environment.artifacts:
        raise PolicyError(
            f"MM_OPS_ARTIFACTS: {shown(environment.artifacts)}: expected a folder, to look for secrets in it"
        )
    artifacts = environment.path(environment.artifacts)
    return [*roots, Root(artifacts, "artifacts", "the artifacts")] if artifacts.exists() else roots


def _given(root: Path, path: Path) -> Root:
    whole = path.resolve()
    return Root(whole, str(whole.relative_to(root)) if whole.is_relative_to(root) and whole != root else str(path))
