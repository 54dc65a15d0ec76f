import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.golden_cases import compare_case, run_case
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.golden.policy import Case, GoldenPolicy, Pinned

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
    assert compare_case(case, root, report, POLICY.tolerance.tolerance()) == []
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
        compare_case(case, root, report, POLICY.tolerance.tolerance())
    (root / case.quotes.path).unlink()
    with pytest.raises(MissingEvidenceError, match="the pinned file is not there"):
        run_case(case, root, EDGE, INSTRUMENTS)


def test_a_baseline_that_nobody_signed_off_is_refused_though_it_equals_in_every_number(root: Path):
    case = POLICY.cases[0]
    report = run_case(case, root, EDGE, INSTRUMENTS)
    (root / case.baseline.path).write_text(json.dumps(report))
    with pytest.raises(IntegrityError, match=f"{case.baseline.path}: not the file that was pinned: expected sha256:"):
        compare_case(case, root, report, POLICY.tolerance.tolerance())


def test_a_signed_off_baseline_with_an_extra_key_drifts(root: Path):
    case = POLICY.cases[0]
    report = run_case(case, root, EDGE, INSTRUMENTS)
    signed = encode({**report, "signed_off_by": "nobody"})
    (root / case.baseline.path).write_bytes(signed)
    case = replace(case, baseline=Pinned(path=case.baseline.path, digest=digest(signed)))
    (drift,) = compare_case(case, root, report, POLICY.tolerance.tolerance())
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
