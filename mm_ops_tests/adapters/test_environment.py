from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_ops.adapters.environment import Environment, journal_named, runs_in_ci, wants_traceback
from mm_ops.domain.errors import PolicyError


def test_without_variables_everything_lies_in_the_project():
    environment = Environment.read({})
    assert (environment.root / "pyproject.toml").is_file()
    assert environment.policies == environment.root / "deploy/policies"
    assert environment.artifacts == str(environment.root / "var/artifacts")
    assert environment.path("var/x") == environment.root / "var/x"


def test_variables_move_each_place(tmp_path: Path):
    environment = Environment.read(
        {"MM_OPS_ROOT": str(tmp_path), "MM_OPS_POLICIES": "p", "MM_OPS_ARTIFACTS": "s3://evidence/mm"}
    )
    assert environment.policies == tmp_path / "p"
    assert environment.artifacts == "s3://evidence/mm"


def test_the_fake_clock_stands_still_in_utc():
    environment = Environment.read({"CI_FAKE_UTC": "2026-11-20T07:00:00.5+01:00"})
    assert environment.now() == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_the_real_clock_runs_in_utc():
    now = Environment.read({}).now()
    assert now.tzinfo is UTC
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-20T06:00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"]
)
def test_a_fake_clock_without_a_clear_meaning_is_refused(text: str):
    with pytest.raises(PolicyError, match="CI_FAKE_UTC: expected"):
        Environment.read({"CI_FAKE_UTC": text})


@pytest.mark.parametrize(("text", "wanted"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_a_traceback_is_shown_only_when_it_is_asked_for(text: str | None, wanted: bool):  # noqa: FBT001 - a table
    assert wants_traceback({} if text is None else {"MM_OPS_TRACEBACK": text}) is wanted


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, None),
        ({"MM_OPS_JOURNAL": ""}, None),
        ({"MM_OPS_JOURNAL": "j.sqlite"}, "/p/j.sqlite"),
        ({"MM_OPS_JOURNAL": "postgresql://h/d"}, "postgresql://h/d"),
    ],
)
def test_a_journal_is_named_by_a_file_below_the_root_or_a_url(given: dict[str, str], named: str | None):
    environment = Environment.read({"MM_OPS_ROOT": "/p"})
    assert journal_named(environment, given) == named


@pytest.mark.parametrize(
    ("set_to", "answer"),
    [({}, False), ({"CI": ""}, False), ({"CI": "true"}, True), ({"CI": "0"}, True), ({"TF_BUILD": "True"}, True)],
)
def test_ci_is_where_its_variable_is_set_to_anything(set_to: dict[str, str], *, answer: bool):
    assert runs_in_ci(set_to) is answer


def test_where_reports_are_shown_is_an_address_or_not_told():
    assert Environment.read({}).reports_url is None
    assert Environment.read({"MM_OPS_REPORTS_URL": ""}).reports_url is None
    assert Environment.read({"MM_OPS_REPORTS_URL": "https://x/y/"}).reports_url == "https://x/y/"
    with pytest.raises(PolicyError, match=r"MM_OPS_REPORTS_URL: expected an address such as .*, was 'x/y'"):
        Environment.read({"MM_OPS_REPORTS_URL": "x/y"})
