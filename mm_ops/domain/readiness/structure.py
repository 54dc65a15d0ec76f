"""What a readiness file must look like before its arithmetic is worth checking: types, ranges, nothing unknown."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name

_YEARS = (1971, 2261)  # whatever is subtracted from such a day is still a day
_WIDTH = 80


def _day(value: object) -> date:
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.isoformat() != value or not _YEARS[0] <= found.year <= _YEARS[1]:
        raise ValueError(f"expected a date such as 2026-11-20, was {shown(value)}")
    return found


def _moment(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.utcoffset() != timedelta(0):
        raise ValueError(f"expected an ISO time in UTC such as 2026-11-21T06:00:00+00:00, was {shown(value)}")
    return found


Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.-]+)?$", max_length=64)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedRuntime:
    """When the file was made, and by which version of mm_ops."""

    utc: Moment
    version: Version


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedBetween:
    """As :class:`mm_ops.domain.readiness.what_if.Between`."""

    lowest: Positive
    highest: Positive


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedSection:
    """As :class:`mm_ops.domain.readiness.score.Section`."""

    score: Positive
    points: Positive
    value: Number | None
    reason: str
    values: tuple[Number | None, ...]
    one_less: StatedBetween | None
    one_more: StatedBetween | None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedFlip:
    """As :class:`mm_ops.domain.readiness.what_if.Flip`."""

    to: Literal["GO", "HOLD"]
    section: str | None
    date: Day | None
    now: Number | None
    beyond: Number | None
    unit: str
    words: str


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedGate:
    """As :class:`mm_ops.domain.readiness.hard.HardGate`."""

    gate: Name
    verdict: Literal["pass", "fail", "inconclusive"]
    reason: str


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedDay:
    """As :class:`mm_ops.domain.readiness.evidence.DayEvidence`, each field said, null where it is missing."""

    date: Day
    net_edge_bps: Number | None
    order_age_p95_ms: Positive | None
    taker_share: Share | None
    guard_trips: Positive | None
    chaos_ok: bool | None
    tests_ok: bool | None
    absent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedOverride:
    """What lay beside the file as its override, ``None`` where it was none, and why it did not count then."""

    content: dict[str, Any] | None
    refused: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class StatedReadiness:
    """The whole file, as :func:`mm_ops.domain.readiness.document.readiness_document` makes it."""

    runtime: StatedRuntime
    stored_as: str
    bot: Name
    version: Version
    made_by: Version
    origin: Digest
    sources: dict[str, Digest]
    day: Day
    score: Positive
    sections: dict[str, StatedSection]
    verdict: Literal["GO", "HOLD"]
    interval: StatedBetween
    flips: tuple[StatedFlip, ...]
    gates: tuple[StatedGate, ...]
    override: StatedOverride | None
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    days: tuple[StatedDay, ...]
    inputs: dict[str, Digest]
    policies: dict[str, Digest]


def read_structure(document: object) -> StatedReadiness | list[str]:
    """Read a parsed JSON document, or say in one line each what about its structure is wrong."""
    try:
        return TypeAdapter(StatedReadiness).validate_json(json.dumps(document))
    except ValidationError as error:
        return list(faults_of(error))


def faults_of(error: ValidationError) -> Iterator[str]:
    """Say each fault in one line: where it is, what was expected, what was there."""
    for fault in error.errors(include_url=False):
        message, kind = fault["msg"].removeprefix("Value error, "), fault["type"]
        where = _path(fault["loc"]) or "top level"
        if kind == "missing":
            yield f"{where}: missing"
        elif kind == "unexpected_keyword_argument":
            yield f"{where}: unknown key"
        elif kind == "value_error":
            yield f"{where}: {message}"
        else:
            expected = message.replace("Input should be ", "expected ").replace("String should ", "expected text to ")
            yield f"{where}: {expected}, was {shown(fault['input'])}"


def _path(steps: tuple[int | str, ...]) -> str:
    """Write ``days[0].taker_share``; a key that is no plain word is quoted, so that it stays on its line."""
    words = [
        f"[{step}]" if isinstance(step, int) else f".{step if step.isidentifier() else shown(step)}" for step in steps
    ]
    return "".join(words).removeprefix(".")


def shown(value: object) -> str:
    """Write a value of the file on one line, cut where it is long."""
    text = ascii(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
