"""Where notices go, and how often at most, as ``deploy/policies/notify.yaml`` states it."""

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.notify.notice import Told
from mm_ops.domain.policy import CLOSED, Name, SecretPlace, Source
from mm_ops.domain.windows import Duration, format_duration

Count = Annotated[int, Field(ge=1, le=1000)]
RESERVED = "journal"
"""Where notices go that no channel takes."""


class ChannelKind(StrEnum):
    """A POST of JSON; or anything that apprise knows by URL."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ChannelPolicy:
    """One way to reach people."""

    name: Name
    kind: ChannelKind
    address: SecretPlace
    audiences: Annotated[tuple[Told, ...], Field(min_length=1)]
    source: Source

    def __post_init__(self) -> None:
        if self.name == RESERVED:
            raise ValueError(f"name: expected another name than {RESERVED}, where goes what no channel takes")
        if len(set(self.audiences)) != len(self.audiences):
            raise ValueError("audiences: expected each once")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Rate:
    """At most so many messages of one channel within a time; what is more is told together."""

    most: Count
    within: Duration
    source: Source

    def __post_init__(self) -> None:
        if self.within <= timedelta(0):
            raise ValueError("within: expected more than 0s")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Length:
    """A length of time, and where it is from."""

    length: Duration
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Retry:
    """How a channel that fails is tried again: each attempt for ``attempt``, a pause between, ``first`` to ``longest``.

    The pause doubles. From ``report_after`` failures in a row on the failure is itself told; what is older than
    ``give_up_after`` is no longer tried.
    """

    attempt: Duration
    first: Duration
    longest: Duration
    report_after: Count
    give_up_after: Duration
    source: Source

    def __post_init__(self) -> None:
        if not timedelta(0) < self.first <= self.longest:
            raise ValueError(f"first: expected more than 0s, at most the longest, {format_duration(self.longest)}")
        if self.attempt <= timedelta(0):
            raise ValueError("attempt: expected more than 0s")
        if self.give_up_after < self.longest:
            raise ValueError(f"give_up_after: expected at least the longest pause, {format_duration(self.longest)}")

    def pause(self, failures: int, asked: timedelta | None = None) -> timedelta:
        """Say how long to wait after so many failures in a row, or as long as the receiver asks, within the longest."""
        doubled: timedelta = self.first * (1 << min(failures - 1, 30))
        return min(self.longest, max(doubled, asked or timedelta(0)))


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class NotifyPolicy:
    """The channels and their numbers; ``runbooks`` is put before the path of a runbook and makes a link of it."""

    channels: tuple[ChannelPolicy, ...]
    runbooks: str = ""
    rate: Rate
    repeats: Length
    retry: Retry
    late_after: Length
    source: Source

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(one.name for one in self.channels).items() if count > 1]
        if doubled:
            raise ValueError(f"channels: expected every name once, was twice: {', '.join(doubled)}")

    def channels_of(self, told: Told) -> tuple[str, ...]:
        """The names of the channels that reach these people."""
        return tuple(one.name for one in self.channels if told in one.audiences)
