import json
import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.sli.series import SAMPLE_SCHEMA
from mm_ops.domain.soak.metrics import entries_from, measurements_from, unmeasured_soak, version_in
from mm_ops.domain.soak.summary import field_of
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.soak_samples import END, WINDOW, catalogue, healthy, measured, soak_policy

HEALTHY = healthy()
METRICS = measured(HEALTHY, source="a test")


def test_every_sli_is_measured_with_its_evidence() -> None:
    found = measurements_from(METRICS)
    assert set(found) == {sli.name for sli in catalogue().slis}
    assert {(one.samples, one.coverage, one.longest_gap_s, one.problem) for one in found.values()} == {
        (17280, 1.0, 15.0, None)
    }


def test_the_values_of_the_healthy_bot_are_those_it_was_made_with() -> None:
    """10 ticks a step; the buckets of 100 ms and 75 ms hold 97 % and 72.75 %; of 17,279 steps, 172 missed one."""
    found = {name: one.value for name, one in measurements_from(METRICS).items()}
    assert found == {
        "tick_latency_p95_ms": pytest.approx(75 + 25 * (0.95 - 0.7275) / (0.97 - 0.7275), rel=1e-4),
        "tick_latency_p50_ms": pytest.approx(50 + 25 * (0.5 - 0.485) / (0.7275 - 0.485), rel=1e-4),
        "deadline_miss_ratio": pytest.approx(172 / 172_790),
        "edge_bps_ema24h": pytest.approx(2.5, abs=1e-4),
        "md_cache_hit_ratio": pytest.approx(0.9),
        "circuit_open_seconds": 60.0,
        "guard_trips": 0.0,
        "maker_share": pytest.approx(0.92, abs=1e-3),
        "ws_lag_max_ms": pytest.approx(100.0, abs=1e-3),
        "ws_lag_p95_ms": pytest.approx(30.0, abs=0.02),
        "resident_memory_bytes": pytest.approx(180 * 2**20, rel=1e-4),
        "open_files": pytest.approx(64.0, abs=0.02),
        "restarts": 0.0,
        "bot_version": 1.0,
    }


def test_the_document_says_window_interval_source_unit_and_query() -> None:
    assert METRICS["window"] == "2026-11-18T00:00:00Z/2026-11-21T00:00:00Z"
    assert (METRICS["window_s"], METRICS["scrape_interval_s"], METRICS["source"]) == (259_200.0, 15.0, "a test")
    entry = METRICS["slis"]["ws_lag_max_ms"]
    assert (entry["kind"], entry["unit"]) == ("gauge", "ms")
    assert entry["query"] == 'max_over_time(mm_ws_lag_max_ms{bot="paper"}[72h])'


def test_the_version_that_ran_is_the_one_that_every_sample_says() -> None:
    assert version_in(METRICS, soak_policy()) == "1.0.0"
    half = WINDOW.start_ns + (WINDOW.end_ns - WINDOW.start_ns) // 2
    early = healthy(version="0.9.0").filter(pl.col("ts_ns") < half)
    both = pl.concat([early, HEALTHY.filter(pl.col("ts_ns") >= half)]).sort("metric", "labels", "ts_ns")
    assert version_in(measured(both), soak_policy()) is None
    gates = tuple(gate for gate in soak_policy().gates if gate.version_label is None)
    assert version_in(METRICS, replace(soak_policy(), gates=gates)) is None


def test_what_is_stored_is_what_was_measured() -> None:
    stored = json.loads(encode(METRICS))
    assert stored == METRICS
    assert measurements_from(stored) == measurements_from(METRICS)


def test_one_frame_serves_the_soak_and_its_last_day() -> None:
    day = TimeWindow.of_day(END)
    alone = HEALTHY.filter((pl.col("ts_ns") >= day.start_ns) & (pl.col("ts_ns") < day.end_ns))
    assert measured(HEALTHY, day) == measured(alone, day)


def test_an_empty_frame_measures_nothing() -> None:
    found = measurements_from(measured(SAMPLE_SCHEMA.to_frame()))
    assert {(one.problem, one.value, one.samples) for one in found.values()} == {(Problem.NO_SERIES, None, 0)}


def test_nan_samples_can_be_stored() -> None:
    poisoned = HEALTHY.with_columns(
        pl.when(pl.col("metric") == "mm_maker_share_ratio").then(math.nan).otherwise("value").alias("value")
    )
    found = measurements_from(json.loads(encode(measured(poisoned))))
    assert (found["maker_share"].not_finite, found["maker_share"].value) == (17280, None)


def test_a_source_that_did_not_answer_is_recorded_for_every_sli() -> None:
    document = unmeasured_soak(catalogue(), soak_policy(), "prometheus is down", WINDOW)
    found = measurements_from(json.loads(encode(document)))
    assert set(found) == set(METRICS["slis"])
    assert {(one.problem, one.detail, one.value) for one in found.values()} == {
        (Problem.SOURCE_ERROR, "prometheus is down", None)
    }
    assert set(document) == set(METRICS)


def changed(name: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode(METRICS))
    document["slis"]["maker_share"][name] = value
    return document


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "slis: expected a field of this name, was none"),
        ([], "slis: expected a field of this name, was none"),
        ({"slis": []}, "slis: expected another type, was list"),
        ({"slis": {"x": 1}}, r"slis\.x: expected an object, was int"),
        ({"slis": {"x": {}}}, r"slis\.x: expected the fields coverage, detail, doubt"),
        (changed("value", "0.9"), r"slis\.maker_share\.value: .*, was '0\.9'"),
        (changed("samples", 1.5), r"slis\.maker_share\.samples: "),
        (changed("problem", "fine"), r"slis\.maker_share\.problem: "),
        (changed("value", math.nan), r"slis\.maker_share: not the JSON that was stored"),
        (changed("labels", {"bot": 1}), r"slis\.maker_share\.labels\.bot: "),
    ],
)
def test_a_broken_structure_is_refused_by_name(document: Any, fault: str) -> None:
    with pytest.raises(SchemaError, match=fault):
        measurements_from(document)


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(SchemaError, match="window_s: expected another type, was bool"):
        field_of({"window_s": True}, "window_s", (int, float))


def test_entries_are_those_of_the_document() -> None:
    assert entries_from(METRICS) == METRICS["slis"]


def test_a_measurement_survives_being_stored_whatever_its_problem() -> None:
    document = json.loads(encode(METRICS))
    measured = Measurement(
        value=None,
        samples=1,
        coverage=0.5,
        longest_gap_s=1.0,
        series=2,
        not_finite=0,
        problem=Problem.AMBIGUOUS,
        detail="two",
        labels={},
    )
    for one in (measured, replace(measured, problem=None, value=1.5, doubt="hm")):
        document["slis"] = {"x": json.loads(encode(one))}
        assert measurements_from(document) == {"x": one}
