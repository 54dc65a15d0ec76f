from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.notify.delivery import Delivered, Rest, Send, plan_message
from mm_ops.domain.notify.notice import About, Waiting
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops_tests.domain.notify.notices import NOW, POLICY, waiting

THREE = replace(POLICY, rate=replace(POLICY.rate, most=3))


def sent(*ago: float, keys: tuple[Waiting, ...] = ()) -> Delivered:
    delivered = Delivered()
    for seconds in ago:
        delivered.note(NOW - timedelta(seconds=seconds), {one.notice.key for one in keys}, POLICY)
    return delivered


def test_nothing_waits_for_nothing():
    assert plan_message([], Delivered(), POLICY, NOW) == Rest(None)


def test_while_there_is_room_each_is_a_message_of_its_own_and_the_oldest_is_first():
    first, second = waiting(1), waiting(2)
    assert plan_message([first, second], Delivered(), THREE, NOW) == Send((first,))


def test_what_is_grave_comes_before_what_is_older():
    older, grave = waiting(1), waiting(2, about=About(grave=True))
    assert plan_message([older, grave], Delivered(), THREE, NOW) == Send((grave,))


def test_of_a_flood_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mm_ops.domain.notify.delivery.MOST_REMEMBERED", 2)
    delivered = Delivered()
    for key in (1, 2, 3):
        delivered.note(NOW, {key}, POLICY)
    assert delivered.told == {2: NOW, 3: NOW}


def test_the_same_words_of_the_same_breach_are_one_message():
    again = [waiting(number, "paper: slow") for number in (1, 2, 3)]
    other = waiting(4, "paper: slow", about=About(episode="another"))
    assert plan_message([*again, other], Delivered(), THREE, NOW) == Send(tuple(again))


def test_more_than_there_is_room_for_becomes_one_message_with_the_grave_first():
    many = [waiting(number) for number in range(1, 4)]
    grave = waiting(4, about=About(grave=True))
    assert plan_message([*many, grave], Delivered(), THREE, NOW) == Send((grave, *many))


def test_the_last_message_of_the_minute_takes_everything_along():
    assert plan_message([waiting(1), waiting(2)], sent(30, 40), THREE, NOW) == Send((waiting(1), waiting(2)))


def test_without_room_it_rests_until_the_first_message_is_a_minute_old():
    assert plan_message([waiting(1)], sent(50, 30, 10), THREE, NOW) == Rest(NOW + timedelta(seconds=10))
    assert plan_message([waiting(1)], sent(50, 30, 20, 10), THREE, NOW) == Rest(NOW + timedelta(seconds=30))
    assert plan_message([waiting(1)], sent(60, 30, 10), THREE, NOW) == Send((waiting(1),))


def test_what_was_told_is_held_back_until_it_may_be_said_again():
    one = waiting(1, "paper: slow")
    told = sent(599, keys=(one,))
    assert plan_message([one], told, POLICY, NOW) == Rest(NOW + timedelta(seconds=1))
    assert plan_message([one], told, POLICY, NOW + timedelta(seconds=1)) == Send((one,))


def test_the_next_message_counts_what_was_held_back():
    repeat, other = waiting(1, "paper: slow"), waiting(2)
    assert plan_message([repeat, other], sent(60, keys=(repeat,)), POLICY, NOW) == Send((other,), (repeat,))


def test_a_clock_that_was_set_back_holds_nothing_back():
    one = waiting(1)
    assert plan_message([one], sent(-3600, keys=(one,)), POLICY, NOW) == Send((one,))


def test_what_is_too_old_to_count_is_forgotten():
    delivered = sent(601, keys=(waiting(1),))
    delivered.note(NOW - timedelta(seconds=300), {2, 3}, POLICY)
    delivered.note(NOW, {2}, POLICY)
    assert delivered == Delivered([NOW], {3: NOW - timedelta(seconds=300), 2: NOW})


def run(texts: list[int], policy: NotifyPolicy) -> tuple[list[tuple[datetime, Send]], int]:
    """Let everything come at once, and time pass from rest to rest."""
    left = [waiting(number, f"paper: {text}") for number, text in enumerate(texts, 1)]
    now, delivered, messages = NOW, Delivered(), list[tuple[datetime, Send]]()
    while left:
        plan = plan_message(left, delivered, policy, now)
        if isinstance(plan, Rest):
            assert plan.until is not None
            assert plan.until > now
            now = plan.until
            continue
        gone = {one.number for one in (*plan.told, *plan.repeats)}
        left = [one for one in left if one.number not in gone]
        delivered.note(now, {one.notice.key for one in plan.told}, policy)
        messages.append((now, plan))
    return messages, len(texts)


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 12))
def test_nothing_is_lost_told_twice_or_told_too_often(texts: list[int], most: int):
    messages, count = run(texts, replace(POLICY, rate=replace(POLICY.rate, most=most)))
    numbers = [one.number for _, plan in messages for one in (*plan.told, *plan.repeats)]
    assert sorted(numbers) == list(range(1, count + 1))
    for at, _ in messages:
        assert sum(at <= other < at + POLICY.rate.within for other, _ in messages) <= most
