from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from mm_ops.adapters.environment import WallClock
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.rollback.bot import ProfileSettings
from mm_ops.domain.sentinel.edge_switch import Effect, Order, Switcher
from mm_ops_tests.rollback_world import ACTIVE, HALTED, QUICK, MemoryBot, fails_once, hangs, lies, refuses

WIDE = ProfileSettings(spread_factor=1.5, max_in_flight=5, backoff_ms=200)
USUAL = ProfileSettings(spread_factor=1.0, max_in_flight=10, backoff_ms=100)


@dataclass
class Log:
    """What was written down; with ``fault`` nothing can be."""

    fault: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)

    def note_event(self, subject: str, key: str, body: Mapping[str, object], at: datetime) -> None:
        if self.fault:
            raise SourceUnavailableError(self.fault)
        self.notes.append({"subject": subject, "key": key, "at": at, **body})


def order(profile: str = "conservative", *, careful: bool = True) -> Order:
    settings = WIDE if profile == "conservative" else USUAL
    return Order(bot="paper", profile=profile, settings=settings, reason="three windows", careful=careful)


def apply(bot: MemoryBot, one: Order, log: Log | None = None) -> Effect:
    return Switcher(bot, log, WallClock(), QUICK.attempts).apply(one)


def test_it_is_written_down_asked_for_read_back_and_written_down():
    bot, log = MemoryBot(), Log()
    effect = apply(bot, order(), log)
    assert (effect.confirmed, effect.asked, effect.attempts) == (True, True, 1)
    assert (bot.state.profile, bot.state.profile_settings) == ("conservative", WIDE)
    assert effect.observed == bot.state
    assert [(one["subject"], one["key"], one["is"], one["profile"]) for one in log.notes] == [
        ("edge_profile", "paper", "requested", "conservative"),
        ("edge_profile", "paper", "confirmed", "conservative"),
    ]
    assert log.notes[0]["settings"] == WIDE
    assert effect.marker == "| edge policy | APPLIED | EDGE_POLICY_APPLIED=conservative |"


def test_what_is_so_already_is_not_asked_for():
    bot = MemoryBot(replace(ACTIVE, profile="conservative", profile_settings=WIDE))
    effect = apply(bot, order(), Log())
    assert (effect.confirmed, effect.asked, bot.asked, effect.marker) == (True, False, [], None)


def test_the_same_name_with_other_numbers_is_another_profile():
    bot = MemoryBot(replace(ACTIVE, profile="conservative", profile_settings=USUAL))
    assert apply(bot, order(), Log()).confirmed
    assert bot.state.profile_settings == WIDE


def test_a_bot_that_is_not_active_is_not_asked():
    bot = MemoryBot(HALTED)
    effect = apply(bot, order(), Log())
    assert (effect.confirmed, effect.deferred, bot.asked) == (False, True, [])
    assert effect.reason == "trading state HALTED: nothing is asked of it"


def test_a_lost_answer_is_asked_again_with_the_same_key():
    bot = MemoryBot(fault=fails_once)
    assert apply(bot, order(), Log()).confirmed
    assert len(set(bot.asked)) == 1 < len(bot.asked)
    assert len(bot.effects) == 1


FAULTS = {
    "it refuses": (refuses, r"profile: expected conservative, was healthy \(profile: refused\) after \d+ attempts"),
    "it hangs": (hangs, r"profile: expected conservative, was healthy \(expected an answer within 0.15 s, was none\)"),
    "it lies": (lies, r"profile: expected conservative, was healthy after \d+ attempts"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=list(FAULTS))
def test_what_does_not_read_back_is_not_confirmed(fault: Any, reason: str):
    log = Log()
    effect = apply(MemoryBot(fault=fault), order(), log)
    assert not effect.confirmed
    assert effect.marker is None
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(effect.reason)
    assert [one["is"] for one in log.notes] == ["requested", "unconfirmed"]


def test_a_bot_that_takes_the_name_and_not_the_numbers_is_not_confirmed():
    def takes_the_name(bot: MemoryBot, _command: object, _count: int) -> None:
        bot.state = replace(bot.state, profile="conservative", profile_settings=USUAL)
        raise SourceUnavailableError("too wide for it")

    effect = apply(MemoryBot(fault=takes_the_name), order(), Log())
    expected = "profile_settings: expected ×1.5, 5 in flight, 200 ms, was ×1, 10 in flight, 100 ms (too wide for it)"
    assert effect.reason.startswith(expected)


def test_a_bot_that_does_not_tell_its_numbers_is_not_confirmed():
    def tells_nothing(bot: MemoryBot, _command: object, _count: int) -> Any:
        bot.state = replace(bot.state, profile="conservative")
        return bot.state

    assert ", was not told after" in apply(MemoryBot(fault=tells_nothing), order(), Log()).reason


def test_a_bot_that_does_not_answer_is_asked_to_be_careful_and_never_to_be_less_so():
    log = Log()
    effect = apply(MemoryBot(mute=True), order(), log)
    assert not effect.confirmed
    assert "profile: expected conservative, was unknown: bot: expected an answer, was none" in effect.reason
    assert [one["is"] for one in log.notes] == ["requested", "unconfirmed"]
    bot, log = MemoryBot(mute=True), Log()
    effect = apply(bot, order("moderate", careful=False), log)
    assert (effect.confirmed, effect.asked, bot.asked, log.notes) == (False, False, [], [])
    assert effect.reason.startswith("the bot's state is unknown, so it is not asked: ")


@pytest.mark.parametrize("log", [Log("the disk is full"), None], ids=["full", "not open"])
def test_without_a_journal_only_what_is_careful_is_asked_for(log: Log | None):
    assert apply(MemoryBot(), order(), log).confirmed
    bot = MemoryBot()
    effect = apply(bot, order("moderate", careful=False), log)
    assert (effect.confirmed, bot.asked) == (False, [])
    why = "the disk is full" if log else "the journal is not open"
    assert effect.reason == f"not asked, since it cannot be written down: {why}"
