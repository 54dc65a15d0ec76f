"""The steps of the pack: which command of ``mm-ops`` each is, how long it may take, and how it says that it passed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source

REQUIRED = (
    "param_sweep",
    "tuning_apply",
    "chaos_failover",
    "rotation",
    "secrets_scan",
    "rules_check",
    "dashboard_check",
    "bundle_dry_run",
)
"""The steps without which a pack says too little: one that was taken out of the policy is no step that passed."""
DAY, BOT = "{day}", "{bot}"
Word = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Step:
    """One step: ``mm-ops`` with these words, in dry mode; ``{day}`` and ``{bot}`` stand for what is tried.

    ``marker`` is the last column of the line that the command ends with when it passed, such as ``RENDER=OK``: a
    command that exits 0 and does not say so has not passed. ``within`` is in seconds.
    """

    name: Name
    command: Annotated[tuple[Word, ...], Field(min_length=1)]
    marker: Annotated[str, StringConstraints(pattern=r"^[A-Z_]+=[A-Z]+$")]
    within: Annotated[float, Field(gt=0, le=3600)]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PrelivePolicy:
    """``deploy/policies/prelive.yaml``."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(step.name for step in self.steps).items() if count > 1]
        if doubled:
            raise ValueError(f"steps: expected every name once, was twice: {', '.join(doubled)}")
        lacking = [name for name in REQUIRED if name not in {step.name for step in self.steps}]
        if lacking:
            raise ValueError(f"steps: expected {', '.join(REQUIRED)} among them; missing: {', '.join(lacking)}")


def expand(steps: Sequence[Step], day: date, bots: Sequence[str]) -> list[Step]:
    """The steps of a day for some bots: one that names the bot is one step a bot, called after it if there are more."""
    return [step for one in steps for step in _expanded(one, day, bots)]


def _expanded(step: Step, day: date, bots: Sequence[str]) -> list[Step]:
    dated = tuple(word.replace(DAY, day.isoformat()) for word in step.command)
    if not any(BOT in word for word in dated):
        return [replace(step, command=dated)]
    names = [step.name if len(bots) == 1 else f"{step.name}_{bot}" for bot in bots]
    commands = [tuple(word.replace(BOT, bot) for word in dated) for bot in bots]
    return [replace(step, name=name, command=command) for name, command in zip(names, commands, strict=True)]
