"""Is the bot halted, now, by its own word and by its metrics? The watcher's word alone is not taken for it.

The bot is looked at twice. It is halted when both looks read back what the stop asked for, no order is open, and the
counter of orders stands still between them. What cannot be seen is no pass; what is seen to be otherwise is a fail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mm_ops.domain.rollback.bot import BotState, TradingState, aim_of, shows
from mm_ops.domain.rollback.policy import COMMANDS
from mm_ops.domain.rollback.report.story import ResumeRecord, Standing, StopRecord
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops.domain.windows import format_duration, is_lately

HALT_VERIFIED = "halt_verified"
_MAY = (TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a bot showed at one moment; ``None`` where it did not, and then ``faults`` say why.

    ``sent`` and ``open`` are its metrics of orders, ``halted`` the gauge of that state, ``started`` when its process
    did (seconds since 1970).
    """

    at: datetime
    state: BotState | None
    sent: float | None = None
    open: float | None = None
    halted: float | None = None
    started: float | None = None
    faults: tuple[str, ...] = ()


def judge_halt(standing: Standing, looks: tuple[Look, Look], *, dead_after: timedelta, now: datetime) -> Finding:
    """Judge the latest stop of a bot on two looks at it.

    Args:
        standing: what the journal says.
        looks: the earlier one first.
        dead_after: how long a stop may last; after that its watcher is dead.
        now: the time.
    """
    verdict, reason = _judge(standing, looks, dead_after, now)
    first, last = looks
    grown = None if first.sent is None or last.sent is None else last.sent - first.sent
    return Finding(
        gate=HALT_VERIFIED,
        severity=Severity.HARD,
        verdict=verdict,
        reason=reason,
        unit="orders",
        bound="at_most",
        value=grown,
        limit=0.0,
        margin=None if grown is None else -grown,
        window=f"{first.at:%Y-%m-%dT%H:%M:%SZ}/{last.at:%Y-%m-%dT%H:%M:%SZ}",
    )


def nothing_known(reason: str) -> Finding:
    """The answer where the journal cannot be read."""
    return Finding(gate=HALT_VERIFIED, severity=Severity.HARD, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _judge(standing: Standing, looks: tuple[Look, Look], dead_after: timedelta, now: datetime) -> tuple[Verdict, str]:
    stop, resumed = standing.stop, standing.resumed
    if stop is None:
        return Verdict.INCONCLUSIVE, f"{standing.bot} was never stopped: there is no halt to verify"
    if resumed is not None:
        return _judge_resumed(stop, resumed, looks[1])
    against = [*dict.fromkeys(_against(stop, looks)), *_unended(stop, dead_after, now)]
    if against:
        return Verdict.FAIL, f"{stop.bot}, stopped for {stop.alert}: {'; '.join(against)}"
    unknown = list(dict.fromkeys(_unknown(stop, looks)))
    if unknown:
        return Verdict.INCONCLUSIVE, f"{stop.bot}, stopped for {stop.alert}: {'; '.join(unknown)}"
    still = format_duration(looks[1].at - looks[0].at)
    return Verdict.PASS, (
        f"{stop.bot} is HALTED since {stop.claimed_at:%Y-%m-%dT%H:%M:%SZ} for {stop.alert}: read back again, "
        f"no order open, none sent in {still} (the counter stands at {looks[1].sent:g})"
    )


def _judge_resumed(stop: StopRecord, resumed: ResumeRecord, look: Look) -> tuple[Verdict, str]:
    """A person has let the bot go on: then it may be as free as that person said, and no freer."""
    if look.state is None:
        return Verdict.INCONCLUSIVE, f"{stop.bot} was {resumed.words}; {'; '.join(look.faults)}"
    found = look.state.trading_state
    if _MAY.index(found) > _MAY.index(resumed.to):
        return Verdict.FAIL, f"{stop.bot} reads back {found.value}, and was only {resumed.words}"
    if not stop.confirmed:
        reason = f"{stop.bot}: the stop for {stop.alert} was never confirmed, and the bot was {resumed.words}"
        return Verdict.INCONCLUSIVE, reason
    return Verdict.PASS, f"{stop.bot} is halted no more, as a person wants it: {resumed.words}; it reads {found.value}"


def _against(stop: StopRecord, looks: tuple[Look, Look]) -> Iterator[str]:
    """What was seen that must not be."""
    for look in looks:
        if look.state is not None:
            yield from _unmet(stop, look.state)
        if look.open:
            yield f"mm_orders_open: expected 0, was {look.open:g}"
        if look.halted is not None and look.halted != 1:
            yield f'mm_trading_state{{state="HALTED"}}: expected 1, was {look.halted:g}'
    first, last = looks
    if first.sent is not None and last.sent is not None and last.sent > first.sent:
        took = format_duration(last.at - first.at)
        yield f"orders were sent after the halt: {last.sent - first.sent:g} in {took}, whatever the bot says"


def _unmet(stop: StopRecord, state: BotState) -> Iterator[str]:
    for action in stop.actions:
        command = COMMANDS[action.name]
        if not shows(state, command):
            name, expected = aim_of(command)
            yield f"{name}: expected {expected}, reads back {getattr(state, name)}"
    if state.open_orders:
        yield f"open_orders: expected 0, reads back {state.open_orders}"


def _unended(stop: StopRecord, dead_after: timedelta, now: datetime) -> Iterator[str]:
    """The journal's own word, where it is not that the stop was confirmed."""
    if stop.finished_at is None and not is_lately(stop.claimed_at, dead_after, now):
        yield f"the stop began at {stop.claimed_at:%Y-%m-%dT%H:%M:%SZ} and has not ended: see that a watcher runs"
    elif stop.finished_at is not None and not stop.confirmed:
        yield f"the stop was not confirmed: {'; '.join(stop.faults) or 'the journal does not say why'}"


def _unknown(stop: StopRecord, looks: tuple[Look, Look]) -> Iterator[str]:
    if stop.finished_at is None:
        yield "the stop has not ended yet"
    for look in looks:
        yield from look.faults
    first, last = looks
    if None in {first.started, last.started} or first.started != last.started:
        yield "process_start_time_seconds: expected one and the same: a counter of another process says nothing"
    elif first.sent is not None and last.sent is not None and last.sent < first.sent:
        yield f"mm_orders_sent_total: fell from {first.sent:g} to {last.sent:g}: it counts nothing"
    if first.state is not None and last.state is not None and last.state.observed_at <= first.state.observed_at:
        yield f"observed_at: expected a later one, was {last.state.observed_at.isoformat()} twice: an old answer"
