"""What the edge sentinel stores of a bot: the windows of some time, the state after them, and what came of it.

The document names the digest of the one before it, so that whoever has that digest on record knows one that was
written and not yet recorded from one that was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sentinel.edge_count import SWITCHES, Answer, EdgeState, Row, Topic
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_switch import Effect
from mm_ops.domain.sentinel.edge_window import closed_end


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeHistory:
    """One bot's: ``rows`` oldest first, ``state`` after the newest, ``revision`` grows by one with every writing.

    ``effect`` is what came of the last profile that was asked for. ``fills`` is what was read of them so far, as
    ``EdgeFills`` hands it on.
    """

    rows: tuple[Row, ...] = ()
    state: EdgeState = field(default_factory=EdgeState)
    effect: Effect | None = None
    fills: Mapping[str, Any] | None = None
    revision: int = 0
    previous: str | None = None

    @classmethod
    def load(cls, document: Mapping[str, Any], where: str) -> Self:
        """Read what was stored; fields that are not of it are not looked at.

        Raises:
            SchemaError: names ``where`` and the field.
        """
        wanted = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        try:
            return TypeAdapter(cls).validate_python(wanted)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            path = ".".join(str(step) for step in fault["loc"])
            raise SchemaError(f"{where}: {path}: {fault['msg']}, was {str(fault['input'])[:80]!r}") from error

    @property
    def pending(self) -> bool:
        """Whether what was asked for last is not confirmed, so that it must be tried again."""
        return self.effect is not None and not self.effect.confirmed and not self.effect.deferred

    def extended(self, rows: Sequence[Row], policy: EdgeSentinelPolicy, previous: str | None) -> Self:
        """With further windows; those older than what the chart shows are let go."""
        state = rows[-1].state if rows else self.state
        every = (*self.rows, *rows)
        newest = every[-1].window.end if every else None
        kept = tuple(row for row in every if newest is not None and newest - row.window.end < policy.chart)
        return replace(self, rows=kept, state=state, revision=self.revision + 1, previous=previous)

    def settled(self, effect: Effect | None, before: EdgeState, policy: EdgeSentinelPolicy) -> tuple[Self, str | None]:
        """With what came of the profile that was asked for, and what people must be told of that, once.

        What makes the bot less careful and is not confirmed has not happened: the profile from before holds.
        """
        if effect is None:
            return self, None
        state = self.state
        if not effect.confirmed and effect.profile != policy.degradation.profile:
            state = replace(state, profile=before.profile, since=before.since, switches=before.switches)
        told = tuple(topic for topic in state.told if topic != Topic.UNCONFIRMED)
        failed = not effect.confirmed and not effect.deferred
        words = f"profile {effect.profile} is not confirmed: {effect.reason}" if failed else None
        state = replace(state, told=(*told, Topic.UNCONFIRMED.value) if failed else told)
        return replace(self, state=state, effect=effect), None if Topic.UNCONFIRMED in self.state.told else words


def plan_look(history: EdgeHistory, now: datetime, policy: EdgeSentinelPolicy) -> datetime | str:
    """The end of the window that is to be looked at now, or in words why none is."""
    newest, last, effect = closed_end(now, policy), history.state.last, history.effect
    if last is None or newest > last:
        return newest
    if history.pending and effect is not None and now - effect.at >= policy.again_after:
        return newest
    rest = f"; profile {effect.profile} is not confirmed" if history.pending and effect is not None else ""
    return f"counted up to {last:%Y-%m-%dT%H:%M:%SZ}, profile {history.state.profile or 'its own'}{rest}"


def switches_in(rows: Sequence[Row]) -> list[Row]:
    """The rows that led to another profile."""
    return [row for row in rows if row.answer in SWITCHES]


def changes_in(rows: Sequence[Row]) -> list[Row]:
    """The rows that say something else than the one before: another answer, a gap, or something to be told."""
    shown: list[Row] = []
    answer: Answer | None = None
    for row in rows:
        if row.answer is not answer or row.missed or row.pages or row.answer in SWITCHES:
            shown.append(row)
        answer = row.answer
    return shown
