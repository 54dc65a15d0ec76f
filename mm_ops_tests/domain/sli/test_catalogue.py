from dataclasses import replace
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.kinds import Gauge, HistogramQuantile
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bucket_rules import Trend
from mm_ops.domain.soak.policy import Gate
from mm_ops_tests.soak_samples import POLICIES, catalogue, soak_policy

TEXT = (POLICIES / "slis.yaml").read_text(encoding="utf-8")


def read(tmp_path: Path, text: str) -> SliCatalogue:
    path = tmp_path / "slis.yaml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, SliCatalogue)


def test_the_project_measures_the_eight_of_the_design_and_what_trends_and_the_version_need() -> None:
    assert [sli.name for sli in catalogue().slis] == [
        "tick_latency_p95_ms",
        "tick_latency_p50_ms",
        "deadline_miss_ratio",
        "edge_bps_ema24h",
        "md_cache_hit_ratio",
        "circuit_open_seconds",
        "guard_trips",
        "maker_share",
        "ws_lag_max_ms",
        "ws_lag_p95_ms",
        "resident_memory_bytes",
        "open_files",
        "restarts",
        "bot_version",
    ]


def test_selectors_come_once() -> None:
    found = catalogue().selectors()
    assert found.count(Selector("mm_stage_duration_ms_bucket", {"stage": "tick_total"})) == 1
    assert len(found) == 15


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("unit: bps", "unit: bips", r"slis\.yaml:\d+: slis\.3\.unit: .*'bps'"),
        ("statistic: max", "statistic: median", r"slis\.yaml:\d+: slis\.8\.measure\.statistic"),
        ("statistic: max", "statistic: max, quantile: 1", r"slis\.yaml:\d+: slis\.8\.measure\.quantile"),
        ("most: 1}", "most: -1}", r"slis\.yaml:\d+: slis\.2\.measure\.range: .*least up to most, was 0 and -1"),
        ("range: {least: 0, most: 1}", "range: {most: 1}", r"slis\.yaml:\d+: slis\.2\.measure\.range\.least"),
        ("kind: condition_time", "kind: downtime", r"slis\.yaml:\d+: slis\.5\.measure"),
        ("q: 0.95", "q: 95", r"slis\.yaml:\d+: slis\.0\.measure\.q: .*less than 1"),
        ("name: guard_trips", "name: maker_share", "expected every name once, was twice: maker_share"),
        ("5.0, 10.0, 25.0", "5.0, 5.0, 25.0", "bounds: expected ascending numbers"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=fault):
        read(tmp_path, TEXT.replace(old, new, 1))


def test_slis_of_one_histogram_agree_about_its_buckets() -> None:
    first, second, *_ = catalogue().slis
    assert isinstance(second.measure, HistogramQuantile)
    other = replace(second, measure=replace(second.measure, bounds=(1.0, 2.0)))
    with pytest.raises(ValueError, match="tick_latency_p50_ms: expected the bounds that mm_stage_duration_ms has"):
        SliCatalogue(slis=(first, other))


def test_an_sli_is_found_by_its_name_or_refused() -> None:
    assert catalogue().of("guard_trips").unit == "count"
    with pytest.raises(PolicyError, match=r"slis\.yaml: no sli guard_trip$"):
        catalogue().of("guard_trip")


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="slis"):
        SliCatalogue(slis=())


def test_an_sli_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="source"):
        Sli(name="x", unit="ms", measure=Gauge(metric="g", statistic="max"), source="")


def test_every_gauge_of_the_project_has_a_range_and_every_limit_lies_inside() -> None:
    measures = {sli.name: sli.measure for sli in catalogue().slis if isinstance(sli.measure, Gauge)}
    rules: tuple[Gate | Trend, ...] = (*soak_policy().gates, *soak_policy().trends)
    for rule in rules:
        measure = measures.get(rule.sli)
        if measure is None or measure.statistic == "changes":
            continue
        assert measure.range is not None, rule.sli
        assert measure.range.least <= rule.limit <= measure.range.most
    assert all(measure.range for measure in measures.values())
