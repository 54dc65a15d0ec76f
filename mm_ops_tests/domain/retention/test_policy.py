"""What a retention policy may ask for; sizes; folders put together to units."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mm_ops.domain.retention.policy import RunsRule
from mm_ops.domain.retention.references import follow, named_in, pin
from mm_ops.domain.retention.sizes import format_size, parse_size
from mm_ops.domain.retention.units import Folder, Pattern, gather
from mm_ops_tests.builders import WORDS
from mm_ops_tests.retention_world import policy, rule, size_between

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
SIZES = {"2G": 2 * 2**30, "500M": 500 * 2**20, "1K": 1024, "3T": 3 * 2**40}


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_powers_of_1024(text: str):
    assert parse_size(text) == SIZES[text]


@pytest.mark.parametrize("text", ["", "2", "2g", "-1G", "1.5G", "G", "2 G", 2, None, "9" * 99 + "G", "2GB"])
def test_a_size_without_a_unit_that_is_known_is_refused(text: object):
    with pytest.raises(ValueError, match=r"expected a size such as 500M or 2G, was "):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**40, "1 TiB")])
def test_sizes_are_shown_to_three_digits(size: int, text: str):
    assert format_size(size) == text


REFUSED: dict[str, tuple[Any, str]] = {
    "no rule at all": (policy, "at least 1 item"),
    "a rule that asks for nothing": (rule, "keeps nothing or all"),
    "a rule without a folder": (lambda: rule(folders=[], keep_last=1), "at least 1 item"),
    "a folder above the root": (lambda: rule(folders=["../x"], keep_last=1), "none that is hidden, was '../x'"),
    "an absolute folder": (lambda: rule(folders=["/x"], keep_last=1), "expected a folder below the root"),
    "the quarantine itself": (lambda: rule(folders=[".rotation/*"], keep_last=1), "none that is hidden"),
    "keep none": (lambda: rule(keep_daily=0), "greater than or equal to 1"),
    "one kind twice": (lambda: policy(rule(keep_last=1), rule(keep_last=2)), "kind: expected each once, was day, day"),
    "a zone that there is not": (lambda: policy(rule(keep_last=1), time_zone="Mars/Base"), "expected a time zone"),
    "a bare number": (lambda: policy(rule(keep_last=1), quarantine=7), "expected a duration such as 30m"),
    "no time at all": (lambda: policy(rule(keep_last=1), settled="0s"), "settled: expected more than 0 s"),
    "runs that are kept for no time": (
        lambda: RunsRule(keep="0s", most=1, spare=(), delete=True, source=WORDS),  # type: ignore[arg-type] # as a policy writes it
        "keep: expected at least 30d",
    ),
    "a low mark above the high one": (lambda: size_between(2, 1), "expected 0 < low <= high"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_that_cannot_be_meant_is_refused(name: str):
    build, words = REFUSED[name]
    with pytest.raises(ValidationError, match=words):
        build()


def folder(name: str, changed: datetime = AT) -> Folder:
    return Folder(name, 10, 1, changed)


def test_folders_of_one_day_are_one_unit_and_others_none():
    patterns = [Pattern.of("{bot}/days/date={day}"), Pattern.of("{bot}/samples/date={day}")]
    names = ["a/days/date=2026-11-20", "a/samples/date=2026-11-20", "b/days/date=2026-11-20", "a/days/date=x", "a/days"]
    first, second = gather("samples", patterns, map(folder, names))
    assert (first.name, first.group, first.size, first.files) == ("a/samples 2026-11-20", "a", 20, 2)
    assert first.of == datetime(2026, 11, 20, tzinfo=UTC)
    assert (second.name, second.group) == ("b/days/date=2026-11-20", "b")


def test_a_start_is_read_to_the_millisecond_and_a_day_that_there_is_not_is_of_its_last_change():
    starts = gather("r", [Pattern.of("{bot}/r/{start}-*")], [folder("a/r/20261123T145250.687Z-x")])
    assert starts[0].of == datetime(2026, 11, 23, 14, 52, 50, 687000, tzinfo=UTC)
    assert gather("day", [Pattern.of("{bot}/{day}")], [folder("a/2026-02-31")])[0].of == AT


def test_folders_without_a_time_are_units_of_their_own():
    units = gather("folder", [Pattern.of("*")], [folder("x"), folder("y")])
    assert [(one.name, one.group, one.of) for one in units] == [("x", "", AT), ("y", "", AT)]


DOCUMENTS: dict[str, Any] = {
    "a/2/readiness.json": {"inputs": {"a/1/soak.json": "sha256:1", "a/0/gone.json": None}},
    "a/1/soak.json": {"inputs": {"a/days/1/day.json": "sha256:2", "a/2/readiness.json": "sha256:3"}},
    "a/days/1/day.json": {"files": {"samples/1/part.parquet": "4"}},
}


def test_what_is_needed_is_followed_to_the_end_and_round_a_circle():
    needed = follow({"a/2/readiness.json": "the last GO"}, DOCUMENTS.get)
    assert needed == {
        "a/2/readiness.json": "the last GO",
        "a/1/soak.json": "the last GO, named by a/2/readiness.json",
        "a/0/gone.json": "the last GO, named by a/2/readiness.json",
        "a/days/1/day.json": "the last GO, named by a/1/soak.json",
        "a/samples/1/part.parquet": "the last GO, named by a/days/1/day.json",
    }
    units = gather("day", [Pattern.of("{bot}/samples/*"), Pattern.of("{bot}/1")], map(folder, ["a/samples/1", "a/1"]))
    assert pin(units, needed) == {
        "a/samples/1": "the last GO, named by a/days/1/day.json",
        "a/1": "the last GO, named by a/2/readiness.json",
    }


@pytest.mark.parametrize("document", [None, [], "x", {}, {"inputs": []}, {"files": 1}])
def test_a_document_that_names_nothing_names_nothing(document: Any):
    assert named_in("a/x.json", document) == []
