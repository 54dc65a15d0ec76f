"""Tells people where nothing else is set up: on standard error and in the journal, without keeping anybody waiting."""

import queue
import threading
from collections.abc import Callable

from mm_ops.adapters.journal import Journal
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.notify.notice import NOTHING, About
from mm_ops.domain.rollback.stop import Clock


class JournalPager:
    """A ``Pager``: each word is said at once, and written down by a thread of its own."""

    def __init__(self, journal: Journal, clock: Clock, say: Callable[[str], None]) -> None:
        self._journal, self._clock, self._say = journal, clock, say
        self._said: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="pager", daemon=True).start()

    def page(self, reason: str, about: About = NOTHING) -> None:  # noqa: ARG002
        """Tell whoever is on call."""
        self._tell("oncall", reason)

    def tell(self, reason: str, about: About = NOTHING) -> None:  # noqa: ARG002
        """Tell the team."""
        self._tell("team", reason)

    def _tell(self, audience: str, reason: str) -> None:
        self._say(f"watch: {'PAGE' if audience == 'oncall' else 'note'}: {reason}")
        self._said.put((audience, reason))

    def _write(self) -> None:
        while True:
            audience, reason = self._said.get()
            try:
                self._journal.note_event("told", audience, {"reason": reason}, self._clock.now())
            except MmOpsError as error:
                self._say(f"watch: not written down: {error}")
