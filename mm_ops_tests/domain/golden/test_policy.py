from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mm_ops.domain.golden.policy import Case, GoldenPolicy, Limits, Pinned
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


def test_cases_of_different_names_stand_together():
    assert len(GoldenPolicy(tolerance=LIMITS, cases=(case(), case(name="other"))).cases) == 2


def test_two_cases_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="expected every name once, was twice: tiny"):
        GoldenPolicy(tolerance=LIMITS, cases=(case(), case()))


def test_a_digest_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="pattern"):
        Pinned(path="x", digest="sha256:abc")
