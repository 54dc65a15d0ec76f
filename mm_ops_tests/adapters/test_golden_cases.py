import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.golden_cases import compare_case, examine, find_unreferenced, read_records, run_case
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SchemaError
from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.golden.policy import Case, GoldenPolicy, Pinned
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import to_ns
from mm_ops_tests import edge_reference as reference

HERE = Environment.read({})
EDGE = read_policy(HERE.policies / "edge.yaml", EdgePolicy)
INSTRUMENTS = read_policy(HERE.policies / "instruments.yaml", Instruments)
POLICY = read_policy(HERE.policies / "golden.yaml", GoldenPolicy)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(HERE.root / "deploy/golden", tmp_path / "deploy/golden")
    return tmp_path


@pytest.mark.parametrize("case", POLICY.cases, ids=lambda case: case.name)
def test_every_pinned_case_equals_its_signed_off_baseline(root: Path, case: Case):
    report = run_case(case, root, EDGE, INSTRUMENTS)
    assert compare_case(case, root, report, POLICY) == []
    assert encode(report) == (root / case.baseline.path).read_bytes()


@pytest.mark.parametrize("case", POLICY.cases, ids=lambda case: case.name)
def test_one_flipped_bit_of_an_input_is_refused_by_name(root: Path, case: Case):
    path = root / case.fills.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=f"{case.fills.path}: not the file that was pinned: expected sha256:"):
        run_case(case, root, EDGE, INSTRUMENTS)


def test_an_input_or_a_baseline_that_is_gone_is_said(root: Path):
    case = POLICY.cases[0]
    report = run_case(case, root, EDGE, INSTRUMENTS)
    (root / case.baseline.path).unlink()
    with pytest.raises(MissingEvidenceError, match="the pinned file is not there"):
        compare_case(case, root, report, POLICY)
    (root / case.quotes.path).unlink()
    with pytest.raises(MissingEvidenceError, match="the pinned file is not there"):
        run_case(case, root, EDGE, INSTRUMENTS)


def test_a_baseline_that_nobody_signed_off_is_refused_though_it_equals_in_every_number(root: Path):
    case = POLICY.cases[0]
    report = run_case(case, root, EDGE, INSTRUMENTS)
    (root / case.baseline.path).write_text(json.dumps(report))
    with pytest.raises(IntegrityError, match=f"{case.baseline.path}: not the file that was pinned: expected sha256:"):
        compare_case(case, root, report, POLICY)


def test_a_signed_off_baseline_with_an_extra_key_drifts(root: Path):
    case = POLICY.cases[0]
    report = run_case(case, root, EDGE, INSTRUMENTS)
    signed = encode({**report, "signed_off_by": "nobody"})
    (root / case.baseline.path).write_bytes(signed)
    case = replace(case, baseline=Pinned(path=case.baseline.path, digest=digest(signed)))
    (drift,) = compare_case(case, root, report, POLICY)
    assert (drift.path, drift.why) == ("$.signed_off_by", "key missing")


def test_the_tiny_case_holds_the_numbers_worked_by_hand():
    """The arithmetic is in deploy/golden/tiny/WORKED.md."""
    (tiny,) = [case for case in POLICY.cases if case.name == "tiny"]
    total = run_case(tiny, HERE.root, EDGE, INSTRUMENTS)["total"]
    assert total["notional"] == pytest.approx(2000.0)
    assert total["net_money"] == pytest.approx(0.83)
    assert total["spread_capture_bps"] == pytest.approx(5.0)
    assert total["markout_bps_1s"] == pytest.approx(-15.0)
    assert total["fee_bps"] == pytest.approx(0.85)
    assert total["net_edge_bps"] == pytest.approx(4.15)
    assert total["maker_share"] == pytest.approx(0.7495)


PAPER = [case for case in POLICY.cases if case.name.startswith("paper_")]


@pytest.mark.parametrize("case", PAPER, ids=[case.name for case in PAPER])
def test_what_the_paper_bot_recorded_holds_the_numbers_of_the_slow_reference(case: Case):
    """Which is written apart from the product; the case's baseline is anchored on it."""
    baseline = json.loads((HERE.root / case.baseline.path).read_bytes())
    fills, quotes = read_fills(HERE.root / case.fills.path), read_quotes(HERE.root / case.quotes.path)
    assert set(baseline["by_symbol"]) == {"AAA-USDT", "BBB-USDT"}
    for symbol, said in baseline["by_symbol"].items():
        slow = reference.measured(
            fills.filter(fills["symbol"] == symbol),
            quotes.filter(quotes["symbol"] == symbol),
            clock="exch_ts_ns",
            kind="linear",
            size=1.0,
            stale_ms=60_000,
            end_ns=to_ns(case.end),
        )
        for name, value in reference.numbers(slow).items():
            assert said[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
        jump = baseline["quality_by_symbol"][symbol]["mark_jump_bps"]
        assert jump == pytest.approx(_mark_jump(quotes.filter(quotes["symbol"] == symbol), to_ns(case.end)), rel=1e-9)


def _mark_jump(quotes: pl.DataFrame, end_ns: int) -> float:
    """How far the last mid is from the median of the last mids of the last 60 minutes, in bps."""
    book = reference.pandas_frame(quotes).drop_duplicates("exch_ts_ns", keep="last")
    book = book[book.exch_ts_ns < end_ns].sort_values("exch_ts_ns")
    mids = ((book.bid_px + book.ask_px) / 2).groupby(book.exch_ts_ns // 60_000_000_000).last()
    return float(abs(mids.iloc[-1] / mids.tail(60).median() - 1) * 1e4)


def test_every_committed_baseline_is_one_that_somebody_accepted():
    reports = {case.name: json.loads((HERE.root / case.baseline.path).read_bytes()) for case in POLICY.cases}
    found = examine(POLICY, HERE.root, reports)
    assert drift_finding(found).verdict is Verdict.PASS, drift_finding(found).reason
    assert found["unreferenced"] == []
    assert all(one["records"] >= 1 and " by " in one["accepted"] for one in found["acceptances"].values())


def test_a_case_without_records_says_so_and_does_not_pass(root: Path):
    case = POLICY.cases[0]
    (root / "deploy/golden/tiny/ACCEPTED_tiny.json").unlink()
    found = examine(POLICY, root, {case.name: run_case(case, root, EDGE, INSTRUMENTS)})
    assert found["acceptances"]["tiny"]["accepted"] is None
    assert drift_finding(found).verdict is Verdict.INCONCLUSIVE


def test_baselines_that_no_case_names_are_listed(root: Path):
    (root / "deploy/golden/old").mkdir()
    for name in ("old/EDGE_REPORT_old.json", "tiny/EDGE_REPORT_tiny_2.json"):
        (root / "deploy/golden" / name).write_text("{}")
    there = ["deploy/golden/old/EDGE_REPORT_old.json", "deploy/golden/tiny/EDGE_REPORT_tiny_2.json"]
    assert find_unreferenced(root, POLICY) == there


SPOILT: dict[str, tuple[Callable[[str], str], str]] = {
    "half of it": (lambda text: text[: len(text) // 2], "not JSON"),
    "a doubled key": (lambda text: text.replace('"by":', '"utc":', 1), "the key 'utc' stands twice"),
    "no list": (lambda _: "{}", "top level: input should be a valid array"),
    "a nameless person": (lambda text: text.replace('"by": "', '"by": "", "x": "', 1), "0.by: string should have at"),
    "a digest that is none": (lambda text: text.replace('"after": "sha256:', '"after": "md5:', 1), "0.after: string"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_records_that_are_not_what_was_written_are_refused_with_the_place(root: Path, name: str):
    spoil, message = SPOILT[name]
    path = root / "deploy/golden/tiny/ACCEPTED_tiny.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(SchemaError, match=message):
        read_records(POLICY.cases[0], root)
