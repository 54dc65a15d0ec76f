from datetime import timedelta

from hypothesis import given

from mm_ops.domain.sentinel.history import Change, replay_tasks
from mm_ops.domain.sentinel.runs import Evidence, Run, in_order
from mm_ops.domain.sentinel.standing import State, judge_task
from mm_ops.domain.sentinel.tasks import Task
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.domain.sentinel.cron_tasks import SKEW, at, known, max_age, run, task
from mm_ops_tests.domain.sentinel.test_standing import RUNS, TASKS, pause

DAYS = TimeWindow(at("2026-11-23T00:00"), at("2026-11-26T00:00"))


def told(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(one.task, f"{one.at:%d %H:%M}", one.state.value) for one in changes]


def test_each_change_is_told_with_its_time():
    runs = [
        run("2026-11-22T00:30", "2026-11-22T00:50"),
        run("2026-11-23T00:35", "2026-11-23T00:55"),
        run("01:00", "01:20"),
    ]
    changes = replay_tasks([task("a")], {"a": known(*runs)}, DAYS, SKEW)
    assert told(changes) == [
        ("a", "23 00:00", "up"),
        ("a", "23 00:30", "grace"),
        ("a", "23 00:35", "started"),
        ("a", "23 00:55", "up"),
        ("a", "24 00:30", "grace"),
        ("a", "24 00:40", "down"),
        ("a", "25 01:20", "up"),
    ]
    assert changes[0].before is None
    assert changes[5].before is State.GRACE
    assert "it was due at 2026-11-24T00:30:00Z" in changes[5].reason


def test_tasks_are_told_in_the_order_of_time():
    evidence = {"a": known(run(None, "2026-11-23T12:00")), "b": known(run(None, "2026-11-23T06:00"))}
    changes = replay_tasks([task("a", due=max_age(24)), task("b", due=max_age(24))], evidence, DAYS, SKEW)
    assert told(changes) == [
        ("a", "23 00:00", "new"),
        ("b", "23 00:00", "new"),
        ("b", "23 06:00", "up"),
        ("a", "23 12:00", "up"),
        ("b", "24 06:00", "down"),
        ("a", "24 12:00", "down"),
    ]


def test_the_last_end_is_known_however_many_have_begun_since():
    begun = [run(f"2026-11-{day}T{hour:02}:00") for day in (23, 24, 25) for hour in range(24)]
    often = task(due=max_age(20), overlap="allow")
    ended = run("2026-11-22T00:00", "2026-11-22T23:00")
    for runs, down in (([ended, *begun], "23 19:00"), (begun, "23 20:00")):
        changes = replay_tasks([often], {"backup": known(*runs)}, DAYS, SKEW)
        assert told(changes)[1:] == [("backup", down, "down")]


def test_a_pause_begins_and_ends_in_time():
    one = task(due=max_age(24), paused=pause("2026-11-24T03:00", "2026-11-24T09:00"))
    changes = replay_tasks([one], {"backup": known(run(None, "2026-11-23T01:00"))}, DAYS, SKEW)
    assert told(changes)[2:] == [
        ("backup", "24 01:00", "down"),
        ("backup", "24 03:00", "paused"),
        ("backup", "24 09:00", "down"),
    ]


def test_a_task_without_history_is_new_all_along():
    assert told(replay_tasks([task("a")], {}, DAYS, SKEW)) == [("a", "23 00:00", "new")]


@given(TASKS, RUNS)
def test_the_replay_says_at_every_moment_what_was_said_live(one: Task, runs: list[Run]):
    evidence = Evidence(runs=in_order(runs))
    window = TimeWindow(at("2026-11-20T00:00"), at("2026-11-26T00:00"))
    changes = replay_tasks([one], {one.name: evidence}, window, SKEW)
    for hours in range(0, 144, 3):
        now = window.start + timedelta(hours=hours, minutes=hours % 7)
        state = [change.state for change in changes if change.at <= now][-1]
        assert judge_task(one, evidence.as_of(now), now, SKEW).state is state
