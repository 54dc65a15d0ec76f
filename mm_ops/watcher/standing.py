"""Why a watcher should not be relied on, and what of it works less well; each of both is told once while it lasts.

``/ready`` answers 503 for a fault only. One that is blind, or cannot page, still stops bots: a balancer that took it
out for that would cut off the last way by which an alert may come, and it would stay blind for ever.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.notifier import Notifier
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.bounded import start
from mm_ops.domain.rollback.stop import Pager
from mm_ops.watcher.backstop import Backstop

_LOST = "; it stops bots all the same, but a restart knows nothing of it"
_MAKE_ROOM = About(todo="make room or mend the journal's disk; until then stop a bot by hand", grave=True)
_REPAIR = About(
    todo="see who touched the journal and bring back what is missing, then restart the watcher; until then watch the "
    "bots yourself: `mm-ops halt status`",
    grave=True,
)
_READ_AGAIN = About(
    todo="see that the journal's database answers and is whole (`mm-ops audit verify`); the watcher goes on by itself "
    "when it can read; until then watch the bots yourself",
    grave=True,
)


@dataclass(slots=True)
class Standing:
    """What is wrong with one watcher; ``refused`` is why no alert could be written down when one came last."""

    journal: Journal
    pager: Pager
    refused: str | None = None
    _told: tuple[bool, bool] = (False, False)

    def faults(self, *, lanes_alive: bool) -> list[str]:
        """Why it should not be relied on, if anything."""
        dead = [] if lanes_alive else ["a lane has died: restart the watcher"]
        journal = [f"the journal: {self.journal.fault}"] if self.journal.fault else []
        return [*dead, *journal, *([f"the last alert was refused: {self.refused}"] if self.refused else [])]

    def judge_writing(self, error: BaseException | None) -> None:
        """Tell once that no alert can be taken in, and stop saying so when one could."""
        before, self.refused = self.refused, None if error is None else str(error)
        if self.refused and not before:
            self._page(f"alerts are refused and no stop is made: {self.refused}", _MAKE_ROOM)

    def judge_journal(self, now: datetime) -> None:
        """Tell once that the journal is gone, and once that it cannot be read or is anchored no more.

        Where an alert was refused a write is tried: who waits for the next alert may be sent none, being not ready.
        """
        if self.refused:
            with suppress(MmOpsError):
                self.journal.note_event("writable", "journal", {"was": self.refused}, now)
                self.judge_writing(None)
        fault, lost = self.journal.fault, self.journal.lost is not None
        found = (lost, fault is not None)
        if fault and found > self._told:
            about = _READ_AGAIN if fault == self.journal.read_fault else _REPAIR
            self._page(f"the journal: {fault}{_LOST if lost else ''}", about)
        self._told = found

    def _page(self, said: str, about: About) -> None:
        start(lambda: self.pager.page(said, about))


def find_weak(blind: str | None, backstop: Backstop | None, notifier: Notifier | None) -> list[str]:
    """Say what works less well: nothing may be heard, a source does not answer, people may not hear of something."""
    found = [blind] if blind else []
    found += [] if backstop is None else backstop.deaf
    return [*found, *([] if notifier is None else notifier.faults)]
