from datetime import timedelta
from typing import Any

import pytest

from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.build import Metrics, Release, build_report
from mm_ops.domain.rollback.report.charts import draw_around
from mm_ops.domain.rollback.report.story import StopRecord
from mm_ops.domain.rollback.report.text import headline, milliseconds, report_markdown, stamp
from mm_ops_tests.rollback_world import NOW, POLICY
from mm_ops_tests.stopped_site import samples_around
from mm_ops_tests.stories import AROUND, SLIS, SOAK, UNCONFIRMED, WINDOW, action, after, stop, story

CHARTS = draw_around(SLIS, SOAK, samples_around(NOW), AROUND)
WHOLE = Metrics(source="recording x", window=WINDOW, whole=True, charts=CHARTS)
NONE_NAMED = Release(version="1.0.0", known_good=None, known_good_version=None)


def report(*rounds: StopRecord, metrics: Metrics = WHOLE, release: Release = NONE_NAMED) -> dict[str, Any]:
    return build_report(story(*rounds), metrics, release, POLICY)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (stop(), "paper was stopped for SoakLatencyP95High; what was asked was read back."),
        (
            stop(**UNCONFIRMED),
            f"paper was to be stopped for SoakLatencyP95High, and it is NOT confirmed: {UNCONFIRMED['faults'][0]}.",
        ),
        (
            stop(confirmed=False),
            "paper was to be stopped for SoakLatencyP95High, and it is NOT confirmed: nothing says why.",
        ),
        (
            stop(finished_at=None, confirmed=False),
            "paper is to be stopped for SoakLatencyP95High; the stop has not ended.",
        ),
    ],
)
def test_the_headline_says_what_came_of_it(one: StopRecord, said: str):
    assert headline(report(one)) == said


def test_the_markdown_holds_every_number_of_the_stop():
    text = report_markdown(report())
    for row in (
        "| breach to halt | 90.0 s |",
        "| receive to halt | 40.0 ms |",
        "| received | 2026-11-25 12:00:00.000 |",
        "| halt | trading_state = HALTED | trading_state = HALTED | confirmed | 1 | 15.5 ms |",
        "| 2026-11-25 12:00:00.011 | +11.0 | halt: asked, attempt 1 |",
        "| 2026-11-25 11:58:30.000 | -90,000.0 | alert started |",
        "| ws_lag_max_ms | 200 ms | 80 ms | 60 ms | 120 |",
        "| known-good soak | none is named |",
        "| version by the bot's state | 1.0.0 |",
        "| version by mm_build_info | not known |",
        "No samples at all of: deadline_miss_ratio,",
    ):
        assert row in text


def test_rounds_are_numbered_and_what_was_not_read_back_says_so():
    lost = action(ActionName.HALT, observed=None, requested_at=None, reason="no answer")
    text = report_markdown(report(stop(**UNCONFIRMED, actions=(lost,)), stop(round=2, claimed_at=after(30_000))))
    assert "| 1. halt | trading_state = HALTED | nothing was read back | confirmed: no answer | 1 | not known |" in text
    assert "| 2. halt |" in text
    assert "what was asked was read back, in round 2." in text
    assert "| breach to halt | the halt was not confirmed |" in report_markdown(report(stop(**UNCONFIRMED)))


def test_missing_metrics_say_so_and_leave_no_empty_table():
    text = report_markdown(
        report(metrics=Metrics(source="prometheus x", window=WINDOW, whole=False, missing="refused"))
    )
    assert "Metrics are missing: refused (prometheus x, 2026-11-25T11:45:00Z/2026-11-25T12:15:00Z)." in text
    assert "| metric |" not in text


def test_a_report_before_its_time_is_over_says_that_another_comes():
    early = Metrics(source="recording x", window=WINDOW, whole=False, charts=CHARTS[:2])
    assert "the report is made once more when it is" in report_markdown(report(metrics=early))
    assert "No samples at all" not in report_markdown(report(metrics=early))


def test_another_version_and_the_known_good_one_are_told():
    other = Metrics(source="x", window=WINDOW, whole=True, versions=["1.0.1"])
    text = report_markdown(
        report(metrics=other, release=Release(version="1.0.0", known_good="g.json", known_good_version="0.9.0"))
    )
    assert "| version of bots.yaml | 1.0.0 — ANOTHER RAN: 1.0.1 |" in text
    assert "| known-good soak | 0.9.0 (g.json) |" in text
    unknown = Release(version="1.0.0", known_good="g.json", known_good_version=None)
    assert "| known-good soak | version not known (g.json) |" in report_markdown(report(release=unknown))


@pytest.mark.parametrize(
    ("ms", "said"), [(None, "not known"), (22.44, "22.4 ms"), (9999.9, "9,999.9 ms"), (90_040, "90.0 s")]
)
def test_short_times_are_milliseconds_and_long_ones_seconds(ms: float | None, said: str):
    assert milliseconds(ms) == said


def test_a_time_that_is_not_known_says_so():
    assert stamp(None) == "not known"
    assert stamp(NOW + timedelta(microseconds=1999)) == "2026-11-25 12:00:00.001"


def test_a_drill_is_marked_in_the_headline_and_says_that_nothing_is_wrong():
    drilled = story(labels={"alertname": "RollbackDrill", "drill": "d1"}, rounds=(stop(alert="RollbackDrill"),))
    made = build_report(drilled, WHOLE, NONE_NAMED, POLICY)
    assert made["drill"] == "d1"
    assert headline(made).startswith("DRILL d1: paper was stopped for RollbackDrill")
    assert "nothing is wrong with the bot: a fire drill has stopped it" in report_markdown(made)
    assert report(stop())["drill"] is None
    assert "nothing is wrong" not in report_markdown(report(stop()))
