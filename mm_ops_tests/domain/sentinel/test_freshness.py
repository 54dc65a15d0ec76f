from datetime import timedelta

import pytest

from mm_ops.domain.sentinel.freshness import document_of, finding_of_task, judge_tasks, rows_of
from mm_ops.domain.sentinel.runs import Evidence, Run
from mm_ops.domain.sentinel.standing import State
from mm_ops.domain.sentinel.tasks import Task
from mm_ops.domain.verdict import Severity, Verdict
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, SKEW, at, cron, known, max_age, run, task
from mm_ops_tests.domain.sentinel.test_standing import pause

UP, LATE = known(run(None, "08:00")), known(run(None, "2026-11-20T00:40"))
NOW = "09:00"


def states(tasks: list[Task], evidence: dict[str, Evidence], now: str = NOW) -> dict[str, tuple[State, str]]:
    return {one.task: (one.state, one.behind) for one in judge_tasks(tasks, evidence, at(now), SKEW).standings}


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ({"a": UP, "b": UP}, Verdict.PASS),
        ({"a": UP, "b": Evidence()}, Verdict.INCONCLUSIVE),
        ({"a": UP, "b": LATE}, Verdict.FAIL),
        ({"a": Evidence(), "b": LATE}, Verdict.FAIL),
        ({"a": UP}, Verdict.FAIL),
    ],
)
def test_one_that_is_down_fails_all_and_one_that_is_new_decides_nothing(
    evidence: dict[str, Evidence], verdict: Verdict
):
    assert judge_tasks([task("a"), task("b")], evidence, at(NOW), SKEW).verdict is verdict


def test_what_is_paused_is_left_out_of_the_verdict():
    paused = task("b", paused=pause("01:00", "10:00"))
    assert judge_tasks([task("a"), paused], {"a": UP, "b": LATE}, at(NOW), SKEW).verdict is Verdict.PASS


def test_what_was_not_read_is_down():
    (standing,) = judge_tasks([task("a")], {}, at(NOW), SKEW).standings
    assert (standing.state, standing.reason) == (State.DOWN, "its evidence was not read")


CHAIN = [task("a"), task("b", needs=("a",)), task("c", needs=("b",)), task("d")]


def test_what_comes_after_a_late_task_stands_behind_it():
    late = dict.fromkeys("abcd", LATE)
    assert states(CHAIN, late) == {
        "a": (State.DOWN, ""),
        "b": (State.DOWN, "a"),
        "c": (State.DOWN, "b"),
        "d": (State.DOWN, ""),
    }


def test_it_stands_behind_a_late_task_however_far_above():
    assert states(CHAIN, {"a": LATE, "b": UP, "c": LATE, "d": UP})["c"] == (State.DOWN, "a")


def test_it_stands_behind_nobody_when_all_above_are_well_by_whatever_way():
    two_ways = [*CHAIN[:3], task("d", needs=("b", "c"))]
    assert states(two_ways, {"a": UP, "b": UP, "c": UP, "d": LATE})["d"] == (State.DOWN, "")


def test_what_is_up_stands_behind_nobody():
    assert states(CHAIN, {"a": LATE, "b": UP, "c": UP, "d": UP})["b"] == (State.UP, "")


@pytest.mark.parametrize(
    ("parent", "evidence", "behind"),
    [
        (task("a", due=max_age(24, 100 * HOUR)), LATE, "a"),  # in its grace
        (task("a", due=cron("30 8 * * *")), known(run("2026-11-24T08:30", "2026-11-24T09:00"), run("08:35")), "a"),
        (task("a", due=cron("30 8 * * *")), known(run("2026-11-24T08:30", "2026-11-24T09:00"), run("08:25")), ""),
        (task("a"), known(run("08:55")), ""),  # it runs for the first time: it is due for nothing
        (task("a"), Evidence(), ""),  # nobody is told of what has never run
        (task("a", paused=pause("01:00", "10:00")), LATE, ""),
    ],
)
def test_only_a_task_that_is_late_explains_another(parent: Task, evidence: Evidence, behind: str):
    found = states([parent, task("b", needs=("a",))], {"a": evidence, "b": LATE}, "08:59")
    assert found["b"] == (State.DOWN, behind)


@pytest.mark.parametrize(
    ("one", "evidence", "verdict", "severity"),
    [
        (task(), UP, Verdict.PASS, Severity.HARD),
        (task(), LATE, Verdict.FAIL, Severity.HARD),
        (task(), Evidence(), Verdict.INCONCLUSIVE, Severity.SOFT),
        (task(paused=pause("01:00", "10:00")), UP, Verdict.INCONCLUSIVE, Severity.SOFT),
    ],
)
def test_a_check_passes_on_a_task_that_is_well(one: Task, evidence: Evidence, verdict: Verdict, severity: Severity):
    (standing,) = judge_tasks([one], {"backup": evidence}, at(NOW), SKEW).standings
    finding = finding_of_task(standing)
    assert (finding.gate, finding.verdict, finding.severity) == ("backup", verdict, severity)
    assert finding.reason.startswith(f"{standing.state.value}: ")


def test_the_table_says_all_of_it():
    tasks = [task("a", due=max_age(24)), task("b", needs=("a",), due=max_age(24)), task("c")]
    evidence = {"a": LATE, "b": LATE, "c": Evidence(runs=(Run(ended_at=at(NOW) + timedelta(seconds=1)),))}
    first, second, third = rows_of(tasks, judge_tasks(tasks, evidence, at(NOW), SKEW))
    assert first == {
        "task": "a",
        "proof": "heartbeat a",
        "due": "2026-11-21T00:40:00Z",
        "last_seen": "2026-11-20T00:40:00Z",
        "age": "128h20m",
        "state": "down",
        "since": "2026-11-21T00:40:00Z",
        "why": "it was due at 2026-11-21T00:40:00Z and had not run by 2026-11-21T00:40:00Z",
    }
    assert second["why"].endswith(" (behind a)")
    assert third["age"] == "0s"
    (new,) = rows_of([task("a")], judge_tasks([task("a")], {"a": Evidence()}, at(NOW), SKEW))
    assert (new["due"], new["age"], new["state"]) == ("", "", "new")


def test_all_of_it_is_plain_values():
    freshness = judge_tasks([task("a")], {"a": UP}, at(NOW), SKEW)
    assert set(document_of(freshness)) == {"at", "verdict", "tasks"}
