from dataclasses import replace

import numpy as np
import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.rollback.about import BY_HAND
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.build import Metrics, Release, build_report, next_steps
from mm_ops.domain.rollback.report.charts import draw_around
from mm_ops.domain.rollback.report.story import Story
from mm_ops.domain.rollback.stop import ActionState
from mm_ops_tests.rollback_world import ACTIVE, POLICY
from mm_ops_tests.stopped_site import samples_around
from mm_ops_tests.stories import (
    AROUND,
    SLIS,
    SOAK,
    UNCONFIRMED,
    WINDOW,
    action,
    after,
    resume,
    stop,
    story,
)

METRICS = Metrics(
    source="recording x",
    window=WINDOW,
    whole=True,
    charts=draw_around(SLIS, SOAK, samples_around(AROUND.stopped), AROUND),
    versions=["1.0.1"],
)
RELEASE = Release(version="1.0.0", known_good="good.json", known_good_version="0.9.0")


def steps(one: Story) -> str:
    return "\n".join(next_steps(one, POLICY))


def test_the_times_of_a_stop_are_told_in_milliseconds():
    report = build_report(story(), METRICS, RELEASE, POLICY)
    assert (report["breach_to_halt_ms"], report["receive_to_halt_ms"]) == (90_040.0, 40.0)
    (only,) = report["rounds"]
    assert only["took_ms"] == 35.0
    assert report["halted_at"] == after(40)
    assert [one["took_ms"] for one in only["actions"]] == [15.5] * 4
    assert build_report(story(received_at=None), METRICS, RELEASE, POLICY)["receive_to_halt_ms"] is None


def test_a_halt_counts_from_the_round_that_was_confirmed_and_an_unconfirmed_one_is_none():
    second = stop(round=2, claimed_at=after(30_000), finished_at=after(30_040))
    report = build_report(story(stop(**UNCONFIRMED), second), METRICS, RELEASE, POLICY)
    assert (report["breach_to_halt_ms"], report["receive_to_halt_ms"]) == (120_040.0, 30_040.0)
    report = build_report(story(stop(**UNCONFIRMED)), METRICS, RELEASE, POLICY)
    assert (report["halted_at"], report["breach_to_halt_ms"], report["receive_to_halt_ms"]) == (None, None, None)


def test_what_was_asked_stands_beside_what_was_observed():
    failed = action(
        ActionName.HALT,
        state=ActionState.UNCONFIRMED,
        observed=ACTIVE,
        settled_at=None,
        attempts=4,
        reason="was ACTIVE",
    )
    unseen = action(ActionName.FREEZE_ORDERS, observed=None)
    report = build_report(
        story(stop(**UNCONFIRMED, actions=(failed, action(ActionName.SCALE_TO_ZERO), unseen))), METRICS, RELEASE, POLICY
    )
    halt, scale, freeze = report["rounds"][0]["actions"]
    assert (halt["asked"], halt["observed"]) == ("trading_state = HALTED", "trading_state = ACTIVE")
    assert (halt["attempts"], halt["took_ms"], halt["reason"], halt["open_orders"]) == (4, None, "was ACTIVE", 4)
    assert (scale["asked"], scale["observed"]) == ("strategy_scale = 0", "strategy_scale = 0")
    assert (freeze["asked"], freeze["observed"], freeze["open_orders"]) == ("orders_frozen = yes", None, None)
    assert report["answer"] == "unconfirmed"


def test_a_version_that_is_not_the_expected_one_is_named():
    report = build_report(story(), METRICS, RELEASE, POLICY)
    assert report["release"] == {
        "expected": "1.0.0",
        "by_metrics": ["1.0.1"],
        "by_state": ["1.0.0"],
        "other_than_expected": ["1.0.1"],
        "known_good": "good.json",
        "known_good_version": "0.9.0",
        "go_back": "",
    }


def test_where_versions_are_promoted_the_report_names_the_one_to_go_back_to():
    release = replace(RELEASE, go_back="live is 1.0.0; go back to 0.9.0 (b.zip, sha256:1)")
    report = build_report(story(), METRICS, release, POLICY)
    (step,) = [one for one in report["next_steps"] if "go back" in one]
    assert step.startswith("if it is the version: live is 1.0.0; go back to 0.9.0 (b.zip, sha256:1); deploy that one")
    assert "`mm-ops bundle back --bot paper --by NAME --why TEXT`" in step


def test_each_indicator_has_its_worst_and_its_last_value_and_those_without_samples_are_named():
    metrics = build_report(story(), METRICS, RELEASE, POLICY)["metrics"]
    found = {one["name"]: one for one in metrics["indicators"]}
    assert (found["orders_sent"]["worst"], found["orders_sent"]["last"]) == (40.0, 0.0)
    assert (found["ws_lag_max_ms"]["worst"], found["ws_lag_max_ms"]["last"]) == (80.0, 60.0)
    assert found["ws_lag_max_ms"]["limit"] == 200.0
    assert found["orders_open"]["samples"] == 120
    assert "maker_share" in metrics["without_samples"]
    assert not set(found) & set(metrics["without_samples"])
    assert (metrics["missing"], metrics["whole"]) == (None, True)


def test_metrics_that_are_missing_say_why():
    missing = Metrics(source="prometheus x", window=WINDOW, whole=False, missing="refused")
    metrics = build_report(story(), missing, RELEASE, POLICY)["metrics"]
    assert (metrics["missing"], metrics["indicators"]) == ("refused", [])


def test_a_report_is_the_same_bytes_each_time_and_holds_no_number_that_is_none():
    made = [encode(build_report(story(resumes=(resume(),)), METRICS, replace(RELEASE), POLICY)) for _ in range(2)]
    assert made[0] == made[1]
    assert not np.isnan(METRICS.drawn[0].values[1:]).any()


@pytest.mark.parametrize(
    ("one", "said", "unsaid"),
    [
        (story(), ["wiki/latency.md", "--to REDUCING", "reason of 10 letters"], [BY_HAND, "rounds"]),
        (story(stop(**UNCONFIRMED)), [BY_HAND], []),
        (story(stop(finished_at=None, confirmed=False)), [BY_HAND], []),
        (story(annotations={}), ["deploy/runbooks/SoakLatencyP95High.md"], []),
        (story(stop(**UNCONFIRMED), stop(round=2, claimed_at=after(30_000))), ["it took 2 rounds"], [BY_HAND]),
        (story(resumes=(resume(),)), ["watch the bot: it was resumed to REDUCING", "--to ACTIVE"], ["--to REDUCING"]),
        (story(resumes=(resume(confirmed=False),)), ["--to REDUCING"], ["watch"]),
        (story(resumes=(resume(TradingState.ACTIVE),)), ["resumed to ACTIVE"], ["halt resume"]),
    ],
)
def test_a_person_is_told_what_comes_next(one: Story, said: list[str], unsaid: list[str]):
    told = steps(one)
    assert [words for words in said if words not in told] == []
    assert [words for words in unsaid if words in told] == []
