from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.comparison import Drift
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.golden.acceptance import (
    Acceptance,
    digest_of,
    find_creep,
    find_unrecorded,
    find_unsound,
    read_acceptances,
    sum_creep,
)
from mm_ops.domain.golden.policy import Limits, Pinned
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.golden.test_policy import DIGEST, case

LIMITS = Limits(absolute=0.5, relative=0.1, source=WORDS)
ANCHOR = "worked out by hand"


def number(size: float, path: str = "$.a", baseline: float = 10.0) -> Drift:
    return Drift(path, "number", baseline, baseline + size, abs(size), 0.0)


def accepted(*drifts: Drift, **different: Any) -> Acceptance:
    usual: dict[str, Any] = {
        "case": "tiny",
        "utc": datetime(2026, 11, 25, tzinfo=UTC),
        "by": "Ada Example",
        "reason": "the formula was corrected",
        "anchor": None,
        "made_by": "0.1.0",
        "before": DIGEST,
        "after": DIGEST,
        "inputs": {"fills": DIGEST, "quotes": DIGEST},
        "policies": {},
        "runs": 5,
        "drifts": drifts,
        "previous": None,
    }
    return Acceptance(**{**usual, **different})


def chain(*records: Acceptance) -> list[Acceptance]:
    linked: list[Acceptance] = []
    for record in records:
        linked.append(replace(record, previous=digest_of(linked[-1] if linked else None)))
    return linked


def test_what_is_on_record_unbroken_for_these_inputs_is_accepted():
    assert find_unrecorded(case(), chain(accepted(anchor=ANCHOR), accepted(number(0.1)))) == []


def test_what_was_written_is_read_back():
    records = chain(accepted(anchor=ANCHOR), accepted(number(0.1)))
    assert list(read_acceptances(encode(records), "x")) == records


def test_a_file_that_is_none_is_refused_with_the_place():
    with pytest.raises(SchemaError, match=r"ACCEPTED_x: 0.case: "):
        read_acceptances(b'[{"case": 1}]', "ACCEPTED_x")


OTHER = digest(b"other")
UNRECORDED: dict[str, tuple[list[Acceptance], str]] = {
    "nothing": ([], "nobody's acceptance of the baseline is on record"),
    "another baseline": (chain(accepted(after=OTHER)), f"pins the baseline {DIGEST}, and the one that was accepted"),
    "other inputs": (chain(accepted(inputs={"fills": OTHER, "quotes": DIGEST})), "golden.yaml pins fills"),
    "inputs that are not said": (chain(accepted(inputs={"fills": DIGEST})), "golden.yaml pins quotes"),
    "a record taken out": (
        chain(accepted(anchor=ANCHOR), accepted(number(0.1)), accepted(number(0.2)))[::2],
        "acceptance 2 does not follow the one before it",
    ),
    "the first taken out": (
        chain(accepted(anchor=ANCHOR), accepted(number(0.1)))[1:],
        "acceptance 1 does not follow the one before it",
    ),
    "another case's record": (chain(accepted(case="other")), "acceptance 1 does not follow the one before it"),
}


@pytest.mark.parametrize("name", UNRECORDED)
def test_a_baseline_that_nobody_can_be_shown_to_have_accepted_is_said(name: str):
    records, words = UNRECORDED[name]
    (text,) = find_unrecorded(case(baseline=Pinned(path="x.jsonl", digest=DIGEST)), records)
    assert words in text


def test_a_reason_written_over_afterwards_breaks_the_chain():
    first, second = chain(accepted(anchor=ANCHOR), accepted(number(0.1)))
    assert find_unrecorded(case(), [replace(first, reason="something else altogether"), second])


def test_creep_is_the_sum_of_sizes_since_the_last_anchor():
    records = [
        accepted(number(9.0), anchor=ANCHOR),
        accepted(number(0.4), number(0.2, "$.b", 0.0)),
        accepted(number(-0.4, baseline=10.4), Drift("$.c", "value", "x", "y")),
    ]
    first, second = sum_creep(records, LIMITS)
    assert first.total == pytest.approx(0.8)
    assert (first.path, first.first, first.steps, first.allowed) == ("$.a", 10.0, 2, 1.0)
    assert (second.path, second.total, second.allowed, second.beyond) == ("$.b", 0.2, 0.5, False)
    assert find_creep(records, LIMITS) == []
    (text,) = find_creep([*records, accepted(number(0.3))], LIMITS)
    assert text == "$.a: 3 accepted changes add up to 1.1 since the last anchor, at most 1 is allowed"


def test_nothing_may_creep_where_nothing_is_allowed():
    none = Limits(absolute=0.0, relative=0.0, source=WORDS)
    (one,) = sum_creep([accepted(number(1e-12))], none)
    assert one.beyond


UNSOUND: dict[str, tuple[Acceptance, list[Acceptance], list[str]]] = {
    "a first one that is no anchor": (accepted(), [], ["the first acceptance of a case is an anchor"]),
    "a key that came": (
        accepted(Drift("$.b", "key not in the baseline", "absent", 1)),
        [accepted(anchor=ANCHOR)],
        ["$.b: key not in the baseline"],
    ),
    "too far in one step": (
        accepted(number(1.5)),
        [accepted(anchor=ANCHOR)],
        ["$.a: 1 accepted changes add up to 1.5 since the last anchor, at most 1 is allowed"],
    ),
    "a small step": (accepted(number(0.5)), [accepted(anchor=ANCHOR)], []),
    "an anchor": (accepted(number(1.5), Drift("$.b", "value", 1, 2), anchor=ANCHOR), [], []),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_no_sum_can_follow_is_an_anchor_or_is_not_accepted(name: str):
    record, records, reasons = UNSOUND[name]
    assert find_unsound(record, records, LIMITS) == reasons
