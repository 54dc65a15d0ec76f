"""One bot's stored evidence: what lies where below the artifacts root, by day."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import IO, Any

from mm_ops.adapters.artifacts import Artifacts, Stored
from mm_ops.adapters.locks import held
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError

SOAK_METRICS = "soak_metrics.json"
GATES_SUMMARY = "gates_summary.json"
SOAK_RESULTS = "SOAK_RESULTS.md"
SOAK_PAGE = "SOAK_RESULTS.html"
EDGE_REPORT = "edge_report.json"
EDGE_TEXT = "EDGE_REPORT.md"
EDGE_PAGE = "EDGE_REPORT.html"
EDGE_PROFILE = "edge_profile.json"
EDGE_REJECTS = "edge_rejects.jsonl"
CHAOS_DRILL = "chaos_drill.json"
TEST_RESULTS = "test_results.json"
GOLDEN_DRIFT = "drift.json"
SECRETS_SCAN = "secrets_scan.json"
PRE_LIVE_PACK = "pre_live_pack.json"
READINESS = "readiness.json"
READINESS_TEXT = "READINESS.md"
READINESS_PAGE = "READINESS.html"
ROLLBACK_REPORT = "rollback_report.json"
ROLLBACK_TEXT = "ROLLBACK.md"
ROLLBACK_PAGE = "ROLLBACK.html"
FIRE_DRILL = "fire_drill.json"
PROMOTIONS = "promoted/promotions.json"
PROMOTIONS_BEFORE = "promoted/promotions.before.json"
"""Below a bot's folder."""


class BotEvidence:
    """Named reports of one bot: ``<bot>/<day>/reports/…``, ``<bot>/golden/…``, ``<bot>/samples/…``."""

    def __init__(self, artifacts: Artifacts, bot: str) -> None:
        self._artifacts = artifacts
        self._bot = bot

    def report(self, day: date, name: str) -> str:
        """The artifact name of one day's report."""
        return f"{self._bot}/{day.isoformat()}/reports/{name}"

    def rollback(self, episode: str, name: str) -> str:
        """The artifact name of what is told of one episode, sorted by its start: ``20261123T145250.687Z-<labels>``."""
        labels, _, start = episode.partition("@")
        return f"{self._bot}/rollbacks/{start.replace('-', '').replace(':', '')}-{labels}/{name}"

    def drill(self, name: str) -> str:
        """The artifact name of the result of a fire drill."""
        return f"{self._bot}/drills/{name}/{FIRE_DRILL}"

    def edge_profile(self) -> str:
        """The artifact name of what the edge sentinel saw of the bot, and has it trade by."""
        return f"{self._bot}/edge/{EDGE_PROFILE}"

    def golden(self, case: str) -> str:
        """The artifact name of the report made from a pinned case."""
        return f"{self._bot}/golden/EDGE_REPORT_{case}.json"

    def golden_drift(self) -> str:
        """The artifact name of the comparison of every pinned case with its baseline."""
        return f"{self._bot}/golden/{GOLDEN_DRIFT}"

    def bundle(self, day: date, file: str) -> str:
        """The artifact name of a release file."""
        return f"{self._bot}/{day.isoformat()}/release/{file}"

    def releases(self, day: date) -> list[str]:
        """The artifact names of the day's bundle and what lies beside it, withdrawn ones not among them."""
        return self._artifacts.names(f"{self._bot}/{day.isoformat()}/release")

    def withdraw_releases(self, day: date) -> list[str]:
        """Take the day's bundle away, into ``release/withdrawn``; gives back where it lies now.

        Evidence of the day is being made again, so what the bundle says it rests on is no longer so. If every gate
        passes once more, the same bytes are built again.
        """
        moved = []
        for name in self.releases(day):
            folder, file = name.rsplit("/", 1)
            moved.append(f"{folder}/withdrawn/{file}")
            self._artifacts.move(name, moved[-1])
        return moved

    def withdrawn_releases(self, day: date) -> list[str]:
        """Bundles of the day that were taken away and not built again since."""
        there = {name.rsplit("/", 1)[-1] for name in self.releases(day)}
        folder = f"{self._bot}/{day.isoformat()}/release/withdrawn"
        return [name for name in self._artifacts.names(folder) if name.rsplit("/", 1)[-1] not in there]

    def writing_release(self, day: date, file: str) -> AbstractContextManager[IO[bytes]]:
        """Store a release file that is written piece by piece; the one that was there stays until all of it is."""
        return self._artifacts.writing(self.bundle(day, file))

    def settle_release(self, day: date, file: str, digest: str, size: int) -> tuple[Stored, Stored]:
        """Put the ``.sha256`` beside a bundle that was just written, and take away what else lies there.

        A withdrawn one of the same bytes is the same, and is withdrawn no more; one of another version is withdrawn.
        """
        checksum = f"{digest.removeprefix('sha256:')}  {file}\n".encode()
        stored = self._artifacts.stored(self.bundle(day, file), digest, size)
        beside = self.put(self.bundle(day, f"{file}.sha256"), checksum)
        new = {item.name: item.digest for item in (stored, beside)}
        for name in self.releases(day):
            folder, other = name.rsplit("/", 1)
            withdrawn = f"{folder}/withdrawn/{other}"
            if name not in new:
                self._artifacts.move(name, withdrawn)
            elif self._artifacts.digest(withdrawn) == new[name]:
                self._artifacts.delete(withdrawn)
        return stored, beside

    def promotions(self) -> str:
        """The artifact name of what stands where, and which steps led there."""
        return f"{self._bot}/{PROMOTIONS}"

    def promotions_before(self) -> str:
        """The artifact name of the same as it was before the last step, for one that was cut short."""
        return f"{self._bot}/{PROMOTIONS_BEFORE}"

    def promoted(self, version: str, digest: str, file: str) -> str:
        """The artifact name of the copy of a bundle that is kept from when it is in staging on."""
        return f"{self._bot}/promoted/v{version}-{digest.removeprefix('sha256:')[:12]}/{file}"

    def promoting(self) -> AbstractContextManager[None]:
        """Take a step of a bundle alone.

        Raises:
            PolicyError: the root is a URL, where no step can be taken alone.
            SourceUnavailableError: another step is being taken.
        """
        return held(
            self.local(f"{self._bot}/promoted/.lock"),
            f"{self._bot}: another step of a bundle is being taken; try again",
        )

    def local(self, name: str) -> Path:
        """Where a name lies as a local path.

        Raises:
            PolicyError: the root is a URL.
        """
        return self._artifacts.require_local(name)

    def copy(self, name: str, other: str) -> Stored:
        """Store what has a name under another one too, piece by piece."""
        return self._artifacts.copy(name, other)

    def digest(self, name: str) -> str | None:
        """The digest of what is stored, read piece by piece; ``None`` where nothing is."""
        return self._artifacts.digest(name)

    def source(self, name: str) -> Path | bytes:
        """What is stored: a path where it is a local file, for who reads it piece by piece.

        Raises:
            MissingEvidenceError: nothing is stored under the name.
        """
        return self._artifacts.source(name)

    def registration(self, day: date) -> str:
        """The artifact name of what a soak that begins with the day is judged by."""
        return f"{self._bot}/days/date={day.isoformat()}/soak_registration.json"

    def day_entry(self, day: date) -> str:
        """The artifact name of the entry that holds the digest of a day's samples."""
        return f"{self._bot}/days/date={day.isoformat()}/day.json"

    def sample_file(self, day: date) -> str:
        """The artifact name of one day's samples in one file."""
        return f"{self._bot}/samples/date={day.isoformat()}/samples.parquet"

    def sample_part(self, day: date, hour: int) -> str:
        """The artifact name of the part of one day's samples that begins with an hour."""
        return f"{self._bot}/samples/date={day.isoformat()}/part-{hour:02d}.parquet"

    def segment_entry(self, day: date, hour: int) -> str:
        """The artifact name of the entry that says what is in a part, and that it is whole."""
        return f"{self._bot}/segments/date={day.isoformat()}/part-{hour:02d}.json"

    def sample_files(self, day: date) -> list[str]:
        """The artifact names of the day's samples as its entry lists them; none where it has no entry.

        Raises:
            IntegrityError: the entry is not what was stored.
        """
        name = self.day_entry(day)
        entry = self.find_json(name)
        if entry is None:
            return []
        files = entry.get("files") if isinstance(entry, dict) else None
        if not isinstance(files, dict):
            raise IntegrityError(
                f"{self.address(name)}: files: expected names with their sha256; collect the day again"
            )
        return [f"{self._bot}/{file}" for file in files]

    def put_samples(self, day: date, data: bytes, selectors: Sequence[str]) -> Stored:
        """Store a day's samples in one file, and then their entry."""
        stored = self.put(self.sample_file(day), data)
        self.put_day_entry(day, {stored.name: stored.digest}, selectors)
        return stored

    def put_day_entry(self, day: date, digests: Mapping[str, str], selectors: Sequence[str]) -> Stored:
        """Store the entry by which the reader of a day's samples knows them whole and unaltered.

        Args:
            day: the UTC day.
            digests: of each file, by its artifact name.
            selectors: what was asked for, so that a series that was not is never taken for one that is absent.
        """
        prefix = f"{self._bot}/"
        files = {name.removeprefix(prefix): digest.removeprefix("sha256:") for name, digest in digests.items()}
        return self.put_json(self.day_entry(day), {"day": day, "files": files, "selectors": selectors})

    def withdraw_day(self, day: date) -> None:
        """Delete the day's entry: while its files are replaced one by one the day does not exist."""
        self._artifacts.delete(self.day_entry(day))

    def forget_segments(self, day: date) -> None:
        """Let a whole day be collected anew: somebody asked for it again, so what it held is not taken for granted."""
        if self.has(self.day_entry(day)):
            self.withdraw_day(day)
            for name in self._artifacts.names(f"{self._bot}/segments/date={day.isoformat()}"):
                self._artifacts.delete(name)

    def sample_root(self) -> Path:
        """The folder that holds ``samples/date=…``, for the same reader that reads recordings."""
        return self._artifacts.local(self._bot)

    def put(self, name: str, data: bytes) -> Stored:
        """Store bytes."""
        return self._artifacts.put(name, data)

    def put_json(self, name: str, value: object) -> Stored:
        """Store a value as canonical JSON."""
        return self._artifacts.put(name, encode(value))

    def has(self, name: str) -> bool:
        """Whether it is stored."""
        return self._artifacts.has(name)

    def address(self, name: str) -> str:
        """Where it is, as a person would open it."""
        return self._artifacts.address(name)

    def read(self, name: str) -> bytes:
        """Read bytes.

        Raises:
            MissingEvidenceError: nothing is stored under the name.
        """
        return self._artifacts.read(name)

    def read_json(self, name: str) -> Any:
        """Read what :meth:`put_json` wrote.

        Raises:
            MissingEvidenceError: nothing is stored under the name.
            IntegrityError: it is not JSON any more, so not what was stored.
        """
        try:
            return json.loads(self.read(name))
        except ValueError as error:
            where = self.address(name)
            raise IntegrityError(f"{where}: not the JSON that was stored: {error}; materialise it again") from error

    def find(self, name: str) -> bytes | None:
        """Read bytes, or ``None`` where nothing is stored."""
        try:
            return self.read(name)
        except MissingEvidenceError:
            return None

    def find_json(self, name: str) -> Any | None:
        """Read what :meth:`put_json` wrote, or ``None`` where nothing is stored."""
        try:
            return self.read_json(name)
        except MissingEvidenceError:
            return None
