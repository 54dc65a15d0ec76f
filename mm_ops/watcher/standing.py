"""Why a watcher should not be relied on, and what of it works less well; each of both is told once while it lasts.

``/ready`` answers 503 for a fault only. One that is blind, or cannot page, still stops bots: a balancer that took it
out for that would cut off the last way by which an alert may come, and it would stay blind for ever.
"""

from dataclasses import dataclass

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.notifier import Notifier
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


@dataclass(slots=True)
class Standing:
    """What is wrong with one watcher; ``refused`` is why no alert could be written down when one came last."""

    journal: Journal
    pager: Pager
    refused: str | None = None
    _told: str | None = None

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

    def judge_journal(self) -> None:
        """Tell once that the journal is gone, cannot be read, or is anchored no more."""
        before, self._told = self._told, self.journal.fault
        if self._told and not before:
            self._page(f"the journal: {self._told}{_LOST if self.journal.lost else ''}", _REPAIR)

    def _page(self, said: str, about: About) -> None:
        start(lambda: self.pager.page(said, about))


def find_weak(blind: str | None, backstop: Backstop | None, notifier: Notifier | None) -> list[str]:
    """Say what works less well: nothing may be heard, a source does not answer, people may not hear of something."""
    found = [blind] if blind else []
    found += [] if backstop is None else backstop.deaf
    return [*found, *([] if notifier is None else notifier.faults)]
