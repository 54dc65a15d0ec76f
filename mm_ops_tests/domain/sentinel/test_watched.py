from collections.abc import Sequence

import pytest

from mm_ops.domain.bots import HttpControl
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sentinel.tasks import (
    AssetProof,
    FileProof,
    HeartbeatProof,
    JobProof,
    Proof,
    TickProof,
    Which,
    words_of,
)
from mm_ops.domain.sentinel.watched import needed_by, tasks_of
from mm_ops_tests.domain.sentinel.cron_tasks import bot, policy, task

BOTS = (bot("mm1"), bot("mm2"))


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


def test_what_only_some_bots_have_is_watched_of_those():
    control = HttpControl(kind="http", url="http://127.0.0.1:9108")
    fleet = (bot("paper"), bot("mm1", control=control), bot("mm2", control=control, drill="live"))
    each = AssetProof(kind="asset", key="{bot}/x")
    wanted = policy(
        task("a", proof=each, bots=Which.CONTROLLED),
        task("b", proof=each, needs=("a", "d")),
        task("c", needs=("a", "d")),
        task("d", bots=Which.DRILLED),
    )
    needs = {one.name: one.needs for one in tasks_of(wanted, fleet)}
    assert needs == {
        "a_mm1": (),
        "a_mm2": (),
        "b_paper": ("d",),
        "b_mm1": ("a_mm1", "d"),
        "b_mm2": ("a_mm2", "d"),
        "c": ("a_mm1", "a_mm2", "d"),
        "d": (),
    }
    assert {one.name: one.needs for one in tasks_of(wanted, fleet[:1])} == {"b_paper": (), "c": ()}


def test_names_that_do_not_fit_with_the_bots_are_refused():
    each = AssetProof(kind="asset", key="{bot}/x")
    with pytest.raises(PolicyError, match="with the bots' names two are called a_mm1"):
        tasks_of(policy(task("a", proof=each), task("a_mm1")), BOTS)
    with pytest.raises(PolicyError, match=r"with a bot.s name: .*at most 64 characters"):
        tasks_of(policy(task("a" * 62, proof=each)), BOTS)


@pytest.mark.parametrize(
    ("chosen", "expected"), [((), "a b c d"), (("d",), "d"), (("c",), "a b c"), (("b", "d"), "a b d")]
)
def test_a_task_is_judged_with_all_that_it_needs(chosen: tuple[str, ...], expected: str):
    tasks = [task("a"), task("b", needs=("a",)), task("c", needs=("b", "a")), task("d")]
    assert " ".join(one.name for one in needed_by(tasks, chosen)) == expected


def test_a_task_that_there_is_not_is_refused():
    with pytest.raises(PolicyError, match="--task: no task x; there are: a, b"):
        needed_by([task("a"), task("b")], ("x",))
