import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mm_ops.domain.canonical import encode, to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sentinel.edge_count import Answer, EdgeState, Topic
from mm_ops.domain.sentinel.edge_history import EdgeHistory, changes_in, switches_in
from mm_ops.domain.sentinel.edge_switch import Effect
from mm_ops_tests.domain.sentinel.edge_rows import CONSERVATIVE, MODERATE, POLICY, counted, end_of, policy, windows
from mm_ops_tests.rollback_world import ACTIVE, NOW

NO_DWELL = policy(recovery__dwell=timedelta(0))


def effect(profile: str = "conservative", *, confirmed: bool = True, deferred: bool = False) -> Effect:
    reason = "" if confirmed else "it hangs"
    return Effect(
        profile=profile, confirmed=confirmed, at=NOW, reason=reason, asked=True, deferred=deferred, observed=ACTIVE
    )


def test_what_is_stored_is_read_back_as_it_was():
    history = EdgeHistory().extended(counted("--n-H---"), POLICY, "sha256:0")
    history, _ = history.settled(effect(), MODERATE, POLICY)
    stored = json.loads(encode({**to_plain(history), "bot": "paper", "stored_as": "somewhere"}))
    assert EdgeHistory.load(stored, "here") == history
    assert (history.revision, history.previous) == (1, "sha256:0")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"state": {"below": "many"}}, r"here: state.below: .*was 'many'"),
        ({"rows": [{}]}, r"here: rows.0.window: "),
        ({"revision": None}, r"here: revision: "),
    ],
)
def test_what_is_no_history_is_refused_with_its_field(damage: dict[str, object], message: str):
    with pytest.raises(SchemaError, match=message):
        EdgeHistory.load({**to_plain(EdgeHistory()), **damage}, "here")


def test_only_what_the_chart_shows_is_kept_and_the_state_stays():
    short = replace(POLICY, chart=POLICY.window * 2)
    history = EdgeHistory().extended(counted("---"), short, None)
    assert [row.window.end for row in history.rows] == [end_of(1), end_of(2)]
    again = history.extended([], short, None)
    assert (again.rows, again.state, again.revision) == (history.rows, history.state, 2)
    assert EdgeHistory().extended([], short, None).rows == ()


def test_a_degradation_that_is_not_confirmed_is_still_wanted_and_told_once():
    history = EdgeHistory(state=MODERATE).extended(counted("---"), POLICY, None)
    failed, words = history.settled(effect(confirmed=False), MODERATE, POLICY)
    assert words == "profile conservative is not confirmed: it hangs"
    assert (failed.state.profile, failed.pending) == ("conservative", True)
    again, words = failed.settled(effect(confirmed=False), failed.state, POLICY)
    assert (words, again.state) == (None, failed.state)
    done, words = again.settled(effect(), again.state, POLICY)
    assert (words, done.pending) == (None, False)
    assert Topic.UNCONFIRMED not in done.state.told


def test_a_recovery_that_is_not_confirmed_has_not_happened():
    rows = counted("+++", CONSERVATIVE, NO_DWELL)
    history = EdgeHistory(state=CONSERVATIVE).extended(rows, NO_DWELL, None)
    assert rows[-1].answer is Answer.RECOVER
    for failed in (effect("moderate", confirmed=False), effect("moderate", confirmed=False, deferred=True)):
        kept, words = history.settled(failed, CONSERVATIVE, NO_DWELL)
        assert (kept.state.profile, kept.state.switches) == ("conservative", ())
        assert (words is None, kept.pending) == (failed.deferred, not failed.deferred)
    done, _ = history.settled(effect("moderate"), CONSERVATIVE, NO_DWELL)
    assert done.state.profile == "moderate"


def test_nothing_asked_for_changes_nothing():
    history = EdgeHistory(state=EdgeState())
    assert history.settled(None, EdgeState(), POLICY) == (history, None)
    assert not history.pending


def test_changes_are_told_with_their_reasons():
    rows = counted("+---++..+HH+")
    shown = [(row.window.end, row.answer.value) for row in changes_in(rows)]
    assert shown == [
        (end_of(0), "stay"),
        (end_of(3), "degrade"),
        (end_of(4), "stay"),
        (end_of(8), "stay"),
        (end_of(9), "record"),
        (end_of(11), "stay"),
    ]
    assert [row.window.end for row in switches_in(rows)] == [end_of(3)]
    assert len(windows("+-.")) == 2
