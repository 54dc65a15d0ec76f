import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.domain.rendering.marked import markers
from mm_ops.domain.rendering.policy import DRILL_METRIC
from mm_ops.domain.rendering.promql import metrics_of
from mm_ops.domain.rendering.runbooks import build_runbook_blocks
from mm_ops_tests.policies_of_rules import project, with_gate
from mm_ops_tests.requirements import PROJECT

BLOCKS = build_runbook_blocks(project())
PAGES = {name: (PROJECT / "deploy" / "runbooks" / f"{name}.md") for name in BLOCKS}
SECTIONS = [
    "How it is measured",
    "What the automation does",
    "What you check",
    "What you do",
    "How to resume",
    "False alarms",
]


def test_a_block_says_limit_window_duration_and_action_of_the_catalogue() -> None:
    changed = with_gate(project(), "deadline_miss_ratio", limit=0.05, alert_hold=timedelta(minutes=20))
    block = build_runbook_blocks(changed)["SoakDeadlineMissRate"]
    for row in (
        "| limit | ≤ 0.05 ratio |",
        "| window | 5m |",
        "| for | 20m |",
        "| stays up | 5m after the breach |",
        "| severity | critical |",
        "| action | rollback |",
        "| gate | `deadline_miss_ratio` |",
        "mm:deadline_miss:ratio_5m > 0.05",
    ):
        assert row in block.splitlines()
    assert "# mm:deadline_miss:ratio_5m = sum by (bot, job, instance) (rate(mm_deadline_miss_total[5m]))" in block


def test_an_alert_of_many_rules_shows_each_of_them() -> None:
    assert BLOCKS["SoakMetricNaN"].count(" != 0") == len(project().gauges()) >= 5
    assert "| for | 2m |" in BLOCKS["SoakMetricNaN"]
    assert "| gate |" not in BLOCKS["SoakMetricNaN"]
    assert "| for | at once |" in BLOCKS["Watchdog"]
    assert "| window | 2m |" in BLOCKS["SoakTicksStalled"]
    assert "| window | none: each sample by itself |" in BLOCKS["SoakTargetDown"]


@pytest.mark.parametrize("name", PAGES)
def test_every_alert_has_a_page_that_says_what_to_do(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert text.startswith(f"# {name}: ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert BLOCKS[name] in text


@pytest.mark.parametrize("name", [one.alert.name for one in project().watched])
def test_no_limit_is_written_a_second_time_by_hand(name: str) -> None:
    """In words a page says "the limit": a number outside the block would stay when the policy changes."""
    first, last = markers("alert")
    text = PAGES[name].read_text(encoding="utf-8")
    prose = text[: text.index(first)] + text[text.index(last) :]
    one = next(one for one in project().watched if one.alert.name == name)
    shown = [f"{one.gate.limit:g} {one.gate.unit}", f"{one.gate.limit:g} %", f"{100 * one.gate.limit:g} %"]
    assert not [number for number in shown if number in prose]


def queries(text: str) -> list[str]:
    """What a reader would paste: every line of a block of PromQL."""
    blocks = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_every_query_on_a_page_can_be_pasted_and_finds_something(healthy: Path) -> None:
    files = sorted(healthy.glob("samples/*/samples.parquet"))
    exported = set(pl.read_parquet(files[-1], columns=["metric"])["metric"].unique())
    recorded = {f"{record.name}_5m" for record in project().alerting.records}
    asked = [query for page in PAGES.values() for query in queries(page.read_text(encoding="utf-8"))]
    assert len(asked) > len(PAGES)
    for query in asked:
        assert metrics_of(query, "runbook") <= exported | recorded | {DRILL_METRIC}
