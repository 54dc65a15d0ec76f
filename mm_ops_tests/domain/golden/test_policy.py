from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mm_ops.domain.golden.policy import Case, GoldenPolicy, Limits, PathLimits, Pinned, Spread
from mm_ops_tests.builders import WORDS

DIGEST = "sha256:" + "0" * 64
LIMITS = Limits(absolute=1e-9, relative=1e-9, source=WORDS)


def case(**different: Any) -> Case:
    pinned = Pinned(path="x.jsonl", digest=DIGEST)
    usual: dict[str, Any] = {
        "name": "tiny",
        "fills": pinned,
        "quotes": pinned,
        "start": datetime(2026, 11, 20, tzinfo=UTC),
        "end": datetime(2026, 11, 21, tzinfo=UTC),
        "baseline": pinned,
        "source": WORDS,
    }
    return Case(**{**usual, **different})


def test_a_case_has_a_window_and_the_limits_a_tolerance():
    assert case().window.duration.days == 1
    assert LIMITS.tolerance().absolute == 1e-9


@pytest.mark.parametrize(
    "end",
    [datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21)],  # noqa: DTZ001 - no zone, on purpose
)
def test_a_window_without_length_or_zone_is_refused(end: datetime):
    with pytest.raises(ValidationError, match="expected two times with a zone, start before end"):
        case(end=end)


def policy(*cases: Case, paths: tuple[PathLimits, ...] = ()) -> GoldenPolicy:
    spread = Spread(runs=5, factor=10, source=WORDS)
    return GoldenPolicy(tolerance=LIMITS, paths=paths, spread=spread, creep=LIMITS, cases=cases)


def other() -> Case:
    return case(name="other", baseline=Pinned(path="other.json", digest=DIGEST))


def path(pattern: str) -> PathLimits:
    return PathLimits(path=pattern, absolute=1.0, relative=0.0, source=WORDS)


def test_cases_of_different_names_stand_together():
    assert len(policy(case(), other()).cases) == 2


@pytest.mark.parametrize(
    ("cases", "paths", "words"),
    [
        ((case(), case()), (), "cases: expected every name once, was twice: tiny"),
        ((case(), case(name="other")), (), "baselines: expected every name once, was twice: x.jsonl"),
        ((case(),), (path("$.a"), path("$.a")), r"paths: expected every name once, was twice: \$.a"),
    ],
)
def test_what_stands_twice_is_refused(cases: tuple[Case, ...], paths: tuple[PathLimits, ...], words: str):
    with pytest.raises(ValidationError, match=words):
        policy(*cases, paths=paths)


@pytest.mark.parametrize("pattern", ["a", "$", "$..a", "$.a b", "$.a[x]", "$.a[-1]", '$["a]', "$.a.", "$.a[0", "$a"])
def test_a_path_that_fits_nothing_is_refused(pattern: str):
    with pytest.raises(ValidationError, match="pattern"):
        path(pattern)


def test_a_path_has_its_own_tolerance_and_the_rest_the_general_one():
    loose = policy(case(), paths=(path("$.by.*.x"),))
    assert loose.compare({"by": {"A": {"x": 1.0, "y": 1.0}}}, {"by": {"A": {"x": 1.9, "y": 1.0}}}) == []
    (drift,) = loose.compare({"by": {"A": {"x": 1.0, "y": 1.0}}}, {"by": {"A": {"x": 1.9, "y": 1.1}}})
    assert drift.path == "$.by.A.y"
    assert (loose.tolerance_at("$.by.A.x").absolute, loose.tolerance_at("$.by.A.y").absolute) == (1.0, 1e-9)


def test_a_digest_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="pattern"):
        Pinned(path="x", digest="sha256:abc")
