"""Looks at the closed windows of one bot, decides by the policy, and has the bot trade by the profile that follows.

The same for Dagster and for a person at a terminal: where samples, fills, the journal and the bot are is read from the
policies, and what is known of a bot before is given. It stores nothing itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.edge_fills import Begun, Carried, EdgeFills, with_nothing
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import EDGE_REPORT, BotEvidence
from mm_ops.adapters.market_files import locate
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.profile_desk import ProfileDesk, read_edge_policies
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_report import read_handed_on
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.errors import MissingEvidenceError, MmOpsError, SchemaError, SourceUnavailableError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.rollback.bot import BotState, TradingState
from mm_ops.domain.sentinel.edge_count import SWITCHES, Row, count_all
from mm_ops.domain.sentinel.edge_history import EdgeHistory
from mm_ops.domain.sentinel.edge_pin import Pin
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_switch import Effect, SwitchLog
from mm_ops.domain.sentinel.edge_window import EdgeWindow, find_ends, read_span, read_windows, selectors_of
from mm_ops.domain.sli.series import SampleSource
from mm_ops.domain.windows import DAY, TimeWindow

DAYS_BACK = 20
"""How far back the beginning of averages is looked for; more half-lives of a day than a policy may ask for."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one look: the history after it, the rows that are new, and what people were told."""

    history: EdgeHistory
    rows: tuple[Row, ...]
    told: tuple[str, ...]

    @property
    def marker(self) -> str | None:
        """The line that scripts look for, where a profile was applied."""
        return None if self.history.effect is None else self.history.effect.marker


@dataclass(frozen=True, slots=True)
class EdgeDesk:
    """One bot and everything that a look at it needs."""

    bot: Bot
    samples: SampleSource
    fills: EdgeFills
    profile: ProfileDesk

    @classmethod
    def of(cls, environment: Environment, bot: Bot, samples: SampleSource) -> Self:
        """Read the policies.

        Raises:
            PolicyError: one is impossible, or names what another does not have.
        """
        policy, _, ema = read_edge_policies(environment.policies)
        fills = EdgeFills(
            fills=locate(bot.fills, environment.root),
            quotes=locate(bot.quotes, environment.root),
            policies=read_measuring(environment.policies),
            ema=ema,
            sentinel=policy,
            begins=lambda day: _begins(environment, bot, ema, day),
        )
        return cls(bot, samples, fills, ProfileDesk.of(environment, bot.name))

    @property
    def policy(self) -> EdgeSentinelPolicy:
        """What is decided by."""
        return self.profile.policy

    def look(
        self, before: EdgeHistory, now: datetime, *, previous: str | None, patient: bool, say: Callable[[str], None]
    ) -> Looked:
        """Count what has closed since, and have the bot trade by the profile that follows.

        Where it is not known what persons pinned, nothing is loosened, though the journal may take writing.

        Args:
            before: what is known of the bot.
            now: by which a window is closed.
            previous: the digest of ``before`` as it is stored.
            patient: a source that does not answer is an error, to be asked again; else its windows are not known.
            say: takes in what people are told, line by line.

        Raises:
            SourceUnavailableError: as ``patient`` says.
        """
        ends = find_ends(before.state.last, now, self.policy)
        windows, fills = self._windows(ends, before.fills, patient=patient) if ends else ([], before.fills)
        found = self.profile.pins()
        if unread := isinstance(found, MmOpsError):
            say(f"{self.bot.name}: what is pinned is not known, so nothing is loosened: {found}")
        pins = () if isinstance(found, MmOpsError) else found
        rows = count_all(before.state, self._as_now(windows), self.policy, pins)
        after = replace(before.extended(rows, self.policy, previous), fills=fills)
        with self.profile.log() as log, self.profile.pager(log, say) as pager:
            held = next((pin for pin in reversed(pins) if pin.holds(now)), None)
            effect = self._apply(after, rows, held, None if unread else log)
            history, words = after.settled(effect, before.state, self.policy)
            told = (*(page for row in rows for page in row.pages), *([words] if words else []))
            for page in told:
                pager.page(f"{self.bot.name}: edge sentinel: {page}", self._about(history))
            for row in rows:
                if row.answer in SWITCHES:
                    what = f"{row.answer.value} to {row.state.profile}: {row.reason}"
                    pager.tell(f"{self.bot.name}: edge sentinel: {what}", self._about(history))
        return Looked(history, tuple(rows), told)

    def _windows(
        self, ends: Sequence[datetime], before: Mapping[str, Any] | None, *, patient: bool
    ) -> tuple[list[EdgeWindow], Mapping[str, Any] | None]:
        """Each window by gauges and by fills, and what of the fills is handed on."""
        try:
            table = self.samples.read_series(selectors_of(self.policy), read_span(ends, self.policy))
        except (SourceUnavailableError, MissingEvidenceError) as error:
            if patient and isinstance(error, SourceUnavailableError):
                raise
            return [EdgeWindow(end=end, unknown=(str(error),)) for end in ends], before
        fills, carried = self.fills.read_on(ends, _carried(before))
        windows = read_windows(table, ends, self.policy, fills)
        return windows, None if carried is None else carried.saved()

    def _as_now(self, windows: list[EdgeWindow]) -> list[EdgeWindow]:
        """The newest window with the state that the bot is in now, where that is not ACTIVE."""
        state = self.profile.read() if windows else None
        if not isinstance(state, BotState) or state.trading_state is TradingState.ACTIVE:
            return windows
        return [*windows[:-1], replace(windows[-1], trading_state=state.trading_state)]

    def _apply(self, after: EdgeHistory, rows: Sequence[Row], held: Pin | None, log: SwitchLog | None) -> Effect | None:
        """Have the bot trade by the profile that holds; it is asked only where it does not yet.

        A pin holds from when it was made, and is counted at the next window's end.
        """
        profile = after.state.profile if held is None else held.profile
        if profile is None or not self.profile.is_reachable:
            return after.effect
        switched = [row for row in rows if row.answer in SWITCHES]
        usual = "it should trade by this profile, and does not" if held is None else held.words
        reason = switched[-1].reason if switched and held is None else usual
        return self.profile.switch(self.profile.order(profile, reason), log)

    def _about(self, history: EdgeHistory) -> About:
        observed = None if history.effect is None else history.effect.observed
        last = history.rows[-1] if history.rows else None
        return About(
            bot=self.bot.name,
            evidence="" if last is None else last.reason,
            state="" if observed is None else f"{observed.trading_state.value}, profile {observed.profile}",
            todo="`mm-ops sentinel edge status`; `mm-ops sentinel edge pin` holds a profile",
            grave=history.pending,
        )


def _carried(saved: Mapping[str, Any] | None) -> Carried | None:
    """What the look before handed on; what another version stored is read anew from the day's start."""
    try:
        return None if saved is None else Carried.load(saved)
    except SchemaError:
        return None


def read_measuring(folder: Path) -> EdgePolicies:
    """Read how fills are measured."""
    return EdgePolicies(
        inputs=read_policy(folder / "inputs.yaml", InputsPolicy),
        edge=read_policy(folder / "edge.yaml", EdgePolicy),
        instruments=read_policy(folder / "instruments.yaml", Instruments),
    )


def _begins(environment: Environment, bot: Bot, ema: EmaPolicy, day: date) -> Begun:
    """What the stored report of the day before hands on, and since when averages have been handed on without a hole."""
    evidence = BotEvidence(Artifacts(environment.artifacts), bot.name)
    try:
        report = evidence.find_json(evidence.report(day - DAY, EDGE_REPORT))
        found = None if report is None else read_handed_on(report, ema, TimeWindow.of_day(day))
    except MmOpsError:
        found = None
    if not isinstance(found, dict):
        return with_nothing(day)
    first = day
    while first > day - DAYS_BACK * DAY and _goes_on(evidence, first - DAY):
        first -= DAY
    return Begun(found, TimeWindow.of_day(first - DAY).start)


def _goes_on(evidence: BotEvidence, day: date) -> bool:
    """Whether a day's averages began with those of the day before."""
    try:
        report = evidence.find_json(evidence.report(day, EDGE_REPORT))
        return report is not None and report["ema"]["begins"]["digest"] is not None
    except (MmOpsError, KeyError, TypeError):
        return False
