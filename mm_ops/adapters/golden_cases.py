"""Runs pinned cases through the code that measures the live edge; no case is special."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mm_ops.adapters.json_files import parse_json, read_json
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.comparison import Drift, Tolerance, compare
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.golden.policy import Case, Pinned


def run_case(case: Case, root: Path, edge: EdgePolicy, instruments: Instruments) -> Mapping[str, Any]:
    """Measure a case's pinned fills against its pinned quotes.

    Raises:
        MissingEvidenceError: an input is not there.
        IntegrityError: an input is not the one that was pinned.
    """
    fills, quotes = _pinned(root, case.fills), _pinned(root, case.quotes)
    report = build_edge_report(
        read_fills(fills), read_quotes(quotes), policy=edge, instruments=instruments, window=case.window
    )
    plain: Mapping[str, Any] = parse_json(encode(report), case.name)
    return plain


def compare_case(case: Case, root: Path, report: Mapping[str, Any], tolerance: Tolerance) -> list[Drift]:
    """Compare a case's report with its signed-off baseline.

    Raises:
        MissingEvidenceError: there is no baseline.
        IntegrityError: the baseline is not the one whose digest stands in the policy.
        SchemaError: the baseline is not JSON.
    """
    baseline = _pinned(root, case.baseline)
    return compare(read_json(baseline), report, tolerance)


def _pinned(root: Path, pinned: Pinned) -> Path:
    path = root / pinned.path
    if not path.is_file():
        raise MissingEvidenceError(f"{pinned.path}: the pinned file is not there")
    found = digest(path.read_bytes())
    if found != pinned.digest:
        raise IntegrityError(f"{pinned.path}: not the file that was pinned: expected {pinned.digest}, found {found}")
    return path
