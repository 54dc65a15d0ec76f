"""The words of a message: what happened, the evidence, the state now, what a person must do, and the runbook."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mm_ops.domain.notify.delivery import Send
from mm_ops.domain.notify.notice import About, Notice, Told, Waiting
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.windows import format_duration

LISTED = 20
MOST_LETTERS = 1500
MOST_OF_A_LINE = 150
"""Letters. Source: Telegram takes 4,096 in one message, the least of the usual receivers; a title is a line of mail."""

_KINDS = {Told.ONCALL: "PAGE", Told.TEAM: "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; ``late`` says that a notice waited for too long, ``every`` what each different one says."""

    told: Told
    title: str
    text: str
    count: int
    late: bool
    about: About
    every: tuple[str, ...]


def compose(send: Send, policy: NotifyPolicy, now: datetime) -> Message:
    """Write the message that tells what is to be sent; its first notice gives it its title."""
    notices = [one.notice for one in send.told]
    first, newest = notices[0], {one.notice.key: one for one in sorted(send.told, key=lambda one: one.number)}
    late = [one for one in newest.values() if is_late(one, policy, now)]
    several = len({one.key for one in notices}) > 1
    told = Told.ONCALL if any(one.told is Told.ONCALL for one in notices) else Told.TEAM
    title = f"{len(notices)} notices, the first: {first.what}" if several else first.what
    lines = [*(_summary(notices) if several else _one(notices, policy)), *_delays(late, send.repeats, now)]
    return Message(
        told=told,
        title=_cut(f"{'LATE ' if late else ''}{_KINDS[told]} {title}", MOST_OF_A_LINE),
        text="\n".join(lines),
        count=len(notices),
        late=bool(late),
        about=first.about,
        every=tuple(dict.fromkeys(one.what for one in notices)),
    )


def trial(channel: str, now: datetime) -> Message:
    """Write the message that tries a channel; whoever reads it has nothing to do."""
    what = f"TEST of channel {channel} at {_stamp(now)}: nothing has happened, nothing is to be done"
    return Message(told=Told.TEAM, title=what, text=what, count=1, late=False, about=About(), every=(what,))


def is_late(one: Waiting, policy: NotifyPolicy, now: datetime) -> bool:
    """Whether a notice has waited for too long, or has outlived the process that took it in."""
    return one.former or now - one.notice.at > policy.late_after.length


def _one(notices: Sequence[Notice], policy: NotifyPolicy) -> Iterator[str]:
    first, last = notices[0], notices[-1]
    about = first.about
    yield _cut(first.what, MOST_LETTERS)
    runbook = about.runbook if "://" in about.runbook or not about.runbook else policy.runbooks + about.runbook
    said = {"evidence": about.evidence, "state": about.state, "to do": about.todo}
    named = {**said, "release": about.release, "runbook": runbook}
    yield from (f"{name}: {_cut(words, MOST_OF_A_LINE * 3)}" for name, words in named.items() if words)
    yield f"at: {_stamp(first.at)}"
    if len(notices) > 1:
        yield f"said {len(notices)} times, the last at {_stamp(last.at)}"


def _summary(notices: Sequence[Notice]) -> Iterator[str]:
    """List what is worst and what came first, and count the rest."""
    times = Counter(one.key for one in notices)
    distinct = {one.key: one for one in reversed(notices)}
    ordered = [distinct[key] for key in dict.fromkeys(one.key for one in notices)]
    since = min(one.at for one in notices)
    yield f"{len(notices)} notices since {_stamp(since)}, {len(ordered)} different; what is grave comes first"
    for one in ordered[:LISTED]:
        often = f" ({times[one.key]} times)" if times[one.key] > 1 else ""
        yield f"- {_cut(one.what, MOST_OF_A_LINE)}{often}"
    if len(ordered) > LISTED:
        yield f"- and {len(ordered) - LISTED} more: `mm-ops halt status` and the watcher's /episodes show all of it"


def _delays(late: Sequence[Waiting], repeats: Sequence[Waiting], now: datetime) -> Iterator[str]:
    if late:
        oldest = min(one.notice.at for one in late)
        yield f"LATE: {len(late)} waited, the oldest for {format_duration(now - oldest)}: see that it still holds"
    if repeats:
        yield f"held back since the last message: {len(repeats)} repeats of what was told"


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
