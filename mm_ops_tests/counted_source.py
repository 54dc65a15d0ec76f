"""A source of samples that notes what it was asked, and a collector of it that is killed at a chosen moment."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.segments import collect_day
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.sli.series import SampleSource, Selector, Series, join_series
from mm_ops.domain.windows import TimeWindow

DAY = date(2026, 11, 20)
SELECTORS = (Selector("a"), Selector("b", {"x": "1"}))
EIGHT_HOURS = timedelta(hours=8)
ORIGIN = "a test"


@dataclass
class CountedSource(SampleSource):
    """A sample every 15 s of whatever is selected; each reading is a line of the log, written before it is answered.

    ``silent`` begin windows in which no series has a sample, ``down`` those for which there is no answer; the
    ``last``-th reading kills its process.
    """

    log: Path
    silent: tuple[str, ...] = ()
    down: list[str] = field(default_factory=list)
    last: int = 0

    def read_series(self, selectors: Sequence[Selector], window: TimeWindow) -> list[Series]:
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(f"{window.start:%H}\n")
        if len(self.asked()) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        if f"{window.start:%H}" in self.down:
            raise SourceUnavailableError("a test: status 503")
        if f"{window.start:%H}" in self.silent:
            return []
        times = np.arange(window.start_ns, window.end_ns, 15_000_000_000, dtype=np.int64)
        values = np.asarray(times // 15_000_000_000 % 7, dtype=np.float64)
        return [Series(one.metric, one.match, times, values) for one in selectors]

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        return join_series(self.read_series(selectors, window))

    def asked(self) -> list[str]:
        """The hours at which the windows began that were read so far."""
        return self.log.read_text(encoding="utf-8").split() if self.log.exists() else []


def evidence_in(root: Path) -> BotEvidence:
    return BotEvidence(Artifacts(str(root)), "bot")


def kill_before_rename(number: int, root: Path) -> None:
    """Kill this process, as ``kill -9`` does, before it gives the n-th file below a folder its name."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "os.rename" and str(arguments[1]).startswith(str(root)):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


if __name__ == "__main__":
    place, log, when, count = sys.argv[1:]
    source = CountedSource(Path(log), last=int(count) if when == "reading" else 0)
    if when == "rename":
        kill_before_rename(int(count), Path(place))
    done = collect_day(source, SELECTORS, DAY, evidence_in(Path(place)), origin=ORIGIN, segment=EIGHT_HOURS)
    sys.stdout.write(f"{done.read}\n")
