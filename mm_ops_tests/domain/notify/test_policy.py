from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.notify.notice import Told
from mm_ops.domain.notify.policy import Rate, Retry
from mm_ops.domain.policy import SecretPlace
from mm_ops_tests.domain.notify.notices import POLICY, channel

SECOND = timedelta(seconds=1)


def test_who_is_reached_by_what():
    policy = replace(POLICY, channels=(channel("pager"), channel("mail", Told.ONCALL, Told.TEAM)))
    assert policy.channels_of(Told.ONCALL) == ("pager", "mail")
    assert policy.channels_of(Told.TEAM) == ("mail",)
    assert POLICY.channels_of(Told.ONCALL) == ()


@pytest.mark.parametrize("kept", [{}, {"file": "a", "env": "B"}])
def test_an_address_is_kept_in_one_place(kept: dict[str, str]):
    with pytest.raises(ValueError, match="expected one of file and env"):
        SecretPlace(**kept)


def test_a_name_is_given_once_and_the_journal_s_is_taken():
    with pytest.raises(ValueError, match="was twice: mail"):
        replace(POLICY, channels=(channel("mail"), channel("mail")))
    with pytest.raises(ValueError, match="expected another name than journal"):
        channel("journal")
    with pytest.raises(ValueError, match="expected each once"):
        channel("mail", Told.TEAM, Told.TEAM)


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"first": timedelta(0)}, "first: expected more than 0s"),
        ({"first": timedelta(hours=1)}, "at most the longest, 1m"),
        ({"attempt": timedelta(0)}, "attempt: expected more than 0s"),
        ({"give_up_after": SECOND}, "give_up_after: expected at least the longest pause, 1m"),
    ],
)
def test_impossible_numbers_are_refused(different: dict[str, Any], reason: str):
    with pytest.raises(ValueError, match=reason):
        replace(POLICY.retry, **different)


def test_a_rate_needs_a_time():
    with pytest.raises(ValueError, match="within: expected more than 0s"):
        Rate(most=1, within=timedelta(0), source="a test's own")


@pytest.mark.parametrize(
    ("failures", "asked", "expected"),
    [(1, None, 1), (2, None, 2), (5, None, 16), (7, None, 60), (10_000, None, 60), (1, 30, 30), (1, 900, 60)],
)
def test_the_pause_doubles_up_to_the_longest_and_heeds_the_receiver(failures: int, asked: int | None, expected: int):
    retry: Retry = POLICY.retry
    assert retry.pause(failures, None if asked is None else asked * SECOND) == expected * SECOND
