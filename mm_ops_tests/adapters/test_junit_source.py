from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.junit_source import read_test_run
from mm_ops.domain.errors import MissingEvidenceError, SchemaError, SourceUnavailableError
from mm_ops_tests.hostile_server import answer, drips, hostile, says

DAY = date(2026, 11, 20)
RUN = '<testsuite timestamp="2026-11-20T10:00:00Z"><testcase name="a"/></testsuite>'


def test_a_run_is_read_from_a_path_below_the_project(tmp_path: Path):
    (tmp_path / "junit.xml").write_text(RUN, encoding="utf-8")
    assert read_test_run("junit.xml", DAY, root=tmp_path)["verdict"] == "ok"
    with pytest.raises(MissingEvidenceError, match="no such file"):
        read_test_run("other.xml", DAY, root=tmp_path)


def test_a_run_is_fetched_with_its_token_and_told_by_an_address_without_what_is_secret(tmp_path: Path):
    (tmp_path / "token").write_text("sesame\n", encoding="ascii")
    with hostile(says(answer(RUN, kind="text/xml"))) as (url, heads):
        found = read_test_run(f"{url}/j.xml?sig=hidden", DAY, root=tmp_path, token_file=tmp_path / "token")
    assert (found["passed"], found["verdict"], found["read_from"]) == (1, "ok", f"{url}/j.xml")
    assert heads[0].startswith("GET /j.xml?sig=hidden HTTP/1.1\r\n")
    assert "Authorization: Bearer sesame\r\n" in heads[0]


@pytest.mark.parametrize(
    ("said", "error", "why"),
    [
        (answer("gone", "404 Not Found"), MissingEvidenceError, "expected JUnit XML with status 200, was 404"),
        (answer("", "302 Found"), MissingEvidenceError, "was 302"),
        (answer("", "503 Busy"), SourceUnavailableError, "was 503"),
        (answer(RUN)[:-9], SourceUnavailableError, "cut off"),
        (answer("<html>sign in</html>"), SchemaError, "expected testsuite or testsuites, was html"),
        (answer(RUN.replace("-20T", "-19T")), SchemaError, "expected a time of the UTC day 2026-11-20"),
    ],
)
def test_an_answer_that_is_no_run_is_said_in_one_line(tmp_path: Path, said: str, error: type[Exception], why: str):
    with hostile(says(said)) as (url, _), pytest.raises(error) as refused:
        read_test_run(f"{url}/j.xml", DAY, root=tmp_path)
    assert str(refused.value).startswith(f"{url}/j.xml: ")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_server_that_is_not_there_is_not_available(tmp_path: Path):
    with pytest.raises(SourceUnavailableError, match=r"http://127\.0\.0\.1:9/j\.xml: "):
        read_test_run("http://127.0.0.1:9/j.xml", DAY, root=tmp_path)


def test_a_flood_ends_at_its_bound(tmp_path: Path):
    endless = drips("HTTP/1.1 200 OK\r\n\r\n", "x" * 16_000_000)
    with (
        hostile(endless) as (url, _),
        pytest.raises(SourceUnavailableError, match="larger than 67,108,864 bytes"),
    ):
        read_test_run(f"{url}/j.xml", DAY, root=tmp_path)
