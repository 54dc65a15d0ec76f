from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mm_ops.domain.canonical import encode
from mm_ops.domain.notify.notice import Told
from mm_ops.domain.sentinel.freshness import Freshness
from mm_ops.domain.sentinel.notices import NAMED, Memory, plan_notices, plan_outside
from mm_ops.domain.sentinel.standing import Standing, State
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, MINUTE, at

GAP = 10 * MINUTE


def look(now: datetime, **states: str) -> Freshness:
    """``down`` or ``down<a``: down behind a."""
    found = [
        Standing(
            task=name, state=State(said.partition("<")[0]), reason=f"{name} says why", behind=said.partition("<")[2]
        )
        for name, said in states.items()
    ]
    return Freshness(at=now, standings=tuple(found))


class Watch:
    """Looks one after the other, a minute apart; gives what was told of each."""

    def __init__(self) -> None:
        self.memory, self.now = Memory(), at("09:00")

    def look(self, after: timedelta = MINUTE, /, **states: str) -> list[tuple[str, str]]:
        self.now += after
        plan = plan_notices(self.memory, look(self.now, **states), GAP)
        self.memory, self.plan = plan.memory, plan
        return [(one.told.value, one.what) for one in plan.tellings]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_down_is_told_once_and_up_again_once(watch: Watch):
    assert watch.look(a="up") == []
    assert watch.look(a="grace") == []
    assert watch.look(a="down") == [("oncall", "1 task is down: a: a says why")]
    assert watch.look(a="down") == []
    assert watch.look(a="up") == [("team", "a is up again")]
    assert watch.look(a="up") == []


def test_what_is_down_at_the_first_look_is_told_and_what_is_new_is_not(watch: Watch):
    assert watch.look(a="down", b="new") == [("oncall", "1 task is down: a: a says why")]
    assert watch.look(a="down", b="up") == []


def test_many_at_once_are_one_page(watch: Watch):
    names = [f"t{n:02}" for n in range(NAMED + 3)]
    watch.look(**dict.fromkeys(names, "up"))
    ((told, what),) = watch.look(**dict.fromkeys(names, "down"))
    assert told == "oncall"
    assert what.startswith("13 tasks are down: t00: t00 says why; t01")
    assert what.endswith("t09: t09 says why; and 3 more")


OFF = "nobody looked for 24h, since 2026-11-25T09:01:00Z"


def test_a_sentinel_that_was_off_for_a_day_brings_one_page_and_no_storm(watch: Watch):
    watch.look(a="up", b="up", c="up", d="up")
    assert watch.look(24 * HOUR, a="down", b="down", c="down<a", d="down") == []
    ((told, what),) = watch.look(a="down", b="down", c="down<a", d="up")
    assert (told, what) == ("oncall", f"{OFF}; 2 tasks are down: a: a says why; b: b says why")
    assert watch.look(a="down", b="down", c="down<a", d="up") == []


def test_a_sentinel_that_was_off_says_so_when_all_is_well(watch: Watch):
    watch.look(a="up")
    assert watch.look(24 * HOUR, a="up") == []
    assert watch.plan.changed
    assert watch.look(a="up") == [("team", OFF)]
    assert watch.look(GAP, a="up") == []


def test_a_sentinel_that_is_always_late_still_tells(watch: Watch):
    watch.look(a="up")
    watch.look(HOUR, a="down")
    assert watch.look(HOUR, a="down") == [
        ("oncall", "nobody looked for 1h, since 2026-11-25T09:01:00Z; 1 task is down: a: a says why")
    ]


def test_what_stands_behind_another_is_told_only_when_that_one_is_up(watch: Watch):
    assert watch.look(a="down", b="down<a") == [("oncall", "1 task is down: a: a says why")]
    assert watch.look(a="up", b="down") == [
        ("oncall", "1 task is down: b: b says why"),
        ("team", "a is up again"),
    ]


def test_what_was_told_stays_told_while_it_stands_behind_another(watch: Watch):
    watch.look(a="up", b="down")
    assert watch.look(a="down", b="down<a") == [("oncall", "1 task is down: a: a says why")]
    assert watch.look(a="up", b="down") == [("team", "a is up again")]
    assert watch.look(a="up", b="up") == [("team", "b is up again")]


@pytest.mark.parametrize("before", ["up", "started", "grace", "down"])
def test_evidence_that_is_gone_is_told_as_down(watch: Watch, before: str):
    was_told = watch.look(a=before)
    told = watch.look(a="new")
    gone = "1 task is down: a: it has run before, and its evidence is gone: a says why"
    assert told == ([] if was_told else [("oncall", gone)])
    assert watch.look(a="new") == []
    assert watch.look(a="up") == [("team", "a is up again")]


def test_evidence_that_went_while_nobody_looked_is_told_too(watch: Watch):
    watch.look(a="up")
    assert watch.look(24 * HOUR, a="new") == []
    assert [what for _, what in watch.look(a="new")] == [
        f"{OFF}; 1 task is down: a: it has run before, and its evidence is gone: a says why"
    ]
    assert watch.look(a="new") == []


def test_a_pause_before_the_first_run_loses_no_evidence(watch: Watch):
    watch.look(a="paused")
    assert watch.look(a="new") == []


def test_a_pause_forgets_what_was_told(watch: Watch):
    watch.look(a="down")
    assert watch.look(a="paused") == []
    assert watch.look(a="down") == [("oncall", "1 task is down: a: a says why")]


def test_a_task_that_is_taken_out_while_it_is_down_is_told(watch: Watch):
    watch.look(a="down", b="up", c="up")
    assert watch.look(b="up") == [("team", "a is watched no more, and was down")]
    assert watch.look(b="up") == []


def test_on_its_way_up_a_task_is_neither_told_up_nor_down_again(watch: Watch):
    watch.look(a="down")
    assert watch.look(a="started") == []
    assert watch.look(a="down") == []


def test_a_state_has_lasted_since_it_was_first_seen(watch: Watch):
    watch.look(a="down", b="new")
    first = watch.now
    watch.look(a="down", b="new")
    assert [one.since for one in watch.plan.freshness.standings] == [first, None]
    watch.look(a="up")
    assert watch.plan.freshness.standings[0].since == watch.now


def test_a_state_has_lasted_since_the_earlier_of_two_times():
    def told(memory: Memory, now: str, since: str, state: State = State.DOWN) -> tuple[Memory, datetime | None]:
        standing = Standing(task="a", state=state, reason="why", since=at(since))
        plan = plan_notices(memory, Freshness(at=at(now), standings=(standing,)), GAP)
        return plan.memory, plan.freshness.standings[0].since

    memory, _ = told(Memory(), "09:00", "08:00")
    assert told(memory, "09:01", "08:30")[1] == at("08:00")
    assert told(memory, "09:01", "07:30")[1] == at("07:30")
    memory, _ = told(Memory(), "09:00", "08:00", State.GRACE)
    assert told(memory, "09:01", "08:30", State.GRACE)[1] == at("08:30")


def test_nothing_has_changed_when_nothing_has(watch: Watch):
    watch.look(a="up", b="down")
    assert watch.plan.changed
    watch.look(a="up", b="down")
    assert not watch.plan.changed
    watch.look(a="grace", b="down")
    assert watch.plan.changed


def test_what_is_remembered_survives_a_restart(watch: Watch):
    watch.look(a="down", b="up")
    adapter = TypeAdapter(Memory)
    assert adapter.validate_json(encode(watch.memory)) == watch.memory
    assert adapter.validate_json(adapter.dump_json(watch.memory)) == watch.memory


def test_the_second_request_outside_that_fails_is_told_and_so_is_the_first_that_does_not():
    memory, told = Memory(), []
    for said in ("", "answered 500", "", "answered 500", "no answer", "no answer", "", ""):
        memory, tellings = plan_outside(memory, said)
        told.append([one.what for one in tellings])
    assert told == [[], [], [], [], ["no answer"], [], ["the outside heartbeat is taken again"], []]
    assert (memory.outside, memory.outside_failed) == ("", 0)


STATES = st.sampled_from(["up", "down", "grace", "new", "started", "paused"])


@given(st.lists(st.fixed_dictionaries({"a": STATES, "b": STATES, "c": STATES}), max_size=12), st.data())
def test_looking_twice_tells_nothing_twice(looks: list[dict[str, str]], data: st.DataObject):
    once, often = Watch(), Watch()
    told = [what for states in looks for what in once.look(**states)]
    told_often = []
    for states in looks:
        told_often += often.look(**states)
        for _ in range(data.draw(st.integers(0, 2))):
            assert often.look(timedelta(0), **states) == []
    assert told_often == told


def test_a_telling_says_what_to_do():
    (telling,) = plan_notices(Memory(), look(at("09:00"), a="down"), GAP).tellings
    assert telling.told is Told.ONCALL
    assert telling.about.alert == "cron_freshness"
    assert "mm-ops sentinel cron" in telling.about.todo
