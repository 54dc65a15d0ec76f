"""What a drill has shown: did the alert come by its way, did the bot stand still, and in time?

A stop that was not observed is no pass. Where Prometheus itself has not raised the alert nothing was tried, and the
answer is inconclusive; from there on, whatever is missing is a fail: a breach would have met the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.report.story import Story
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import format_duration

Doubt = tuple[Verdict, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What the journal has of a drill's alert.

    ``posted_at`` is when Alertmanager itself brought it, ``None`` where only a backstop did. ``story`` is its stop,
    ``None`` where something else was ``decided``.
    """

    episode: str
    starts_at: datetime
    posted_at: datetime | None
    decided: str
    story: Story | None

    @property
    def over(self) -> bool:
        """Whether nothing more is done about it."""
        return self.story is None or self.story.last.finished_at is not None

    @property
    def detect_to_halt(self) -> timedelta | None:
        """From the alert's start in Prometheus until the bot was read back as asked."""
        halted = None if self.story is None else self.story.halted_at
        return None if halted is None else halted - self.starts_at


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and every reason why it is no pass."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge_drill(trace: Trace | None, *, fires: bool | None, state: BotState | None, policy: DrillPolicy) -> Judgement:
    """Judge what was seen.

    Args:
        trace: what the journal has; ``None`` where the alert was not heard in time.
        fires: whether Prometheus says that the alert fires; ``None`` where it does not say.
        state: what the bot said of itself after the stop; ``None`` where it did not answer.
        policy: the limits.
    """
    if trace is None:
        doubts = list(_unheard(policy, fires=fires))
    else:
        doubts = [*_way(trace), *_halt(state), *_time(trace, policy)]
    found = {verdict for verdict, _ in doubts}
    verdict = next((one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE) if one in found), Verdict.PASS)
    return Judgement(verdict, tuple(reason for _, reason in doubts))


def _unheard(policy: DrillPolicy, *, fires: bool | None) -> Iterator[Doubt]:
    within = format_duration(policy.heard_within.length)
    if fires:
        yield Verdict.FAIL, f"Prometheus raises the alert, and no watcher has heard of it within {within}"
    elif fires is None:
        yield Verdict.INCONCLUSIVE, f"no alert was heard within {within}, and Prometheus does not say whether it fires"
    else:
        asked = "does it scrape the watcher, and has it loaded the rules?"
        yield Verdict.INCONCLUSIVE, f"Prometheus has not raised the alert within {within}: {asked}"


def _way(trace: Trace) -> Iterator[Doubt]:
    if trace.story is None:
        yield Verdict.FAIL, f"the alert was heard and stopped nothing: {trace.decided}"
        return
    last = trace.story.last
    if last.finished_at is None:
        yield Verdict.FAIL, "the stop has not ended"
    elif not last.confirmed:
        yield Verdict.FAIL, f"the stop was not confirmed: {'; '.join(last.faults)}"
    if trace.posted_at is None:
        yield Verdict.FAIL, "Alertmanager has not brought the alert: only the backstop, which reads the servers, has"


def _halt(state: BotState | None) -> Iterator[Doubt]:
    if state is None:
        yield Verdict.INCONCLUSIVE, "the bot does not answer: whether it stands still is not known"
    elif state.trading_state is not TradingState.HALTED:
        yield Verdict.FAIL, f"trading_state: expected HALTED, reads back {state.trading_state.value}"
    elif state.open_orders:
        yield Verdict.FAIL, f"open_orders: expected 0, reads back {state.open_orders}"


def _time(trace: Trace, policy: DrillPolicy) -> Iterator[Doubt]:
    took, budget = trace.detect_to_halt, policy.budget.length
    if took is not None and took < timedelta(0):
        yield Verdict.INCONCLUSIVE, "halted before the alert began: the clocks of Prometheus and the watcher disagree"
    elif took is not None and took > budget:
        yield Verdict.FAIL, f"detect to halt took {_ms(took)} ms, of {_ms(budget)} ms at most"


def _ms(length: timedelta) -> str:
    return f"{length / timedelta(milliseconds=1):g}"
