import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.result_files import read_drill, read_junit
from mm_ops.domain.errors import MissingEvidenceError, SchemaError

DAY = date(2026, 11, 20)
DRILL: dict[str, Any] = {
    "drill": "feed_cut",
    "date": "2026-11-20",
    "expected": {"breaker_open_s": 2.0},
    "observed": {"breaker_open_s": 1.5},
    "outcome": "ok",
    "reasons": [],
}


def drill(folder: Path, **different: Any) -> Path:
    path = folder / "chaos_drill.json"
    path.write_text(json.dumps({**DRILL, **different}))
    return path


def junit(folder: Path, text: str) -> Path:
    path = folder / "junit.xml"
    path.write_text(text)
    return path


def test_a_drill_is_read_as_it_is(tmp_path: Path):
    assert read_drill(drill(tmp_path), DAY) == DRILL


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"outcome": "green"}, "outcome: expected ok or failed, was 'green'"),
        ({"observed": {"breaker_open_s": None}}, "outcome: was ok, but breaker_open_s was not observed"),
        ({"observed": {}}, "outcome: was ok, but breaker_open_s was not observed"),
        ({"expected": {}}, "outcome: was ok, but nothing was not observed"),
        ({"date": "2026-11-19"}, "date: expected 2026-11-20, was 2026-11-19"),
        ({"expected": None}, "expected: expected dict, was None"),
    ],
)
def test_an_ok_that_nobody_observed_is_refused(tmp_path: Path, different: dict[str, Any], message: str):
    with pytest.raises(SchemaError, match=message):
        read_drill(drill(tmp_path, **different), DAY)


def test_a_failed_drill_may_lack_observations(tmp_path: Path):
    assert read_drill(drill(tmp_path, outcome="failed", observed={}), DAY)["outcome"] == "failed"


def test_a_drill_that_is_no_object_is_refused(tmp_path: Path):
    (tmp_path / "d.json").write_text("[]")
    with pytest.raises(SchemaError, match="expected an object, was list"):
        read_drill(tmp_path / "d.json", DAY)


CASE = '<testcase classname="bot" name="{}">{}</testcase>'
RUNS = {
    "all passed": (CASE.format("a", "") + CASE.format("b", ""), "ok", (2, 2, 0, 0, 0)),
    "one failed": (CASE.format("a", "") + CASE.format("b", "<failure/>"), "failed", (2, 1, 1, 0, 0)),
    "one broke": (CASE.format("a", "") + CASE.format("b", "<error/>"), "failed", (2, 1, 0, 1, 0)),
    "some skipped": (CASE.format("a", "") + CASE.format("b", "<skipped/>"), "ok", (2, 1, 0, 0, 1)),
    "all skipped": (CASE.format("a", "<skipped/>"), "missing", (1, 0, 0, 0, 1)),
    "none": ("", "missing", (0, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_counted_by_its_cases(tmp_path: Path, name: str):
    cases, verdict, counts = RUNS[name]
    text = f'<testsuites><testsuite tests="99" failures="0">{cases}</testsuite></testsuites>'
    found = read_junit(junit(tmp_path, text))
    assert found["verdict"] == verdict
    assert tuple(found[key] for key in ("total", "passed", "failed", "errors", "skipped")) == counts


def test_failures_are_named(tmp_path: Path):
    text = f"<testsuite>{CASE.format('a', '<failure/>')}</testsuite>"
    assert read_junit(junit(tmp_path, text))["failures"] == ["bot.a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html><body>502</body></html>", "expected testsuite or testsuites, was html"),
        ("<testsuite>", "not XML"),
        ("", "not XML"),
        ('<!DOCTYPE x [<!ENTITY a "aaa">]><testsuite/>', "declares a document type"),
    ],
)
def test_what_is_no_junit_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(SchemaError, match=message):
        read_junit(junit(tmp_path, text))


def test_a_run_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(MissingEvidenceError, match=r"junit\.xml: no such file"):
        read_junit(tmp_path / "junit.xml")
