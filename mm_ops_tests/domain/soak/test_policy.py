from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import OnMissing, SoakPolicy
from mm_ops.domain.soak.resolve import resolve, selectors_of
from mm_ops.domain.verdict import Severity
from mm_ops_tests.soak_samples import POLICIES, catalogue, soak_policy

TEXT = (POLICIES / "soak.yaml").read_text(encoding="utf-8")
SLIS = (POLICIES / "slis.yaml").read_text(encoding="utf-8")


def read(tmp_path: Path, text: str) -> SoakPolicy:
    path = tmp_path / "soak.yaml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, SoakPolicy)


def test_the_project_has_the_limits_of_the_design() -> None:
    found = {gate.name: (gate.bound.sign, gate.limit, gate.unit, gate.severity.value) for gate in soak_policy().gates}
    assert found == {
        "tick_latency_p95_ms": ("≤", 150.0, "ms", "hard"),
        "deadline_miss_ratio": ("≤", 0.02, "ratio", "hard"),
        "edge_bps_ema24h": ("≥", 2.0, "bps", "hard"),
        "md_cache_hit_ratio": ("≥", 0.7, "ratio", "hard"),
        "circuit_open_seconds": ("≤", 300.0, "s", "soft"),
        "guard_trips": ("≤", 0.0, "count", "soft"),
        "maker_share": ("≥", 0.85, "ratio", "soft"),
        "ws_lag_max_ms": ("≤", 200.0, "ms", "soft"),
        "bot_version": ("≥", 1.0, "count", "hard"),
        "restarts": ("≤", 2.0, "count", "hard"),
    }


def test_a_gate_asks_for_the_coverage_and_the_gap_of_the_design_unless_it_says_otherwise() -> None:
    assert {(gate.min_coverage, gate.max_gap) for gate in soak_policy().gates} == {(0.99, timedelta(minutes=5))}


def test_the_two_files_of_the_project_fit() -> None:
    resolve(catalogue(), soak_policy())


def test_the_hard_gates_are_those_that_must_be_found() -> None:
    policy = soak_policy()
    hard = {gate.name for gate in policy.gates if gate.severity is Severity.HARD}
    replayed = {f"{gate.name}_sustained" for gate in policy.watched if gate.severity is Severity.HARD}
    assert policy.hard_gates == hard | replayed | {"resident_memory_trend", "open_files_trend"}


def test_the_hard_alerts_are_those_that_roll_back() -> None:
    acts = {gate.name: gate.alert.action.value for gate in soak_policy().watched if gate.alert}
    assert {name for name, action in acts.items() if action == "rollback"} == {
        gate.name for gate in soak_policy().watched if gate.severity is Severity.HARD
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("bound: at_most", "bond: at_most", r"soak\.yaml:\d+: gates\.0\.bond", id="an unknown key"),
        pytest.param("bound: at_most", "bound: below", r"soak\.yaml:\d+: gates\.0\.bound", id="an unknown bound"),
        pytest.param("limit: 150", "limit: '150'", r"soak\.yaml:\d+: gates\.0\.limit", id="a limit that is text"),
        pytest.param(
            "limit: 150",
            "limit: .inf",
            r"soak\.yaml:\d+: gates\.0\.limit: expected a finite number",
            id="a limit without end",
        ),
        pytest.param(
            "limit: 150",
            "limit: .nan",
            r"soak\.yaml:\d+: gates\.0\.limit: expected a finite number",
            id="a limit that is none",
        ),
        pytest.param(
            '    source: "operating limit of the founding design"\n',
            "",
            r"soak\.yaml:\d+: gates\.0\.source: Field required",
            id="a limit without a source",
        ),
        pytest.param("window: 72h", "window: 72", r"soak\.yaml:\d+: window: expected a duration", id="no unit"),
        pytest.param("scrape_interval: 15s", "scrape_interval: 0s", "scrape_interval: expected more", id="no step"),
        pytest.param("scrape_interval: 15s", "scrape_interval: 96h", "scrape_interval: expected", id="a long step"),
        pytest.param("name: guard_trips", "name: maker_share", "was twice: maker_share", id="a name twice"),
        pytest.param(
            "name: edge_baseline",
            "name: guard_trips_sustained",
            "was twice: guard_trips_sustained",
            id="a name that is taken",
        ),
        pytest.param(
            "name: guard_trips\n", f"name: {'g' * 55}\n", "at most 64 letters", id="a name too long for its alert's"
        ),
        pytest.param(
            "evaluation_interval: 15s", "evaluation_interval: 0s", "evaluation_interval: expected more", id="never"
        ),
        pytest.param("severity: hard", "severity: soft", "expected at least one hard gate", id="none hard"),
        pytest.param("min_samples: 17000", "min_samples: 0", r"gates\.0\.min_samples", id="no samples needed"),
        pytest.param("min_samples: 17000", "min_samples: 17281", "at most 17280 fit", id="too many samples"),
        pytest.param(
            "unit: ms\n",
            "unit: ms\n    min_coverage: 1.5\n",
            r"gates\.0\.min_coverage: .*less than or equal to 1",
            id="more than whole coverage",
        ),
        pytest.param(
            "unit: ms\n", "unit: ms\n    on_missing: pass\n", r"gates\.0\.on_missing", id="missing evidence that passes"
        ),
        pytest.param(
            "unit: ms\n", "unit: ms\n    max_gap: 10s\n", "max_gap: expected 15s to less", id="a gap below the step"
        ),
        pytest.param("unit: ms\n", "unit: ms\n    max_gap: 72h\n", "max_gap: expected 15s to less", id="a gap of all"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=fault) as refused:
        read(tmp_path, TEXT.replace(old, new))
    assert str(refused.value).startswith(str(tmp_path / "soak.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("sli: maker_share", "sli: taker_share", r"gates\.6 \(maker_share\): sli: no sli taker_share in slis\.yaml"),
        ("unit: bps", "unit: ms", r"gates\.2 \(edge_bps_ema24h\): unit: expected bps as .* measured in, was ms"),
        ("limit: 150", "limit: 140", r"limit: expected a bucket bound of mm_stage_duration_ms, was 140"),
        ("[tick_latency_p50_ms]", "[latency]", "reported: no sli latency in slis.yaml"),
        ("[tick_latency_p50_ms]", "[]", "tick_latency_p50_ms: no gate in soak.yaml, and not among reported"),
    ],
)
def test_a_misfit_of_the_two_files_is_named(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=fault):
        resolve(catalogue(), read(tmp_path, TEXT.replace(old, new)))


def test_every_misfit_has_its_line(tmp_path: Path) -> None:
    policy = read(tmp_path, TEXT.replace("unit: bps", "unit: ms").replace("sli: maker_share", "sli: share"))
    with pytest.raises(PolicyError) as refused:
        resolve(catalogue(), policy)
    # the unit of the gate and of the comparison, the unknown sli, the sli that nobody reads now
    assert len(str(refused.value).splitlines()) == 4


def test_an_sli_that_was_forgotten_is_named() -> None:
    known = catalogue()
    extra = replace(known.slis[8], name="ws_lag_p99_ms")
    with pytest.raises(PolicyError, match=r"slis\.yaml: ws_lag_p99_ms: no gate"):
        resolve(SliCatalogue(slis=(*known.slis, extra)), soak_policy())


@pytest.mark.parametrize(
    ("kind", "name", "old", "new", "fault"),
    [
        ("trends", "ws_lag_trend", "sli: ws_lag_p95_ms", "sli: lag", r"trends\.3 \(ws_lag_trend\): sli: no sli lag"),
        ("baselines", "edge_baseline", "unit: bps", "unit: ms", r"baselines\.3 \(edge_baseline\): unit: expected bps"),
    ],
)
def test_a_rule_on_buckets_that_does_not_fit_is_named(
    tmp_path: Path, kind: str, name: str, old: str, new: str, fault: str
) -> None:
    before, rule = TEXT.split(f"  - name: {name}\n", 1)
    assert f"{kind}:" in before
    assert old in rule
    with pytest.raises(PolicyError, match=fault):
        resolve(catalogue(), read(tmp_path, f"{before}  - name: {name}\n{rule.replace(old, new, 1)}"))


def test_restarts_are_read_even_where_no_sli_looks_at_them() -> None:
    others = SliCatalogue(slis=tuple(sli for sli in catalogue().slis if sli.name != "restarts"))
    assert Selector("process_start_time_seconds") not in others.selectors()
    assert selectors_of(others, soak_policy())[-1] == Selector("process_start_time_seconds")
    other = replace(soak_policy().buckets, restart_metric="mm_ticks_total")
    assert selectors_of(others, replace(soak_policy(), buckets=other)) == others.selectors()


def test_the_restarts_that_are_counted_are_those_that_part_a_trend() -> None:
    assert catalogue().of("restarts").measure.selectors() == (Selector(soak_policy().buckets.restart_metric),)


def test_missing_evidence_holds_unless_a_gate_says_otherwise(tmp_path: Path) -> None:
    assert {gate.on_missing for gate in soak_policy().gates} == {OnMissing.HOLD}
    strict = read(tmp_path, TEXT.replace("unit: bps\n", "unit: bps\n    on_missing: fail\n", 1))
    assert [gate.name for gate in strict.gates if gate.on_missing is OnMissing.FAIL] == ["edge_bps_ema24h"]


@pytest.mark.parametrize(
    ("bound", "words", "value", "margin"),
    [(Bound.AT_MOST, "at most", 140.0, 10.0), (Bound.AT_LEAST, "at least", 140.0, -10.0)],
)
def test_the_margin_is_the_room_before_the_limit(bound: Bound, words: str, value: float, margin: float) -> None:
    assert (bound.words, bound.margin(value, 150.0)) == (words, margin)
