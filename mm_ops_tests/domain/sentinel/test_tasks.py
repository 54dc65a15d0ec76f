from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.notify.policy import Rate
from mm_ops.domain.sentinel.tasks import (
    AssetProof,
    Content,
    FileProof,
    Task,
)
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, MINUTE, at, policy, task

ASSET = AssetProof(kind="asset", key="paper/soak_metrics")
FILE = FileProof(kind="file", glob="var/x/*.json")


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


@pytest.mark.parametrize(
    ("fields", "depth"),
    [({}, 3), ({"recovery": 3}, 7), ({"at_most": Rate(most=9, within=HOUR, source="made up for a test")}, 10)],
)
def test_it_is_known_how_many_runs_must_be_read(fields: dict[str, Any], depth: int):
    assert task(**fields).depth == depth


def test_a_file_task_may_ask_for_content():
    assert task(proof=FILE, content=Content()).content == Content()
