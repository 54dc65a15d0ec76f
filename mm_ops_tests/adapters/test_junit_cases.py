import itertools
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mm_ops.adapters.junit_cases import count_cases
from mm_ops.domain.errors import SchemaError

DAY = date(2026, 11, 20)
COUNTS = ("total", "passed", "failed", "errors", "skipped")


_NUMBERS = itertools.count()


def case(inner: str = "", name: str = "", more: str = "") -> str:
    """A case of its own unless it is named."""
    return f'<testcase classname="bot" name="{name or next(_NUMBERS)}" {more}>{inner}</testcase>'


def count(text: str, day: date | None = None) -> dict[str, Any]:
    return count_cases(ET.fromstring(text), day)  # noqa: S314 - written above


RUNS: Mapping[str, tuple[str, str, tuple[int, ...]]] = {
    "all passed": (case() + case(name="b"), "ok", (2, 2, 0, 0, 0)),
    "one failed": (case() + case("<failure/>"), "failed", (2, 1, 1, 0, 0)),
    "one broke": (case() + case("<error/>"), "failed", (2, 1, 0, 1, 0)),
    "one failed and broke": (case() + case("<error/><failure/>"), "failed", (2, 1, 1, 0, 0)),
    "one failed and was skipped": (case("<skipped/><failure/>"), "failed", (1, 0, 1, 0, 0)),
    "one failed a step": (case() + case("<steps><step><failure/></step></steps>"), "failed", (2, 1, 1, 0, 0)),
    "some skipped": (case() + case("<skipped/>"), "ok", (2, 1, 0, 0, 1)),
    "all skipped": (case("<skipped/>"), "missing", (1, 0, 0, 0, 1)),
    "none": ("", "missing", (0, 0, 0, 0, 0)),
    "one not run": (case() + case(more='status="notrun"'), "ok", (2, 1, 0, 0, 1)),
    "all disabled": (case(more='status="disabled"') + case("<skipped/>"), "missing", (2, 0, 0, 0, 2)),
    "one suppressed": (case(more='status="run" result="suppressed"'), "missing", (1, 0, 0, 0, 1)),
    "one whose words say failed": (case() + case(more='status="Failed"'), "failed", (2, 1, 1, 0, 0)),
    "one whose words say error": (case() + case(more='result="error"'), "failed", (2, 1, 0, 1, 0)),
    "one of several times": (case(name="a") * 9, "ok", (1, 1, 0, 0, 0)),
    "one that failed the first time": (case("<failure/>", name="a") + case(name="a") * 2, "failed", (1, 0, 1, 0, 0)),
    "one that was skipped the last time": (case(name="a") + case("<skipped/>", name="a"), "missing", (1, 0, 0, 0, 1)),
    "the suite itself broke": (case() + "<error/>", "failed", (2, 1, 0, 1, 0)),
    "the suite itself failed": (case() + "<failure/>", "failed", (2, 1, 1, 0, 0)),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("form", ["<testsuite>{}</testsuite>", "<testsuites><testsuite>{}</testsuite></testsuites>"])
def test_a_run_is_counted_by_its_cases(name: str, form: str):
    cases, verdict, counts = RUNS[name]
    found = count(form.format(cases))
    assert found["verdict"] == verdict
    assert tuple(found[key] for key in COUNTS) == counts


def test_failures_are_named_and_so_is_a_suite_that_failed_by_itself():
    assert count(f"<testsuite>{case('<failure/>', name='b&#10;c')}</testsuite>")["failures"] == ["bot.b c"]
    assert count(f'<testsuite name="s">{case()}<failure/></testsuite>')["failures"] == ["s itself"]


TOTALS = {
    "more tests": ('tests="99"', "tests: expected 2, as many as its cases say, was '99'"),
    "fewer tests": ('tests="1"', "tests: expected 2, as many as its cases say, was '1'"),
    "a failure": ('failures="1"', "failures: expected 0, as many as its cases say, was '1'"),
    "an error": ('tests="2" errors="1"', "errors: expected 0, as many as its cases say, was '1'"),
    "no skip": ('skipped="0"', "skipped: expected 1, as many as its cases say, was '0'"),
    "more skips": ('skipped="2"', "skipped: expected 1, as many as its cases say, was '2'"),
    "skips beside disabled ones": ('skipped="1" disabled="1"', None),
    "skips that are disabled ones": ('skipped="0" disabled="1"', None),
    "disabled ones that are no number": ('skipped="1" disabled="x"', "skipped: expected 1, as many"),
    "no number": ('tests="two"', "tests: expected 2, as many as its cases say, was 'two'"),
    "nothing": ('failures=""', "failures: expected 0, as many as its cases say, was ''"),
    "a sign": ('failures="-0"', "failures: expected 0, as many as its cases say, was '-0'"),
    "all as they are": ('tests="2" failures="0" errors="0" skipped="1"', None),
}


@pytest.mark.parametrize("name", TOTALS)
@pytest.mark.parametrize(
    "form",
    [
        '<testsuite name="s" {}>{}</testsuite>',
        '<testsuites name="s" {}><testsuite>{}</testsuite></testsuites>',
        '<testsuites><testsuite name="s" {}><testsuite>{}</testsuite></testsuite></testsuites>',
    ],
)
def test_totals_that_the_cases_do_not_add_up_to_are_never_ok(name: str, form: str):
    claims, message = TOTALS[name]
    text = form.format(claims, case() + case("<skipped/>", name="b"))
    if message is None:
        assert count(text)["verdict"] == "ok"
        return
    with pytest.raises(SchemaError, match=r"^testsuites? s: ") as refusal:
        count(text)
    assert message in str(refusal.value)


def test_a_run_that_failed_stays_failed_whatever_it_claims():
    text = f'<testsuite tests="1" failures="0">{case()}{case("<failure/>")}</testsuite>'
    assert count(text)["verdict"] == "failed"


@pytest.mark.parametrize(
    "text",
    [
        '<testsuite xmlns="urn:x"><testcase name="a"/></testsuite>',
        '<testsuite xmlns:x="urn:x"><testcase name="a"/><x:testcase name="b"><x:failure/></x:testcase></testsuite>',
        '<testsuite xmlns:x="urn:x"><testcase name="a"><x:failure/></testcase></testsuite>',
    ],
)
def test_an_element_of_a_namespace_hides_nothing(text: str):
    with pytest.raises(SchemaError, match=r"expected elements of no namespace, as JUnit's are, was \{urn:x\}"):
        count(text)


def test_a_status_that_nobody_knows_is_refused():
    with pytest.raises(SchemaError, match=r"bot\.\d+: status: expected one of run, passed, .*, was 'maybe'"):
        count(RUNS["one not run"][0].join(["<testsuite>", "</testsuite>"]).replace("notrun", "maybe"))


OF_THE_DAY = [
    "2026-11-20T00:00:00",
    "2026-11-20T23:59:59.999Z",
    "2026-11-21T01:00:00+02:00",
    "2026-11-19T23:00:00-05:00",
]
OF_NO_DAY = [
    "2026-11-19T23:59:59",
    "2026-11-21T00:00:00Z",
    "2026-11-20T01:00:00+02:00",
    "",
    "1.7e9",
    "yesterday",
    "0001-01-01T00:00:00+05:00",
]


@pytest.mark.parametrize("at", OF_THE_DAY)
def test_a_time_of_the_day_is_of_the_day_in_any_zone(at: str):
    assert count(f'<testsuite timestamp="{at}">{case()}</testsuite>', DAY)["verdict"] == "ok"


@pytest.mark.parametrize("at", OF_NO_DAY)
@pytest.mark.parametrize("spot", ["testsuites", "testsuite", "testcase"])
def test_a_time_of_another_day_anywhere_is_refused(at: str, spot: str):
    text = '<testsuites ><testsuite ><testcase name="a"/></testsuite></testsuites>'
    text = text.replace(f"<{spot} ", f'<{spot} timestamp="{at}" ')
    with pytest.raises(SchemaError, match=f"^{spot}: timestamp: expected a time of the UTC day 2026-11-20, was "):
        count(text, DAY)
    assert count(text)["verdict"] == "ok"


def test_a_run_that_gives_no_time_is_of_no_day():
    text = f"<testsuite>{case()}</testsuite>"
    with pytest.raises(
        SchemaError, match=r"^testsuite: timestamp: expected a time of the UTC day 2026-11-20 on a suite"
    ):
        count(text, DAY)
    assert count(text)["verdict"] == "ok"


TESTS = """
import pytest, unittest
def test_passes(): pass
def test_is_skipped(): pytest.skip("for a reason")
@pytest.mark.xfail
def test_is_expected_to_fail(): assert 0
"""


def run_pytest(folder: Path, text: str) -> dict[str, Any]:
    """What a real run of pytest writes, judged for the UTC day on which it began."""
    (folder / "test_it.py").write_text(text)
    file = folder / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    subprocess.run([*command, f"--junitxml={file}", "test_it.py"], cwd=folder, check=False, capture_output=True)
    root = ET.parse(file).getroot()  # noqa: S314 - pytest's own
    began = datetime.fromisoformat(root[0].attrib["timestamp"]).astimezone(UTC)
    return count_cases(root, began.date())


def test_what_pytest_writes_is_read(tmp_path: Path):
    found = run_pytest(tmp_path, TESTS)
    assert (found["verdict"], *(found[key] for key in COUNTS)) == ("ok", 3, 1, 0, 0, 2)


def test_what_pytest_writes_of_a_teardown_that_broke_is_failed_though_it_counts_it_twice(tmp_path: Path):
    broken = "@pytest.fixture\ndef it():\n    yield\n    1 / 0\ndef test_breaks(it): pass\n"
    found = run_pytest(tmp_path, TESTS + broken)
    assert (found["verdict"], *(found[key] for key in COUNTS)) == ("failed", 4, 1, 0, 1, 2)


SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd"
    version="3.0.2" name="bot.QuoterTest" time="0.05" tests="2" errors="0" skipped="1" failures="0">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="quotes" classname="bot.QuoterTest" time="0.04"><system-out><![CDATA[ok]]></system-out></testcase>
  <testcase name="cancels" classname="bot.QuoterTest" time="0.0"><skipped message="no venue"/></testcase>
</testsuite>"""
GOOGLETEST = """<testsuites tests="3" failures="0" disabled="1" timestamp="2026-11-20T10:00:00.1" name="AllTests">
  <testsuite name="Quoter" tests="3" failures="0" disabled="1" skipped="1" errors="0" timestamp="2026-11-20T10:00:00">
    <testcase name="Quotes" status="run" result="completed" timestamp="2026-11-20T10:00:00" classname="Quoter"/>
    <testcase name="Cancels" status="run" result="skipped" classname="Quoter"><skipped message=""/></testcase>
    <testcase name="DISABLED_Hedges" status="notrun" result="suppressed" classname="Quoter"/>
  </testsuite>
</testsuites>"""


def test_what_surefire_and_googletest_write_is_read():
    assert [count(SUREFIRE)[key] for key in ("verdict", *COUNTS)] == ["ok", 2, 1, 0, 0, 1]
    assert [count(GOOGLETEST)[key] for key in ("verdict", *COUNTS)] == ["ok", 3, 1, 0, 0, 2]
