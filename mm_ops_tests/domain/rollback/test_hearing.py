from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.rollback.hearing import BLIND, Change, Ear, Pulse, Webhook, find_changes, find_deaf
from mm_ops_tests.rollback_world import NOW

LIMIT = timedelta(seconds=90)


def ear(name: str, seconds: float, fault: str = "") -> Ear:
    return Ear(name, NOW - timedelta(seconds=seconds), fault)


@pytest.mark.parametrize(
    ("ears", "deaf"),
    [
        ([], set()),
        ([ear("a", 90), ear("b", 0)], set()),
        ([ear("a", 90.001), ear("b", 90)], {"a"}),
        ([ear("a", 91), ear("b", 91)], {"a", "b", BLIND}),
        ([ear("a", 91)], {"a", BLIND}),
    ],
    ids=["none is named", "in time", "one is silent", "all are silent", "the only one is silent"],
)
def test_who_is_silent_for_too_long(ears: list[Ear], deaf: set[str]):
    assert set(find_deaf(ears, LIMIT, NOW)) == deaf


def test_the_reason_says_for_how_long_and_what_the_source_said():
    found = find_deaf([ear("alertmanager", 125, "connection refused"), ear("prometheus", 300)], LIMIT, NOW)
    assert found["alertmanager"] == "alertmanager: no answer for 2m5s, of 1m30s at most: connection refused"
    assert found["prometheus"] == "prometheus: no answer for 5m, of 1m30s at most: it was not asked"
    assert found[BLIND].startswith("blind: no source of alerts answers: alertmanager: no answer for 2m5s")


def test_all_becoming_silent_is_one_page_and_the_way_back_is_told():
    one, both = {"a": "a: r"}, {"a": "a: r", "b": "b: r", BLIND: "blind"}
    assert list(find_changes((), one)) == [Change("a", deaf=True, reason="a: r", paged=True)]
    assert [change.paged for change in find_changes((), both)] == [False, False, True]
    assert [(change.name, change.paged) for change in find_changes({"a"}, both)] == [("b", False), (BLIND, True)]
    assert list(find_changes(both, one)) == [
        Change("b", deaf=False, reason="b: heard again", paged=False),
        Change(BLIND, deaf=False, reason="backstop: heard again", paged=False),
    ]


def test_a_webhook_that_brings_nothing_twice_in_a_row_is_at_fault_until_it_does():
    slack, later = timedelta(seconds=5), NOW + timedelta(seconds=80)
    fresh = Webhook().after(NOW, None, slack)
    assert fresh == Webhook()
    once = fresh.after(NOW - timedelta(seconds=80), NOW, slack)
    assert once.fault is None
    assert once.after(NOW + slack, None, slack) == once, "what the journal heard of then was the backstop's own"
    assert once.after(None, None, slack) == once
    twice = once.after(NOW, later, slack)
    assert twice.fault == ("webhook: Alertmanager has the heartbeat, and 2 times in a row only the backstop brought it")
    assert twice.after(later + timedelta(seconds=6), None, slack) == Webhook()


HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.mark.parametrize("jump", [-HOUR, timedelta(0), HOUR], ids=["set back", "left alone", "set forward"])
def test_silence_is_counted_by_the_clock_that_nobody_sets(jump: timedelta):
    pulse = Pulse().after(None, 100.0).after(NOW, 130.0)
    assert pulse.last(NOW) == NOW
    later = pulse.after(NOW, 190.0)
    assert later.last(NOW + jump + timedelta(seconds=60)) == NOW + jump
    assert later.after(NOW + jump + SECOND, 191.0).last(NOW) == NOW, "another beat, whatever time it bears"


def test_a_beat_that_was_there_at_the_start_is_as_old_as_it_says_and_at_least_as_old_as_we_are():
    pulse = Pulse().after(NOW - HOUR, 100.0)
    assert pulse.last(NOW) == NOW - HOUR
    ahead = Pulse().after(NOW + HOUR, 100.0).after(NOW + HOUR, 160.0)
    assert ahead.last(NOW) == NOW - timedelta(seconds=60)
    assert Pulse().after(None, 100.0).last(NOW) is None


@given(st.lists(st.sets(st.sampled_from("ab")), max_size=20))
def test_whatever_comes_and_goes_each_beginning_and_each_end_is_told_once(rounds: list[set[str]]):
    before: frozenset[str] = frozenset()
    for silent in rounds:
        after = find_deaf([ear(name, 100 if name in silent else 1) for name in "ab"], LIMIT, NOW)
        changes = list(find_changes(before, after))
        assert {change.name for change in changes} == before ^ set(after)
        assert sum(change.paged for change in changes) <= 1 or BLIND not in after
        before = frozenset(after)
        assert list(find_changes(before, after)) == []
