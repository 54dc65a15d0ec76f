"""What `mm-ops soak run` says of the record that `soak start` made: whether there is one, of what, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.domain.windows import TimeWindow


@dataclass(frozen=True, slots=True)
class Record:
    """A registration, ``None`` where none is named; in what it differs from what judges; and whether it is late."""

    registration: Mapping[str, Any] | None
    difference: str | None
    late: str | None

    def change(self, *, required: bool) -> str | None:
        """Why nothing may pass; with ``required`` also since the record is absent or late."""
        told = (self.difference, *(self.faults if required else ()))
        return "; ".join(text for text in told if text) or None

    @property
    def faults(self) -> tuple[str, ...]:
        """What the record lacks, apart from its content."""
        from mm_ops.domain.soak.registration import NOT_ON_RECORD

        if self.registration is None:
            return (NOT_ON_RECORD,)
        return () if self.late is None else (self.late,)

    @property
    def remarks(self) -> list[str]:
        """The same as sentences of a page."""
        told = [f"{fault[0].upper()}{fault[1:]}." for fault in self.faults]
        if self.registration is None or self.late is not None:
            return told
        return [f"What the soak is judged by was put on record at {self.registration['registered']}."]

    @property
    def summary(self) -> dict[str, Any] | None:
        """When it was made, and why that was late, as it is stored; ``None`` where there is none."""
        if self.registration is None:
            return None
        return {"registered": self.registration.get("registered"), "late": self.late}


def read_record(
    path: Path | None, slis: "SliCatalogue", policy: "SoakPolicy", version: str | None, window: "TimeWindow"
) -> Record:
    """Read the record and hold it against what judges; one that nobody names differs in nothing.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: it is not a JSON object.
    """
    from mm_ops.adapters.json_files import read_object
    from mm_ops.domain.errors import MmOpsError
    from mm_ops.domain.soak.registration import find_change, find_lateness

    if path is None:
        return Record(None, None, None)
    try:
        registration = read_object(path)
    except MmOpsError as error:
        raise type(error)(f"--started: {error}") from error
    return Record(registration, find_change(registration, slis, policy, version), find_lateness(registration, window))
