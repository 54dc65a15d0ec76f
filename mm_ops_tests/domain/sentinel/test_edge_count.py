import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.sentinel.edge_count import Answer, EdgeState, Topic, count, count_all, find_apart
from mm_ops.domain.sentinel.edge_pin import Pin
from mm_ops_tests.domain.sentinel.edge_rows import (
    CONSERVATIVE,
    LETTERS,
    MODERATE,
    POLICY,
    answers,
    counted,
    end_of,
    policy,
    window,
    windows,
)

HOUR = timedelta(hours=1)
NO_DWELL = policy(recovery__dwell=timedelta(0))

DEGRADE = {
    "three in a row": ("---", "ssD"),
    "two and no more": ("--+--+", "ssssss"),
    "zero is not below": ("+++", "sss"),
    "a window that was missed ends the row": ("--.-", "sss"),
    "and three after it count": ("--.---", "ssssD"),
    "a number that is none ends the row": ("--n---", "sssssD"),
    "a low slow average alone degrades nobody": ("llllll", "ssssss"),
    "halted windows are recorded and end the row": ("--HH---", "ssrrssD"),
    "an unknown trading state is recorded and ends the row": ("--?---", "ssrssD"),
    "nothing is decided twice": ("------", "ssDsss"),
}


@pytest.mark.parametrize(("text", "expected"), DEGRADE.values(), ids=list(DEGRADE))
def test_degradation(text: str, expected: str):
    assert answers(counted(text)) == expected


RECOVER = {
    "three in a row with a good slow average": ("+++", "ssR"),
    "a slow average that is too low waits": ("lll+", "sssR"),
    "a slow average that is not known waits": ("xxx+", "sssR"),
    "one below ends the row": ("++-+++", "sssssR"),
    "a gap ends the row": ("++.+++", "ssssR"),
    "what is not a number ends the row": ("++n+++", "sssssR"),
    "an unknown trading state ends the row": ("++?+++", "ssrssR"),
    "gauges that fills contradict end the row": ("++a+++", "sssssR"),
    "halted windows end the row": ("++H+++", "ssrssR"),
    "no data at all": ("nnnnnn", "ssssss"),
    "only a slow average that is good": ("------", "ssssss"),
}


@pytest.mark.parametrize(("text", "expected"), RECOVER.values(), ids=list(RECOVER))
def test_recovery(text: str, expected: str):
    assert answers(counted(text, CONSERVATIVE)) == expected


def test_a_slow_average_cannot_flap_it_straight_back():
    rows = counted("---+++++++")
    assert answers(rows) == "ssDsssRsss"  # three good windows, and the 2 h of dwell are four
    assert rows[5].reason == "in conservative for 1h30m of 2h"
    assert "ema24h 1.500 bps, 1.5 or more" in rows[6].reason


def test_the_dwell_holds_up_no_degradation():
    assert answers(counted("+++---", CONSERVATIVE, NO_DWELL)) == "ssRssD"


def test_a_gap_may_keep_the_row_of_a_degradation_but_never_lengthens_it():
    keeps = policy(degradation__gap="keep")
    assert answers(counted("--..-", how=keeps)) == "ssD"
    assert answers(counted("--nn-", how=keeps)) == "ssssD"
    assert answers(counted("-....", how=keeps)) == "s"
    assert answers(counted("++.+", CONSERVATIVE, keeps)) == "sss"


def test_between_the_two_limits_both_rows_end():
    how = policy(degradation__below_bps=-0.5)
    assert [(row.state.below, row.state.above) for row in counted("+m", how=how)] == [(0, 1), (0, 0)]


def test_flapping_around_the_thresholds_ends_in_the_careful_profile_with_one_page():
    rows = counted("---+++" * 5, how=NO_DWELL)
    assert answers(rows) == "ssDssRssDssh" + "sssssh" * 3
    switches = [row.window.end for row in rows if row.answer in {"degrade", "recover"}]
    assert len(switches) == 3
    assert rows[-1].state.profile == "conservative"
    (page,) = [page for row in rows for page in row.pages]
    assert page == "no switch is left: it stays in conservative; find out why the edge comes and goes"


def test_a_day_later_a_switch_is_left_again():
    text = "---+++" * 2 + "+" * 60
    rows = counted(text, how=NO_DWELL)
    (again,) = [row for row in rows[12:] if row.answer is Answer.RECOVER]
    assert again.window.end - rows[2].window.end == POLICY.switches.within
    assert sum(bool(row.pages) for row in rows) == 1


@given(text=st.text("-+lnH.", min_size=1, max_size=300), how=st.sampled_from([POLICY, NO_DWELL]))
def test_never_more_switches_in_a_day_than_the_policy_says_and_a_degradation_is_never_held_up(text: str, how: Any):
    rows = counted(text, how=how)
    ends = [row.window.end for row in rows if row.answer in {"degrade", "recover"}]
    for n, end in enumerate(ends):
        assert sum(end - at < how.switches.within for at in ends[: n + 1]) <= how.switches.most
    for row in rows:
        assert row.state.below < how.degradation.windows or row.state.profile == "conservative"


@given(data=st.data(), text=st.text("-+lxn?Ha.", min_size=1, max_size=60))
def test_shuffled_duplicates_and_ticks_that_are_run_again_change_nothing(data: st.DataObject, text: str):
    once = windows(text)
    plain = count_all(CONSERVATIVE, once, NO_DWELL)
    rng = random.Random(data.draw(st.integers()))
    rows, state, at = [], CONSERVATIVE, 0
    while at < len(once):
        size = rng.randint(1, 4)
        seen = [replace(one, fast=rng.uniform(-5, 5)) for one in rng.sample(once[:at], min(at, 3))]
        tick = [*once[at : at + size], *once[at : at + size]]
        rng.shuffle(tick)
        late = [*seen, *tick]
        before = state
        for _ in range(rng.randint(1, 3)):  # the same tick again, from the state it began with or after it
            found = count_all(before, [*late], NO_DWELL)
            assert not count_all(found[-1].state, late, NO_DWELL)
        rows += found
        state, at = found[-1].state, at + size
    assert rows == plain


@given(text=st.text("-+lxn?Ha.", max_size=60), at=st.integers(0, 59))
def test_losing_a_window_never_recovers_anybody(text: str, at: int):
    """The state with a hole is never in the looser profile where the state without it had not been by then."""
    whole = counted(text, CONSERVATIVE)
    holed = counted(text[:at] + "." + text[at + 1 :], CONSERVATIVE)
    first = {
        name: next((row.window.end for row in rows if row.answer is Answer.RECOVER), None)
        for name, rows in (("whole", whole), ("holed", holed))
    }
    if first["holed"] is not None and "-" not in text:
        assert first["whole"] is not None
        assert first["whole"] <= first["holed"]


def test_a_window_that_is_late_changes_nothing():
    state = counted("--", MODERATE)[-1].state
    assert count(state, window("-", 0), POLICY) is None
    assert count(state, window("+", 1), POLICY) is None
    assert count(state, window("-", 2), POLICY) is not None


def test_of_two_with_one_end_the_first_counts():
    rows = count_all(MODERATE, [window("-", 0), window("+", 0)], POLICY)
    assert [row.state.below for row in rows] == [1]


def test_a_window_off_the_grid_is_refused():
    wrong = window("-", 0, end=end_of(0) + timedelta(minutes=1))
    with pytest.raises(SchemaError, match=r"end: expected a multiple of 30m since 1970, was 2026-11-24T12:31"):
        count(MODERATE, wrong, POLICY)


def test_blind_is_told_once_a_spell_and_again_after_it():
    rows = counted("nnnnnn+nnnn")
    told = [(n, row.pages) for n, row in enumerate(rows) if row.pages]
    assert [n for n, _ in told] == [3, 10]
    assert told[0][1] == ("4 windows of ema1h were not seen up to 2026-11-24T14:00Z",)


def test_a_day_without_a_look_is_one_page_and_no_action():
    rows = counted("--" + "." * 46 + "---")
    assert answers(rows) == "ssssD"
    assert [row.missed for row in rows] == [0, 0, 46, 0, 0]
    assert [row.pages for row in rows if row.pages] == [("46 windows of ema1h were not seen up to 2026-11-25T12:30Z",)]


def test_gauges_and_fills_that_differ_are_told_once():
    rows = counted("aa+a")
    assert [bool(row.pages) for row in rows] == [True, False, False, True]
    assert find_apart(window("a", 0), POLICY) == (
        "ema1h: 1.000 bps by its gauge, 0.490 by its fills, expected 0.5 apart at most",
    )
    assert not find_apart(window("+", 0, fills_fast=0.5, fills_slow=2.0), POLICY)
    assert find_apart(window("+", 0, fills_slow=2.001), POLICY)


def test_a_degradation_counts_though_fills_differ():
    text = windows("---")
    assert answers(count_all(MODERATE, [replace(one, fills_fast=5.0) for one in text], POLICY)) == "ssD"


def test_it_begins_with_the_profile_that_the_bot_is_in():
    """A history that was lost must not loosen a bot that is in the careful profile."""
    seen = [replace(one, profile="conservative") for one in windows("++++++")]
    rows = count_all(EdgeState(), seen, POLICY)
    assert rows[0].state.profile == "conservative"
    assert answers(rows) == "ssssRs"  # 2 h of dwell, from the first window on


def test_a_profile_of_the_bots_own_is_left_alone_until_the_edge_decays():
    seen = [replace(one, profile="base") for one in windows("+++---")]
    rows = count_all(EdgeState(), seen, POLICY)
    assert [row.state.profile for row in rows] == [None] * 5 + ["conservative"]


WAITS = {
    "none": ("none", "-", False, "ssD"),
    "both: a degradation waits": ("both", "-", False, "ssw"),
    "both: flat": ("both", "-", True, "ssD"),
    "both: not known is not flat": ("both", "-", None, "ssw"),
    "recovery: a degradation does not": ("recovery", "-", False, "ssD"),
    "recovery: it waits": ("recovery", "+", False, "ssw"),
    "recovery: flat": ("recovery", "+", True, "ssR"),
}


@pytest.mark.parametrize(("flat_only", "letter", "flat", "expected"), WAITS.values(), ids=list(WAITS))
def test_a_switch_that_waits_until_the_bot_is_flat(flat_only: str, letter: str, flat: Any, expected: str):
    how = policy(flat_only=flat_only)
    seen = [replace(one, flat=flat) for one in windows(letter * 3)]
    rows = count_all(CONSERVATIVE if letter == "+" else MODERATE, seen, how)
    assert answers(rows) == expected
    if expected.endswith("w"):
        flat_next = replace(window(letter, 3), flat=True)
        row = count(rows[-1].state, flat_next, how)
        assert row is not None
        assert row.answer in {"degrade", "recover"}
        assert "waits until it is flat: " in rows[-1].reason


def pin(profile: str = "moderate", first: int = 0, last: int = 6) -> Pin:
    return Pin(profile=profile, by="ada", reason="a planned listing", at=end_of(first), until=end_of(last))


def test_a_pin_holds_whatever_the_edge_does_and_afterwards_it_counts_again():
    rows = counted("------" + "---", CONSERVATIVE, pins=[pin()])
    assert answers(rows) == "PsssssDss"
    assert rows[0].reason == "pinned to moderate by ada until 2026-11-24T15:30:00Z: a planned listing"
    assert [row.state.pinned for row in rows] == ["moderate"] * 6 + [None] * 3
    assert rows[0].state.switches == ()


def test_a_pin_that_ends_loosens_nothing():
    rows = counted("ll+l", MODERATE, pins=[pin("conservative", 0, 2)])
    assert [row.state.profile for row in rows] == ["conservative"] * 4


def test_a_pin_is_not_put_upon_a_bot_that_is_halted():
    assert answers(counted("HH-", MODERATE, pins=[pin("conservative")])) == "rrP"


def test_the_newest_of_two_pins_holds():
    rows = counted("++", MODERATE, pins=[pin("conservative"), pin("moderate")])
    assert rows[-1].state.profile == "moderate"


def test_what_is_not_confirmed_stays_told_until_somebody_says_otherwise():
    state = replace(MODERATE, told=(Topic.UNCONFIRMED.value,))
    assert counted("+", state)[0].state.told == ("unconfirmed",)


def test_numbers_that_no_edge_can_be_are_not_known():
    odd = window("+", 0, fast=1000.5)
    assert (odd.fast, odd.unknown) == (None, ("fast: was 1000.5 bps",))
    assert window("n", 0).fast is None
    assert set(LETTERS) >= {"-", "+"}
    assert window("H", 0).trading_state is TradingState.HALTED
