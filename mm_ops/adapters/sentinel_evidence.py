"""Reads what proves every task, each within its time: what does not answer says so, and keeps no other waiting."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

from mm_ops.adapters.journal_follow import FollowedJournal, JournalPlace, following
from mm_ops.adapters.sentinel_beats import read_beats
from mm_ops.adapters.sentinel_files import read_files
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.sentinel.runs import Evidence
from mm_ops.domain.sentinel.tasks import FileProof, HeartbeatProof, Task

Reader = Callable[[Task, int], Evidence]
"""Reads so many of the latest runs of a task."""

_AT_ONCE = 16
_ROUNDS = 4
"""Times ``attempt`` in which one is asked: 40 s of a sensor's 60, so that a store that is dead costs no tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where evidence lies: files below ``root`` or at URLs, the watcher's journal, and whatever else can be read.

    ``other`` reads what is of neither kind; ``attempt`` is the time that each has.
    """

    root: Path
    journal: JournalPlace
    other: Reader
    attempt: timedelta


def read_evidence(tasks: Sequence[Task], sources: Sources, most: int | None = None) -> Mapping[str, Evidence]:
    """Read every task's latest runs, some tasks at once: as many as it takes to judge it, or ``most``.

    What is not asked since others took all the time says so.
    """
    with ExitStack() as stack:
        beats = _beats(tasks, sources, stack)
        within = sources.attempt.total_seconds()
        end = monotonic() + _ROUNDS * within

        def read(task: Task) -> tuple[str, Evidence]:
            if monotonic() > end:
                return task.name, Evidence(fault=f"not asked: others took {_ROUNDS * within:.3g} s to answer")
            answer = call_within(lambda: _read(task, most or task.depth, sources, beats), within)
            return task.name, Evidence(fault=str(answer)) if isinstance(answer, MmOpsError) else answer

        pool = stack.enter_context(ThreadPoolExecutor(max_workers=_AT_ONCE))
        return dict(pool.map(read, tasks))


def _read(task: Task, most: int, sources: Sources, beats: Reader) -> Evidence:
    match task.proof:
        case FileProof() as proof:
            return read_files(task, proof, sources.root, most)
        case HeartbeatProof():
            return beats(task, most)
        case _:
            return sources.other(task, most)


def _beats(tasks: Sequence[Task], sources: Sources, stack: ExitStack) -> Reader:
    """Open the journal once, if a task posts to it; without one nobody has ever posted."""
    if not any(isinstance(task.proof, HeartbeatProof) for task in tasks):
        return lambda *_: Evidence()
    place = sources.journal
    if not place.is_there:
        known = place.missing()
        return lambda *_: Evidence(fault=known) if place.named else Evidence(remark=known)
    try:
        journal: FollowedJournal = stack.enter_context(following(place))
    except MmOpsError as error:
        said = str(error)
        return lambda *_: Evidence(fault=said)

    def read(task: Task, most: int) -> Evidence:
        return read_beats(task.proof, journal, most) if isinstance(task.proof, HeartbeatProof) else Evidence()

    return read
