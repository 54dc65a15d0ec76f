"""Who applied which change of the base profile, when and why, and what it rested on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, read_records
from mm_ops.domain.tuning.cells import Cell

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Applied:
    """One person's decision; ``before`` and ``after`` are digests of ``profiles.yaml``, ``cells`` what was measured."""

    utc: datetime
    by: Annotated[Line, StringConstraints(min_length=2)]
    reason: Annotated[Line, StringConstraints(min_length=12)]
    made_by: str
    factor_before: Annotated[float, Field(gt=0)]
    factor_after: Annotated[float, Field(gt=0)]
    before: Digest
    after: Digest
    cells: tuple[Cell, ...]


_RECORDS = TypeAdapter(tuple[Applied, ...])


def read_applied(data: bytes, where: str) -> tuple[Applied, ...]:
    """Read the records, the oldest first.

    Raises:
        SchemaError: it is not the file that was written.
    """
    return read_records(_RECORDS, data, where)


def put_on_record(records: Sequence[Applied], one: Applied) -> tuple[Applied, ...]:
    """Add a record; the last one gives way where it was put there and the profile never written."""
    unwritten = records and records[-1].before == one.before
    return (*(records[:-1] if unwritten else records), one)
