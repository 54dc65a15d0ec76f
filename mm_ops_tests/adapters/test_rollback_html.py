import pytest

from mm_ops_tests.html_reader import in_order, needs_nothing, read_html
from mm_ops_tests.stop_pages import CONFIRMED, HOSTILE, LIED_TO, MISSING, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_the_file_needs_nothing_from_elsewhere_and_is_the_same_each_time(name: str):
    needs_nothing(PAGES[name])
    assert page(LIED_TO) == PAGES["lied_to"]


@pytest.mark.parametrize(
    ("name", "word"),
    [("confirmed", "✓ Stopped"), ("lied_to", "✓ Stopped"), ("missing", "✕ NOT confirmed")],
)
def test_what_came_of_the_stop_comes_first_then_what_a_person_does(name: str, word: str):
    words = read_html(PAGES[name]).words()
    assert in_order(
        words,
        "Stop of paper for SoakLatencyP95High",
        word,
        "What a person does now",
        "breach to halt",
        "What was asked, and what was observed",
        "Timeline",
        "Metrics around the stop",
        "Evidence",
    )


def test_the_page_holds_the_numbers_of_the_stop():
    words = read_html(PAGES["confirmed"]).words()
    for said in (
        "breach to halt90.0 s",
        "receive to halt40.0 ms",
        "12:00:00.011",
        "+11.0",
        "trading_state = HALTED",
        "1.0.0 — ANOTHER RAN: 1.0.1",
        "wiki/latency.md",
        "No samples at all of: deadline_miss_ratio",
    ):
        assert said in words, said


def test_both_rounds_are_shown_and_who_resumed_the_bot():
    words = read_html(PAGES["lied_to"]).words()
    assert in_order(words, "1. halt", "trading_state = ACTIVE", "expected HALTED, was ACTIVE", "2. halt")
    assert "resumed to REDUCING by Ada at 2026-11-25T12:30:00Z: the feed is back" in words


def test_missing_metrics_are_said_and_leave_no_empty_figure():
    shown = read_html(page(CONFIRMED, MISSING))
    assert "Metrics are missing: connection refused" in shown.words()
    assert not [tag for tag, _ in shown.elements if tag in {"figure", "svg"}]
    assert len([tag for tag, _ in read_html(PAGES["confirmed"]).elements if tag == "figure"]) == 6


def test_what_an_alert_says_of_itself_is_text_and_nothing_else():
    shown = read_html(page(HOSTILE))
    assert "<script>alert(1)</script>" in shown.words()
    assert not [tag for tag, _ in shown.elements if tag == "script"]
