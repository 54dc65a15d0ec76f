from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.backstop import Active, Posted, Seen, date_strangers, find_unheard, start_of, write_payload
from mm_ops.domain.rollback.payload import parse_payload
from mm_ops_tests.rollback_world import NOW, POLICY, alert

MINUTE = timedelta(minutes=1)
HOLD = 10 * MINUTE
FIRED = NOW - 5 * MINUTE
ACTIVE_AT = FIRED - HOLD - timedelta(seconds=2, microseconds=-345)
LATENCY = alert(starts_at=FIRED)
ACTIVE = Active(alert(starts_at=ACTIVE_AT), HOLD)
SILENCED = Posted(LATENCY, "silenced by 7f")
Starts = Mapping[datetime, datetime]


@dataclass(frozen=True)
class Case:
    says: str
    posted: tuple[Posted, ...] | None
    active: tuple[Active, ...] | None
    starts: Starts = field(default_factory=dict)
    expected: tuple[datetime, ...] = ()
    suppressed: frozenset[str] = frozenset()


def ago(**spent: float) -> datetime:
    return NOW - timedelta(**spent)


CASES = [
    Case("nothing fires", (), ()),
    Case("neither answers", None, None),
    Case("what Alertmanager has is handed in", (Posted(LATENCY),), (), expected=(FIRED,)),
    Case("both have it: one episode, with Alertmanager's start", (Posted(LATENCY),), (ACTIVE,), expected=(FIRED,)),
    Case("what was heard just now is not", (Posted(LATENCY),), (ACTIVE,), {FIRED: ago(seconds=79)}),
    Case("what was heard too long ago is", (Posted(LATENCY),), (), {FIRED: ago(seconds=80)}, (FIRED,)),
    Case(
        "another episode of the same labels says nothing of this one",
        (Posted(LATENCY),),
        (),
        {FIRED - timedelta(days=1): ago(seconds=1)},
        (FIRED,),
    ),
    Case("what is silenced is not, whoever tells of it", (SILENCED,), (ACTIVE,)),
    Case("nor while Alertmanager is away", None, (ACTIVE,), suppressed=frozenset({LATENCY.fingerprint})),
    Case(
        "Alertmanager is dead: the start is the first firing",
        None,
        (replace(ACTIVE, fired_at=FIRED),),
        expected=(FIRED,),
    ),
    Case("Alertmanager does not have it", (), (replace(ACTIVE, fired_at=FIRED),), expected=(FIRED,)),
    Case(
        "Alertmanager may still get it",
        (),
        (replace(ACTIVE, fired_at=ago(seconds=29)),),
    ),
    Case("by its rule it may not fire for long", None, (Active(alert(starts_at=NOW - HOLD), HOLD),)),
    Case("no first firing was found: its activeAt", None, (ACTIVE,), expected=(ACTIVE_AT,)),
    Case(
        "the journal knows the breach by Alertmanager's start: heard just now",
        None,
        (replace(ACTIVE, fired_at=ago(seconds=31)),),
        {FIRED: ago(seconds=10)},
    ),
    Case(
        "the journal knows the breach, and heard of it too long ago",
        None,
        (ACTIVE,),
        {FIRED: ago(minutes=2)},
        (FIRED,),
    ),
    Case(
        "the journal knows an older breach only",
        None,
        (replace(ACTIVE, fired_at=FIRED),),
        {ACTIVE_AT - timedelta(milliseconds=1): ago(seconds=10)},
        (FIRED,),
    ),
    Case(
        "of several starts in one breach the first stands for it",
        None,
        (ACTIVE,),
        {FIRED: ago(minutes=3), FIRED + MINUTE: ago(seconds=5)},
        (FIRED,),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_what_is_handed_in(case: Case):
    seen = Seen(posted=case.posted, active=case.active, suppressed=case.suppressed)
    found = find_unheard(seen, {LATENCY.fingerprint: case.starts}, POLICY, NOW)
    assert [one.starts_at for one in found] == list(case.expected)
    assert all((one.name, one.bot, one.firing) == (LATENCY.name, "paper", True) for one in found)


def test_a_start_is_the_same_to_the_millisecond():
    """Alertmanager's API cuts, Prometheus writes nanoseconds: without a hold both are one moment."""
    at = datetime(2026, 11, 25, 8, 28, 19, 777912, UTC)
    active = Active(alert(starts_at=at), timedelta(0))
    assert start_of(active, {at.replace(microsecond=777000): NOW}) == at.replace(microsecond=777000)
    assert start_of(active, {at.replace(microsecond=776999): NOW}) is None


def test_what_is_told_once_is_handed_in_once_and_what_must_be_heard_again_is():
    names = ["SoakWSLagHigh", "SoakMetricAbsent", "Watchdog", "SoakLatencyP95High", "SoakOfAnotherTeam"]
    posted = tuple(Posted(alert(name, starts_at=FIRED)) for name in names)
    seen = Seen(posted=posted, active=None)
    first = [one.name for one in find_unheard(seen, {}, POLICY, NOW)]
    assert first == ["SoakLatencyP95High", "Watchdog", "SoakMetricAbsent", "SoakWSLagHigh"]
    known = {one.alert.fingerprint: {FIRED: NOW} for one in posted}
    again = [one.name for one in find_unheard(seen, known, POLICY, NOW + MINUTE * 60)]
    assert again == ["SoakLatencyP95High", "Watchdog"]


def test_the_watchdog_is_handed_in_before_its_silence_makes_blind():
    """80 s and the next look after 5 s, of 90 s."""
    assert POLICY.backstop.heard_within + POLICY.backstop.every == timedelta(seconds=85)
    assert POLICY.blind_after.length == timedelta(seconds=90)


@given(
    start=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001 - the zone is the next line's
    labels=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.text("ab")),
)
def test_what_is_handed_in_is_read_as_it_was(start: datetime, labels: dict[str, str]):
    named: dict[str, Any] = {f"x{name}": value for name, value in labels.items()}
    one = alert(starts_at=start.replace(tzinfo=UTC), **named)
    payload = parse_payload(write_payload(one, "backstop"))
    assert payload.complete
    assert payload.alerts == (one,)
    assert write_payload(one, "backstop") == write_payload(one, "backstop")


@given(
    heard=st.lists(st.integers(0, 600), max_size=4),
    fired=st.one_of(st.none(), st.integers(0, 600)),
    posted=st.sampled_from([None, (), (Posted(LATENCY),)]),
)
def test_handed_in_and_heard_nothing_is_due_whoever_tells_of_it(
    heard: list[int], fired: int | None, posted: tuple[Posted, ...] | None
):
    """One breach, told by either or both, is one episode: what the journal has heard just now is not handed in."""
    active = replace(ACTIVE, fired_at=None if fired is None else ACTIVE_AT + timedelta(seconds=fired))
    seen = Seen(posted=posted, active=(active,))
    known = {ACTIVE_AT + HOLD + timedelta(seconds=one): NOW - timedelta(seconds=200) for one in heard}
    first = find_unheard(seen, {LATENCY.fingerprint: known}, POLICY, NOW)
    after: dict[str, Starts] = {LATENCY.fingerprint: {**known, **{one.starts_at: NOW for one in first}}}
    assert len(first) <= 1
    assert find_unheard(seen, after, POLICY, NOW) == []


def test_one_alert_twice_in_a_source_is_one():
    twice: tuple[Posted, ...] = (Posted(LATENCY), Posted(LATENCY))
    found: list[Alert] = find_unheard(Seen(posted=twice, active=None), {}, POLICY, NOW)
    assert found == [LATENCY]


def test_only_what_nobody_else_can_date_is_looked_for():
    other, known = (Active(alert(starts_at=ACTIVE_AT, symbol=name), HOLD) for name in ("BTC", "ETH"))
    seen = Seen(posted=(Posted(LATENCY),), active=(ACTIVE, other, known))
    dated = date_strangers(seen, {known.alert.fingerprint: {FIRED: NOW}}, lambda _: FIRED)
    assert dated == replace(seen, active=[ACTIVE, replace(other, fired_at=FIRED), known])
    assert date_strangers(Seen(posted=(), active=None), {}, lambda _: FIRED).active is None


def test_strangers_are_those_that_alertmanager_does_not_have():
    other = Active(alert(starts_at=ACTIVE_AT, symbol="BTC"), HOLD)
    seen = Seen(posted=(Posted(LATENCY),), active=(ACTIVE, other))
    assert seen.strangers() == [other]
    assert seen.fingerprints == {LATENCY.fingerprint, other.alert.fingerprint}
    assert Seen(posted=None, active=None).fingerprints == frozenset()
