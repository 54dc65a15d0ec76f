"""Which alert does what, as ``deploy/policies/rollback.yaml`` states it."""

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.notify.notice import Told
from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.rollback.bot import Circuit, Command, FreezeOrders, SetCircuit, SetScale, SetTradingState
from mm_ops.domain.rollback.bot import TradingState as State
from mm_ops.domain.soak.policy import AlertName
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import Duration, format_duration

Count = Annotated[int, Field(ge=1, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class Response(StrEnum):
    """What an alert asks for: stop the bot, hold promotions, tell a person, or nothing (it shows that we can hear)."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    NOTIFY = "notify"
    HEARTBEAT = "heartbeat"


class Confirm(StrEnum):
    """Who must know an alert beside who sent it: a soft one waits for that, a hard one is acted on first."""

    PROMETHEUS = "prometheus"


class ActionName(StrEnum):
    """The ways to stop a bot; each sets a value that can be read back."""

    HALT = "halt"
    SCALE_TO_ZERO = "scale_to_zero"
    OPEN_CIRCUIT = "open_circuit"
    FREEZE_ORDERS = "freeze_orders"


COMMANDS: dict[ActionName, Command] = {
    ActionName.HALT: SetTradingState(State.HALTED),
    ActionName.SCALE_TO_ZERO: SetScale(0.0),
    ActionName.OPEN_CIRCUIT: SetCircuit(Circuit.OPEN),
    ActionName.FREEZE_ORDERS: FreezeOrders(frozen=True),
}
"""What each action asks of the bot."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Switch:
    """The kill switch of the automation itself; off, every rollback becomes a page."""

    enabled: bool
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Limit:
    """A length of time, and where it is from."""

    length: Duration
    source: Source

    def __post_init__(self) -> None:
        if self.length <= timedelta(0):
            raise ValueError("length: expected more than 0s")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Confirmations:
    """Act when ``needed`` of the last ``of`` sightings of an alert fire."""

    needed: Count
    of: Count

    def __post_init__(self) -> None:
        if self.needed > self.of:
            raise ValueError(f"needed: expected at most {self.of}, as `of` says, was {self.needed}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Escalation:
    """So many rollbacks of one bot within ``within`` are no accident any more: it is said to whoever decides."""

    rollbacks: Annotated[int, Field(ge=2)]
    within: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Attempts:
    """How an action is tried: each attempt for ``attempt``, a ``pause`` between, until ``deadline``.

    ``no_open_orders`` is how long a stopped bot may take to cancel what it has in the market. Confirmed or not, the
    stop is tried anew after ``again_after``, as long as the alert is heard and the bot is not seen to be stopped.
    """

    attempt: Duration
    pause: Duration
    deadline: Duration
    no_open_orders: Duration
    again_after: Duration
    source: Source

    def __post_init__(self) -> None:
        if not timedelta(0) < self.attempt <= self.deadline:
            raise ValueError(f"attempt: expected more than 0s, at most the deadline, {format_duration(self.deadline)}")

    @property
    def longest(self) -> timedelta:
        """What one run of a stop takes at most, besides writing it down; after twice that its process is dead."""
        return 2 * self.deadline + self.no_open_orders


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class BackstopPolicy:
    """How Alertmanager and Prometheus are asked for what fires, beside the webhook.

    Each is asked ``every`` so often and answers within ``timeout``. What was not heard of ``heard_within`` is handed
    in again; what fires in Prometheus for ``unknown_for`` and Alertmanager does not have is handed in too.
    """

    every: Duration
    timeout: Duration
    heard_within: Duration
    unknown_for: Duration
    source: Source

    def __post_init__(self) -> None:
        for name in ("every", "timeout", "heard_within"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name}: expected more than 0s")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Step:
    """What a step of the way back sets, before the trading state."""

    strategy_scale: Share
    circuit: Circuit
    orders_frozen: bool


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ResumePolicy:
    """The way back, HALTED -> REDUCING -> ACTIVE, and how old the evidence for a step may be."""

    reducing: Step
    active: Step
    evidence_age: Duration
    least_reason: Count
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AlertRule:
    """One alert; ``cause`` is the severity of its gate, and an alert without a gate has none.

    ``caused_by_halt`` says that stopping a bot raises it, so that it is no news then. A ``drill`` stops a bot only
    while the journal has that drill open, and counts for nothing once it is over.
    """

    name: AlertName
    response: Response
    cause: Severity | None = None
    actions: tuple[ActionName, ...] = ()
    confirmations: Confirmations | None = None
    confirm: Confirm | None = None
    told: Told | None = None
    caused_by_halt: bool = False
    drill: bool = False
    source: Source

    def __post_init__(self) -> None:
        stops = self.response is Response.ROLLBACK
        if stops != bool(self.actions):
            raise ValueError(f"actions: expected {'at least one' if stops else 'none'} for {self.response.value}")
        if len(set(self.actions)) != len(self.actions):
            raise ValueError("actions: expected every action once")
        if stops and ActionName.HALT not in self.actions:
            raise ValueError("actions: expected halt among them: only a state that is latched stays, and is read back")
        if self.confirm is not None and not stops:
            raise ValueError("confirm: expected none: only an alert that stops a bot is confirmed")
        if stops and self.caused_by_halt:
            raise ValueError("caused_by_halt: expected false for an alert that stops a bot")
        if self.drill and self.cause is not Severity.HARD:
            raise ValueError("drill: expected a hard cause that stops a bot: a drill shows what that does")
        self._check_people()
        self._check_confirmations(soft=stops and self.cause is not Severity.HARD)

    def _check_people(self) -> None:
        silent = self.response is Response.HEARTBEAT
        if silent != (self.told is None):
            raise ValueError(f"told: expected {'nobody' if silent else 'oncall or team'} for {self.response.value}")
        if self.told is Told.TEAM and self.response is not Response.NOTIFY:
            raise ValueError(f"told: expected oncall for {self.response.value}")

    def _check_confirmations(self, *, soft: bool) -> None:
        if soft and self.confirmations is None:
            raise ValueError("confirmations: expected some for a soft cause that stops a bot")
        if not soft and self.confirmations is not None:
            raise ValueError("confirmations: expected none: only a soft cause that stops a bot waits for them")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class RollbackPolicy:
    """Everything that is decided before an alert arrives."""

    auto_rollback: Switch
    cooldown: Limit
    max_event_age: Limit
    blind_after: Limit
    backstop: BackstopPolicy
    escalation: Escalation
    attempts: Attempts
    blast_radius: tuple[LabelName, ...]
    resume: ResumePolicy
    alerts: Annotated[tuple[AlertRule, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(rule.name for rule in self.alerts).items() if count > 1]
        if doubled:
            raise ValueError(f"alerts: expected every alert once, was twice: {', '.join(doubled)}")
        if self.backstop.heard_within + self.backstop.every >= self.blind_after.length:
            limit = format_duration(self.blind_after.length)
            raise ValueError(f"backstop: heard_within and every: expected less than blind_after, {limit}, together")

    def rule_of(self, alert: str) -> AlertRule | None:
        """The rule of an alert, or ``None`` where the policy does not know it."""
        return next((rule for rule in self.alerts if rule.name == alert), None)

    def is_drill(self, alert: str) -> bool:
        """Whether an alert is that of a fire drill."""
        rule = self.rule_of(alert)
        return rule is not None and rule.drill

    def stopping(self) -> frozenset[Name]:
        """The names of the alerts that stop a bot."""
        return frozenset(rule.name for rule in self.alerts if rule.response is Response.ROLLBACK)
