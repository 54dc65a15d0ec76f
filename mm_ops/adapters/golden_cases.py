"""Runs pinned cases through the code that measures the live edge; no case is special."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mm_ops.adapters.json_files import MAX_BYTES, parse_json, read_json, read_regular
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.comparison import Drift
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.golden.acceptance import Acceptance, find_creep, find_unrecorded, read_acceptances
from mm_ops.domain.golden.policy import Case, GoldenPolicy, Pinned

_BASELINES = "EDGE_REPORT_*.json"


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


def compare_case(case: Case, root: Path, report: Mapping[str, Any], policy: GoldenPolicy) -> list[Drift]:
    """Compare a case's report with its signed-off baseline.

    Raises:
        MissingEvidenceError: there is no baseline.
        IntegrityError: the baseline is not the one whose digest stands in the policy.
        SchemaError: the baseline is not JSON.
    """
    baseline = _pinned(root, case.baseline)
    return policy.compare(read_json(baseline), report)


def examine(policy: GoldenPolicy, root: Path, reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Hold reports of cases against their baselines and what is on record of these; as ``golden/drift.json`` has it.

    Raises:
        MissingEvidenceError: there is no baseline.
        IntegrityError: a baseline is not the one that was pinned.
        SchemaError: a baseline or a record is not what was written.
    """
    chosen = [case for case in policy.cases if case.name in reports]
    return {
        "cases": {case.name: compare_case(case, root, reports[case.name], policy) for case in chosen},
        "acceptances": {case.name: _on_record(case, root, policy) for case in chosen},
        "unreferenced": find_unreferenced(root, policy),
    }


def records_path(case: Case, root: Path) -> Path:
    """Where a case's acceptances are kept: beside its baseline."""
    return (root / case.baseline.path).parent / f"ACCEPTED_{case.name}.json"


def read_records(case: Case, root: Path) -> tuple[Acceptance, ...]:
    """Read a case's acceptances; none where there is no such file.

    Raises:
        SchemaError: it is not the file that was written.
    """
    path = records_path(case, root)
    if not path.exists():
        return ()
    data = read_regular(path, MAX_BYTES)
    parse_json(data, str(path))  # a doubled key, NaN or a half-written file is refused here, with line and column
    return read_acceptances(data, str(path))


def find_unreferenced(root: Path, policy: GoldenPolicy) -> list[str]:
    """Baselines beside those of the cases, or in a folder beside theirs, that no case names."""
    named = {(root / case.baseline.path).resolve() for case in policy.cases}
    folders = {path.parent.parent for path in named}
    there = {path for folder in folders for path in folder.glob(f"*/{_BASELINES}")}
    return sorted(str(path.relative_to(root.resolve())) for path in there - named)


def _on_record(case: Case, root: Path, policy: GoldenPolicy) -> dict[str, Any]:
    records = read_records(case, root)
    return {
        "records": len(records),
        "accepted": _last_words(records),
        "creep": find_creep(records, policy.creep),
        "unrecorded": find_unrecorded(case, records),
    }


def _last_words(records: Sequence[Acceptance]) -> str | None:
    if not records:
        return None
    last = records[-1]
    how = "" if last.anchor is None else f" (anchored: {last.anchor})"
    return f"{last.utc:%Y-%m-%dT%H:%M:%SZ} by {last.by}: {last.reason}{how}"


def _pinned(root: Path, pinned: Pinned) -> Path:
    path = root / pinned.path
    if not path.is_file():
        raise MissingEvidenceError(f"{pinned.path}: the pinned file is not there")
    found = digest(path.read_bytes())
    if found != pinned.digest:
        raise IntegrityError(f"{pinned.path}: not the file that was pinned: expected {pinned.digest}, found {found}")
    return path
