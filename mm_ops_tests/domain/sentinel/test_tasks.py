from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.notify.policy import Length
from mm_ops.domain.sentinel.tasks import (
    AssetProof,
    AtMost,
    Content,
    CronPolicy,
    FileProof,
    HeartbeatProof,
    JobProof,
    Proof,
    Task,
    TickProof,
    tasks_of,
    words_of,
)
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, MINUTE, at, task

ASSET = AssetProof(kind="asset", key="paper/soak_metrics")
FILE = FileProof(kind="file", glob="var/x/*.json")


def policy(*tasks: Task) -> CronPolicy:
    length = Length(length=MINUTE, source="made up for a test")
    return CronPolicy(
        tasks=tasks, clock_skew=length, attempt=length, gap=length, told_at_least=length, source="made up for a test"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"proof": ASSET, "min_duration": MINUTE},
            "min_duration: expected a job or a heartbeat: a asset shows no start",
        ),
        ({"content": Content()}, "content: expected an asset or a file: a heartbeat has none"),
        ({"proof": ASSET, "content": Content()}, "content: expected a field: what an asset shows is the metadata"),
        ({"needs": ("backup",)}, "needs: expected each once, and not the task itself"),
        ({"needs": ("a", "a")}, "needs: expected each once"),
        (
            {"paused": {"since": at("05:00"), "until": at("05:00"), "by": "ada", "reason": "exchange"}},
            "Input should be",
        ),
        ({"recovery": 0}, "greater than or equal to 1"),
        ({"name": "No Name"}, "should match pattern"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(fields: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        task(**fields)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (Content, {"field": "verdict"}, "content: expected field and expected together, or neither"),
        (Content, {"expected": ("GO",)}, "content: expected field and expected together"),
        (Content, {"non_empty": False}, "content: expected something to be asked for"),
        (AtMost, {"runs": 1, "within": 0 * HOUR}, "within: expected more than 0s"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(kind: Any, fields: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        kind(**fields)


def test_a_pause_ends_after_it_begins():
    told = '{"since": "2026-11-25T05:00:00Z", "until": "2026-11-25T05:00:00Z", "by": "ada", "reason": "exchange"}'
    with pytest.raises(ValidationError, match="until: expected a time after since"):
        TypeAdapter(Task.__annotations__["paused"]).validate_json(told)


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"a": (), "b": ("c",)}, "b: needs: no task c"),
        ({"a": ("b",), "b": ("a",), "c": ()}, "needs: expected no circle, was one among a, b"),
        ({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("a",)}, "no circle, was one among a, b, c, d"),
    ],
)
def test_tasks_come_after_tasks_that_there_are(needs: dict[str, tuple[str, ...]], words: str):
    with pytest.raises(ValidationError, match=words):
        policy(*(task(name, needs=wanted) for name, wanted in needs.items()))


def test_two_tasks_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="expected every name once, was twice: a"):
        policy(task("a"), task("a"))


BOTS = ("mm1", "mm2")


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        (AssetProof(kind="asset", key="{bot}/edge_report"), ["asset mm1/edge_report", "asset mm2/edge_report"]),
        (FileProof(kind="file", glob="var/{bot}/*"), ["file var/mm1/*", "file var/mm2/*"]),
        (HeartbeatProof(kind="heartbeat", task="backup-{bot}"), ["heartbeat backup-mm1", "heartbeat backup-mm2"]),
        (JobProof(kind="job", name="nightly", tags={"mm_ops/bot": "{bot}"}), ["job nightly", "job nightly"]),
        (TickProof(kind="tick", name="rollback_sensor"), ["ticks of rollback_sensor"]),
        (TickProof(kind="tick", name="{bot}_sensor"), ["ticks of mm1_sensor", "ticks of mm2_sensor"]),
    ],
)
def test_a_task_of_each_bot_is_one_of_every_bot(proof: Proof, expected: Sequence[str]):
    tasks = tasks_of(policy(task("one", proof=proof)), BOTS)
    assert [words_of(one.proof) for one in tasks] == expected
    assert [one.name for one in tasks] == (["one_mm1", "one_mm2"] if len(expected) > 1 else ["one"])


def test_a_job_of_each_bot_is_found_by_the_tag():
    proof = JobProof(kind="job", name="nightly", tags={"mm_ops/bot": "{bot}"})
    found = [one.proof for one in tasks_of(policy(task(proof=proof)), BOTS)]
    assert [one.tags for one in found if isinstance(one, JobProof)] == [{"mm_ops/bot": "mm1"}, {"mm_ops/bot": "mm2"}]


def test_what_tasks_of_each_bot_need_is_of_the_same_bot():
    each = AssetProof(kind="asset", key="{bot}/x")
    wanted = policy(task("a", proof=each), task("b", proof=each, needs=("a", "c")), task("c"), task("d", needs=("a",)))
    needs = {one.name: one.needs for one in tasks_of(wanted, BOTS)}
    assert needs == {
        "a_mm1": (),
        "a_mm2": (),
        "b_mm1": ("a_mm1", "c"),
        "b_mm2": ("a_mm2", "c"),
        "c": (),
        "d": ("a_mm1", "a_mm2"),
    }


def test_names_that_do_not_fit_with_the_bots_are_refused():
    each = AssetProof(kind="asset", key="{bot}/x")
    with pytest.raises(PolicyError, match="with the bots' names two are called a_mm1"):
        tasks_of(policy(task("a", proof=each), task("a_mm1")), BOTS)
    with pytest.raises(PolicyError, match=r"with a bot.s name: .*at most 64 characters"):
        tasks_of(policy(task("a" * 62, proof=each)), BOTS)


@pytest.mark.parametrize(
    ("fields", "depth"), [({}, 3), ({"recovery": 3}, 7), ({"at_most": AtMost(runs=9, within=HOUR)}, 10)]
)
def test_it_is_known_how_many_runs_must_be_read(fields: dict[str, Any], depth: int):
    assert task(**fields).depth == depth


def test_a_file_task_may_ask_for_content():
    assert task(proof=FILE, content=Content()).content == Content()
