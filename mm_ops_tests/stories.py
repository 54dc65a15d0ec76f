"""Episodes as the journal tells them, each with one interesting difference."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.charts import Around
from mm_ops.domain.rollback.report.halt import Look
from mm_ops.domain.rollback.report.story import ActionRecord, ResumeRecord, Standing, StopRecord, Story
from mm_ops.domain.rollback.stop import ActionState, Step
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.rollback_world import HALTED, NOW

SLIS = read_policy(PROJECT / "deploy/policies/slis.yaml", SliCatalogue)
SOAK = read_policy(PROJECT / "deploy/policies/soak.yaml", SoakPolicy)
QUARTER = timedelta(minutes=15)
WINDOW = TimeWindow(NOW - QUARTER, NOW + QUARTER)
AROUND = Around(
    window=WINDOW, alert="SoakLatencyP95High", started=NOW - timedelta(seconds=90), stopped=NOW, confirmed=True
)
EPISODE = "1b08f42cd615e6cf@2026-11-25T11:58:30.000Z"


def after(ms: float) -> datetime:
    """So many milliseconds after the alert was received."""
    return NOW + timedelta(milliseconds=ms)


def action(name: ActionName = ActionName.HALT, /, **different: Any) -> ActionRecord:
    one = ActionRecord(
        name=name,
        state=ActionState.CONFIRMED,
        attempts=1,
        requested_at=after(10),
        settled_at=after(25.5),
        observed=HALTED,
    )
    return replace(one, **different)


def stop(**different: Any) -> StopRecord:
    """A confirmed stop that took 35 ms from its claim."""
    one = StopRecord(
        episode=EPISODE,
        round=1,
        bot="paper",
        alert="SoakLatencyP95High",
        reason="paper: SoakLatencyP95High fires",
        claimed_at=after(5),
        finished_at=after(40),
        confirmed=True,
        steps=(Step(at=after(11), what="halt: asked, attempt 1"), Step(at=after(25), what="halt: read back")),
        actions=tuple(action(name) for name in ActionName),
    )
    return replace(one, **different)


UNCONFIRMED: dict[str, Any] = {"confirmed": False, "faults": ("trading_state: expected HALTED, was ACTIVE",)}


def resume(to: TradingState = TradingState.REDUCING, /, *, minutes: float = 30, confirmed: bool = True) -> ResumeRecord:
    return ResumeRecord(to=to, by="Ada", why="the feed is back", at=after(minutes * 60_000), confirmed=confirmed)


def story(*rounds: StopRecord, **different: Any) -> Story:
    one = Story(
        episode=EPISODE,
        starts_at=NOW - timedelta(seconds=90),
        received_at=NOW,
        labels={"alertname": "SoakLatencyP95High", "bot": "paper"},
        annotations={"summary": "p95 is 190 ms", "runbook": "wiki/latency.md"},
        rounds=rounds or (stop(),),
    )
    return replace(one, **different)


def standing(one: StopRecord | None = None, /, **different: Any) -> Standing:
    return replace(Standing(bot="paper", stop=one or stop()), **different)


def look(seconds: float = 0, /, **different: Any) -> Look:
    """A halted bot, looked at so many seconds after noon."""
    at = after(60_000 + 1000 * seconds)
    one = Look(at=at, state=replace(HALTED, observed_at=at), sent=120.0, open=0.0, halted=1.0, started=1.7e9)
    return replace(one, **different)
