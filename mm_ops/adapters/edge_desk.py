"""Looks at the closed windows of one bot, decides by the policy, and has the bot trade by the profile that follows.

The same for Dagster and for a person at a terminal: where samples, fills, the journal and the bot are is read from the
policies, and what is known of a bot before is given. It stores nothing itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Self

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.edge_fills import EdgeFills
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import EDGE_REPORT, BotEvidence
from mm_ops.adapters.journal_follow import FollowedJournal
from mm_ops.adapters.market_files import locate
from mm_ops.adapters.notifier import Notifier
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.rollback_desk import Desk
from mm_ops.domain.bots import Bot
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_report import read_handed_on
from mm_ops.domain.edge.ema_track import HandedOn
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.intake import EdgePolicies
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.errors import MissingEvidenceError, MmOpsError, SourceUnavailableError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.rollback.bot import BotControl, BotState, TradingState
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.stop import Pager
from mm_ops.domain.sentinel.edge_count import SWITCHES, Row, count_all
from mm_ops.domain.sentinel.edge_history import EdgeHistory
from mm_ops.domain.sentinel.edge_pin import Pin, cut_pins
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy, check_edge_sentinel
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.sentinel.edge_switch import Effect, Order, Switcher, SwitchLog
from mm_ops.domain.sentinel.edge_window import EdgeWindow, find_ends, read_span, read_windows, selectors_of
from mm_ops.domain.sli.series import SampleSource
from mm_ops.domain.windows import DAY, TimeWindow

PINS = "edge_pin"
"""The subject of the journal's records of pins."""
PINS_READ = 50
WHO = "edge"


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
    policy: EdgeSentinelPolicy
    profiles: Profiles
    samples: SampleSource
    fills: EdgeFills
    desk: Desk
    environment: Environment

    @classmethod
    def of(cls, environment: Environment, bot: Bot, samples: SampleSource) -> Self:
        """Read the policies.

        Raises:
            PolicyError: one is impossible, or names what another does not have.
        """
        policy, profiles, ema = read_edge_policies(environment.policies)
        root = environment.root
        fills = EdgeFills(
            fills=locate(bot.fills, root),
            quotes=locate(bot.quotes, root),
            policies=read_measuring(environment.policies),
            ema=ema,
            sentinel=policy,
            handed_over=lambda day: _handed_over(environment, bot, ema, day),
        )
        return cls(bot, policy, profiles, samples, fills, Desk.read(environment), environment)

    def look(
        self, before: EdgeHistory, now: datetime, *, previous: str | None, patient: bool, say: Callable[[str], None]
    ) -> Looked:
        """Count what has closed since, and have the bot trade by the profile that follows.

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
        windows = self._windows(ends, patient=patient) if ends else []
        control = self.desk.controls.get(self.bot.name)
        rows = count_all(before.state, self._as_now(windows, control), self.policy, self.pins())
        after = before.extended(rows, self.policy, previous)
        with self.log() as log, self.pager(log, say) as pager:
            effect = self._apply(after, rows, control, log)
            history, words = after.settled(effect, before.state, self.policy)
            told = (*(page for row in rows for page in row.pages), *([words] if words else []))
            for page in told:
                pager.page(f"{self.bot.name}: edge sentinel: {page}", self._about(history))
            for row in rows:
                if row.answer in SWITCHES:
                    what = f"{row.answer.value} to {row.state.profile}: {row.reason}"
                    pager.tell(f"{self.bot.name}: edge sentinel: {what}", self._about(history))
        return Looked(history, tuple(rows), told)

    def pins(self) -> tuple[Pin, ...]:
        """What persons pinned, oldest first; nothing where there is no journal, or it cannot be read.

        A journal that cannot be read cannot be written either, and without one nothing is loosened.
        """
        try:
            with self.desk.opened() as journal:
                return read_pins(journal, self.bot.name)
        except MmOpsError:
            return ()

    @contextmanager
    def log(self) -> Iterator[SwitchLog | None]:
        """The journal, or nothing where it does not open."""
        with ExitStack() as stack:
            try:
                journal: SwitchLog | None = stack.enter_context(self.desk.written(WHO))
            except MmOpsError:
                journal = None
            yield journal

    @contextmanager
    def pager(self, log: SwitchLog | None, say: Callable[[str], None]) -> Iterator[Pager]:
        """Tell people as the watcher does; what is not told at the end is in what was said, and in the journal."""
        clock = self.desk.clock
        note = None if log is None else lambda subject, key, body: log.note_event(subject, key, body, clock.now())
        policy = read_policy(self.environment.policies / "notify.yaml", NotifyPolicy)
        notifier = Notifier(policy, None, clock, say=say, secret=self.environment.secret, note=note)
        notifier.start()
        try:
            yield notifier
        finally:
            notifier.close()

    def order(self, profile: str, reason: str, by: str = "edge sentinel") -> Order:
        """What the bot is to be asked."""
        return Order(
            bot=self.bot.name,
            profile=profile,
            settings=self.profiles.of(profile),
            reason=reason,
            careful=profile == self.policy.degradation.profile,
            by=by,
        )

    def switch(self, order: Order, log: SwitchLog | None) -> Effect:
        """Ask, read back, write down.

        Raises:
            SourceUnavailableError: bots.yaml says no way to the bot.
        """
        control = self.desk.controls.get(self.bot.name)
        if control is None:
            raise SourceUnavailableError(f"bots.yaml: {self.bot.name}: no control, so no profile can be asked for")
        return Switcher(control, log, self.desk.clock, self.desk.policy.attempts).apply(order)

    def _windows(self, ends: Sequence[datetime], *, patient: bool) -> list[EdgeWindow]:
        try:
            table = self.samples.read_series(selectors_of(self.policy), read_span(ends, self.policy))
        except SourceUnavailableError as error:
            if patient:
                raise
            return [EdgeWindow(end=end, unknown=(str(error),)) for end in ends]
        except MissingEvidenceError as error:
            return [EdgeWindow(end=end, unknown=(str(error),)) for end in ends]
        return read_windows(table, ends, self.policy, self.fills.read(ends))

    def _as_now(self, windows: list[EdgeWindow], control: BotControl | None) -> list[EdgeWindow]:
        """The newest window with the state that the bot is in now, where that is not ACTIVE."""
        if not windows or control is None:
            return windows
        state = call_within(control.read, self.desk.policy.attempts.attempt.total_seconds())
        if not isinstance(state, BotState) or state.trading_state is TradingState.ACTIVE:
            return windows
        return [*windows[:-1], replace(windows[-1], trading_state=state.trading_state)]

    def _apply(
        self, after: EdgeHistory, rows: Sequence[Row], control: BotControl | None, log: SwitchLog | None
    ) -> Effect | None:
        """Have the bot trade by the profile that holds; it is asked only where it does not yet."""
        profile = after.state.profile
        if profile is None or control is None:
            return after.effect
        switched = [row for row in rows if row.answer in SWITCHES]
        reason = switched[-1].reason if switched else "it should trade by this profile, and does not"
        return self.switch(self.order(profile, reason), log)

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


def read_pins(journal: FollowedJournal, bot: str) -> tuple[Pin, ...]:
    """Read the newest records of pins."""
    return cut_pins([record["body"] for record in reversed(journal.notes(PINS, bot, PINS_READ))])


def read_edge_policies(folder: Path) -> tuple[EdgeSentinelPolicy, Profiles, EmaPolicy]:
    """Read what the sentinel decides by, checked against one another.

    Raises:
        PolicyError: one is impossible, or names what another does not have.
    """
    policy = read_policy(folder / "edge_sentinel.yaml", EdgeSentinelPolicy)
    profiles, ema = read_policy(folder / "profiles.yaml", Profiles), read_policy(folder / "ema.yaml", EmaPolicy)
    check_edge_sentinel(policy, profiles, ema)
    return policy, profiles, ema


def read_measuring(folder: Path) -> EdgePolicies:
    """Read how fills are measured."""
    return EdgePolicies(
        inputs=read_policy(folder / "inputs.yaml", InputsPolicy),
        edge=read_policy(folder / "edge.yaml", EdgePolicy),
        instruments=read_policy(folder / "instruments.yaml", Instruments),
    )


def _handed_over(environment: Environment, bot: Bot, ema: EmaPolicy, day: date) -> Mapping[str, HandedOn]:
    """What the stored report of the day before hands on; nothing where there is none that does."""
    evidence = BotEvidence(Artifacts(environment.artifacts), bot.name)
    try:
        report = evidence.find_json(evidence.report(day - DAY, EDGE_REPORT))
        found = {} if report is None else read_handed_on(report, ema, TimeWindow.of_day(day))
    except MmOpsError:
        return {}
    return found if isinstance(found, dict) else {}
