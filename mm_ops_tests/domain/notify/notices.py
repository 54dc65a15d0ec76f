"""Notices and a policy of channels for the tests of telling people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.notify.notice import NOTHING, About, Notice, Told, Waiting
from mm_ops.domain.notify.policy import ChannelKind, ChannelPolicy, NotifyPolicy
from mm_ops.domain.policy import SecretPlace
from mm_ops_tests.requirements import PROJECT

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POLICY = read_policy(PROJECT / "deploy/policies/notify.yaml", NotifyPolicy)


def waiting(
    number: int, what: str = "", *, ago: float = 0.0, about: About = NOTHING, former: bool = False, **different: Any
) -> Waiting:
    """A notice taken in so many seconds ago."""
    at = NOW - timedelta(seconds=ago)
    notice = Notice(at=at, told=Told.ONCALL, what=what or f"paper: {number}", about=about)
    return Waiting(number=number, notice=replace(notice, **different), former=former)


def channel(name: str, *told: Told, kind: ChannelKind = ChannelKind.WEBHOOK) -> ChannelPolicy:
    """A channel whose address is kept in the file of its name."""
    return ChannelPolicy(
        name=name, kind=kind, address=SecretPlace(file=name), audiences=told or (Told.ONCALL,), source="a test's own"
    )
