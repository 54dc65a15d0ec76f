"""Cases worked by hand: the arithmetic is in each folder's WORKED.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.domain.edge.policy import FeeSchedule
from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import edge_policy, instrument, instruments, minute
from mm_ops_tests.requirements import PROJECT

CASES = sorted((PROJECT / "mm_ops_tests/cases/edge").iterdir())


def measure(case: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = dict(expected.get("instrument", {}))
    if "fees" in given:
        given["fees"] = FeeSchedule(**given["fees"])
    return build_edge_report(
        read_fills(case / "fills.jsonl"),
        read_quotes(case / "quotes.jsonl"),
        policy=edge_policy(),
        instruments=instruments(instrument(**given)),
        window=minute(),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_gives_the_numbers_worked_by_hand(case: Path):
    assert (case / "WORKED.md").read_text(encoding="utf-8").startswith("# ")
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    found = measure(case, expected)
    groups = {"total": found["total"], "per_fill": found["total"]["per_fill"], "quality": found["quality"]}
    for group, numbers in expected.items():
        for name, number in numbers.items() if group in groups else ():
            near = pytest.approx(number, rel=1e-9, abs=1e-11) if isinstance(number, float) else number
            assert groups[group][name] == near, f"{group}.{name}"
    assert found["identity"]["holds"] is True


def test_the_eight_cases_are_there():
    assert [case.name for case in CASES] == [
        "crossed_quote",
        "horizon_past_the_end",
        "inverse_contract",
        "maker_buy",
        "maker_sell",
        "rebate",
        "taker",
        "two_fills_in_one_ms",
    ]
