import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.release.policy import PromotionPolicy
from mm_ops.domain.release.promotion import (
    Asked,
    Placed,
    Standing,
    Step,
    describe,
    find_objections,
    go_back_words,
    read_standing,
    take_step,
)
from mm_ops_tests.builders import WORDS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = PromotionPolicy(staged_for=24 * HOUR, proven_after=72 * HOUR, least_reason=12, source=WORDS)


def placed(version: str, ago: timedelta = timedelta(0)) -> Placed:
    return Placed(version=version, day="2026-11-20", digest=f"d{version}", bundle=f"b{version}.zip", since=NOW - ago)


def asked(step: Step, version: str = "1.1.0", **different: Any) -> Asked:
    bundle = placed(version) if step is Step.STAGING else None
    usual = {"step": step, "version": version, "by": "Ada", "why": "it soaked for 72 h", "at": NOW, "bundle": bundle}
    return Asked(**{**usual, **different})


OBJECTIONS: dict[str, tuple[Asked, Standing, list[str]]] = {
    "into staging": (asked(Step.STAGING), Standing(), []),
    "into staging again, beside what is live": (asked(Step.STAGING), Standing(live=placed("1.0.0")), []),
    "into staging, by nobody and for no reason": (
        asked(Step.STAGING, by=" ", why="because"),
        Standing(),
        ["by: expected a person's name", "why: expected 12 letters or more, was 7"],
    ),
    "into staging, and there is none": (
        asked(Step.STAGING, bundle=None),
        Standing(),
        ["1.1.0: there is no such candidate"],
    ),
    "into staging, and it is live": (
        asked(Step.STAGING),
        Standing(live=placed("1.1.0")),
        ["1.1.0: is live already"],
    ),
    "live after a day": (asked(Step.LIVE), Standing(staging=placed("1.1.0", 24 * HOUR)), []),
    "live after less": (
        asked(Step.LIVE),
        Standing(staging=placed("1.1.0", 23 * HOUR)),
        ["1.1.0: in staging since 2026-11-24T13:00:00Z: expected 24h or more there"],
    ),
    "live, staged by a clock that was ahead": (
        asked(Step.LIVE),
        Standing(staging=placed("1.1.0", -HOUR)),
        ["1.1.0: in staging since 2026-11-25T13:00:00Z: expected 24h or more there"],
    ),
    "live without staging": (
        asked(Step.LIVE),
        Standing(),
        ["1.1.0: is not in staging, nothing is: no step is skipped"],
    ),
    "live, and another is in staging": (
        asked(Step.LIVE),
        Standing(staging=placed("1.2.0", 99 * HOUR)),
        ["1.1.0: is not in staging, 1.2.0 is: no step is skipped"],
    ),
    "back": (asked(Step.BACK), Standing(live=placed("1.1.0"), known_good=placed("1.0.0")), []),
    "back, with nothing live": (asked(Step.BACK), Standing(known_good=placed("1.0.0")), []),
    "back to nothing": (
        asked(Step.BACK),
        Standing(live=placed("1.1.0")),
        ["no version is known to be good, so there is none to go back to"],
    ),
    "back to what is live": (
        asked(Step.BACK),
        Standing(live=placed("1.0.0"), known_good=placed("1.0.0")),
        ["1.0.0: is live already, and the one that is known to be good"],
    ),
}


@pytest.mark.parametrize("name", OBJECTIONS)
def test_a_step_is_taken_in_turn_by_somebody_for_a_reason_and_after_its_time(name: str):
    step, standing, objections = OBJECTIONS[name]
    assert list(find_objections(step, standing, POLICY)) == objections


def test_into_staging_replaces_what_was_there_and_nothing_else():
    before = Standing(staging=placed("1.0.9"), live=placed("1.0.0"), known_good=placed("0.9.0"))
    taken = take_step(asked(Step.STAGING), before, [], POLICY)
    assert taken.standing == replace(before, staging=placed("1.1.0"))


PROVEN: dict[str, tuple[Standing, list[str] | None, str | None, str]] = {
    "nothing was live": (Standing(), [], None, "nothing was live before"),
    "long, and never stopped": (
        Standing(live=placed("1.0.0", 72 * HOUR), known_good=placed("0.9.0")),
        [],
        "1.0.0",
        "1.0.0 is known to be good: live since 2026-11-22T12:00:00Z, never stopped",
    ),
    "not long enough": (
        Standing(live=placed("1.0.0", 71 * HOUR), known_good=placed("0.9.0")),
        [],
        "0.9.0",
        "1.0.0 is not known to be good: it was live for less than 72h",
    ),
    "stopped": (
        Standing(live=placed("1.0.0", 99 * HOUR), known_good=placed("0.9.0")),
        ["SoakLatencyP95High at noon"],
        "0.9.0",
        "1.0.0 is not known to be good: it was stopped: SoakLatencyP95High at noon",
    ),
    "nobody knows": (
        Standing(live=placed("1.0.0", 99 * HOUR)),
        None,
        None,
        "1.0.0 is not known to be good: whether it was stopped is not known",
    ),
}


@pytest.mark.parametrize("name", PROVEN)
def test_what_was_live_is_known_to_be_good_only_by_its_time_and_its_stops(name: str):
    before, stops, good, note = PROVEN[name]
    before = replace(before, staging=placed("1.1.0", 30 * HOUR))
    taken = take_step(asked(Step.LIVE), before, stops, POLICY)
    assert (taken.standing.staging, taken.standing.live) == (None, placed("1.1.0"))
    found = taken.standing.known_good
    assert ((found.version if found else None), taken.note) == (good, note)


def test_going_back_makes_live_what_is_known_to_be_good_and_leaves_the_rest():
    before = Standing(staging=placed("1.2.0"), live=placed("1.1.0", HOUR), known_good=placed("1.0.0", 99 * HOUR))
    taken = take_step(asked(Step.BACK, "1.0.0"), before, None, POLICY)
    assert taken.standing == replace(before, live=placed("1.0.0"))
    assert taken.note == "1.1.0 was taken back"
    nothing = take_step(asked(Step.BACK, "1.0.0"), replace(before, live=None), None, POLICY)
    assert (nothing.standing.live, nothing.note) == (placed("1.0.0"), "")


BACK: dict[str, tuple[Standing | None, str]] = {
    "nothing was promoted": (None, ""),
    "only staging": (Standing(staging=placed("1.0.0")), ""),
    "a first version": (Standing(live=placed("1.0.0")), "live is 1.0.0; no version before it is known to be good"),
    "a second one": (
        Standing(live=placed("1.1.0"), known_good=placed("1.0.0")),
        "live is 1.1.0; go back to 1.0.0 (b1.0.0.zip, d1.0.0)",
    ),
    "the good one": (
        Standing(live=placed("1.0.0"), known_good=placed("1.0.0")),
        "live is 1.0.0, the one that is known to be good",
    ),
}


@pytest.mark.parametrize("name", BACK)
def test_whoever_must_act_is_told_which_version_to_go_back_to(name: str):
    standing, words = BACK[name]
    assert go_back_words(standing) == words


def test_what_is_written_down_is_read_again_with_every_step():
    document: Any = None
    standing = Standing()
    for step in (
        asked(Step.STAGING, "1.0.0", at=NOW - 48 * HOUR),
        asked(Step.LIVE, "1.0.0", at=NOW - 24 * HOUR),
        asked(Step.STAGING),
    ):
        taken = take_step(step, standing, [], POLICY)
        document = json.loads(encode(describe(step, taken, document)))
        standing = read_standing(document)
        assert standing == taken.standing
    assert [(one["to"], one["version"], one["known_good"]) for one in document["steps"]] == [
        ("staging", "1.0.0", None),
        ("live", "1.0.0", None),
        ("staging", "1.1.0", None),
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"staging": None, "live": {"version": "1"}, "known_good": None}])
def test_what_is_no_such_document_is_refused(document: Any):
    with pytest.raises(SchemaError, match="promotions: expected staging, live and known_good"):
        read_standing(document)
