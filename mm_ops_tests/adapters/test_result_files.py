import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.result_files import read_drill, read_junit
from mm_ops.domain.errors import MissingEvidenceError, SchemaError
from mm_ops.paperbot.drill import run_drill
from mm_ops.paperbot.profiles import DEGRADED, HEALTHY

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
        ({"expected": {}}, "outcome: was ok, but nothing was expected"),
        ({"date": "2026-11-19"}, "date: expected 2026-11-20, was 2026-11-19"),
        ({"expected": None}, "expected: expected dict, was None"),
    ],
)
def test_an_ok_that_nobody_observed_is_refused(tmp_path: Path, different: dict[str, Any], message: str):
    with pytest.raises(SchemaError, match=message):
        read_drill(drill(tmp_path, **different), DAY)


LIMIT = "outcome: was ok, but breaker_open_s: expected a number from 0 to 2.0, was "
OTHER = "outcome: was ok, but breaker_open_s: expected "
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a limit broken": ({"observed": {"breaker_open_s": 999.0}}, f"{LIMIT}999.0"),
    "a limit broken by a whole number of 400 digits": (
        {"observed": {"breaker_open_s": 10**400}},
        f"{LIMIT}1000000",
    ),
    "a time before the cut": ({"observed": {"breaker_open_s": -0.1}}, f"{LIMIT}-0.1"),
    "an answer for a number": ({"observed": {"breaker_open_s": True}}, f"{LIMIT}True"),
    "a text for a number": ({"observed": {"breaker_open_s": "1.5"}}, f"{LIMIT}'1.5'"),
    "a list for a number": ({"observed": {"breaker_open_s": [1.5]}}, f"{LIMIT}[1.5]"),
    "a limit that nothing keeps": (
        {"expected": {"breaker_open_s": -1}},
        "outcome: was ok, but breaker_open_s: expected a number from 0 to -1, was 1.5",
    ),
    "a limit that is none": (
        {"expected": {"breaker_open_s": None}},
        "outcome: was ok, but breaker_open_s: expected a limit, a word or an answer to be expected, was None",
    ),
    "another answer": (
        {"expected": {"breaker_open_s": True}, "observed": {"breaker_open_s": False}},
        f"{OTHER}True, was False",
    ),
    "one for yes": (
        {"expected": {"breaker_open_s": True}, "observed": {"breaker_open_s": 1}},
        f"{OTHER}True, was 1",
    ),
    "another word": (
        {"expected": {"breaker_open_s": "OPEN"}, "observed": {"breaker_open_s": "CLOSED"}},
        f"{OTHER}'OPEN', was 'CLOSED'",
    ),
    "the second limit broken": (
        {"expected": {"a": 1, "b": 2}, "observed": {"a": 1, "b": 2.001}},
        "outcome: was ok, but b: expected a number from 0 to 2, was 2.001",
    ),
    "a reason against it": ({"reasons": ["no\norders"]}, "outcome: was ok, but it says why not: 'no\\norders'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_ok_against_its_own_limits_is_refused_in_one_line(tmp_path: Path, name: str):
    different, message = BROKEN[name]
    with pytest.raises(SchemaError) as refusal:
        read_drill(drill(tmp_path, **different), DAY)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    kept = {**different, "outcome": "failed"}
    assert read_drill(drill(tmp_path, **kept), DAY)["outcome"] == "failed"


def test_limits_met_exactly_and_the_answers_expected_are_ok(tmp_path: Path):
    met = {"a_s": 2, "b_s": 0.0, "cancelled": False, "state": "HALTED"}
    assert read_drill(drill(tmp_path, expected=met, observed={**met, "more": None}), DAY)["observed"]["a_s"] == 2


def test_every_drill_of_the_paper_bot_is_what_it_says(tmp_path: Path):
    for profile in (HEALTHY, DEGRADED):
        for seed in range(20):
            found = run_drill(profile, DAY, seed)
            assert read_drill(drill(tmp_path, **found), DAY) == found


def test_a_failed_drill_may_lack_observations(tmp_path: Path):
    assert read_drill(drill(tmp_path, outcome="failed", observed={}), DAY)["outcome"] == "failed"


@pytest.mark.parametrize("told", [{}, {"bot": {}, "drills": []}, {"bot": {"version": "1"}, "drills": [3]}])
def test_live_drills_that_do_not_say_whose_they_are_are_refused(tmp_path: Path, told: dict[str, Any]):
    with pytest.raises(SchemaError, match="bot, drills: expected whose version was drilled"):
        read_drill(drill(tmp_path, kind="live", **told), DAY)


def test_a_drill_that_is_no_object_is_refused(tmp_path: Path):
    (tmp_path / "d.json").write_text("[]")
    with pytest.raises(SchemaError, match="expected an object, was list"):
        read_drill(tmp_path / "d.json", DAY)


def test_a_run_is_counted_by_its_cases(tmp_path: Path):
    path = junit(
        tmp_path,
        '<testsuite tests="1" timestamp="2026-11-20T10:00:00Z"><testcase classname="bot" name="a"/></testsuite>',
    )
    found = {"total": 1, "passed": 1, "failed": 0, "errors": 0, "skipped": 0, "verdict": "ok", "failures": []}
    assert read_junit(path, DAY) == found


def test_a_run_of_another_day_is_refused_with_its_file(tmp_path: Path):
    path = junit(tmp_path, '<testsuite timestamp="2026-11-19T10:00:00Z"><testcase name="a"/></testsuite>')
    with pytest.raises(
        SchemaError, match=r"junit\.xml: testsuite: timestamp: expected a time of the UTC day 2026-11-20"
    ):
        read_junit(path, DAY)
    assert read_junit(path)["verdict"] == "ok"


def test_the_paper_bots_own_tests_are_read(healthy: Path):
    assert read_junit(healthy / f"results/date={DAY}/junit.xml", DAY)["verdict"] == "ok"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_run_from_a_device_is_refused(tmp_path: Path, device: str):
    (tmp_path / "junit.xml").symlink_to(device)
    with pytest.raises(SchemaError, match=r"junit\.xml: not readable: expected a regular file, was a device"):
        read_junit(tmp_path / "junit.xml", DAY)


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
        read_junit(junit(tmp_path, text), DAY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_encoding(tmp_path: Path, encoding: str):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "aaa">]>'
        '<testsuite timestamp="2026-11-20T10:00:00Z"><testcase name="&a;"/></testsuite>'
    )
    (tmp_path / "junit.xml").write_bytes(text.encode(encoding))
    with pytest.raises(SchemaError, match=r"junit\.xml: declares a document type"):
        read_junit(tmp_path / "junit.xml", DAY)


def test_an_encoding_that_is_none_is_refused(tmp_path: Path):
    (tmp_path / "junit.xml").write_bytes(b'<?xml version="1.0" encoding="none-such"?><testsuite/>')
    with pytest.raises(SchemaError, match=r"junit\.xml: not XML: "):
        read_junit(tmp_path / "junit.xml", DAY)


def test_a_run_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(MissingEvidenceError, match=r"junit\.xml: no such file"):
        read_junit(tmp_path / "junit.xml", DAY)
