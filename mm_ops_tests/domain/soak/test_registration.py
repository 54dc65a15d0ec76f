import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.sli.kinds import HistogramQuantile
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.registration import find_change, find_lateness, register
from mm_ops.domain.soak.verdicts import Reference, judge
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.soak_samples import VERSION, WINDOW, catalogue, healthy, measured, soak_policy

BEGAN = datetime(2026, 11, 18, 0, 30, tzinfo=UTC)
SLIS, SOAK = catalogue(), soak_policy()
ON_RECORD: dict[str, Any] = json.loads(encode(register(SLIS, SOAK, registered=BEGAN, version=VERSION)))


def with_gate(**different: Any) -> SoakPolicy:
    first, *rest = SOAK.gates
    return replace(SOAK, gates=(replace(first, **different), *rest))


def test_what_was_put_on_record_and_did_not_change_is_no_change():
    assert find_change(ON_RECORD, SLIS, SOAK) is None
    assert (ON_RECORD["registered"], ON_RECORD["version"]) == ("2026-11-18T00:30:00+00:00", "1.0.0")


def test_another_explanation_of_a_number_is_no_other_number():
    assert find_change(ON_RECORD, SLIS, with_gate(source="a better reason for the same limit")) is None


@pytest.mark.parametrize(
    "soak",
    [
        with_gate(limit=200.0),
        with_gate(min_coverage=0.5),
        with_gate(max_gap=timedelta(hours=1)),
        replace(SOAK, gates=SOAK.gates[1:]),
        replace(SOAK, trends=SOAK.trends[1:]),
        replace(SOAK, window=timedelta(hours=96)),
    ],
    ids=["a limit", "coverage", "the longest gap", "a gate left out", "a trend left out", "the window"],
)
def test_anything_that_decides_is_a_change(soak: SoakPolicy):
    assert find_change(ON_RECORD, SLIS, soak) is not None


def test_a_change_is_told_with_path_and_both_values():
    assert find_change(ON_RECORD, SLIS, with_gate(limit=200.0)) == (
        "the policy changed since it was put on record: soak.gates.tick_latency_p95_ms.limit was 150.0, is 200.0 "
        "(on record since 2026-11-18T00:30:00+00:00)"
    )


def test_many_changes_are_counted():
    found = find_change(ON_RECORD, SLIS, replace(SOAK, gates=SOAK.gates[:3], reported=()))
    assert found is not None
    assert " more (on record since " in found


def test_another_definition_of_an_sli_is_a_change():
    first, *rest = SLIS.slis
    assert isinstance(first.measure, HistogramQuantile)
    other = SliCatalogue(slis=(replace(first, measure=replace(first.measure, q=0.5)), *rest))
    assert "slis.tick_latency_p95_ms.measure.q was 0.95, is 0.5" in str(find_change(ON_RECORD, other, SOAK))


def test_nothing_on_record_is_a_change():
    assert find_change(None, SLIS, SOAK) == "what the soak is judged by was not on record when it began"
    assert find_change({}, SLIS, SOAK) is not None


def test_a_soak_under_a_changed_policy_passes_nothing_and_fails_what_fails():
    change = find_change(ON_RECORD, SLIS, with_gate(limit=200.0))
    metrics = measured(healthy())
    metrics["slis"]["maker_share"]["value"] = 0.1
    found = judge(metrics, with_gate(limit=200.0), Reference(version=VERSION, change=change))
    verdicts = {finding.gate: finding.verdict for finding in found}
    assert verdicts.pop("maker_share") is Verdict.FAIL
    assert set(verdicts.values()) == {Verdict.INCONCLUSIVE}
    assert "was 150.0, is 200.0" in found[0].reason


def test_another_version_than_the_one_on_record_is_a_change():
    assert find_change(ON_RECORD, SLIS, SOAK, VERSION) is None
    assert find_change(ON_RECORD, SLIS, SOAK, "1.0.1") == (
        "the version was put on record as 1.0.0, is 1.0.1 (on record since 2026-11-18T00:30:00+00:00)"
    )
    unnamed = {**ON_RECORD, "version": None}
    assert "put on record as None, is 1.0.0" in str(find_change(unnamed, SLIS, SOAK, VERSION))


def test_the_version_and_the_policy_may_both_have_changed():
    found = str(find_change(ON_RECORD, SLIS, with_gate(limit=200.0), "1.0.1"))
    assert "is 1.0.1; the policy changed since" in found


@pytest.mark.parametrize(
    ("registered", "after"),
    [
        ("2026-11-17T00:00:00+00:00", None),
        ("2026-11-18T00:00:00+00:00", None),
        ("2026-11-18T01:00:00+00:00", None),
        ("2026-11-18T03:00:00+02:00", None),
        ("2026-11-18T01:00:01+00:00", "1h1s"),
        ("2026-11-21T00:30:00Z", "72h30m"),
    ],
)
def test_a_record_that_was_made_more_than_an_hour_after_the_window_began_is_late(registered: str, after: str | None):
    found = find_lateness({**ON_RECORD, "registered": registered}, WINDOW)
    assert (found is None) == (after is None)
    assert found is None or found.endswith(f", {after} after the window began")


@pytest.mark.parametrize("registered", [None, 5, "yesterday", "2026-11-18T00:00:00", ""])
def test_a_record_that_does_not_say_when_it_was_made_is_late(registered: object):
    found = find_lateness({**ON_RECORD, "registered": registered}, WINDOW)
    assert found == (f"the record does not say when it was made: registered: expected an ISO time, was {registered}")
    assert find_lateness({}, WINDOW) is not None
