"""Collects a day's samples in segments, so that whoever is killed midway goes on where he was.

Below the bot's root, in the order in which they are written:

    samples/date=…/part-HH.parquet     the samples of the segment that begins at HH:00
    segments/date=…/part-HH.json       its window, what was asked for, of whom, and the digest of the part
    days/date=…/day.json               the digests of all parts: the day is whole (:mod:`.day_entries`)

Each file is whole or not there. A segment is kept when its entry is there, is of the same question, and names the
part that is there; any other is read from the source, once. So one that was in flight when its collector was killed
is read again, and no other. One in which the source knows no sample is stored too, as a part without a row: that a
series was absent is evidence, and is not asked for again.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from mm_ops.adapters.artifacts import Stored
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.recording import encode_samples
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import PolicyError, SourceUnavailableError
from mm_ops.domain.sli.series import SampleSource, Selector
from mm_ops.domain.windows import DAY, TimeWindow, format_duration

HOUR = timedelta(hours=1)
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Collected:
    """A day that is whole.

    ``entry`` is its entry as stored; ``samples`` counts those of all its ``segments``, of which ``read`` were read
    from the source now and the others were there.
    """

    entry: Stored
    samples: int
    segments: int
    read: int


def collect_day(
    source: SampleSource,
    selectors: Sequence[Selector],
    day: date,
    evidence: BotEvidence,
    *,
    origin: str,
    segment: timedelta = HOUR,
    tell: Callable[[str], None] = lambda _: None,
) -> Collected:
    """Collect what is not there yet of a UTC day that has ended; a second collector of the day waits for the first.

    Args:
        source: where samples are read, one segment at a time.
        selectors: the series to read.
        day: the day.
        evidence: where they are stored, in a local folder.
        origin: the source in words; segments from another one are collected again.
        segment: whole hours that divide a day.
        tell: is told of each segment that was read.

    Raises:
        PolicyError: ``segment`` does not divide a day, or the artifacts are not in a local folder.
        SourceUnavailableError: the source did not answer; what was collected is kept.
        MmOpsError: what the source raises otherwise; what was collected is kept.
    """
    segments = _segments(selectors, day, evidence, origin, segment)
    parts: list[_Part] = []
    read = 0
    with _alone(evidence, day):
        for one in segments:
            part = one.find()
            if part is None:
                part = _read(one, source, selectors)
                read += 1
                tell(f"samples: {one.window} collected, {part.samples:,} samples")
            parts.append(part)
        digests = {part.name: part.digest for part in parts}
        entry = evidence.put_day_entry(day, digests, [selector.promql({}) for selector in selectors])
        _sweep(evidence, segments)
    return Collected(entry, sum(part.samples for part in parts), len(parts), read)


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment that is there: the name and the digest of its file, and how many samples it has."""

    name: str
    digest: str
    samples: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the day, and the question whose answer its part is."""

    evidence: BotEvidence
    day: date
    window: TimeWindow
    question: dict[str, Any]

    @property
    def part(self) -> str:
        return self.evidence.sample_part(self.day, self.window.start.hour)

    @property
    def entry(self) -> str:
        return self.evidence.segment_entry(self.day, self.window.start.hour)

    def find(self) -> _Part | None:
        """The part, if it is whole and the answer to this question."""
        text, data = self.evidence.find(self.entry), self.evidence.find(self.part)
        if text is None or data is None:
            return None
        samples = _samples_in(text)
        part = None if samples is None else _Part(self.part, digest(data), samples)
        return part if part is not None and text == encode(self._words(part)) else None

    def store(self, data: bytes, samples: int) -> _Part:
        """Store the part, and then its entry; the day's entry goes first, as it may list a part that was there."""
        if self.evidence.has(self.part) and self.evidence.has(self.evidence.day_entry(self.day)):
            self.evidence.withdraw_day(self.day)
        part = _Part(self.part, self.evidence.put(self.part, data).digest, samples)
        self.evidence.put_json(self.entry, self._words(part))
        return part

    def _words(self, part: _Part) -> dict[str, Any]:
        return {**self.question, "digest": part.digest, "samples": part.samples}


def _samples_in(entry: bytes) -> int | None:
    """The count in an entry; what is no entry, or was altered, has none."""
    try:
        found = json.loads(entry)
    except ValueError:
        return None
    samples = found.get("samples") if isinstance(found, dict) else None
    return samples if isinstance(samples, int) else None


def _read(segment: _Segment, source: SampleSource, selectors: Sequence[Selector]) -> _Part:
    try:
        frame = source.read(selectors, segment.window)
    except SourceUnavailableError as error:
        raise SourceUnavailableError(
            f"{error}; {segment.window} is not collected, what is before it is kept"
        ) from error
    return segment.store(encode_samples(frame), frame.height)


def _segments(
    selectors: Sequence[Selector], day: date, evidence: BotEvidence, origin: str, length: timedelta
) -> list[_Segment]:
    if length < HOUR or length % HOUR or DAY % length:
        raise PolicyError(f"segment: expected whole hours that divide a day, was {format_duration(length)}")
    asked = sorted(selector.promql({}) for selector in selectors)
    midnight = TimeWindow.of_day(day).start
    windows = (TimeWindow(midnight + n * length, midnight + (n + 1) * length) for n in range(DAY // length))
    return [
        _Segment(evidence, day, window, {"origin": origin, "selectors": asked, "window": str(window)})
        for window in windows
    ]


@contextmanager
def _alone(evidence: BotEvidence, day: date) -> Iterator[None]:
    """Hold the day's lock, which ends with its holder however that ends."""
    entry = evidence.segment_entry(day, 0)
    if "://" in evidence.address(entry):
        raise PolicyError(f"MM_OPS_ARTIFACTS: samples are collected into a local folder, was {evidence.address(entry)}")
    folder = Path(evidence.address(entry)).parent
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK):
        yield


def _sweep(evidence: BotEvidence, segments: Sequence[_Segment]) -> None:
    """Delete what the day is not made of: another form of it, other segments, what a killed collector began."""
    names = {name for one in segments for name in (one.part, one.entry)}
    used = {Path(evidence.address(name)) for name in names}
    for folder in {path.parent for path in used}:
        for path in folder.iterdir():
            if path not in used and path.name != _LOCK and path.is_file():
                path.unlink()
