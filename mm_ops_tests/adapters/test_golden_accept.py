"""Accepting a baseline in a copy of the project's golden folder, and being killed between any two of its writes."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.golden_accept import Decision, Place, accept
from mm_ops.adapters.golden_cases import examine, read_records
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import IntegrityError, PolicyError
from mm_ops.domain.golden.acceptance import Acceptance
from mm_ops.domain.golden.finding import drift_finding
from mm_ops.domain.golden.policy import Case, GoldenPolicy
from mm_ops.domain.verdict import Verdict

HERE = Environment.read({})
Report = dict[str, Any]
DECISION = Decision(
    utc=datetime(2026, 11, 25, 12, tzinfo=UTC),
    by="Ada Example",
    reason="the fee of takers was corrected",
    anchor=None,
    made_by="0.1.0",
    policies={"edge.yaml": digest(b"edge")},
    runs=5,
)
ANCHORED = replace(DECISION, anchor="worked again by hand, see WORKED.md")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    shutil.copytree(HERE.root / "deploy/golden", tmp_path / "deploy/golden")
    policy = shutil.copy(HERE.policies / "golden.yaml", tmp_path / "golden.yaml")
    return Place(root=tmp_path, policy=Path(policy))


def tiny(place: Place) -> Case:
    return read_policy(place.policy, GoldenPolicy).cases[0]


def baseline(place: Place) -> Report:
    report: Report = json.loads((place.root / tiny(place).baseline.path).read_bytes())
    return report


def moved(place: Place, by: float = 1e-4) -> Report:
    report = baseline(place)
    report["total"]["net_edge_bps"] += by
    return report


def verdict(place: Place, report: Report) -> Verdict:
    policy = read_policy(place.policy, GoldenPolicy)
    return drift_finding(json.loads(encode(examine(policy, place.root, {"tiny": report})))).verdict


def test_an_accepted_report_is_the_pinned_baseline_from_then_on_with_who_and_why(place: Place):
    report, before = moved(place), tiny(place).baseline.digest
    assert verdict(place, report) is Verdict.FAIL
    record = accept(tiny(place), report, DECISION, place)
    assert record is not None
    assert verdict(place, report) is Verdict.PASS
    assert tiny(place).baseline.digest == record.after == digest(encode(report)) != before
    assert (record.by, record.reason, record.before) == ("Ada Example", "the fee of takers was corrected", before)
    (drift,) = record.drifts
    assert drift.path == "$.total.net_edge_bps"
    assert drift.difference == pytest.approx(1e-4)
    assert read_records(tiny(place), place.root)[-1] == record


def test_nothing_else_of_the_policy_changes(place: Place):
    old, before = place.policy.read_text(), tiny(place).baseline.digest
    accept(tiny(place), moved(place), DECISION, place)
    assert place.policy.read_text() == old.replace(before, tiny(place).baseline.digest)


def test_what_gives_its_baseline_needs_no_acceptance_and_can_be_anchored(place: Place):
    records = read_records(tiny(place), place.root)
    assert accept(tiny(place), baseline(place), DECISION, place) is None
    assert read_records(tiny(place), place.root) == records
    anchored = accept(tiny(place), baseline(place), ANCHORED, place)
    assert anchored is not None
    assert (anchored.drifts, anchored.before) == ((), anchored.after)


def test_small_steps_add_up_until_somebody_works_the_case_out_again(place: Place):
    """0.02075 is half a percent of the 4.15 bps that the case began with; each step is 0.008."""
    for _ in range(2):
        assert accept(tiny(place), moved(place, 0.008), DECISION, place) is not None
    third, pinned = moved(place, 0.008), tiny(place)
    with pytest.raises(PolicyError, match=r"net_edge_bps: 3 accepted changes add up to 0.024 .* at most 0.0207"):
        accept(pinned, third, DECISION, place)
    assert tiny(place) == pinned
    assert accept(pinned, third, ANCHORED, place) is not None
    assert accept(tiny(place), moved(place, 0.008), DECISION, place) is not None


def test_there_and_back_is_not_nothing(place: Place):
    for step in (0.008, -0.008):
        accept(tiny(place), moved(place, step), DECISION, place)
    with pytest.raises(PolicyError, match=r"3 accepted changes add up to 0\.024"):
        accept(tiny(place), moved(place, 0.008), DECISION, place)


def test_a_change_of_shape_is_an_anchor_or_nothing(place: Place):
    report = {**baseline(place), "new": 1.0}
    with pytest.raises(PolicyError, match=r"tiny: not accepted: \$.new: key not in the baseline; .* --anchor"):
        accept(tiny(place), report, DECISION, place)
    accept(tiny(place), report, ANCHORED, place)
    assert verdict(place, report) is Verdict.PASS


NAMELESS: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"by": " "}, "--by: string should have at least 2"),
    "two lines": ({"by": "Ada\nGO"}, "--by: string should match"),
    "no reason": ({"reason": "ok"}, "--reason: string should have at least 12"),
    "an anchor in a word": ({"anchor": "yes"}, "--anchor: string should have at least 12"),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_a_decision_without_a_person_or_a_reason_is_refused_and_nothing_is_written(place: Place, name: str):
    different, message = NAMELESS[name]
    before = {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}
    with pytest.raises(PolicyError, match=message):
        accept(tiny(place), moved(place), replace(DECISION, **different), place)
    assert {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()} == before


def test_a_baseline_that_was_changed_by_hand_is_taken_back_before_anything_is_accepted(place: Place):
    report = moved(place)
    (place.root / tiny(place).baseline.path).write_bytes(encode(report))
    with pytest.raises(IntegrityError, match="take the pinned one back, then accept the change"):
        accept(tiny(place), report, DECISION, place)


def test_a_baseline_and_its_digest_changed_by_hand_are_no_acceptance(place: Place):
    report, case = moved(place), tiny(place)
    (place.root / case.baseline.path).write_bytes(encode(report))
    place.policy.write_text(place.policy.read_text().replace(case.baseline.digest, digest(encode(report))))
    assert verdict(place, report) is Verdict.INCONCLUSIVE


def test_a_new_case_gets_its_first_baseline_as_an_anchor(place: Place):
    case, report = tiny(place), baseline(place)
    (place.root / case.baseline.path).unlink()
    (place.root / "deploy/golden/tiny/ACCEPTED_tiny.json").unlink()
    with pytest.raises(PolicyError, match="the first acceptance of a case is an anchor"):
        accept(case, report, DECISION, place)
    record = accept(case, report, ANCHORED, place)
    assert record is not None
    assert (record.before, record.previous) == (None, None)
    assert verdict(place, report) is Verdict.PASS


def test_a_digest_that_stands_twice_in_the_policy_is_not_replaced_blindly(place: Place):
    text = place.policy.read_text()
    place.policy.write_text(f"{text}# was {tiny(place).baseline.digest}\n")
    with pytest.raises(PolicyError, match="was 2 times"):
        accept(tiny(place), moved(place), DECISION, place)


def files(place: Place) -> list[Path]:
    """What an acceptance writes, in the order in which it is written."""
    folder = place.root / "deploy/golden/tiny"
    return [folder / "ACCEPTED_tiny.json", place.policy, folder / "EDGE_REPORT_tiny.json"]


def test_the_record_comes_first_and_the_baseline_last(place: Place):
    accept(tiny(place), moved(place), DECISION, place)
    written = [path.stat().st_mtime_ns for path in files(place)]
    assert written == sorted(written)


@pytest.mark.parametrize("writes", [1, 2])
def test_killed_between_two_writes_it_is_not_believed_and_can_be_done_again(place: Place, writes: int):
    """The state is put together from the files before and after, as the test above says they are written."""
    report, before = moved(place), [path.read_bytes() for path in files(place)]
    accept(tiny(place), report, DECISION, place)
    for path, data in list(zip(files(place), before, strict=True))[writes:]:
        path.write_bytes(data)
    if writes == 2:
        with pytest.raises(IntegrityError, match="not the file that was pinned"):
            verdict(place, report)
    else:
        assert verdict(place, report) is Verdict.FAIL
        assert verdict(place, baseline(place)) is Verdict.INCONCLUSIVE
    again = accept(tiny(place), report, DECISION, place)
    assert isinstance(again, Acceptance)
    assert verdict(place, report) is Verdict.PASS
    assert [record.after for record in read_records(tiny(place), place.root)].count(again.after) == 1
