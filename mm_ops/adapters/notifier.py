"""Tells people through the channels of ``notify.yaml``: a ``Pager`` that survives being killed and waits for nobody.

How to use it::

    notifier = Notifier(policy, outbox, clock, say=say, secret=environment.secret, note=note)
    notifier.start()            # takes up what a former process left; threads begin, one a channel
    notifier.page("…", About(…))
    notifier.state()            # for /state; notifier.metrics() for /metrics; notifier.faults in words
    notifier.close()            # sends what can be sent at once; the rest is sent after the next start

``outbox`` is a file of this process alone (``outbox_beside`` names the usual one). ``say`` writes one line to standard
error; ``note(subject, key, body)`` writes to the journal and may be set later by ``attach``, since a journal that is
damaged must be told too. A notice is said at once, is on the disk when ``page`` returns, and is then told through
each channel of its audience: at least once, marked as late after a restart or a long wait. Where an audience has no
channel it is told in the journal. A channel that fails is told through the others, in the journal and by ``state``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.log_lines import known
from mm_ops.adapters.notify_channels import Channel, Written, channel_of
from mm_ops.adapters.notify_line import Line
from mm_ops.adapters.notify_outbox import Outbox
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import MmOpsError, SourceUnavailableError
from mm_ops.domain.notify.message import Message
from mm_ops.domain.notify.notice import NOTHING, About, Notice, Told, Waiting
from mm_ops.domain.notify.policy import RESERVED, NotifyPolicy, Rate
from mm_ops.domain.policy import SecretPlace
from mm_ops.domain.rollback.bounded import start
from mm_ops.domain.rollback.stop import Clock

WRITTEN_WITHIN_S = 1.0
Note = Callable[[str, str, Mapping[str, Any]], None]
_OF_JOURNAL = Rate(most=5, within=timedelta(seconds=1), source="the journal commits 150 to 340 times a second")
"""What is more is written together; every notice is in it."""

_WORDS = {Told.ONCALL: "PAGE", Told.TEAM: "note"}


class Notifier:
    """One notifier of one process, for any number of threads. It is a ``Pager``: no method raises."""

    def __init__(
        self,
        policy: NotifyPolicy,
        outbox: Path | None,
        clock: Clock,
        *,
        say: Callable[[str], None],
        secret: Callable[[SecretPlace], str],
        note: Note | None = None,
        release_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Open the outbox; nothing is sent before ``start``.

        ``release_of`` says of a bot that was to be stopped which version is live and which to go back to.
        """
        self._release_of = release_of
        self._policy, self._clock, self._say, self._note = policy, clock, say, note
        self._outbox = Outbox(outbox)
        self._said_before: str | None = None
        self._lines = {RESERVED: self._line(RESERVED, Written(self._write), replace(policy, rate=_OF_JOURNAL))}
        for one in policy.channels:
            channel = channel_of(one, lambda one=one: secret(one.address), policy.retry.attempt)  # type: ignore[misc]
            self._lines[one.name] = self._line(one.name, channel, policy)

    def attach(self, note: Note) -> None:
        """Name the journal, once it is open."""
        self._note = note

    def start(self) -> None:
        """Say how it is set, take up what a former process left, and begin."""
        silent = [told.value for told in Told if not self._policy.channels_of(told)]
        if silent:
            where = "only standard error and the journal are told"
            self._say(f"NO CHANNEL FOR {', '.join(silent).upper()} (notify.yaml: channels): {where}")
        self._say_outbox()
        self._outbox.prune(self._clock.now())
        for line in self._lines.values():
            line.start()

    def page(self, reason: str, about: About = NOTHING) -> None:
        """Tell whoever is on call."""
        if about.bot and about.state:  # it was to be stopped, and this is what was read back
            about = replace(about, release=self._release_of(about.bot))
        self._tell(Notice(at=self._clock.now(), told=Told.ONCALL, what=reason, about=about))

    def tell(self, reason: str, about: About = NOTHING) -> None:
        """Tell the team."""
        self._tell(Notice(at=self._clock.now(), told=Told.TEAM, what=reason, about=about))

    @property
    def faults(self) -> list[str]:
        """Why people may not hear of something."""
        failing = [f"channel {name} fails: {line.fault}" for name, line in self._lines.items() if line.fault]
        return [*failing, *([f"the outbox of pages: {self._outbox.fault}"] if self._outbox.fault else [])]

    def state(self) -> dict[str, Any]:
        """Say how each channel does."""
        return {
            "channels": {name: to_plain(line.state()) for name, line in sorted(self._lines.items())},
            "without_a_channel": [told.value for told in Told if not self._policy.channels_of(told)],
            "outbox_fault": self._outbox.fault,
        }

    def metrics(self) -> str:
        """Give the metrics in Prometheus' text format."""
        shown = {
            "waiting": ("gauge", "Notices that a channel has not delivered."),
            "failures_in_a_row": ("gauge", "Attempts that failed since the last that did not."),
            "messages": ("counter", "Messages delivered."),
            "notices": ("counter", "Notices told in them."),
            "held_back": ("counter", "Repeats that were only counted."),
            "failed": ("counter", "Attempts that failed."),
            "given_up": ("counter", "Notices that were not told: too old, or too many."),
        }
        states = {name: line.state() for name, line in sorted(self._lines.items())}
        lines = []
        for field, (kind, words) in shown.items():
            metric = f"mm_ops_notify_{field}{'_total' if kind == 'counter' else ''}"
            lines += [f"# HELP {metric} {words}", f"# TYPE {metric} {kind}"]
            lines += [f'{metric}{{channel="{name}"}} {state[field]}' for name, state in states.items()]
        return "".join(f"{line}\n" for line in lines)

    def close(self, within_s: float = 5.0) -> bool:
        """Send what can be sent at once, and end; false where something is left to the next start."""
        ended = [line.close(within_s) for line in self._lines.values()]
        self._outbox.close()
        return all(ended)

    def _line(self, name: str, channel: Channel, policy: NotifyPolicy) -> Line:
        return Line(name, channel, policy, self._outbox, self._clock, self._changed)

    def _tell(self, notice: Notice) -> None:
        with known(bot=notice.about.bot, alert=notice.about.alert, episode=notice.about.episode):
            self._say(f"{_WORDS[notice.told]}: {notice.what}")
        named = [name for name in self._policy.channels_of(notice.told) if name != notice.spared] or [RESERVED]
        number = self._outbox.add(notice, named, WRITTEN_WITHIN_S)
        self._say_outbox()
        for name in named:
            self._lines[name].add(Waiting(number=number, notice=notice))

    def _say_outbox(self) -> None:
        """Say what is wrong with the outbox, when that changes."""
        fault = self._outbox.fault
        if fault and fault != self._said_before:
            self._say(f"the outbox of pages: {fault}")
        self._said_before = fault

    def _changed(self, name: str, fault: str | None) -> None:
        """Tell through the others that a channel fails, or delivers again; never in the way of what it sends."""
        words = f"channel {name} delivers again" if fault is None else f"channel {name} does not deliver: {fault}"
        about = About(todo="see its address and its receiver: `mm-ops notify test`; what waits is sent when it answers")
        told = Told.TEAM if fault is None else Told.ONCALL
        notice = Notice(at=self._clock.now(), told=told, what=words, about=about, spared=name)
        if name == RESERVED:
            self._say(words)
            return
        start(lambda: self._record(name, fault))
        self._tell(notice)

    def _record(self, name: str, fault: str | None) -> None:
        try:
            self._noted("channel", name, {"fault": fault})
        except MmOpsError as error:
            self._say(f"not written down: channel {name}: {error}")

    def _write(self, message: Message) -> None:
        self._noted("told", message.told.value, to_plain(message))

    def _noted(self, subject: str, key: str, body: Mapping[str, Any]) -> None:
        if self._note is None:
            raise SourceUnavailableError("the journal is not open")
        self._note(subject, key, body)


def outbox_beside(anchor: Path) -> Path:
    """Where the outbox of a watcher lies by default: beside the journal's anchor, which is always a local file."""
    return anchor.with_name(f"{anchor.name.removesuffix('.anchor')}.outbox")
