"""One bot's stored evidence: what lies where below the artifacts root, by day."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from mm_ops.adapters.artifacts import Artifacts, Stored
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError

SOAK_METRICS = "soak_metrics.json"
GATES_SUMMARY = "gates_summary.json"
SOAK_RESULTS = "SOAK_RESULTS.md"
EDGE_REPORT = "edge_report.json"
EDGE_TEXT = "EDGE_REPORT.md"
CHAOS_DRILL = "chaos_drill.json"
TEST_RESULTS = "test_results.json"
READINESS = "readiness.json"
READINESS_TEXT = "READINESS.md"


class BotEvidence:
    """Named reports of one bot: ``<bot>/<day>/reports/…``, ``<bot>/golden/…``, ``<bot>/samples/…``."""

    def __init__(self, artifacts: Artifacts, bot: str) -> None:
        self._artifacts = artifacts
        self._bot = bot

    def report(self, day: date, name: str) -> str:
        """The artifact name of one day's report."""
        return f"{self._bot}/{day.isoformat()}/reports/{name}"

    def golden(self, case: str) -> str:
        """The artifact name of the report made from a pinned case."""
        return f"{self._bot}/golden/EDGE_REPORT_{case}.json"

    def golden_drift(self) -> str:
        """The artifact name of the comparison of every pinned case with its baseline."""
        return f"{self._bot}/golden/drift.json"

    def bundle(self, day: date, file: str) -> str:
        """The artifact name of a release file."""
        return f"{self._bot}/{day.isoformat()}/release/{file}"

    def sample_file(self, day: date) -> str:
        """The artifact name of one day's samples."""
        return f"{self._bot}/samples/date={day.isoformat()}/samples.parquet"

    def put_samples(self, day: date, data: bytes) -> Stored:
        """Store a day's samples, and then the entry by which their reader knows them whole and unaltered."""
        name = self.sample_file(day)
        stored = self.put(name, data)
        files = {name.removeprefix(f"{self._bot}/"): stored.digest.removeprefix("sha256:")}
        self.put_json(f"{self._bot}/days/date={day.isoformat()}/day.json", {"day": day, "files": files})
        return stored

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

    def find_json(self, name: str) -> Any | None:
        """Read what :meth:`put_json` wrote, or ``None`` where nothing is stored."""
        try:
            return self.read_json(name)
        except MissingEvidenceError:
            return None
