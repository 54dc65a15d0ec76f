"""Who accepted which change of a baseline and why, and how far the accepted changes have come together.

Each acceptance is one record of a case's own file, which names the digest of the record before it; the last one must
name the baseline that the policy pins. Every single change may be small and rightly accepted, and together they lead
anywhere (creep). So the sizes of the changes of each number since the last *anchored* baseline, one that somebody
checked independently, add up, whatever their sign, and the sum has a limit.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass as plain_dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.comparison import Drift
from mm_ops.domain.golden.policy import Case, Digest, Limits
from mm_ops.domain.policy import CLOSED, Name, read_records

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]
Person = Annotated[Line, StringConstraints(min_length=2, max_length=80)]
Reason = Annotated[Line, StringConstraints(min_length=12)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Acceptance:
    """One person's decision that a report is from now on the baseline of a case.

    ``before`` and ``after`` are digests of the baseline's bytes (``before`` is null where there was none), ``inputs``
    those of the case's fills and quotes, ``policies`` those of what it was measured with. ``anchor`` says how the new
    numbers were checked independently, and is null where only the change was looked at. ``runs`` is how often the case
    was run to measure its spread. ``previous`` is the digest of the record before.
    """

    case: Name
    utc: datetime
    by: Person
    reason: Reason
    anchor: Reason | None
    made_by: str
    before: Digest | None
    after: Digest
    inputs: dict[str, Digest]
    policies: dict[str, Digest]
    runs: Annotated[int, Field(ge=2)]
    drifts: tuple[Drift, ...]
    previous: Digest | None


@plain_dataclass(frozen=True, slots=True)
class Creep:
    """What was accepted of one number since the last anchor: in its own unit, ``first`` its value before that."""

    path: str
    total: float
    first: float
    steps: int
    allowed: float

    @property
    def beyond(self) -> bool:
        """Whether it is more than the policy allows."""
        return not self.total <= self.allowed


_RECORDS = TypeAdapter(tuple[Acceptance, ...])


def read_acceptances(data: bytes, where: str) -> tuple[Acceptance, ...]:
    """Read a case's records, the oldest first.

    Raises:
        SchemaError: it is not the file that was written.
    """
    return read_records(_RECORDS, data, where)


def digest_of(record: Acceptance | None) -> str | None:
    """What the next record names this one by."""
    return None if record is None else digest(encode(record))


def find_unrecorded(case: Case, records: Sequence[Acceptance]) -> list[str]:
    """Say why nobody can be shown to have accepted a case's baseline as it is pinned; empty where somebody did."""
    if not records:
        return ["nobody's acceptance of the baseline is on record: see mm-ops golden accept"]
    last = records[-1]
    return [
        *_broken(case, records),
        *_unlike("the baseline", case.baseline.digest, last.after),
        *(text for name, pinned in case.inputs.items() for text in _unlike(name, pinned, last.inputs.get(name))),
    ]


def _broken(case: Case, records: Sequence[Acceptance]) -> Iterator[str]:
    for n, (before, record) in enumerate(zip([None, *records], records, strict=False), start=1):
        if record.previous != digest_of(before) or record.case != case.name:
            yield f"acceptance {n} does not follow the one before it: the file was edited"


def _unlike(what: str, pinned: str, accepted: str | None) -> Iterator[str]:
    if pinned != accepted:
        yield f"golden.yaml pins {what} {pinned}, and the one that was accepted last is {accepted}"


def sum_creep(records: Sequence[Acceptance], limits: Limits) -> list[Creep]:
    """Add up what was accepted of each number since the last anchor, the most beside its limit first."""
    found: dict[str, Creep] = {}
    for record in _since_anchor(records):
        for drift in record.drifts:
            if drift.difference is not None:
                size = float(drift.difference)
                one = found.get(drift.path)
                first = drift.baseline if one is None else one.first
                total, steps = (size, 1) if one is None else (one.total + size, one.steps + 1)
                found[drift.path] = Creep(drift.path, total, first, steps, limits.tolerance().allowed(first, first))
    return sorted(found.values(), key=lambda one: -one.total / one.allowed if one.allowed else -math.inf)


def _since_anchor(records: Sequence[Acceptance]) -> Sequence[Acceptance]:
    last = max((n for n, record in enumerate(records) if record.anchor is not None), default=-1)
    return records[last + 1 :]


def find_creep(records: Sequence[Acceptance], limits: Limits) -> list[str]:
    """Say of each number by how much its accepted changes add up to more than the policy allows."""
    return [
        f"{one.path}: {one.steps} accepted changes add up to {one.total:.6g} since the last anchor, "
        f"at most {one.allowed:.6g} is allowed"
        for one in sum_creep(records, limits)
        if one.beyond
    ]


def find_unsound(record: Acceptance, records: Sequence[Acceptance], limits: Limits) -> list[str]:
    """Say why one more acceptance may not go on record; an anchored one always may.

    What is no number cannot be added up, and a key or a length that changed makes other numbers of the same path.
    """
    if record.anchor is not None:
        return []
    if not records:
        return ["the first acceptance of a case is an anchor"]
    shape = [f"{drift.path}: {drift.why}" for drift in record.drifts if drift.difference is None]
    return [*shape, *find_creep([*records, record], limits)]
