import json
from dataclasses import replace
from datetime import timedelta

from mm_ops.domain.canonical import encode
from mm_ops.domain.rollback.drill.report import build_drill_report, drill_headline, drill_markdown, timeline_rows
from mm_ops.domain.rollback.drill.run import Drilled
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.drills import POLICY, RAISED, REQUEST, trace
from mm_ops_tests.rollback_world import ACTIVE, HALTED

PASSED = Drilled(
    request=REQUEST,
    verdict=Verdict.PASS,
    reasons=(),
    begun=True,
    trace=trace(posted_at=RAISED + timedelta(milliseconds=5)),
    halted=HALTED,
    closed_at=RAISED + timedelta(seconds=1),
    resumed=("REDUCING", "ACTIVE"),
    state=ACTIVE,
)
REFUSED = Drilled(request=REQUEST, verdict=Verdict.INCONCLUSIVE, reasons=("a breach is open",), begun=False)


def test_the_times_are_from_the_asking_to_the_alert_and_from_it_to_the_halt():
    report = build_drill_report(PASSED, POLICY)
    assert (report["ask_to_detect_ms"], report["detect_to_halt_ms"], report["receive_to_halt_ms"]) == (10_000, 40, 40)
    assert (report["budget_ms"], report["left"]) == (5000, "ACTIVE")
    assert (
        drill_headline(report) == "paper stood still 40.0 ms after the alert, of 5,000.0 ms at most, and trades again."
    )


def test_the_timeline_is_in_the_order_of_time_and_counts_from_the_alert():
    found = build_drill_report(PASSED, POLICY)["timeline"]
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    told = {one["what"]: one["ms"] for one in found}
    assert told["drill asked for by ada"] == -10_000
    assert told["alert started"] == 0
    assert told["alert posted by Alertmanager"] == 5
    assert told["drill closed: the alert ends with the next evaluation"] == 1000
    assert timeline_rows(build_drill_report(PASSED, POLICY))[0] == (
        "2026-11-25 12:00:00.000",
        "-10,000.0",
        "drill asked for by ada",
    )


def test_what_was_not_seen_is_null_and_said():
    report = build_drill_report(REFUSED, POLICY)
    assert {report[name] for name in ("episode", "detected_at", "halted_at", "detect_to_halt_ms")} == {None}
    assert (report["left"], report["timeline"]) == ("not known", [])
    assert drill_headline(report) == "paper: the drill shows nothing: a breach is open."
    unposted = replace(PASSED, trace=trace(posted_at=None, story=None), verdict=Verdict.FAIL, reasons=("slow",))
    failed = build_drill_report(replace(unposted, state=None), POLICY)
    assert next(one["what"] for one in failed["timeline"]) == "drill asked for by ada"
    assert drill_headline(failed) == "paper: the drill FAILED: slow; the bot is HALTED."


def test_it_is_one_sequence_of_bytes_and_its_words_have_what_it_has():
    report = build_drill_report(PASSED, POLICY)
    assert json.loads(encode(report))["halted"]["trading_state"] == "HALTED"
    assert encode(report) == encode(build_drill_report(PASSED, POLICY))
    text = drill_markdown(report)
    assert "40.0 ms of 5,000.0 ms at most" in text
    assert "ada: the weekly one" in text
