"""Reads the signs of life that tasks posted to the watcher: they are records of its journal."""

from mm_ops.adapters.journal_follow import FollowedJournal
from mm_ops.adapters.journal_tables import moment
from mm_ops.domain.sentinel.runs import Beat, Evidence, Signal, runs_of
from mm_ops.domain.sentinel.tasks import HeartbeatProof

A_RUN = 2
"""Signals: a start and an end."""


def read_beats(proof: HeartbeatProof, journal: FollowedJournal, most: int) -> Evidence:
    """Read the latest signals of a task, those of so many runs, and its last end however many starts ago it was.

    Raises:
        SourceUnavailableError: the journal does not answer.
    """
    rows = journal.heartbeats(proof.task, A_RUN * most + 1)
    if rows and all(row["body"]["signal"] == Signal.START for row in rows):
        rows += [row for row in journal.heartbeat_before_starts(proof.task) if row not in rows]
    beats = [
        Beat(at=moment(row["at"]), signal=Signal(row["body"]["signal"]), exit_status=row["body"]["exit_status"])
        for row in rows
    ]
    return Evidence(runs=runs_of(beats), remark="" if beats else f"nobody has posted to /heartbeat/{proof.task}")
