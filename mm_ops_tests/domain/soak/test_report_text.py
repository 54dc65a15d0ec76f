import json

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.soak.metrics import unmeasured_soak
from mm_ops.domain.soak.report_text import soak_markdown
from mm_ops_tests.soak_samples import WINDOW, catalogue, healthy, judged, measured, soak_policy

METRICS = measured(healthy(), source="a test")


def rows(text: str, first: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {first}")]


def test_the_report_says_window_source_and_counts() -> None:
    text = soak_markdown(METRICS, judged(METRICS))
    assert text.splitlines()[2] == (
        "Window 2026-11-18T00:00:00Z/2026-11-21T00:00:00Z (72 h), samples from: a test. "
        "Gates: 0 fail, 6 inconclusive, 22 pass."
    )


def test_a_gate_has_one_line_with_value_limit_margin_and_reason() -> None:
    text = soak_markdown(METRICS, judged(METRICS))
    gate, indicator = rows(text, "md_cache_hit_ratio |")
    assert gate.startswith("| md_cache_hit_ratio | hard | pass | 0.9 ratio | ≥ 0.7 ratio | +0.2 | md_cache_hit_ratio")
    assert indicator == "| md_cache_hit_ratio | 0.9 ratio | 17280 | 1.0000 | 15s | 2 | 0 |  |"


def test_an_sli_without_a_gate_is_reported_beside_them() -> None:
    assert len(rows(soak_markdown(METRICS, judged(METRICS)), "tick_latency_p50_ms")) == 1


def test_what_blocks_stands_first() -> None:
    metrics = json.loads(encode(METRICS))
    metrics["slis"]["md_cache_hit_ratio"]["value"] = 0.1
    metrics["slis"]["ws_lag_max_ms"]["value"] = 900.0
    text = soak_markdown(metrics, judged(metrics))
    verdicts = [line.split(" | ")[:3] for line in text.splitlines() if " | hard | " in line or " | soft | " in line]
    order = [line[1:] for line in verdicts]
    assert order == sorted(order, key=lambda pair: (pair[0] != "hard", ["fail", "inconclusive", "pass"].index(pair[1])))
    assert [line for line in verdicts if line[2] == "fail"] == [
        ["| md_cache_hit_ratio", "hard", "fail"],
        ["| ws_lag_max_ms", "soft", "fail"],
    ]
    assert "Gates: 2 fail, 6 inconclusive, 20 pass." in text


def test_what_was_not_measured_is_said_and_not_shown_as_zero() -> None:
    metrics = unmeasured_soak(catalogue(), soak_policy(), "prometheus is down", WINDOW)
    text = soak_markdown(metrics, judged(metrics))
    assert "samples from: not stated. Gates: 0 fail, 28 inconclusive, 0 pass." in text
    gate, indicator = rows(text, "guard_trips |")
    assert "| soft | inconclusive | not measured | ≤ 0 count |  | guard_trips: the source gave no answer" in gate
    assert indicator == "| guard_trips | not measured | 0 | 0.0000 | 72h | 0 | 0 | prometheus is down |"


def test_every_query_is_there() -> None:
    text = soak_markdown(METRICS, [])
    assert '- `maker_share`: `avg_over_time(mm_maker_share_ratio{bot="paper"}[72h])`' in text
    assert text.count("- `") == len(catalogue().slis)


def test_other_json_is_refused() -> None:
    with pytest.raises(SchemaError, match="window"):
        soak_markdown({}, [])
